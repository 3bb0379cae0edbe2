/** `pyrallel init`: what it writes, what it never touches, and when it asks. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { load } from 'js-yaml'
import { packageManager, runCommand } from '../../../../cli/init/package-manager.ts'
import { firstRecords, projectNameOf, templateFiles, templateNames } from '../../../../cli/init/template.ts'
import { main } from '../../../../cli/main.ts'
import { pulledFile } from '../../../../cli/schemas/pulled-file.ts'
import { emptyFolder, testIo } from '../test-io.ts'

async function run(cwd: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const io = testIo(cwd, '', env)
  const code = await main(['init', ...argv], io)
  return { code, out: io.out(), err: io.err() }
}

function filesBelow(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}

describe('pyrallel init', () => {
  for (const template of templateNames) {
    it(`writes at most 10 files for ${template}, with nothing left to fill in`, async () => {
      const root = emptyFolder()
      const { code, out } = await run(root, ['My Shop', '--template', template])
      assert.equal(code, 0)
      const files = filesBelow(join(root, 'My Shop'))
      assert.ok(files.length <= 10, files.join(' '))
      assert.deepEqual(files, [...templateFiles(template, 'x')].map(({ path }) => path).sort())
      for (const file of files) assert.ok(!readFileSync(join(root, 'My Shop', file), 'utf8').includes('{{'), file)
      assert.ok(files.includes('.gitignore'))
      const manifest = JSON.parse(readFileSync(join(root, 'My Shop/package.json'), 'utf8'))
      assert.equal(manifest.name, 'my-shop')
      for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) {
        assert.match(String(version), /^\d+\.\d+\.\d+$/)
      }
      const { topic, value } = firstRecords[template]
      assert.match(
        out,
        new RegExp(
          `Next:\n {2}cd 'My Shop'\n {2}npm install\n {2}npm run dev\nand, in another terminal in the same folder:\n {2}npm run send -- ${topic} `,
        ),
      )
      assert.ok(out.includes(`'${value}'`))
    })
  }

  it('gives Avro a schema, and the types that a registry with it would give', () => {
    const files = new Map(templateFiles('avro', 'x').map(({ path, text }) => [path, text]))
    const text = JSON.stringify(JSON.parse(files.get('schemas/payment.avsc') ?? ''))
    const facts = { subject: 'payments-value', version: 1, id: 1, guid: null, format: 'avro' } as const
    assert.equal(
      files.get('generated/registry/payments-value.ts'),
      pulledFile({ ...facts, text, references: [], rules: [] }),
    )
  })

  it('writes into this folder with -y, and asks nothing', async () => {
    const root = emptyFolder()
    const { code, out } = await run(root, ['-y'])
    assert.equal(code, 0)
    assert.ok(existsSync(join(root, 'handlers/hello.ts')))
    assert.match(out, /Next:\n {2}npm install\n/)
  })

  it('speaks of the package manager that it was started by', async () => {
    const env = { npm_config_user_agent: 'pnpm/10.1.0 npm/? node/v22.0.0 linux x64' }
    const { out } = await run(emptyFolder(), ['-y'], env)
    assert.match(out, /Next:\n {2}pnpm install\n {2}pnpm run dev\nand, .*:\n {2}pnpm run send greetings /)
  })

  it('tells pnpm and Yarn, beside the manifest, what they do not read in it', async () => {
    const of = async (root: string, userAgent: string) => {
      await run(root, ['-y'], { npm_config_user_agent: userAgent })
      return filesBelow(root).filter((path) => path.endsWith('.yaml') || path.endsWith('.yml'))
    }
    assert.deepEqual(await of(emptyFolder(), 'yarn/4.18.1 npm/? node/v22'), ['.yarnrc.yml'])
    assert.deepEqual(await of(emptyFolder(), 'yarn/1.22.22 npm/? node/v22'), [])
    assert.deepEqual(await of(emptyFolder(), 'npm/11.0.0 node/v22'), [])
    const root = emptyFolder()
    assert.deepEqual(await of(root, 'pnpm/12.21.0 npm/? node/v22'), ['pnpm-workspace.yaml'])
    const allowed = load(readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8'))
    assert.deepEqual(allowed, { allowBuilds: { '@confluentinc/kafka-javascript': true, esbuild: false } })
  })

  it('leaves it to a workspace that the folder is in, which has such a file for all of its folders', async () => {
    const workspace = emptyFolder()
    writeFileSync(join(workspace, 'package.json'), '{}')
    writeFileSync(join(workspace, 'pnpm-workspace.yaml'), 'packages: [services/*]')
    await run(workspace, ['services/shop', '-y'], { npm_config_user_agent: 'pnpm/12.21.0 npm/? node/v22' })
    assert.ok(existsSync(join(workspace, 'services/shop/package.json')))
    assert.ok(!existsSync(join(workspace, 'services/shop/pnpm-workspace.yaml')))
  })

  it('allows the native client its install script for each package manager, in the manifest of each template', async () => {
    const native = '@confluentinc/kafka-javascript'
    for (const template of ['minimal', 'orders', 'worker', 'avro']) {
      const root = emptyFolder()
      await run(root, ['-y', '--template', template])
      const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
      assert.deepEqual(manifest.allowScripts, { [native]: true })
      assert.deepEqual(manifest.pnpm, { onlyBuiltDependencies: [native] })
      assert.deepEqual(manifest.dependenciesMeta, { [native]: { built: true } })
      assert.deepEqual(manifest.trustedDependencies, [native])
    }
  })

  it('writes nothing when a file of its is there already, and lists all that are', async () => {
    const root = emptyFolder()
    mkdirSync(join(root, 'handlers'))
    writeFileSync(join(root, 'handlers/hello.ts'), 'mine')
    writeFileSync(join(root, 'tsconfig.json'), 'mine too')
    const { code, err } = await run(root, ['-y'])
    assert.equal(code, 1)
    assert.match(err, /✗ PYR_EXISTS\n[\s\S]*\n {4}handlers\/hello\.ts\n {4}tsconfig\.json\n/)
    assert.deepEqual(filesBelow(root), ['handlers/hello.ts', 'tsconfig.json'])
    assert.equal(readFileSync(join(root, 'handlers/hello.ts'), 'utf8'), 'mine')
  })

  it('names the flag that is missing where there is no terminal to ask at', async () => {
    const root = emptyFolder()
    for (const argv of [[], ['shop'], ['--template', 'orders']]) {
      const { code, err } = await run(root, argv)
      assert.equal(code, 2)
      assert.match(err, /no terminal to ask at\. Pass -y/)
    }
    assert.deepEqual(filesBelow(root), [])
  })

  it('names the file that it cannot write, with the next step', async () => {
    const root = emptyFolder()
    writeFileSync(join(root, 'taken'), 'a file where the folder should be')
    const { code, err } = await run(root, ['taken/shop', '-y'])
    assert.equal(code, 1)
    assert.match(
      err,
      /✗ PYR_WRITE\n {2}\.?\w+[^ ]* cannot be written: E\w+.*Make the folder writable, or name another\./,
    )
  })

  it('does not try for ever where a folder cannot be made', { skip: !existsSync('/proc/self') }, async () => {
    const { code, err } = await run(emptyFolder(), ['/proc/pyrallel/shop', '-y'])
    assert.equal(code, 1)
    assert.match(err, /✗ PYR_WRITE\n {2}.*cannot be written: ENOENT/)
  })

  it('refuses a template that does not exist', async () => {
    const { code, err } = await run(emptyFolder(), ['--template', 'shop', '-y'])
    assert.equal(code, 2)
    assert.match(err, /'shop' is invalid.*minimal, orders, worker, avro/)
  })

  it('prints one JSON document with --json', async () => {
    const root = emptyFolder()
    const { out } = await run(root, ['shop', '-y', '--json'])
    const { folder, template, files, next } = JSON.parse(out)
    assert.equal(folder, join(root, 'shop'))
    assert.equal(template, 'minimal')
    assert.deepEqual(files, filesBelow(folder))
    assert.equal(next[0], 'cd shop')
  })
})

describe('the name of a new project', () => {
  for (const [folder, name] of [
    ['My Shop!', 'my-shop'],
    ['billing.v2', 'billing-v2'],
    ['Größe', 'gro-e'],
    ['***', 'my-service'],
  ] as const) {
    it(`is ${name} in ${folder}`, () => {
      assert.equal(projectNameOf(folder), name)
    })
  }
})

describe('the package manager', () => {
  it('is npm when nothing is known, or nothing that we know', () => {
    assert.equal(packageManager(undefined), 'npm')
    assert.equal(packageManager('deno/2.0'), 'npm')
    assert.equal(packageManager('yarn/4.1.0 npm/? node/v20'), 'yarn')
    assert.equal(packageManager('bun/1.2.0 npm/? node/v22'), 'bun')
  })

  it('gets what is meant for the script behind --, where it needs that', () => {
    assert.equal(runCommand('npm', 'send', 'a', 'b'), 'npm run send -- a b')
    assert.equal(runCommand('npm', 'dev'), 'npm run dev')
    assert.equal(runCommand('yarn', 'send', 'a'), 'yarn run send a')
  })
})
