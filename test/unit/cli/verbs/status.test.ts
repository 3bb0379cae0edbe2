import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import { main } from '../../../../cli/main.ts'
import { statusText } from '../../../../cli/status/status-text.ts'
import { painter } from '../../../../cli/terminal/paint.ts'
import { status, watch } from '../../../../cli/verbs/status.ts'
import type { ScaleFigures, SystemMetrics } from '../../../../framework/model/snapshot.ts'
import { HttpServer } from '../../../../framework/observability/http-server.ts'
import { OperatorPages } from '../../../../framework/observability/operator-pages.ts'
import { TokenCheck } from '../../../../framework/observability/token-check.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { aBlockingRecord, aGroup, aHandlerState, aPartition, aScale, aSystem } from '../../observability/snapshots.ts'
import { projectFolder, testIo } from '../test-io.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function serve(snapshot: () => SystemMetrics, token?: string): Promise<string> {
  const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
  // No page is old enough to be shared.
  let now = 0
  const own = { names: [], stallAfterMs: 1, now: () => (now += 1_000) }
  const server = new HttpServer({
    host: '127.0.0.1',
    port: 0,
    pages: new OperatorPages({ ...own, snapshot, scale: aScale, token: tokenCheck(token), metrics: undefined, log }),
    log,
  })
  closers.push(() => server.close())
  return await server.listen()
}

function tokenCheck(token: string | undefined): TokenCheck | undefined {
  return token === undefined ? undefined : new TokenCheck(token, () => 0)
}

const plain = painter(false)
const url = 'http://127.0.0.1:9464'

const blocked = aPartition({
  trueLag: 12,
  position: 100,
  gaps: { offsets: 3, stretches: 2, span: 6 },
  blocking: aBlockingRecord({
    offset: 100,
    key: 'c9',
    ageMs: 12_500,
    state: 'waiting',
    attempt: 3,
    lastError: { reason: 'handler', name: 'TypeError', message: 'no' },
  }),
  ribbon: { from: 98, to: 106, cells: 'ddxggrgw' },
})

