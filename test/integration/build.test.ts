/** `pyrallel build`: what it writes, leaves out and refuses. What it makes is run by built-app.test.ts. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { installed, serve } from './built-server.ts'
import { aProject, command } from './command-process.ts'
import { fees, pay, project } from './shop-project.ts'
import { linkWorkspace, workspace } from './workspace.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const timeout = { timeout: 300_000 }

describe('pyrallel build', timeout, () => {
  it('needs no secret of production, which says what is missing when it starts without', async () => {
    const secured = `import { defineConfig } from 'pyrallel'
export default defineConfig({
  group: 'shop',
  production: { kafka: { security: { tls: true, sasl: { mechanism: 'PLAIN', username: 'shop' } } } },
})
`
    const root = aProject({ ...project, 'pyrallel.config.ts': secured })
    const { end, err } = await command(root, ['build']).ended
    assert.equal(end, 0, err)
    const { code, err: said } = await serve(installed(join(root, 'dist')), {}).ended
    assert.equal(code, 1)
    assert.match(said, /PYR_CONFIG_INVALID\n.*sasl\.password is missing: PLAIN needs it\. Set PYRALLEL_KAFKA_SECURITY_/)
  })

  it('ships the part of the lock that is needed, without source maps and on another image where that is asked for', async () => {
    const lock = readFileSync(join(repository, 'package-lock.json'), 'utf8')
    const root = aProject({ ...project, 'package-lock.json': lock })
    const image = `node@sha256:${'0a'.repeat(32)}`
    const { end, err } = await command(root, ['build', '--no-source-maps', '--base-image', image]).ended
    assert.equal(end, 0, err)
    const dist = (file: string) => readFileSync(join(root, 'dist', file), 'utf8')
    const { packages } = JSON.parse(dist('package-lock.json'))
    assert.deepEqual(packages[''].dependencies, JSON.parse(dist('package.json')).dependencies)
    assert.match(packages['node_modules/@confluentinc/kafka-javascript'].integrity, /^sha512-/)
    assert.ok(!('node_modules/ts-morph' in packages))
    assert.match(dist('Dockerfile'), new RegExp(`^ARG BASE_IMAGE=${image}$[\\s\\S]*^RUN npm ci `, 'm'))
    const { files, unlocked } = JSON.parse(dist('pyrallel.json'))
    assert.equal(unlocked, null)
    assert.deepEqual(
      Object.keys(files).filter((file) => file.endsWith('.map')),
      [],
    )
    assert.doesNotMatch(dist('app.mjs') + dist('server.mjs'), /sourceMappingURL|setSourceMapsEnabled/)
    const wrong = await command(root, ['build', '--base-image', 'node RUN x']).ended
    assert.deepEqual([wrong.end, /PYR_USAGE[\s\S]*--base-image is 'node RUN x'/.test(wrong.err)], [2, true])
  })

  it('writes what a container needs, with exact versions of what is not bundled', async () => {
    const slow = `import { handler } from 'pyrallel'
interface Slow {
  /** @pattern ^\\s*\\s*$ */
  readonly text: string
}
export default handler<Slow>('slow', () => {})
`
    const root = aProject({ ...project, 'handlers/slow.ts': slow })
    const { end, out } = await command(root, ['build', '--json']).ended
    assert.equal(end, 0)
    const { tookMs, warnings, ...printed } = JSON.parse(out)
    assert.deepEqual(
      warnings.map(({ code, file, line }: { code: string; file: string; line: number }) => [code, file, line]),
      [['PYR_PATTERN', 'handlers/slow.ts', 3]],
    )
    const dist = (file: string) => readFileSync(join(root, 'dist', file), 'utf8')
    const { version } = JSON.parse(
      readFileSync(join(repository, 'node_modules/@confluentinc/kafka-javascript/package.json'), 'utf8'),
    )
    const manifest = JSON.parse(dist('package.json'))
    assert.equal(manifest.name, 'my-shop')
    assert.equal(manifest.version, '3.2.1')
    assert.equal(manifest.dependencies['@confluentinc/kafka-javascript'], version)
    for (const each of Object.values(manifest.dependencies)) assert.match(String(each), /^\d+\.\d+\.\d+/)
    assert.deepEqual(manifest.allowScripts, { '@confluentinc/kafka-javascript': true })
    assert.match(dist('Dockerfile'), /^ARG BASE_IMAGE=node:22-bookworm-slim\nFROM \$\{BASE_IMAGE\} AS dependencies$/m)
    assert.match(
      dist('Dockerfile'),
      /^USER 1000:1000$[\s\S]*^STOPSIGNAL SIGTERM$[\s\S]*^CMD \["node", "server\.mjs"\]$/m,
    )
    assert.match(dist('.dockerignore'), /^node_modules$/m)
    const info = JSON.parse(dist('pyrallel.json'))
    assert.equal(typeof tookMs, 'number')
    assert.deepEqual(printed, info)
    for (const [file, bytes] of Object.entries(info.files)) {
      assert.equal(readFileSync(join(root, 'dist', file)).length, bytes, file)
    }
    assert.ok(existsSync(join(root, 'dist/app.mjs.map')))
    assert.ok(!/ts-morph|node_modules\/esbuild|node_modules\/tsx/.test(dist('app.mjs.map')))
  })

  it('leaves native packages of the project outside, and what --external names', async () => {
    const root = aProject({
      ...project,
      'node_modules/addon/package.json': '{ "name": "addon", "version": "1.0.7", "main": "index.js", "gypfile": true }',
      'node_modules/addon/index.js': "module.exports = require('./build/Release/addon.node')",
      'node_modules/plain/package.json': '{ "name": "plain", "version": "2.0.0", "main": "index.js" }',
      'node_modules/plain/index.js': 'exports.plain = 1',
      'handlers/native.ts':
        "import addon from 'addon'\nimport plain from 'plain'\nimport { handler } from 'pyrallel'\nexport default handler('native', () => [addon, plain])\n",
    })
    const { end, err } = await command(root, ['build', '--external', 'plain']).ended
    assert.equal(end, 0, err)
    const { dependencies, allowScripts } = JSON.parse(readFileSync(join(root, 'dist/package.json'), 'utf8'))
    assert.equal(dependencies.addon, '1.0.7')
    assert.equal(dependencies.plain, '2.0.0')
    assert.deepEqual(Object.keys(allowScripts), ['@confluentinc/kafka-javascript', 'addon'])
  })

  it('gives the same files for the same sources, and removes those of the build before', async () => {
    const root = aProject(project)
    await command(root, ['build']).ended
    const first = readFileSync(join(root, 'dist/pyrallel.json'), 'utf8')
    writeFileSync(join(root, 'dist/package-lock.json'), '{}')
    writeFileSync(join(root, 'handlers/pay.ts'), pay.replace('charged', 'charged twice'))
    await command(root, ['build']).ended
    const chunks = readdirSync(join(root, 'dist/chunks')).filter((file) => file.endsWith('.mjs'))
    const { files } = JSON.parse(readFileSync(join(root, 'dist/pyrallel.json'), 'utf8'))
    for (const chunk of chunks) assert.ok(`chunks/${chunk}` in files, `${chunk} is left over`)
    assert.ok(existsSync(join(root, 'dist/package-lock.json')), 'deleted what no build has made')
    writeFileSync(join(root, 'handlers/pay.ts'), pay)
    await command(root, ['build']).ended
    assert.equal(readFileSync(join(root, 'dist/pyrallel.json'), 'utf8'), first)
  })

  it('shows the place of a package that is not installed, and leaves the last build alone', async () => {
    const root = aProject(project)
    await command(root, ['build']).ended
    const before = readFileSync(join(root, 'dist/app.mjs'), 'utf8')
    writeFileSync(join(root, 'fees.ts'), `import 'not-installed'\n${fees}`)
    const { end, err } = await command(root, ['build']).ended
    assert.equal(end, 1)
    assert.match(err, /fees\.ts:1:8 PYR_BUNDLE[\s\S]*npm install not-installed/)
    assert.equal(readFileSync(join(root, 'dist/app.mjs'), 'utf8'), before)
  })

  it('tells the line of a config that throws, and one with a syntax error with its place', async () => {
    const throwing =
      "import { defineConfig } from 'pyrallel'\n\nthrow new Error('no region')\nexport default defineConfig({})\n"
    const thrown = await command(aProject({ ...project, 'pyrallel.config.ts': throwing }), ['build']).ended
    assert.equal(thrown.end, 1)
    assert.match(thrown.err, /PYR_CONFIG_LOAD.*no region \(at pyrallel\.config\.ts:3:7\)/s)
    const broken = await command(aProject({ ...project, 'pyrallel.config.ts': 'export default {\n' }), ['build']).ended
    assert.equal(broken.end, 1)
    assert.match(broken.err, /pyrallel\.config\.ts:2:1/)
  })

  it('takes packages of a workspace that are TypeScript, in the config too, and leaves nothing but its folder', async () => {
    const root = aProject({
      ...project,
      ...workspace,
      'pyrallel.config.ts':
        "import { defineConfig } from 'pyrallel'\nimport { group } from '@acme/names'\nexport default defineConfig({ group })\n",
      'handlers/pay.ts':
        "import { group } from '@acme/names'\nimport { handler } from 'pyrallel'\nexport default handler('orders', (_record, context) => context.log.info(group))\n",
    })
    linkWorkspace(root)
    const built = await command(root, ['build']).ended
    assert.equal(built.end, 0, built.err)
    assert.match(readFileSync(join(root, 'generated/manifest.json'), 'utf8'), /"group": "acme-names"/)
    assert.match(readFileSync(join(root, 'dist/app.mjs'), 'utf8'), /acme-names/)
    assert.equal(existsSync(join(root, '.pyrallel/dev')) && readdirSync(join(root, '.pyrallel/dev')).length > 0, false)
  })

  it('writes over nothing that no build has made', async () => {
    const root = aProject({ ...project, 'dist/photos.txt': 'mine' })
    const { end, err } = await command(root, ['build']).ended
    assert.equal(end, 2)
    assert.match(err, /dist holds files that no `pyrallel build` has made/)
    for (const out of ['.', '..']) {
      const refused = await command(root, ['build', '--out', out]).ended
      assert.equal(refused.end, 2)
      assert.match(refused.err, /holds the project itself/)
    }
    assert.deepEqual(readdirSync(join(root, 'dist')), ['photos.txt'])
  })
})

describe('pyrallel start', timeout, () => {
  it('says what to do where nothing was built', async () => {
    const { end, err } = await command(aProject(project), ['start']).ended
    assert.equal(end, 2)
    assert.match(err, /no server\.mjs, and no dist\/server\.mjs\. Run `pyrallel build` first/)
  })
})
