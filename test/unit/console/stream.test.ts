import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import type { Asked } from '../../../framework/console/http/endpoint.ts'
import { StreamAnswer } from '../../../framework/console/http/endpoint.ts'
import { notRunning } from '../../../framework/console/http/fault.ts'
import { LiveRecords } from '../../../framework/console/live-records.ts'
import { Mask } from '../../../framework/console/mask.ts'
import type { HandlerRow } from '../../../framework/console/protocol.ts'
import type { LiveAnswer, LiveFrame } from '../../../framework/console/protocol-live.ts'
import type { PartitionView } from '../../../framework/console/protocol-records.ts'
import { ReadKeys } from '../../../framework/console/read-keys.ts'
import { streamMetrics } from '../../../framework/console/stream-frames.ts'
import { LINGER_MS, MAX_STREAMS, Streams } from '../../../framework/console/streams.ts'
import { verdictOf } from '../../../framework/console/verdict.ts'
import { WatchPoint } from '../../../framework/model/record-watch.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { aBlockingRecord, aGroup, aPartition, aSystem } from '../observability/snapshots.ts'
import { aWatchedHandler, serveConsole, TOKEN } from './served-console.ts'

interface Frame {
  readonly id: string
  readonly event: string
  readonly data: Record<string, unknown>
  readonly bytes: number
}

/** What a browser has been sent; it reads at once, unless it is told not to. */
class Reading extends EventEmitter {
  readonly written: string[] = []
  writableLength = 0
  isReading = true
  isCut = false

  writeHead(): void {}

  flushHeaders(): void {}

  write(text: string): void {
    this.written.push(text)
    if (!this.isReading) this.writableLength += text.length
  }

  end(): void {
    this.emit('close')
  }

  destroy(): void {
    this.isCut = true
    this.emit('close')
  }

  frames(): readonly Frame[] {
    return this.written.splice(0).flatMap((text) => {
      const [, id = '', event = '', data = ''] = /^id: (.*)\nevent: (.*)\ndata: (.*)\n\n$/.exec(text) ?? []
      return id === '' ? [] : { id, event, data: JSON.parse(data) as Record<string, unknown>, bytes: text.length }
    })
  }
}

const view = (partition: number, position: number): PartitionView => ({
  group: 'shop',
  topic: 'orders',
  partition,
  handlerId: 'bill',
  epoch: 1,
  position,
  committedPosition: position,
  nextOffset: position,
  logEnd: position,
  logEndAgeMs: 0,
  runsAgain: 0,
  metadata: { used: 0, limit: 4_095 },
  pausedBecause: null,
  isDraining: false,
  isTight: false,
  runs: [],
  cutAt: null,
  isSampled: false,
})

function aRow(handlerId: string): HandlerRow {
  const { route, group, file } = aWatchedHandler()
  const counts = { rate: 1, inFlight: 0, capacity: 1, concurrency: 1, abandoned: 0, retriesWaiting: 0, parked: 0 }
  const none = { p50Ms: null, p99Ms: null, adaptiveLimit: null, rateLimit: null, isHeldByRate: false, isPaused: false }
  const dead = { deadLettersPerMinute: 0, deadLetterTopic: null, openBreakers: 0 }
  const { topic, ordering } = route
  return { group, handlerId, topic, file, engine: 'async', ordering, ...counts, ...none, ...dead }
}

function aStreams() {
  const clock = new ManualClock()
  const handlers: readonly HandlerRow[] = []
  const state = { metrics: aSystem(), handlers, looks: 0, position: 1, isRunning: true }
  const watchPoint = new WatchPoint()
  const mask = new Mask(null)
  const keys = new ReadKeys({ mask, runtime: () => undefined, clock })
  const live = new LiveRecords({ watchPoint, mask, keys, clock })
  const streams = new Streams({
    instance: 'i1',
    clock,
    snapshot: () => {
      if (!state.isRunning) throw notRunning()
      state.looks += 1
      const verdict = verdictOf(state.metrics, { rate: 0, shrinking: 0, fenced: new Map() })
      return { metrics: state.metrics, verdict, handlers: state.handlers }
    },
    partitions: (of) => of.map((_, index) => view(index, state.position)),
    live,
  })
  const open = (query = ''): Reading => {
    const asked: Asked = { params: {}, query: new URLSearchParams(query), body: undefined, from: '127.0.0.1' }
    const answer = streams.endpoints[0]?.run(asked)
    assert.ok(answer instanceof StreamAnswer)
    const reading = new Reading()
    answer.open(reading as unknown as ServerResponse)
    return reading
  }
  return { clock, state, streams, open, live, watchPoint }
}