describe('the text of pyrallel status', () => {
  it('shows a table of handlers, and one of partitions with a bar of their offsets', () => {
    const groups = [
      aGroup({
        inFlight: 1,
        queued: 4,
        records: 6,
        retriesWaiting: 1,
        partitions: [aPartition({ partition: 1 }), blocked],
      }),
    ]
    assert.equal(
      statusText(aSystem({ groups }), url, plain),
      `pyrallel  running  2026-01-01 00:00:00 UTC  http://127.0.0.1:9464

group shop: assigned, 2 partitions
  1 in flight, 4 queued, 1 waiting for a retry, 0 for a dead letter, 6 of 10000 records in memory

  handler  topic   in flight  limit  abandoned  threads
  bill     orders  0          100    0          -

  partition  true lag  position  gaps    ${'blocked by'.padEnd(49)}  offsets
  orders[0]  12        100       3 in 2  100 key c9, 12.5 s, waiting, attempt 3: TypeError  ==!##>#.
  orders[1]  0         10        0       ${'-'.padEnd(49)}  all done

offsets: = done   > running   . waiting   ! waiting for a retry or a dead letter   P parked   # gap: done above an offset that is not
`,
    )
  })

  it('says why intake is stopped, what a partition is held by, and how many are left out', () => {
    const partitions = [
      aPartition({
        pausedBecause: 'bytes',
        isDraining: true,
        isTight: true,
        isRefused: true,
        trueLag: null,
        position: null,
      }),
    ]
    const groups = [aGroup({ intake: 'held', intakeReason: 'records', partitions, assignedPartitions: 3 })]
    const text = statusText(aSystem({ groups }), url, plain)
    assert.match(text, /assigned, 3 partitions {2}intake held: limit of records/)
    assert.match(
      text,
      /orders\[0\] +\? +- .*all done paused: limit of bytes, draining, no room for further gaps, stands: what it commits is refused/,
    )
    assert.match(text, /and 2 more partitions/)
  })

  it('says how old the end of a log is that was not heard for half a minute', () => {
    const textOf = (logEndAgeMs: number | null) =>
      statusText(aSystem({ groups: [aGroup({ partitions: [aPartition({ logEndAgeMs })] })] }), url, plain)
    assert.match(textOf(45_000), /log end of 45\.0 s ago/)
    for (const recent of [null, 30_000]) assert.doesNotMatch(textOf(recent), /log end/)
  })

  it('says that nothing starts, and for how long the brokers have refused the credentials', () => {
    const limits = { ...aGroup().limits, maxUncommitted: 500 }
    const groups = [
      aGroup({ group: 'a', stoppedBecause: 'unacknowledged', isCutOff: true, sinceAnswerMs: 31_000 }),
      aGroup({ group: 'b', stoppedBecause: 'unacknowledged', sinceAnswerMs: null, refusedMs: 12_340 }),
      aGroup({ group: 'c', stoppedBecause: 'uncommitted', uncommitted: 501, limits }),
    ]
    const text = statusText(aSystem({ groups }), url, plain)
    assert.match(text, /group a.*\n.*in memory\n {2}nothing starts: no commit was acknowledged for 31\.0 s\n\n/)
    assert.match(text, /acknowledged yet\n {2}the brokers have refused the credentials for 12\.3 s\n\n/)
    assert.match(text, /nothing starts: 501 records are done and not committed, of 500 allowed\n/)
  })

  it('says of an exactly-once group that outputs fill the memory, and that a transaction has been open for long', () => {
    const transactions = { waiting: 3, waitingBytes: 5_000, openMs: 7_100 }
    const text = statusText(aSystem({ groups: [aGroup({ stoppedBecause: 'outputs', transactions })] }), url, plain)
    assert.match(text, /nothing starts: outputs that wait for their transaction have reached limits\.maxBytes\n/)
    assert.match(text, /a transaction has been open for 7\.1 s: readers of committed records wait for it\n/)
    for (const openMs of [null, 4_999]) {
      const short = aGroup({ transactions: { ...transactions, openMs } })
      assert.doesNotMatch(statusText(aSystem({ groups: [short] }), url, plain), /transaction/)
    }
  })

  it('says what keeps a handler from starting more, and which keys are poisoned', () => {
    const handlers = [
      aHandlerState({ adaptiveLimit: 12 }),
      aHandlerState({ handlerId: 'ship', rateLimit: 50, isHeldByRate: true }),
      aHandlerState({ handlerId: 'tell', rateLimit: 5, isPaused: true, openBreakers: 4 }),
    ]
    const partitions = [
      aPartition({ openBreakers: 5, openBreakerKeys: ['a', 'b', 'c\u001b[2J', 'd'] }),
      aPartition({ partition: 1, openBreakers: 1, openBreakerKeys: ['z'] }),
    ]
    const text = statusText(aSystem({ groups: [aGroup({ handlers, partitions })] }), url, plain)
    assert.match(text, /bill +orders +0 +12 of 100 +0 +-\n/)
    assert.match(text, /ship +orders +0 +100 +0 +- +rate 50\/s, which holds it back\n/)
    assert.match(text, /tell +orders +0 +100 +0 +- +rate 5\/s, paused, 4 keys poisoned\n/)
    assert.match(text, /orders\[0\] .*all done poisoned: b, c·\[2J, d and 2 more\n/)
    assert.match(text, /orders\[1\] .*all done poisoned: z\n/)
  })

  it('says how many processes are needed, and why more would not help', () => {
    const textOf = (over: Partial<ScaleFigures>, groups = [aGroup()]) =>
      statusText(aSystem({ groups, scale: aScale(over) }), url, plain)
    const figures = { processesNeeded: 1.734, backlog: 1_234, oldestAgeSeconds: 12.5, utilisation: 0.37 }
    const rates = { arrivalsPerSecond: 104.4, completionsPerSecond: 9.54 }
    assert.ok(
      textOf({ ...figures, ...rates }).includes(
        '\n\n1.7 processes needed, backlog 1,234, oldest 12.5 s, 104/s in, 9.5/s out, 37 % of 100 slots in use\n\n',
      ),
    )
    assert.match(textOf({ backlog: null, oldestAgeSeconds: null }), /backlog not known, oldest not known/)
    assert.match(textOf({ limit: 'keys' }), /bill: what waits, waits for its own key\. More processes do not help/)
    assert.match(textOf({ limit: 'partitions' }), /bill: its partitions have more to do than one process each can/)
    assert.match(
      textOf({ limit: 'rate' }),
      /bill: rateLimit or the adaptive limit holds it back, in each process for itself/,
    )
    assert.match(textOf({ limit: 'memory' }), /bill: limits keep records out while slots are free/)
    assert.match(textOf({ limit: 'slots' }), /bill: all slots are in use\. More processes help/)
    assert.match(textOf({ limit: 'loop' }), /the event loop is busy all the time/)
    assert.doesNotMatch(textOf({}), /help|More processes/)
    assert.match(textOf({}, [aGroup({ membership: 'idle', partitions: [] })]), /shop: the others have all partitions/)
  })

  it('shows what a process of a version tells that knows nothing of scaling out', () => {
    const { scale: _, ...older } = aSystem()
    assert.match(statusText(older as SystemMetrics, url, plain), /group shop: assigned/)
  })

  it('counts threads and their restarts', () => {
    const [handler] = aGroup().handlers
    const threads = { running: 4, restarts: 2, batches: 0, boundaryMs: 0 }
    const groups = [aGroup({ handlers: handler === undefined ? [] : [{ ...handler, threads, abandoned: 1 }] })]
    assert.match(statusText(aSystem({ groups }), url, plain), /bill +orders +0 +100 +1 +4 \(2 restarts\)/)
  })

  it('lets nothing of a key reach the terminal that moves its cursor', () => {
    const blocking = aBlockingRecord({ key: 'a\u001b[2Jb\nc\u009bd\u202ee' })
    const text = statusText(aSystem({ groups: [aGroup({ partitions: [aPartition({ blocking })] })] }), url, plain)
    assert.match(text, /key a·\[2Jb·c·d·e,/)
  })
})

describe('pyrallel status', () => {
  it('shows what the process at --url is doing', async () => {
    const io = testIo(projectFolder())
    const at = await serve(() => aSystem({ groups: [aGroup({ partitions: [blocked] })] }))
    assert.equal(await main(['status', '--url', at], io), 0)
    assert.equal(io.out(), statusText(aSystem({ groups: [aGroup({ partitions: [blocked] })] }), at, plain))
  })

  it('asks at the address of the config, by way of loopback where it listens at all addresses', async () => {
    const at = await serve(() => aSystem())
    const { port } = new URL(at)
    const config = `import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'g', http: { host: '0.0.0.0', port: ${port} } })\n`
    const io = testIo(projectFolder({ 'pyrallel.config.ts': config }))
    assert.equal(await status({}, io), 0)
    assert.match(io.out(), new RegExp(at))
  })

  it('prints with --json the snapshot and nothing else', async () => {
    const io = testIo(projectFolder())
    assert.equal(await status({ url: await serve(() => aSystem()), json: true }, io), 0)
    assert.deepEqual(JSON.parse(io.out()), aSystem())
  })

  it('says what to do when nothing answers', async () => {
    const io = testIo(projectFolder())
    const at = await serve(() => aSystem())
    for (const close of closers.splice(0)) await close()
    assert.equal(await main(['status', '--url', at], io), 1)
    assert.match(
      io.err(),
      /PYR_STATUS_UNREACHABLE\n {2}Nothing answers at http:\S+ \(ECONNREFUSED\)\. Start the process with `http: \{ enabled: true \}`/,
    )
    assert.equal(io.out(), '')
  })

  it('takes an address without http:// for one with it', async () => {
    const at = await serve(() => aSystem())
    const io = testIo(projectFolder())
    assert.equal(await main(['status', '--url', at.replace('http://', '')], io), 0, io.err())
    assert.match(io.out(), new RegExp(at))
  })

  it('refuses what is no address of a process', async () => {
    for (const url of ['http://', 'ftp://127.0.0.1:9464', 'http://127.0.0.1:99999']) {
      const io = testIo(projectFolder())
      assert.equal(await main(['status', '--url', url], io), 2, url)
      assert.ok(
        io.err().includes(`--url is '${url}', which is no address of a process. Write http://host:port`),
        io.err(),
      )
    }
  })

  it('says of a port that Node does not ask that it is the port', async () => {
    const io = testIo(projectFolder())
    assert.equal(await main(['status', '--url', 'http://127.0.0.1:1'], io), 1)
    assert.match(io.err(), /Nothing can be asked at http:\/\/127\.0\.0\.1:1: .*port.* Set http\.port to another/)
  })

  it('does not take another server for Pyrallel', async () => {
    const other = createServer((_request, response) => response.end('{"hello":1}'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    closers.push(() => new Promise((resolve) => other.close(resolve)))
    const { port } = other.address() as AddressInfo
    await assert.rejects(status({ url: `http://127.0.0.1:${port}` }, testIo(projectFolder())), {
      code: 'PYR_STATUS_UNREACHABLE',
      message: /is no Pyrallel \(status 200, no snapshot\)/,
    })
  })

  it('sends the token of the config to the address of the config, and to another one that of PYRALLEL_HTTP_TOKEN only', async () => {
    const token = 'token-of-sixteen-characters'
    const at = await serve(() => aSystem(), token)
    const { port } = new URL(at)
    const config = `export default { group: 'shop', http: { enabled: true, port: ${port}, token: '${token}' } }\n`
    const own = testIo(projectFolder({ 'pyrallel.config.ts': config }))
    assert.equal(await status({}, own), 0)
    assert.match(own.out(), /pyrallel {2}running/)
    await assert.rejects(status({ url: at }, own), {
      code: 'PYR_STATUS_UNREACHABLE',
      message: /asks for a token \(status 401\)\. Set PYRALLEL_HTTP_TOKEN/,
    })
    assert.equal(await status({ url: at }, testIo(projectFolder(), '', { PYRALLEL_HTTP_TOKEN: token })), 0)
    const wrong = testIo(projectFolder(), '', { PYRALLEL_HTTP_TOKEN: 'another-of-sixteen-characters' })
    await assert.rejects(status({ url: at }, wrong), { message: /does not take this token/ })
  })

  for (const [term, isOver] of [
    ['xterm', true],
    ['dumb', false],
  ] as const) {
    it(`shows it again every second with --watch until it is stopped, on a terminal that is ${term} ${isOver ? 'over' : 'below'} itself`, async () => {
      const clock = new ManualClock()
      let asked = 0
      let onAsked = () => {}
      const at = await serve(() => {
        asked += 1
        return aSystem()
      })
      const shown = () =>
        new Promise<void>((resolve) => {
          onAsked = resolve
        })
      const writes: string[] = []
      const io = testIo(projectFolder())
      const stdout = {
        isTTY: true,
        write: (text: string) => {
          writes.push(text)
          onAsked()
        },
      }
      let stop = () => {}
      const stopped = new Promise<void>((resolve) => {
        stop = resolve
      })
      const first = shown()
      const done = watch(
        { url: at, watch: true },
        { ...io, env: { NO_COLOR: '1', TERM: term }, stdout },
        stopped,
        clock,
      )
      await first
      await new Promise(setImmediate)
      clock.advance(999)
      await new Promise(setImmediate)
      assert.equal(asked, 1)
      const second = shown()
      clock.advance(1)
      await second
      await new Promise(setImmediate)
      stop()
      await done
      assert.equal(asked, 2)
      assert.deepEqual(
        writes.map((text) => text.startsWith('\u001b[H\u001b[J')),
        [isOver, isOver],
      )
      assert.equal(clock.pendingTimers, 0)
    })
  }

  for (const json of [false, true]) {
    it(`goes on with --watch${json ? ' --json' : ''} when the process is restarted, and says once that nothing answers`, async () => {
      const clock = new ManualClock()
      const snapshot = () => aSystem()
      const at = await serve(snapshot)
      const io = testIo(projectFolder())
      let stop = () => {}
      const stopped = new Promise<void>((resolve) => {
        stop = resolve
      })
      const done = watch({ url: at, watch: true, json }, io, stopped, clock)
      // A look ends with the timer for the next one.
      const looked = async () => {
        while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      const next = async () => {
        await looked()
        clock.advance(1_000)
        await looked()
      }
      await looked()
      for (const close of closers.splice(0)) await close()
      await next()
      await next()
      const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
      const port = Number(new URL(at).port)
      const pages = new OperatorPages({ stallAfterMs: 1, snapshot, scale: aScale, metrics: undefined, names: [], log })
      const again = new HttpServer({ host: '127.0.0.1', port, pages, log })
      closers.push(() => again.close())
      await again.listen()
      await next()
      stop()
      await done
      const gone = 'nothing answers any more: asking again every second, until Ctrl-C\n'
      const shown = json ? `${JSON.stringify(aSystem())}\n` : statusText(aSystem(), at, plain)
      assert.equal(io.out(), json ? shown + shown : shown + gone + shown)
      assert.equal(io.err(), json ? gone : '')
    })
  }

  it('says with --watch what is wrong where nothing has ever answered', async () => {
    const at = await serve(() => aSystem())
    for (const close of closers.splice(0)) await close()
    const watching = watch({ url: at, watch: true }, testIo(projectFolder()), new Promise(() => {}))
    await assert.rejects(watching, { code: 'PYR_STATUS_UNREACHABLE' })
  })
})
