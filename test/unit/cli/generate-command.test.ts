/** `pyrallel generate`: exit codes, and what is printed. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { main } from '../../../cli/main.ts'
import { projectFolder, testIo } from './test-io.ts'

const config = "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })"
const good = "import { handler } from 'pyrallel'\nexport default handler('orders', () => {})\n"

async function generate(root: string, ...flags: readonly string[]) {
  const io = testIo(root)
  const code = await main(['generate', ...flags], io)
  return { code, out: io.out(), err: io.err() }
}

describe('pyrallel generate', () => {
  it('writes generated/ and says so, and the second time that there was nothing to do', async () => {
    const root = projectFolder({ 'pyrallel.config.ts': config, 'handlers/a.ts': good })
    const first = await generate(root)
    assert.equal(first.code, 0)
    assert.match(
      first.out,
      /wrote generated\/asyncapi\.json\nwrote generated\/manifest\.json\nwrote generated\/routes\.ts\nwrote generated\/schemas\.ts\ngenerated\/ is written: 1 handler, \d+ ms\n/,
    )
    assert.match((await generate(root)).out, /^generated\/ is up to date: 1 handler/)
  })

  it('exits with 3 and a diff when it is asked to check and something is stale, and writes nothing', async () => {
    const root = projectFolder({ 'pyrallel.config.ts': config, 'handlers/a.ts': good })
    const missing = await generate(root, '--check')
    assert.equal(missing.code, 3)
    assert.equal(
      missing.out,
      'generated/ is missing: nothing has been generated yet. Run `pyrallel generate` and commit generated/.\n',
    )
    assert.equal(existsSync(join(root, 'generated')), false)
    await generate(root)
    assert.deepEqual(await generate(root, '--check'), { code: 0, out: 'generated/ is up to date\n', err: '' })
    writeFileSync(join(root, 'handlers/a.ts'), good.replace('orders', 'sales'))
    const before = readFileSync(join(root, 'generated/routes.ts'), 'utf8')
    const { code, out } = await generate(root, '--check')
    assert.equal(code, 3)
    assert.match(out, /generated\/routes\.ts is stale/)
    assert.match(out, /^- {5}topic: 'orders',\n\+ {5}topic: 'sales',$/m)
    assert.match(out, /Run `pyrallel generate` and commit generated\/\.\n/)
    assert.equal(readFileSync(join(root, 'generated/routes.ts'), 'utf8'), before)
    rmSync(join(root, 'generated/schemas.ts'))
    assert.match((await generate(root, '--check')).out, /^generated\/schemas\.ts is missing$/m)
  })

  it('refuses a project without a handler, and says how one looks', async () => {
    const root = projectFolder({ 'pyrallel.config.ts': config })
    for (const flags of [[], ['--check'], ['--json']]) {
      const { code, out, err } = await generate(root, ...flags)
      assert.equal(code, 1)
      assert.equal(out, '')
      assert.match(err, /There is no handler below handlers\/\. Write one, handlers\/hello\.ts:/)
    }
    assert.equal(existsSync(join(root, 'generated')), false)
  })

  it('says that generated/ cannot be written, with what to do, and exits with 1', async () => {
    const root = projectFolder({ 'pyrallel.config.ts': config, 'handlers/a.ts': good, generated: 'a file' })
    const { code, err } = await generate(root)
    assert.equal(code, 1)
    assert.match(err, /✗ PYR_WRITE\n {2}generated\/asyncapi\.json cannot be written: \w+\. Look at what stands there/)
  })

  it('exits with 1 and shows every mistake, and writes nothing', async () => {
    const root = projectFolder({
      'pyrallel.config.ts': config,
      'handlers/a.ts': good,
      'handlers/b.ts': 'export const x = 1\n',
      'handlers/c.ts': "import { handler } from 'pyrallel'\nexport default handler(process.env.T, () => {})\n",
    })
    const { code, out, err } = await generate(root)
    assert.equal(code, 1)
    assert.equal(out, '')
    assert.match(err, /✗ handlers\/b\.ts:1:1 PYR_HANDLER_EXPORT/)
    assert.match(err, /✗ handlers\/c\.ts:2:24 PYR_HANDLER_STATIC[\s\S]*\^{13}[\s\S]*Fix: Write a string literal/)
    assert.match(err, /2 mistakes\. Nothing was written\.\n$/)
    assert.equal(existsSync(join(root, 'generated')), false)
  })

  it('warns of a handler that publishes past the transaction, with exactlyOnce, and writes all the same', async () => {
    const files = {
      'runtime.ts':
        "import { startPyrallel } from 'pyrallel'\nexport const runtime = await startPyrallel({} as never)\n",
      'handlers/a.ts': `import { handler } from 'pyrallel'
import { runtime } from '../runtime.ts'
export default handler('orders', () => runtime.publish('invoices', 1))
`,
    }
    const exactlyOnce = config.replace("group: 'shop'", "group: 'shop', commit: { exactlyOnce: true }")
    const { code, err } = await generate(projectFolder({ 'pyrallel.config.ts': exactlyOnce, ...files }))
    assert.equal(code, 0)
    assert.match(err, /^! handlers\/a\.ts:3:40 PYR_OUTSIDE_TRANSACTION\n {2}`runtime\.publish` is no part of the/)
    assert.match(err, /\n {2}Fix: Call `publish` of the context/)
    assert.equal((await generate(projectFolder({ 'pyrallel.config.ts': config, ...files }))).err, '')
  })

  it('prints handlers, mistakes and stale files as one JSON document', async () => {
    const root = projectFolder({ 'pyrallel.config.ts': config, 'handlers/a.ts': good, 'handlers/b.ts': '' })
    const { code, out } = await generate(root, '--json')
    assert.equal(code, 1)
    const document = JSON.parse(out)
    assert.equal(document.handlers[0].id, 'a')
    assert.equal(document.diagnostics[0].code, 'PYR_HANDLER_EXPORT')
    assert.deepEqual(document.stale, [])
  })
})

describe('a change that moves offsets', () => {
  const inGroup = (group: string) => good.replace('() =>', `{ group: '${group}' }, () =>`)

  async function generated(): Promise<string> {
    const root = projectFolder({ 'pyrallel.config.ts': config, 'handlers/a.ts': inGroup('billing') })
    assert.equal((await generate(root)).code, 0)
    writeFileSync(join(root, 'handlers/a.ts'), inGroup('billing2'))
    return root
  }

  it('is refused with 3 and what becomes of the offsets, and nothing is written', async () => {
    const root = await generated()
    const { code, err } = await generate(root)
    assert.equal(code, 3)
    assert.match(err, /✗ PYR_OFFSETS\n {2}handlers\/a\.ts: group billing -> billing2\n/)
    assert.match(err, /The group 'billing2' has no offsets of its own yet: it starts at kafka\.startFrom/)
    assert.match(err, /If this is meant: `pyrallel generate --accept offsets`/)
    assert.match(readFileSync(join(root, 'generated/routes.ts'), 'utf8'), /group: 'billing',/)
  })

  it('is told by --check beside the diff, with 3', async () => {
    const { code, out } = await generate(await generated(), '--check')
    assert.equal(code, 3)
    assert.match(out, /^\+ {5}group: 'billing2',$/m)
    assert.match(out, /✗ PYR_OFFSETS\nhandlers\/a\.ts: group billing -> billing2/)
  })

  it('is written when it is accepted, and then it is no change any more', async () => {
    const root = await generated()
    assert.equal((await generate(root, '--accept', 'offsets')).code, 0)
    assert.equal((await generate(root, '--check')).code, 0)
    assert.match(readFileSync(join(root, 'generated/routes.ts'), 'utf8'), /group: 'billing2',/)
  })

  it('is part of the JSON document, with 3', async () => {
    const { code, out } = await generate(await generated(), '--json')
    assert.equal(code, 3)
    assert.equal(JSON.parse(out).offsetChanges[0].what, 'group')
  })

  it('cannot be accepted by a check, which writes nothing', async () => {
    assert.equal((await generate(await generated(), '--check', '--accept', 'offsets')).code, 2)
  })
})

describe('the config file', () => {
  for (const [what, content, code, expected] of [
    [
      'an unknown key',
      config.replace('group:', 'grup: 1, group:'),
      'PYR_CONFIG_INVALID',
      /pyrallel\.config\.ts: there is no option grup \(its value is 1\)\. Did you mean group\?/,
    ],
    ['no default export', 'export const config = {}', 'PYR_CONFIG_LOAD', /has no default export/],
    [
      'code that throws',
      "throw new Error('no database')",
      'PYR_CONFIG_LOAD',
      /could not be loaded: Error: no database \(at pyrallel\.config\.ts:1:\d+\)\. Correct the line; DEBUG=1 shows the stack\.\n/,
    ],
  ] as const) {
    it(`is refused for ${what}`, async () => {
      const { code: exit, err } = await generate(projectFolder({ 'pyrallel.config.ts': content }))
      assert.equal(exit, 1)
      assert.ok(err.startsWith(`✗ ${code}\n`), err)
      assert.match(err, expected)
      assert.ok(err.endsWith(`\n  Next: pyrallel docs ${code}\n`), err)
      assert.ok(!err.includes('    at '), err)
    })
  }

  it('is refused for a syntax error, with its place', async () => {
    const { code, err } = await generate(projectFolder({ 'pyrallel.config.ts': 'export default {' }))
    assert.equal(code, 1)
    assert.ok(err.startsWith('✗ pyrallel.config.ts:1:17 PYR_BUNDLE\n'), err)
    assert.match(err, /> 1 \| export default \{\n {6}\| {17}\^\n/)
    assert.ok(err.endsWith('1 mistake. Nothing was written.\n'), err)
  })

  it('leaves nothing of what is made to read it', async () => {
    const root = projectFolder({ 'pyrallel.config.ts': config, 'handlers/a.ts': good })
    await generate(root)
    assert.deepEqual(readdirSync(join(root, '.pyrallel/dev')), [])
  })

  it('is read in a folder that nothing may be written to', async () => {
    // A file where the folder would be: a test that runs as root can write everywhere else.
    const root = projectFolder({ 'pyrallel.config.ts': config, 'handlers/a.ts': good, '.pyrallel': '' })
    assert.match((await generate(root, '--check')).out, /^generated\/ is missing/)
  })
})
