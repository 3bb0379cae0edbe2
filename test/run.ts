/**
 * The one test command: types, lint, then every test file in node's test runner, group by group, under coverage.
 * Prints what is left out and why; on CI (CI=true) nothing may be left out. The last lines are node's own counts.
 *
 *   npm test                              everything
 *   npm test -- --only unit,contract      some groups (also: types, lint), without coverage
 *   npm test -- test/unit/duration.test.ts test/contract
 *   npm test -- --tests some/folder       the test files below another folder, without coverage
 *   npm run check                         types, lint and architecture; before every commit, if you want:
 *     printf '#!/bin/sh\nexec npm run check\n' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { run as runTestFiles } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { kafkaProblem } from './e2e/kafka-jars.mjs'
import { type Counts, closingLines, GroupReport, sumOfCounts } from './group-report.ts'
import { findTestGroups, type TestGroup } from './test-groups.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const onCi = process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false'
const lineFloor = 95
const coveredFiles = 'framework/control-plane/**/*.ts'
/** Without these groups the control plane is not covered as it should be, and the floor means nothing. */
const coverageNeeds = ['unit', 'simulation']
/** A single test that takes longer hangs. */
const testTimeoutMs = 600_000
const testFilesAtOnce = 2

interface Line {
  readonly name: string
  readonly state: 'passed' | 'FAILED' | 'left out'
  readonly detail: string
}

interface Selection {
  readonly everything: boolean
  readonly checks: readonly string[]
  readonly groups: readonly TestGroup[]
}

const checks: Readonly<Record<string, readonly string[]>> = {
  types: [bin('tsc')],
  lint: [bin('biome'), 'check'],
}

function bin(name: string): string {
  return join(root, 'node_modules', '.bin', name)
}

function select(argv: readonly string[]): Selection {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { only: { type: 'string', multiple: true }, tests: { type: 'string' } },
    allowPositionals: true,
  })
  const groups = findTestGroups(resolve(values.tests ?? join(root, 'test')))
  if (values.only === undefined && values.tests === undefined && positionals.length === 0) {
    return { everything: true, checks: Object.keys(checks), groups }
  }
  const only = (values.only ?? []).flatMap((names) => names.split(','))
  const known = [...Object.keys(checks), ...groups.map(({ name }) => name)]
  const unknown = only.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`There is no group ${unknown}. There are ${known.join(', ')}.`)
  const paths = positionals.map((path) => resolve(path))
  const unmatched = paths.find((path) => !groups.some(({ files }) => files.some((file) => isWithin(file, path))))
  if (unmatched !== undefined) throw new Error(`No test file is at ${relative(root, unmatched)}.`)
  const whole = only.length === 0 && paths.length === 0
  const wanted = groups.map(({ name, files }) => ({
    name,
    files: files.filter((file) => whole || only.includes(name) || paths.some((path) => isWithin(file, path))),
  }))
  return {
    everything: false,
    checks: only.filter((name) => name in checks),
    groups: wanted.filter(({ files }) => files.length > 0),
  }
}

function isWithin(file: string, path: string): boolean {
  return file === path || file.startsWith(path.endsWith(sep) ? path : path + sep)
}

/** Why a group cannot run on this machine, with the way to enable it; `undefined` when it can. */
function obstacle(group: string): string | undefined {
  if (group !== 'integration' && group !== 'e2e') return undefined
  const load = "require('@confluentinc/kafka-javascript/librdkafka.js')"
  if (spawnSync(process.execPath, ['-e', load], { cwd: root }).status !== 0) {
    return 'the native Kafka client does not load (run: node .ci/setup.mjs)'
  }
  if (group === 'integration' || process.env.PYRALLEL_TEST_BROKERS) return undefined
  const problem = kafkaProblem()
  return problem === undefined ? undefined : `${problem}; or name brokers in PYRALLEL_TEST_BROKERS`
}

async function run(command: readonly string[]): Promise<number> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { cwd: root, stdio: 'inherit' })
  return await new Promise((done, fail) => {
    child.once('error', fail)
    child.once('exit', (code) => done(code ?? 1))
  })
}

async function runChecks(names: readonly string[]): Promise<Line[]> {
  const lines: Line[] = []
  for (const name of names) {
    console.log(`\n── ${name} ──`)
    const start = performance.now()
    const code = await run(checks[name] ?? [])
    lines.push({ name, state: code === 0 ? 'passed' : 'FAILED', detail: seconds(performance.now() - start) })
  }
  return lines
}

/** Runs a group's files: a process per file, two at a time. */
async function runGroup({ name, files }: TestGroup): Promise<{ line: Line; counts: Counts }> {
  console.log(`\n── ${name} ──`)
  const start = performance.now()
  const report = new GroupReport()
  const events = runTestFiles({ files: [...files], concurrency: testFilesAtOnce, timeout: testTimeoutMs })
  for await (const text of report.text(events)) process.stdout.write(text)
  const { counts } = report
  // A file that cannot be loaded counts as a failed test; one that has no test counts as nothing, and is a mistake too.
  const state = counts.tests > 0 && counts.fail === 0 && counts.cancelled === 0 ? 'passed' : 'FAILED'
  const facts = [`${counts.tests} tests`, seconds(performance.now() - start), ...report.deaths]
  return { line: { name, state, detail: facts.join(', ') }, counts }
}

async function checkCoverage(coverageDir: string): Promise<Line> {
  console.log('\n── coverage ──')
  const start = performance.now()
  const report = ['report', '--temp-directory', coverageDir, '--include', coveredFiles, '--exclude-after-remap']
  const limits = ['--reporter', 'text', '--check-coverage', '--lines', String(lineFloor)]
  const code = await run([bin('c8'), ...report, '--all', ...limits])
  const detail = `at least ${lineFloor} % of the lines of framework/control-plane, ${seconds(performance.now() - start)}`
  return { name: 'coverage', state: code === 0 ? 'passed' : 'FAILED', detail }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

async function main(): Promise<number> {
  const selection = select(process.argv.slice(2))
  const lines = await runChecks(selection.checks)
  const runnable: TestGroup[] = []
  for (const group of selection.groups) {
    const why = obstacle(group.name)
    if (why === undefined) runnable.push(group)
    else lines.push({ name: group.name, state: onCi ? 'FAILED' : 'left out', detail: why })
  }
  const counts: Counts[] = []
  const covered = selection.everything && coverageNeeds.every((name) => runnable.some((group) => group.name === name))
  const coverageDir = covered ? mkdtempSync(join(tmpdir(), 'pyrallel-coverage-')) : undefined
  try {
    // The files' processes inherit it, and write what they covered when they end.
    if (coverageDir !== undefined) process.env.NODE_V8_COVERAGE = coverageDir
    for (const group of runnable) {
      const result = await runGroup(group)
      lines.push(result.line)
      counts.push(result.counts)
    }
    delete process.env.NODE_V8_COVERAGE
    if (coverageDir !== undefined) lines.push(await checkCoverage(coverageDir))
  } finally {
    if (coverageDir !== undefined) rmSync(coverageDir, { recursive: true, force: true })
  }
  console.log('\n── summary ──')
  for (const { name, state, detail } of lines) console.log(`${name.padEnd(14)} ${state.padEnd(9)} ${detail}`)
  if (counts.length > 0) console.log(closingLines(sumOfCounts(counts)).join('\n'))
  return lines.some(({ state }) => state === 'FAILED') ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`test: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 2
}
