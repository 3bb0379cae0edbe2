/**
 * The one test command: types, lint, then every test file in node's test runner, group by group, those of the control plane under coverage.
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
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { run as runTestFiles } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildConsole } from '../.ci/build-console.mjs'
import { browserProblem } from './browser/chromium.ts'
import { kafkaProblem } from './e2e/kafka-jars.mjs'
import { type Counts, closingLines, GroupReport, sumOfCounts } from './group-report.ts'
import { processFiles } from './shared-processes.ts'
import { compiledVariable } from './source-package.ts'
import { clientUnderTest } from './test-client.ts'
import { findTestGroups, type TestGroup } from './test-groups.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const onCi = process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false'
/** A file for what failed, with its errors: of several runs one after the other, only the end of the output may be kept. */
const accountsFile = process.env.PYRALLEL_TEST_FAILURES
// Tests of this command start it, and let tests fail.
delete process.env.PYRALLEL_TEST_FAILURES
const lineFloor = 95
const coveredFiles = 'framework/control-plane/**/*.ts'
/**
 * Whose tests the floor is about: those that are of the control plane alone. In simulations and on brokers nearly every line runs anyway, and
 * that says little; and to record what a process covers takes it time that the tests of waiting and of overload do not have.
 */
const coveredGroup = 'unit'
const coveringTests = join('unit', 'control-plane')
/** A single test that takes longer hangs. */
const testTimeoutMs = 600_000
/**
 * Two, one for each core of a small machine; more in groups whose tests wait, for a broker, a session or a deadline. Those of `integration`
 * start commands, and keep the cores busy.
 */
const testFilesAtOnce: Readonly<Record<string, number>> = { contract: 4 }
/** Which Kafka client each group has met, for its line of the summary. The others meet none. */
const clientOfGroup: Readonly<Record<string, string>> = {
  contract: 'on both clients',
  integration: `on ${clientUnderTest}; build-javascript.test.ts on javascript`,
  e2e: `on ${clientUnderTest}; javascript-*.test.ts on javascript`,
}
/** Starts commands by the dozen, so they are compiled first. The others start few, and must not meet a package that is made anew meanwhile. */
const compiledGroup = 'integration'

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
  page: [bin('tsc'), '--noEmit', '-p', join('framework', 'console', 'page')],
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
  const wanted = groups.map(({ name, directory, files }) => ({
    name,
    directory,
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
  if (group === 'browser') return browserProblem()
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

interface GroupOptions {
  /** Where the group's processes write what they cover, when they end. */
  readonly coverageDir: string | undefined
  /** Commands are started as published, from dist/. */
  readonly isCompiled: boolean
}

/** Runs a group's files, some at a time. */
async function runGroup(
  group: TestGroup,
  scratch: string,
  { coverageDir, isCompiled }: GroupOptions,
): Promise<{ line: Line; counts: Counts }> {
  const { name } = group
  console.log(`\n── ${name} ──`)
  const start = performance.now()
  const report = new GroupReport()
  const concurrency = testFilesAtOnce[name] ?? 2
  const isCovering = (file: string) => coverageDir !== undefined && isWithin(file, join(group.directory, coveringTests))
  const covering = group.files.filter(isCovering)
  // The runner's processes inherit both variables.
  if (isCompiled) process.env[compiledVariable] = '1'
  for (const part of [covering, group.files.filter((file) => !covering.includes(file))]) {
    if (part.length === 0) continue
    if (part === covering && coverageDir !== undefined) process.env.NODE_V8_COVERAGE = coverageDir
    const files = [...processFiles({ ...group, files: part }, scratch)]
    const events = runTestFiles({ files, concurrency, timeout: testTimeoutMs })
    for await (const text of report.text(events)) process.stdout.write(text)
    if (part === covering) delete process.env.NODE_V8_COVERAGE
  }
  for (const failure of report.failures) console.log(`✖ ${failure}`)
  if (accountsFile !== undefined) appendFileSync(accountsFile, report.accounts.join(''))
  for (const skipped of report.leftOut) console.log(`﹣ left out: ${skipped}`)
  if (isCompiled) delete process.env[compiledVariable]
  const { counts } = report
  // A file that cannot be loaded counts as a failed test; one that has no test counts as nothing, and is a mistake too.
  const state = counts.tests > 0 && counts.fail === 0 && counts.cancelled === 0 ? 'passed' : 'FAILED'
  const client = clientOfGroup[name]
  const facts = [`${counts.tests} tests`, seconds(performance.now() - start), ...report.deaths]
  if (client !== undefined) facts.push(client)
  if (report.leftOut.length > 0) facts.push(`${report.leftOut.length} left out by name, above`)
  return { line: { name, state, detail: facts.join(', ') }, counts }
}

async function compilePackage(): Promise<Line> {
  console.log('\n── package ──')
  const start = performance.now()
  const code = await run([process.execPath, join(root, '.ci', 'build-package.mjs')])
  return {
    name: 'package',
    state: code === 0 ? 'passed' : 'FAILED',
    detail: `compiled, ${seconds(performance.now() - start)}`,
  }
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
  // It is no source, and every check and test of today must see the page of today.
  await buildConsole()
  const lines = await runChecks(selection.checks)
  const runnable: TestGroup[] = []
  for (const group of selection.groups) {
    const why = obstacle(group.name)
    if (why === undefined) runnable.push(group)
    else lines.push({ name: group.name, state: onCi ? 'FAILED' : 'left out', detail: why })
  }
  if (runnable.some(({ name }) => name === compiledGroup)) lines.push(await compilePackage())
  const counts: Counts[] = []
  const scratch = mkdtempSync(join(tmpdir(), 'pyrallel-test-'))
  try {
    for (const group of runnable) {
      const coverageDir = selection.everything && group.name === coveredGroup ? join(scratch, 'coverage') : undefined
      const isCompiled =
        group.name === compiledGroup && lines.some(({ name, state }) => name === 'package' && state === 'passed')
      const result = await runGroup(group, scratch, { coverageDir, isCompiled })
      lines.push(result.line)
      counts.push(result.counts)
      if (coverageDir !== undefined) lines.push(await checkCoverage(coverageDir))
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  console.log('\n── summary ──')
  for (const { name, state, detail } of lines) console.log(`${name.padEnd(14)} ${state.padEnd(9)} ${detail}`)
  const leftOut = lines.filter(({ state }) => state === 'left out').length
  if (leftOut > 0) console.log(`${leftOut} of ${selection.groups.length} groups left out; their lines above say why`)
  if (counts.length > 0) console.log(closingLines(sumOfCounts(counts)).join('\n'))
  return lines.some(({ state }) => state === 'FAILED') ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`test: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 2
}
