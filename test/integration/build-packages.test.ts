/** What `pyrallel build` does with each kind of package, and whether what it makes starts: nothing dies after "✓". */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { aProject, command } from './command-process.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const timeout = { timeout: 300_000 }

const config = "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })\n"

/** Each of these packages reads what stands beside its files, in another way. */
const bound = {
  'by-dirname': "const fs = require('fs')\nmodule.exports = fs.readFileSync(__dirname + '/data.txt', 'utf8')\n",
  'by-filename':
    "module.exports = require('fs').readFileSync(require('path').join(__filename, '../data.txt'), 'utf8')\n",
  'by-computed': "const name = ['.', 'part'].join('/')\nmodule.exports = require(name)\n",
  'by-resolve': "module.exports = require('fs').readFileSync(require.resolve('./data.txt'), 'utf8')\n",
  'by-binary': "module.exports = typeof require('./deep/er/addon.node')\n",
} as const
const byUrl =
  "import { readFileSync } from 'node:fs'\nexport default readFileSync(new URL('./data.txt', import.meta.url), 'utf8')\n"
/** It mentions its place in a comment, and in a function that nobody calls: it is bundled. */
const plain = '/* __dirname */\nexport const plain = 1\nexport function unused() { return import.meta.url }\n'

function packages(): Readonly<Record<string, string>> {
  const files = Object.entries(bound).flatMap(([name, text]) => [
    [`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' })],
    [`node_modules/${name}/index.js`, text],
    [`node_modules/${name}/part.js`, "module.exports = 'a part'"],
    [`node_modules/${name}/data.txt`, 'data'],
  ])
  return {
    ...Object.fromEntries(files),
    'node_modules/by-binary/deep/er/addon.node': '',
    'node_modules/by-url/package.json':
      '{ "name": "by-url", "version": "2.0.0", "type": "module", "exports": "./index.js" }',
    'node_modules/by-url/index.js': byUrl,
    'node_modules/by-url/data.txt': 'data',
    'node_modules/plain/package.json':
      '{ "name": "plain", "version": "1.0.0", "type": "module", "exports": "./index.js", "sideEffects": false }',
    'node_modules/plain/index.js': plain,
  }
}

function handlerOf(imports: readonly string[], options = ''): string {
  const lines = imports.map((name, index) => `import p${index} from '${name}'`)
  const used = imports.map((_name, index) => `p${index}`).join(', ')
  return `${lines.join('\n')}\nimport { handler } from 'pyrallel'\nexport default handler('t${options === '' ? '' : '2'}', ${options === '' ? '' : `${options}, `}(_record, context) => context.log.info([${used}].join()))\n`
}

const dist = (root: string, file: string) => readFileSync(join(root, 'dist', file), 'utf8')

describe('a package that looks for files beside its own', timeout, () => {
  it('stays outside by itself, in the app and in threads, and what was built can be imported', async () => {
    const names = ['by-url', ...Object.keys(bound)]
    const root = aProject({
      ...packages(),
      'pyrallel.config.ts': config,
      'handlers/a.ts': `import { plain } from 'plain'\nconsole.log(plain)\n${handlerOf(names.filter((name) => name !== 'by-binary'))}`,
      'handlers/b.ts': handlerOf(['by-dirname'], "{ engine: 'worker' }"),
      'handlers/c.ts':
        "import { handler } from 'pyrallel'\nexport default handler('t3', async () => void (await import('by-binary')))\n",
    })
    const { end, out, err } = await command(root, ['build', '--verify']).ended
    assert.equal(end, 0, out + err)
    const { dependencies } = JSON.parse(dist(root, 'package.json'))
    for (const name of names) assert.equal(dependencies[name], name === 'by-url' ? '2.0.0' : '1.0.0')
    assert.ok(!('plain' in dependencies))
    assert.match(dist(root, 'app.mjs'), /from "by-url"/)
    assert.equal(err, '')
  })

  it('brings what it finds because the project has it: a driver, with machine code or without, though the bundle imports none', async () => {
    const root = aProject({
      'pyrallel.config.ts': config,
      'package.json':
        '{ "type": "module", "dependencies": { "library": "1.0.0", "driver": "3.0.0", "addon": "4.0.0" } }',
      'node_modules/library/package.json':
        '{ "name": "library", "version": "1.0.0", "main": "index.js", "dependencies": { "part": "1.0.0" } }',
      'node_modules/library/index.js':
        "require('part')\nexports.a = () => require('driver')\nexports.b = () => require('addon')\nexports.c = __dirname\n",
      'node_modules/part/package.json': '{ "name": "part", "version": "1.0.0" }',
      'node_modules/part/index.js': "exports.peer = () => require('peer')",
      'node_modules/peer/package.json': '{ "name": "peer", "version": "5.0.0" }',
      'node_modules/peer/index.js': '',
      'node_modules/driver/package.json': '{ "name": "driver", "version": "3.0.0" }',
      'node_modules/driver/index.js': '',
      'node_modules/addon/package.json': '{ "name": "addon", "version": "4.0.0", "gypfile": true }',
      'node_modules/addon/index.js': '',
      'handlers/a.ts': handlerOf(['library']),
    })
    const { end, err } = await command(root, ['build']).ended
    assert.equal(end, 0, err)
    const { dependencies, allowScripts } = JSON.parse(dist(root, 'package.json'))
    const { library, driver, addon, peer, part } = dependencies
    assert.deepEqual(
      { library, driver, addon, peer, part },
      {
        library: '1.0.0',
        driver: '3.0.0',
        addon: '4.0.0',
        peer: '5.0.0',
        part: undefined,
      },
    )
    assert.equal(allowScripts.addon, true)
  })

  it('a package that Pyrallel itself has, such as its logger, is bundled unless the project imports it', async () => {
    const files = {
      'pyrallel.config.ts': config,
      'package.json': '{ "type": "module", "dependencies": { "pino": "*" } }',
      'handlers/a.ts': "import { handler } from 'pyrallel'\nexport default handler('t', () => {})\n",
    }
    const root = aProject(files)
    symlinkSync(join(repository, 'node_modules/pino'), join(root, 'node_modules/pino'), 'junction')
    const unused = await command(root, ['build', '--json']).ended
    assert.equal('pino' in JSON.parse(unused.out).externals, false)
    writeFileSync(join(root, 'handlers/a.ts'), handlerOf(['pino']))
    const used = await command(root, ['build', '--json']).ended
    assert.equal('pino' in JSON.parse(used.out).externals, true)
  })

  it('of the workspace is named with its line, and so is a file of the project: neither can stay outside', async () => {
    const root = aProject({
      'pyrallel.config.ts': config,
      'packages/own/package.json':
        '{ "name": "@acme/own", "version": "1.0.0", "type": "module", "exports": "./index.ts" }',
      'packages/own/index.ts': 'export const here = import.meta.url\n',
      'handlers/a.ts':
        "import { here } from '@acme/own'\nimport { handler } from 'pyrallel'\nconst own = import.meta.url\nexport default handler('t', (_record, context) => context.log.info(here + own))\n",
    })
    mkdirSync(join(root, 'node_modules/@acme'), { recursive: true })
    symlinkSync(join(root, 'packages/own'), join(root, 'node_modules/@acme/own'), 'junction')
    const { end, err } = await command(root, ['build']).ended
    assert.equal(end, 0, err)
    assert.match(err, /! packages\/own\/index\.ts:1:21 PYR_BUNDLE\n {2}This file uses import\.meta\.url/)
    assert.match(err, /! handlers\/a\.ts:3:13 PYR_BUNDLE/)
  })
})

describe('build --verify', timeout, () => {
  it('fails for what is not there, and warns of what the code of the user throws', async () => {
    const root = aProject({
      'pyrallel.config.ts': config,
      'handlers/_own.ts': `import { readFileSync } from 'node:fs'\nexport const text = readFileSync(new URL('./data.txt', import.meta.url), 'utf8')\n`,
      'handlers/data.txt': 'data',
      'handlers/a.ts':
        "import { text } from './_own.ts'\nimport { handler } from 'pyrallel'\nexport default handler('t', (_record, context) => context.log.info(text))\n",
    })
    const env = { SHOP_TOKEN: 'secret', CI: '' }
    const unasked = await command(root, ['build'], { env }).ended
    assert.equal(unasked.end, 0, unasked.err)
    const failed = await command(root, ['build'], { env: { ...env, CI: 'true' } }).ended
    assert.equal(failed.end, 1, failed.out + failed.err)
    assert.match(failed.err, /✗ dist\/\S+\.mjs:1:1 PYR_BUNDLE\n {2}The bundle would die at its start: Error: ENOENT/)
    assert.match(failed.err, /dist\/ was written, and must not be deployed\./)
    const told = await command(root, ['build', '--no-verify'], { env: { ...env, CI: 'true' } }).ended
    assert.equal(told.end, 0, told.err)
    rmSync(join(root, 'handlers/a.ts'))
    rmSync(join(root, 'handlers/_own.ts'))
    writeFileSync(
      join(root, 'handlers/b.ts'),
      "import { handler } from 'pyrallel'\nif (process.env.SHOP_TOKEN === undefined) throw new Error('no token')\nexport default handler('t2', { engine: 'worker' }, () => {})\n",
    )
    const warned = await command(root, ['build', '--verify', '--json'], { env }).ended
    assert.equal(warned.end, 0, warned.out + warned.err)
    const messages = JSON.parse(warned.out).warnings.map(({ message }: { message: string }) => message)
    assert.equal(messages.length, 1, messages.join())
    assert.match(
      messages[0],
      /throws while it is imported: Error: no token\. What is imported after it was not tried\.$/,
    )
  })
})

describe('a package that is not there', timeout, () => {
  it('is told with the file that requires it: for a driver of a library, --external comes first', async () => {
    const root = aProject({
      'pyrallel.config.ts': config,
      'node_modules/knex-like/package.json': '{ "name": "knex-like", "version": "1.0.0", "main": "index.js" }',
      'node_modules/knex-like/index.js': "exports.sqlite = () => require('better-sqlite')\nexports.one = 1\n",
      'handlers/a.ts': handlerOf(['knex-like']),
    })
    const { end, err } = await command(root, ['build']).ended
    assert.equal(end, 1)
    assert.match(err, /node_modules\/knex-like\/index\.js:1:32 PYR_BUNDLE\n {2}Could not resolve "better-sqlite"/)
    assert.match(
      err,
      /Fix: If this never runs \(a driver that you do not use\), leave it outside: pyrallel build --external better-sqlite\. If it does: npm install better-sqlite/,
    )
    const outside = await command(root, ['build', '--external', 'better-sqlite', '--verify']).ended
    assert.equal(outside.end, 0, outside.err)
    assert.ok(!('better-sqlite' in JSON.parse(dist(root, 'package.json')).dependencies))
  })
})

describe('a package that is installed below others', timeout, () => {
  it('is found from dist/ on the machine that has built it, as the native client is with pnpm', async () => {
    const root = aProject({
      'pyrallel.config.ts': config,
      'node_modules/.store/addon/package.json': '{ "name": "addon", "version": "2.0.0", "gypfile": true }',
      'node_modules/.store/addon/index.js': 'module.exports = 1',
      'node_modules/parent/package.json':
        '{ "name": "parent", "version": "1.0.0", "main": "index.js", "dependencies": { "addon": "2.0.0" } }',
      'node_modules/parent/index.js': "module.exports = require('addon')",
      'package.json': '{ "type": "module", "dependencies": { "parent": "1.0.0" } }',
      'handlers/a.ts': handlerOf(['parent']),
    })
    mkdirSync(join(root, 'node_modules/parent/node_modules'))
    symlinkSync(
      join(root, 'node_modules/.store/addon'),
      join(root, 'node_modules/parent/node_modules/addon'),
      'junction',
    )
    const { end, err } = await command(root, ['build', '--verify']).ended
    assert.equal(end, 0, err)
    assert.equal(JSON.parse(dist(root, 'package.json')).dependencies.addon, '2.0.0')
    for (const name of ['addon', '@confluentinc/kafka-javascript']) {
      assert.ok(existsSync(join(root, 'dist/node_modules', name, 'package.json')), name)
    }
    // Nobody answers there; what matters is that the client could be loaded.
    const started = await command(root, ['start'], { env: { PYRALLEL_KAFKA_BROKERS: '127.0.0.1:1' } }).ended
    assert.equal(started.end, 1)
    assert.match(started.err, /PYR_BROKER_UNREACHABLE/)
  })
})
