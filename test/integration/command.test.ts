/** The command as users run it: a process in a project's folder. Nothing but what it prints, writes and exits with is looked at. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { aProject, command } from './command-process.ts'
import { config, hello } from './hello-project.ts'
import { linkWorkspace, workspace } from './workspace.ts'

const devFile = (root: string) => join(root, '.pyrallel/dev.json')
const timeout = { timeout: 300_000 }

describe('a command whose output nobody reads any more', timeout, () => {
  for (const [args, says] of [
    [['config'], /^$/],
    [['docs', 'PYR_USAGE'], /^$/],
    // Its log, on standard error, tells that it has left its groups.
    [['dev', '--broker', 'memory', '--traffic', '--json'], /the group is left.*"stopped"/s],
  ] as const) {
    it(`ends quietly, as ${args[0]}`, async () => {
      const root = aProject()
      const { end, err } = await command(root, args, { isUnread: true }).ended
      assert.equal(end, 0, err)
      assert.match(err, says)
      assert.doesNotMatch(err, /EPIPE|OutputClosed/)
      assert.equal(existsSync(devFile(root)), false)
    })
  }
})

describe('pyrallel dev on the in-memory broker', timeout, () => {
  it('runs the example app with traffic, and ends with a summary of a sound run', async () => {
    const root = aProject()
    const { end, out, err } = await command(root, ['dev', '--broker', 'memory', '--records', '1000']).ended
    assert.equal(end, 0, err)
    assert.match(out, /pyrallel \d+\.\d+\.\d+ {2}dev {2}node [\d.]+ {2}broker in memory/)
    assert.match(
      out,
      /charge-order +orders\.created +group billing, by key, 64 at once, 4 attempts, dead letters orders\.created\.billing\.dlq/,
    )
    // How many of a kind stand in lines of their own, and how many are counted together, depends on how fast the machine is.
    assert.match(
      out,
      /✓ orders\.created(\[\d\]@\d+ +c\d+ +charge-order +[\d.]+ ms {2}→ invoices\.issued| × [\d,]+ +charge-order)/,
    )
    assert.match(
      out,
      /↻ [\w.-]+(\[\d\]@\d+ .*attempt 2\/4 in \d+ ms {2}(451 greylisted|gateway busy|connection reset)| × \d+ .*to be retried)/,
    )
    assert.match(
      out,
      /✗ orders\.created(\[\d\]@\d+ .*→ orders\.created\.billing\.dlq {2}card declined {2}handlers\/charge-order\.ts:\d+:\d+| × \d+ .*dead letters)/,
    )
    assert.match(out, /records +1,000 of 1,000 done/)
    assert.match(out, /latency +p50 [\d.]+ m?s, p99 [\d.]+ m?s, from produce to done/)
    assert.match(out, /retries +[1-9]/)
    assert.match(out, /dead letters +[1-9]/)
    assert.match(out, /lost +0\n/)
    assert.match(out, /order violations +0 \([1-9][\d,]* attempts watched/)
    assert.ok(!out.includes('\u001b'), 'colour without a terminal')
    assert.equal(existsSync(devFile(root)), false)
    assert.match(readFileSync(join(root, 'generated/routes.ts'), 'utf8'), /^\/\/ Made by `pyrallel generate`/)
  })

  it('prints nothing but NDJSON on standard output with --json', async () => {
    const { end, out } = await command(aProject(), ['dev', '--broker', 'memory', '--records', '200', '--json']).ended
    assert.equal(end, 0)
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(events[0].kind, 'starting')
    const summary = events.at(-1)
    assert.equal(summary.kind, 'summary')
    assert.equal(summary.done, 200)
    assert.equal(summary.violations, 0)
    assert.equal(events.filter(({ kind }) => kind === 'record.done').length + summary.deadLetters, 200)
  })

  it('makes the same traffic for the same seed', async () => {
    const run = async (seed: string) => {
      const argv = ['dev', '--broker', 'memory', '--records', '100', '--json', '--seed', seed]
      const { out } = await command(aProject(), argv).ended
      const { retries, deadLetters, filtered } = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')
      const keys = [...out.matchAll(/"key":"(\w+)"/g)].map(([, key]) => key).sort()
      return { retries, deadLetters, filtered, keys }
    }
    const first = await run('7')
    assert.deepEqual(await run('7'), first)
    assert.notDeepEqual((await run('8')).keys, first.keys)
  })

  for (const [signal, other] of [
    ['SIGINT', 'SIGTERM'],
    ['SIGTERM', 'SIGINT'],
    // The terminal was closed, and closed once more.
    ['SIGHUP', 'SIGHUP'],
  ] as const) {
    it(`finishes what is in flight and exits with 0 on ${signal}`, async () => {
      const root = aProject()
      const dev = command(root, ['dev', '--broker', 'memory', '--traffic'])
      await dev.seen(/✓ /)
      assert.deepEqual(JSON.parse(readFileSync(devFile(root), 'utf8')), {
        pid: dev.pid,
        kind: 'memory',
        brokers: 'memory',
      })
      dev.signal(signal)
      const { end, out } = await dev.ended
      assert.equal(end, 0)
      assert.match(out, /stopping: what is in flight is finished first/)
      assert.equal(existsSync(devFile(root)), false)
    })

    it(`exits at once when ${signal} is followed by ${other}`, async () => {
      const slow = `import { handler } from 'pyrallel'
export default handler('hello', () => {
  console.log('it has begun')
  return new Promise((resolve) => setTimeout(resolve, 60_000))
})
`
      const traffic = "export const traffic = function* () { while (true) yield { topic: 'hello', value: 1 } }\n"
      const root = aProject({ 'pyrallel.config.ts': config, 'handlers/slow.ts': slow, 'handlers/_traffic.ts': traffic })
      const dev = command(root, ['dev', '--broker', 'memory', '--traffic'])
      await dev.seen(/it has begun/)
      dev.signal(signal)
      await dev.seen(/stopping/)
      // Again and again: what comes within half a second is taken for the same request.
      const again = setInterval(() => dev.signal(other), 100)
      const { end } = await dev.ended.finally(() => clearInterval(again))
      assert.equal(end, { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[other])
      assert.equal(existsSync(devFile(root)), false)
    })
  }

  it('runs handlers that import a package of their workspace, in TypeScript', async () => {
    const root = aProject({
      ...workspace,
      'pyrallel.config.ts': config,
      'handlers/hello.ts': `import { group } from '@acme/names'\nimport { handler } from 'pyrallel'\nexport default handler('hello', (_record, context) => context.log.info({ group }, 'seen'))\n`,
      'handlers/_traffic.ts': "export const traffic = function* () { for (;;) yield { topic: 'hello', value: 1 } }\n",
    })
    linkWorkspace(root)
    const { end, err } = await command(root, ['dev', '--broker', 'memory', '--records', '3']).ended
    assert.equal(end, 0, err)
    assert.match(err, /acme-names/)
  })

  it('shows a mistake in handlers/ with its place, and exits with 1', async () => {
    const root = aProject({ 'pyrallel.config.ts': config, 'handlers/a.ts': hello.replace("'hello'", 'process.env.T') })
    const { end, err } = await command(root, ['dev', '--broker', 'memory']).ended
    assert.equal(end, 1)
    assert.match(err, /handlers\/a\.ts:2:24 PYR_HANDLER_STATIC/)
  })

  it('says what to write where there is no handler', async () => {
    const { end, err } = await command(aProject({ 'pyrallel.config.ts': config }), ['dev', '--broker', 'memory']).ended
    assert.equal(end, 1)
    assert.match(err, /There is no handler below handlers\//)
  })

  it('names the traffic file that is not there', async () => {
    const root = aProject({ 'pyrallel.config.ts': config, 'handlers/hello.ts': hello })
    const { end, err } = await command(root, ['dev', '--broker', 'memory', '--traffic', 'missing.ts']).ended
    assert.equal(end, 2)
    assert.match(err, /There is no traffic file missing\.ts/)
  })
})

describe("this repository's own generated/", timeout, () => {
  it('is what the generator makes of its handlers/', async () => {
    const { end, out } = await command(process.cwd(), ['generate', '--check']).ended
    assert.equal(end, 0, out)
  })

  it('goes stale with a change of a handler, with exit code 3', async () => {
    const root = aProject()
    await command(root, ['generate']).ended
    const file = join(root, 'handlers/welcome-email.ts')
    writeFileSync(file, readFileSync(file, 'utf8').replace('signUps, async', "'users.renamed', async"))
    const { end, out } = await command(root, ['generate', '--check']).ended
    assert.equal(end, 3)
    assert.match(out, /\+ {5}topic: 'users\.renamed'/)
  })
})
