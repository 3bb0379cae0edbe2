import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

const passing = "import { it } from 'node:test'\nit('passes', () => {})\n"
const failing = "import { it } from 'node:test'\nit('fails', () => { throw new Error('as it must') })\n"
const dying = "import { it } from 'node:test'\nit('dies', () => process.abort())\n"
const inProcess = "import { it } from 'node:test'\nit('is in process ' + process.pid + '.', () => {})\n"
const unloadable = "import './is-not-there.ts'\n"

/** Runs the test command over files of our own. */
function runTests(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): { code: number | null; output: string; lines: readonly string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'pyrallel-test-command-'))
  t.after(() => rmSync(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  // Without these, node would take the inner run for a part of this one; and what this machine offers must not matter.
  const { NODE_TEST_CONTEXT: _, NODE_V8_COVERAGE: __, CI: ___, PYRALLEL_TEST_BROKERS: ____, ...inherited } = process.env
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', join(root, 'test', 'run.ts'), '--tests', directory, ...args],
    { cwd: root, encoding: 'utf8', env: { ...inherited, XDG_CACHE_HOME: directory, ...env } },
  )
  return { code: status, output: stdout + stderr, lines: stdout.trimEnd().split('\n') }
}

describe('the test command', () => {
  it("ends with 0 and node's own counts when everything passes, groups in their order", (t) => {
    const { code, output, lines } = runTests(t, { 'unit/a.test.ts': passing, 'contract/b.test.ts': passing })
    assert.equal(code, 0, output)
    assert.deepEqual(
      lines.slice(-8).map((line) => line.replace(/(duration_ms) .*/, '$1')),
      ['# tests 2', '# suites 0', '# pass 2', '# fail 0', '# cancelled 0', '# skipped 0', '# todo 0', '# duration_ms'],
    )
    assert.ok(output.indexOf('── unit ──') < output.indexOf('── contract ──'))
  })

  it('ends with 1 when a test fails, and when a file cannot be loaded, and still runs the rest', (t) => {
    const files = { 'unit/a.test.ts': failing, 'unit/b.test.ts': unloadable, 'zoo/c.test.ts': passing }
    const { code, output } = runTests(t, files)
    assert.equal(code, 1, output)
    assert.match(output, /^# pass 1$/m)
    assert.match(output, /^# fail 2$/m)
    assert.match(output, /^unit +FAILED +2 tests/m)
    assert.match(output, /^zoo +passed +1 tests/m)
  })

  it('names what has failed at the end of its group, with the suites around it', (t) => {
    const nested = `import { describe, it } from 'node:test'
describe('a rate limit', () => {
  describe('of zero', () => {
    it('lets nothing start', () => { throw new Error('as it must') })
    it('wakes nobody', () => {})
  })
})
`
    const { output, lines } = runTests(t, { 'unit/a.test.ts': nested, 'unit/b.test.ts': failing })
    const told = lines.filter((line) => /^✖ .*(lets nothing start|fails)$/.test(line))
    assert.deepEqual(told, ['✖ a rate limit › of zero › lets nothing start', '✖ fails'], output)
  })

  it('names what was left out at the end of its group, with the reason, and counts it in the summary', (t) => {
    const nested = `import { describe, it } from 'node:test'
describe('a client', () => {
  it('speaks the old protocol', { skip: 'this one has none' }, () => {})
  it('speaks the new one', () => {})
})
`
    const { output, lines } = runTests(t, { 'unit/a.test.ts': nested })
    const told = lines.filter((line) => line.startsWith('﹣ left out: '))
    assert.deepEqual(told, ['﹣ left out: a client › speaks the old protocol: this one has none'], output)
    assert.match(output, /^unit +passed .*, 1 left out by name, above$/m)
  })

  it('says in the summary how the process of a file died', (t) => {
    const { code, output } = runTests(t, { 'unit/a.test.ts': passing, 'unit/b.test.ts': dying })
    assert.equal(code, 1, output)
    assert.match(output, /^unit +FAILED .*, b\.test\.ts ended with SIGABRT$/m)
  })

  it('runs the unit tests of a folder in one process, and each other file in one of its own', (t) => {
    const files = ['unit/x/a', 'unit/x/b', 'unit/x/c', 'unit/y/a', 'unit/y/b', 'unit/a', 'contract/x/a', 'contract/x/b']
    const { code, output } = runTests(t, Object.fromEntries(files.map((file) => [`${file}.test.ts`, inProcess])))
    assert.equal(code, 0, output)
    const processes = [...output.matchAll(/is in process (\d+)\./g)].map(([, pid]) => pid)
    assert.deepEqual([processes.length, new Set(processes).size], [8, 5], output)
  })

  it('names the file that cannot be loaded among those that share a process', (t) => {
    const { code, output } = runTests(t, { 'unit/x/a.test.ts': passing, 'unit/x/b.test.ts': unloadable })
    assert.equal(code, 1, output)
    assert.match(output, /is-not-there\.ts.*unit\/x\/b\.test\.ts/s)
    assert.match(output, /^unit +FAILED /m)
  })

  it('leaves out what cannot run here and says how to enable it; on CI that is a failure', (t) => {
    const files = { 'unit/a.test.ts': passing, 'e2e/b.test.ts': failing }
    const here = runTests(t, files)
    assert.equal(here.code, 0, here.output)
    assert.match(here.output, /^1 of \d groups left out; their lines above say why$/m)
    assert.match(here.output, /^e2e +left out +.*(PYRALLEL_TEST_BROKERS|run: node \.ci\/setup\.mjs)/m)
    assert.match(here.output, /^# fail 0$/m)
    const onCi = runTests(t, files, [], { CI: 'true' })
    assert.equal(onCi.code, 1, onCi.output)
    assert.match(onCi.output, /^e2e +FAILED /m)
  })

  it('runs the groups and files that are named, and refuses names that mean nothing', (t) => {
    const files = { 'unit/a.test.ts': passing, 'contract/b.test.ts': failing }
    assert.equal(runTests(t, files, ['--only', 'unit']).code, 0)
    const unknown = runTests(t, files, ['--only', 'unti'])
    assert.deepEqual([unknown.code, /no group unti.*unit/.test(unknown.output)], [2, true], unknown.output)
    const nowhere = runTests(t, files, ['test/unit/nowhere.test.ts'])
    assert.deepEqual([nowhere.code, /No test file/.test(nowhere.output)], [2, true], nowhere.output)
  })
})