describe('the stream of the console', { timeout: 30_000 }, () => {
  it('begins with a snapshot, and tells then only what has changed, with numbers that grow by one', () => {
    const { clock, state, open } = aStreams()
    const reading = open('partitions=shop/orders/0')
    clock.advance(0)
    const [first] = reading.frames()
    assert.deepEqual([first?.event, first?.id], ['snapshot', 'i1-1'])
    assert.deepEqual(first?.data.partitions, [view(0, 1)])
    clock.advance(300)
    reading.frames()
    state.position = 2
    clock.advance(100)
    const [delta] = reading.frames()
    assert.deepEqual([delta?.event, delta?.data.partitions], ['delta', [view(0, 2)]])
    clock.advance(100)
    assert.equal(
      reading.frames().some(({ data }) => data.partitions !== undefined),
      false,
    )
  })

  it('sends at most ten frames a second, whatever happens', () => {
    const { clock, state, streams, open } = aStreams()
    const reading = open('partitions=shop/orders/0')
    for (let step = 0; step < 100; step++) {
      state.position += 1
      streams.note({ at: 0, level: 'info', kind: 'test', text: 'again', group: null })
      clock.advance(10)
    }
    assert.ok(reading.frames().length <= 11)
  })

  it('draws one partition at each turn, and several twice a second', () => {
    const { clock, state, open } = aStreams()
    const ribbonsIn = (query: string): number => {
      const reading = open(query)
      for (let step = 0; step < 20; step++) {
        state.position += 1
        clock.advance(100)
      }
      reading.end()
      return reading.frames().filter(({ data }) => (data.partitions as object[] | undefined)?.length).length
    }
    assert.ok(ribbonsIn('partitions=shop/orders/0') >= 19)
    const several = ribbonsIn('partitions=shop/orders/0,shop/orders/1')
    assert.ok(several >= 3 && several <= 5, String(several))
  })

  it('refuses more than 60 partitions', () => {
    const { open } = aStreams()
    const many = Array.from({ length: 61 }, (_, index) => `g/t/${index}`).join(',')
    assert.throws(() => open(`partitions=${many}`), { code: 'bad-request' })
    open(`partitions=${many.slice(0, many.lastIndexOf(','))}`)
  })

  it('looks at nothing and has no timer while nobody reads', () => {
    const { clock, state, streams, open } = aStreams()
    streams.onEvent('shop', { kind: 'client.error', code: 'OTHER' })
    assert.equal(clock.pendingTimers, 0)
    const reading = open()
    clock.advance(1_000)
    assert.ok(state.looks > 0)
    reading.end()
    const { looks } = state
    clock.advance(60_000)
    assert.deepEqual([state.looks, clock.pendingTimers, streams.count], [looks, 0, 0])
  })

  it('writes no more to one who has 256 kB unread, and begins anew with a snapshot once he reads', () => {
    const { clock, state, open } = aStreams()
    const [slow, other] = [open('partitions=shop/orders/0'), open('partitions=shop/orders/0')]
    clock.advance(0)
    slow.frames()
    slow.writableLength = 262_145
    slow.isReading = false
    state.position = 7
    clock.advance(1_000)
    assert.equal(slow.frames().length, 0)
    assert.ok(other.frames().length > 1)
    slow.writableLength = 0
    slow.isReading = true
    clock.advance(100)
    const [again] = slow.frames()
    assert.deepEqual([again?.event, again?.data.partitions], ['snapshot', [view(0, 7)]])
  })

  it('cuts off who reads nothing for 30 s, and nobody else', () => {
    const { clock, streams, open } = aStreams()
    const [stuck, other] = [open(), open()]
    clock.advance(0)
    stuck.isReading = false
    stuck.writableLength = 1
    clock.advance(29_800)
    assert.equal(stuck.isCut, false)
    clock.advance(300)
    assert.deepEqual([stuck.isCut, other.isCut, streams.count], [true, false, 1])
  })

  it('tells of rebalances, commits and faults in words, and of no record', () => {
    const { clock, streams, open } = aStreams()
    const reading = open()
    clock.advance(0)
    reading.frames()
    const place = { topic: 'orders', partition: 2, epoch: 1 as never }
    streams.onEvent('shop', { kind: 'partition.lost', ...place, leftBehind: 4, runsAgain: 4 })
    streams.onEvent('shop', { kind: 'breaker.opened', ...place, handlerId: 'bill', key: 'secret', cooldownMs: 1 })
    streams.onEvent('shop', { kind: 'commit.done', partitions: 1, tookMs: 2 })
    clock.advance(200)
    const notes = reading.frames().filter(({ event }) => event === 'note')
    assert.deepEqual(
      notes.map(({ data }) => [data.kind, data.level]),
      [
        ['partition.lost', 'warn'],
        ['breaker.opened', 'warn'],
      ],
    )
    assert.ok(!JSON.stringify(notes).includes('secret'))
    assert.match(String(notes[0]?.data.text), /orders\[2\].*4 records/)
  })

  it('tells of records that a filter has picked, and watches until some seconds after the last reader', () => {
    const { clock, live, watchPoint, open } = aStreams()
    const [post] = live.endpoints
    assert.ok(post !== undefined)
    const asked: Asked = { params: {}, query: new URLSearchParams(), body: { topic: 'orders' }, from: '' }
    const { filter } = post.run(asked) as LiveAnswer
    assert.equal(watchPoint.of('shop').watch, undefined)
    const [reading, other] = [open(`live=${filter}`), open()]
    clock.advance(100)
    reading.frames()
    const record = { topic: 'orders', partition: 0, offset: 7, key: null, value: null, headers: [], timestamp: -1 }
    watchPoint.of('shop').watch?.onTaken('bill', 1 as never, record, clock.now())
    clock.advance(200)
    const frames = reading.frames().filter(({ event }) => event === 'live')
    assert.equal(frames.length, 1)
    const [{ rows, filter: of } = { rows: [], filter: '' }] = frames.map(({ data }) => data as unknown as LiveFrame)
    assert.deepEqual([of, rows.map(({ place, status }) => [place.offset, status])], [filter, [[7, 'queued']]])
    assert.equal(
      other.frames().some(({ event }) => event === 'live'),
      false,
    )
    reading.end()
    other.end()
    clock.advance(LINGER_MS - 200)
    const again = open()
    clock.advance(LINGER_MS)
    assert.deepEqual([watchPoint.of('shop').watch === undefined, live.traces.size], [false, 1])
    again.end()
    clock.advance(LINGER_MS + 200)
    assert.deepEqual([watchPoint.of('shop').watch, live.traces.size], [undefined, 0])
  })

  it('keeps every frame below 64 kB, with a thousand records a turn, hundreds of handlers and keys full of markup', () => {
    const { clock, state, live, watchPoint, open } = aStreams()
    const [post] = live.endpoints
    assert.ok(post !== undefined)
    const asked: Asked = { params: {}, query: new URLSearchParams(), body: {}, from: '' }
    const { filter } = post.run(asked) as LiveAnswer
    const blocking = aBlockingRecord({ key: '<'.repeat(64) })
    const partitions = Array.from({ length: 200 }, (_, partition) => aPartition({ partition, blocking }))
    state.metrics = streamMetrics(aSystem({ groups: [aGroup({ partitions })] }))
    state.handlers = Array.from({ length: 400 }, (_, index) => aRow(`handler-${index}`))
    const reading = open(
      `live=${filter}&partitions=${Array.from({ length: 60 }, (_, index) => `g/t/${index}`).join(',')}`,
    )
    const key = Buffer.from('<'.repeat(256))
    const told = new Set<string>()
    for (let turn = 0; turn < 60; turn++) {
      for (let index = 0; index < 1_000; index++) {
        const record = { topic: 'orders', partition: 0, offset: turn * 1_000 + index, headers: [], timestamp: -1 }
        watchPoint.of('shop').watch?.onTaken('bill', 1 as never, { ...record, key, value: null }, clock.now())
      }
      clock.advance(100)
      for (const { bytes, event, data } of reading.frames()) {
        assert.ok(bytes <= 65_536, `${event}: ${bytes}`)
        for (const { handlerId } of (data.handlers as HandlerRow[] | undefined) ?? []) told.add(handlerId)
      }
    }
    assert.ok(told.size > 100, `${told.size} handlers`)
  })

  it('keeps quiet while nothing runs, and begins with a snapshot when something does', () => {
    const { clock, state, open } = aStreams()
    state.isRunning = false
    const reading = open()
    clock.advance(1_000)
    assert.equal(reading.frames().length, 0)
    state.isRunning = true
    clock.advance(100)
    assert.equal(reading.frames()[0]?.event, 'snapshot')
  })

  it('keeps a snapshot of a thousand partitions below 64 kB, with those that block', () => {
    const { clock, state, open } = aStreams()
    const blocking = aBlockingRecord({ ageMs: 9_000 })
    const partitions = Array.from({ length: 1_000 }, (_, partition) =>
      aPartition({
        partition,
        ...(partition === 777 ? { blocking } : {}),
        ribbon: { from: 0, to: 48, cells: 'd'.repeat(48) },
      }),
    )
    state.metrics = streamMetrics(aSystem({ groups: [aGroup({ partitions })] }))
    const reading = open()
    clock.advance(0)
    const [frame] = reading.frames()
    assert.ok((frame?.bytes ?? Infinity) <= 65_536, String(frame?.bytes))
    assert.equal(state.metrics.groups[0]?.partitions[0]?.partition, 777)
    assert.equal(state.metrics.groups[0]?.assignedPartitions, 1_000)
  })

  it('cuts off a connection that never reads, and goes on answering the others', async (t) => {
    const { url, runtime, clock, get, console: of } = await serveConsole(t)
    const partitions = Array.from({ length: 40 }, (_, partition) => aPartition({ partition }))
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    t.after(() => socket.destroy())
    socket.write(`GET /api/stream HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`)
    // No listener for data: what comes stays in the buffers between the two.
    while (of.readers === 0) await new Promise(setImmediate)
    let turns = 0
    for (; of.readers > 0 && turns < 20_000; turns++) {
      const blocking = aBlockingRecord({ ageMs: turns, key: '<'.repeat(64) })
      runtime.metrics = aSystem({ groups: [aGroup({ partitions: partitions.map((each) => ({ ...each, blocking })) })] })
      clock.advance(100)
      await new Promise(setImmediate)
    }
    assert.equal(of.readers, 0, `${turns} turns`)
    assert.equal((await get('/api')).status, 200)
  })

  it('answers an eighth reader and refuses a ninth, over real sockets', async (t) => {
    const { url, get, console: of } = await serveConsole(t)
    const cut = new AbortController()
    t.after(() => cut.abort())
    const headers = { authorization: `Bearer ${TOKEN}` }
    const open = () => fetch(`${url}/api/stream`, { headers, signal: cut.signal })
    // Kept: a response that nobody holds any more is closed by the garbage collector.
    const readers: Response[] = []
    for (let reader = 0; reader < MAX_STREAMS; reader++) readers.push(await open())
    for (const { status, headers: given } of readers) {
      assert.deepEqual([status, given.get('content-type')], [200, 'text/event-stream; charset=utf-8'])
    }
    const refused = await open()
    assert.equal(refused.status, 503)
    assert.match(await refused.text(), /too-many-streams/)
    assert.equal((await get('/api')).status, 200)
    assert.ok(readers.every(({ body }) => body?.locked === false))
    of.stop()
  })
})
