/** What the console tells of records as they come, on a runtime with the cluster in memory. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import { CompiledFilter } from '../../../framework/console/live-filter.ts'
import { LiveQueue } from '../../../framework/console/live-queue.ts'
import { LiveRecords } from '../../../framework/console/live-records.ts'
import { LiveSampler } from '../../../framework/console/live-sampler.ts'
import { Mask } from '../../../framework/console/mask.ts'
import type { LiveAnswer, LiveFilter, LiveRow } from '../../../framework/console/protocol-live.ts'
import { ReadKeys } from '../../../framework/console/read-keys.ts'
import { frameBytes } from '../../../framework/console/stream-frames.ts'
import type { WatchedRuntime } from '../../../framework/console/watched-runtime.ts'
import type { SchemaReader } from '../../../framework/formats/read-value.ts'
import type { KafkaRecord } from '../../../framework/model/record.ts'
import { WatchPoint } from '../../../framework/model/record-watch.ts'
import type { CompletionEvent, Epoch, WorkItem } from '../../../framework/model/work.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { aHandler, aRunningApp, gate, type HandlerParts } from '../runtime/running-app.ts'
import { aWatchedHandler, WrittenRuntime } from './served-console.ts'

const all = new Mask(null)
const keysOf = (mask: Mask, clock: ManualClock, runtime?: WatchedRuntime) =>
  new ReadKeys({ mask, runtime: () => runtime, clock })

function aRecord(over: Partial<KafkaRecord> = {}): KafkaRecord {
  const bytes = { key: Buffer.from('c1'), value: Buffer.from('{"city":"Berlin"}') }
  return { topic: 'orders', partition: 0, offset: 0, timestamp: 5, headers: [], ...bytes, ...over }
}

/** Watched from the start; `rows` gives what a reader of the filter is told. */
async function watched(t: TestContext, parts: HandlerParts, asked: LiveFilter = {}, mask = all) {
  const clock = new ManualClock()
  const watchPoint = new WatchPoint()
  const live = new LiveRecords({ watchPoint, mask, keys: keysOf(mask, clock), clock })
  const queues = live.queues(filterOf(live, asked))
  live.hold(queues)
  live.watch()
  const app = await aRunningApp(t, [aHandler('orders', parts)], ['orders.dlq', 'invoices'], undefined, watchPoint)
  const rows = (): readonly LiveRow[] => {
    for (const queue of queues) queue.add(live.traces.takeChanged())
    return queues.flatMap((queue) => queue.frame(clock.now(), 60_000)?.rows ?? [])
  }
  const traceOf = (offset = 0) =>
    [0, 1].flatMap((partition) => live.traces.find('shop', { topic: 'orders', partition, offset }) ?? [])[0]
  return { app, live, queues, rows, traceOf, watchPoint }
}

const patient = { ...configDefaults.handlers.retry, attempts: 3, minMs: 1, maxMs: 1, jitter: false }

describe('records as they come', { timeout: 30_000 }, () => {
  it('shows every step of a record: fetched, started, failed, started again, published, done, committed', async (t) => {
    let tries = 0
    const { app, rows, traceOf } = await watched(t, {
      retry: patient,
      run: async (_, context) => {
        tries += 1
        if (tries === 1) throw new RangeError('busy')
        await context.publish('invoices', { id: 1 })
      },
    })
    await app.send('orders', 1, 'c9')
    await app.until(() => app.count('record.done') === 1)
    while (traceOf()?.timeline().committedAt === null) await new Promise(setImmediate)
    const timeline = traceOf()?.timeline()
    assert.deepEqual(
      timeline?.attempts.map(({ attempt, outcome, error, published }) => [
        attempt,
        outcome,
        error,
        published.map(({ topic }) => topic),
      ]),
      [
        [1, 'failed', 'RangeError', []],
        [2, 'succeeded', null, ['invoices']],
      ],
    )
    const [first, second] = timeline?.attempts ?? []
    const times = [
      timeline?.fetchedAt,
      first?.startedAt,
      first?.endedAt,
      second?.startedAt,
      second?.endedAt,
      timeline?.committedAt,
    ]
    assert.deepEqual(
      times,
      [...times].sort((a, b) => (a ?? 0) - (b ?? 0)),
    )
    assert.equal(timeline?.doneAt, second?.endedAt)
    const [row] = rows()
    assert.deepEqual(
      [row?.status, row?.attempt, row?.key?.text, row?.error, row?.valueBytes],
      ['done', 2, 'c9', 'RangeError', 1],
    )
  })

  it('says what waits, and what is a dead letter', async (t) => {
    const { app, live, rows, traceOf } = await watched(t, {
      retry: { ...patient, attempts: 2, minMs: 3_600_000, maxMs: 3_600_000 },
      deadLetterTopic: 'orders.dlq',
      run: () => {
        throw new Error('no')
      },
    })
    await app.send('orders', 1, 'c9')
    await app.until(() => app.count('record.retry') === 1)
    assert.equal(traceOf()?.status, 'waiting')
    const place = app.runtime.snapshot().groups[0]?.partitions.find(({ records }) => records === 1)
    const at = { topic: 'orders', partition: place?.partition ?? 0, offset: 0 }
    app.runtime.giveUp('shop', { ...at, epoch: place?.epoch ?? 0, attempt: 2 })
    await app.until(() => app.count('record.dead') === 1)
    for (const event of app.events) live.onEvent('shop', event)
    assert.deepEqual([traceOf()?.status, typeof traceOf()?.timeline().doneAt], ['dead', 'number'])
    assert.equal(rows().at(-1)?.error, 'Error')
  })

  it('tells what a filter has left out from what was handled', () => {
    const { watch, live } = aWatch({})
    const item: WorkItem = { id: 1, handlerId: 'bill', epoch: 1 as Epoch, records: [aRecord()], attempts: [1] }
    watch.onTaken('bill', item.epoch, aRecord(), 0)
    watch.onStarted(item, 1)
    watch.onEnded(item, { workId: 1, outcome: { kind: 'succeeded', filtered: true }, durationMs: 1 }, [true], 2)
    assert.equal(live.traces.find('shop', { topic: 'orders', partition: 0, offset: 0 })?.status, 'filtered')
  })

  it('tells of a record whose partition is given up before it is done that it comes again', async (t) => {
    const { app, live, traceOf } = await watched(t, { run: () => new Promise(() => {}) })
    await app.send('orders', 1, 'c9')
    while (traceOf()?.status !== 'running') await new Promise(setImmediate)
    const epoch = traceOf()?.epoch as Epoch
    live.onEvent('shop', { kind: 'partition.lost', topic: 'orders', partition: 0, epoch, leftBehind: 1, runsAgain: 1 })
    assert.deepEqual([traceOf()?.status, typeof traceOf()?.timeline().leftAt], ['left', 'number'])
    app.runtime.abort()
  })

  it('watches nothing before somebody reads and after the last has gone, and keeps nothing then', async (t) => {
    const open = gate()
    const { app, live, traceOf, watchPoint } = await watched(t, { run: () => open.opened })
    await app.send('orders', 1, 'c9')
    while (traceOf() === undefined) await new Promise(setImmediate)
    live.unwatch()
    assert.deepEqual([watchPoint.of('shop').watch, live.traces.size, traceOf()], [undefined, 0, undefined])
    open.open()
    await app.until(() => app.count('record.done') === 1)
    assert.equal(live.traces.size, 0)
  })

  it('keeps 2,000 records at most, the newest', () => {
    const { watch, live } = aWatch({})
    for (let second = 0; second < 20; second++) {
      for (let index = 0; index < 200; index++) {
        watch.onTaken('bill', 1 as Epoch, aRecord({ offset: second * 200 + index }), second * 1_000)
      }
    }
    assert.equal(live.traces.size, 2_000)
    assert.equal(live.traces.find('shop', { topic: 'orders', partition: 0, offset: 3_999 })?.offset, 3_999)
    assert.equal(live.traces.find('shop', { topic: 'orders', partition: 0, offset: 1_999 }), undefined)
  })

  it('finds a rare key among a hundred thousand records', () => {
    const { watch, queue, live } = aWatch({ key: 'rare' })
    for (let index = 0; index < 100_000; index++) {
      const key = Buffer.from(index === 54_321 ? 'rare' : `k${index % 100}`)
      watch.onTaken('bill', 1 as Epoch, aRecord({ offset: index, key }), 1_000 + index / 1_000)
    }
    queue.add(live.traces.takeChanged())
    assert.deepEqual(
      queue.frame(0, 60_000)?.rows.map(({ place }) => place.offset),
      [54_321],
    )
  })

  it('shows those whose topic, header, text or status is asked for', () => {
    const cases: readonly (readonly [LiveFilter, Partial<KafkaRecord>, boolean])[] = [
      [{ topic: 'orders' }, {}, true],
      [{ topic: 'other' }, {}, false],
      [{ group: 'shop', handlerId: 'bill' }, {}, true],
      [{ handlerId: 'other' }, {}, false],
      [{ keyBase64: Buffer.from('c1').toString('base64') }, {}, true],
      [{ key: 'c' }, {}, false],
      [{ key: '' }, { key: null }, false],
      [{ key: '' }, { key: Buffer.alloc(0) }, true],
      [{ header: { name: 'source' } }, { headers: [['source', null]] }, true],
      [{ header: { name: 'source', value: 'web' } }, { headers: [['source', Buffer.from('web')]] }, true],
      [{ header: { name: 'source', value: 'app' } }, { headers: [['source', Buffer.from('web')]] }, false],
      [{ text: 'Berlin' }, {}, true],
      [{ text: 'berlin' }, {}, false],
      [{ text: 'Berlin' }, { value: null }, false],
      [{ status: 'queued' }, {}, true],
      [{ status: 'done' }, {}, false],
    ]
    for (const [filter, record, isShown] of cases) {
      const { watch, queue, live } = aWatch(filter)
      watch.onTaken('bill', 1 as Epoch, aRecord(record), 0)
      queue.add(live.traces.takeChanged())
      assert.equal(queue.frame(0, 60_000)?.rows.length ?? 0, isShown ? 1 : 0, JSON.stringify(filter))
    }
  })

  it('looks into no record of a topic that is masked, and says so', () => {
    const mask = new Mask(['pages'])
    for (const filter of [
      { topic: 'orders', text: 'Berlin' },
      { topic: 'orders', header: { name: 'source' } },
    ]) {
      assert.throws(() => new CompiledFilter('f', filter, mask), { code: 'forbidden' })
    }
    const { watch, queue, live } = aWatch({ text: 'Berlin' }, mask)
    watch.onTaken('bill', 1 as Epoch, aRecord(), 0)
    watch.onTaken('bill', 2 as Epoch, aRecord({ topic: 'pages' }), 0)
    queue.add(live.traces.takeChanged())
    assert.deepEqual(
      queue.frame(0, 60_000)?.rows.map(({ place }) => place.topic),
      ['pages'],
    )
    const every = aWatch({}, mask)
    every.watch.onTaken('bill', 1 as Epoch, aRecord(), 0)
    every.queue.add(every.live.traces.takeChanged())
    const [row] = every.queue.frame(0, 60_000)?.rows ?? []
    assert.match(row?.key?.text ?? '', /^#[0-9a-f]{16}$/)
  })

  it('keeps a frame below its bytes, and tells how many rows it left out', () => {
    const { watch, queue, live } = aWatch({})
    const key = Buffer.from('<'.repeat(256))
    for (let index = 0; index < 350; index++) watch.onTaken('bill', 1 as Epoch, aRecord({ offset: index, key }), 0)
    queue.add(live.traces.takeChanged())
    const frame = queue.frame(0, 60_000)
    assert.ok(frameBytes(frame) <= 61_000, String(frameBytes(frame)))
    assert.equal(frame?.left, 150)
    assert.ok((frame?.rows.length ?? 0) >= 30)
    assert.equal(queue.frame(0, 60_000)?.left, 0)
  })

  it('counts a record that its engine gave back as not tried', () => {
    const { watch, live } = aWatch({})
    const item: WorkItem = { id: 1, handlerId: 'bill', epoch: 1 as Epoch, records: [aRecord()], attempts: [1] }
    watch.onTaken('bill', item.epoch, aRecord(), 0)
    watch.onStarted(item, 1)
    const recalled: CompletionEvent = { workId: 1, outcome: { kind: 'recalled' }, durationMs: 0 }
    watch.onEnded(item, recalled, [false], 2)
    const trace = live.traces.find('shop', { topic: 'orders', partition: 0, offset: 0 })
    assert.deepEqual([trace?.status, trace?.timeline().attempts], ['queued', []])
  })

  it('tells what a key in a format says when its schema is here, and finds it by its base64', async () => {
    const runtime = new WrittenRuntime()
    const definition = { topic: { keyFormat: { schema: { format: 'avro' } } } }
    runtime.handlers = [aWatchedHandler({ definition: definition as never })]
    let answer = () => {}
    const asked = new Promise<SchemaReader>((resolve) => {
      answer = () => resolve((bytes, { from }) => ({ kind: 'read', value: bytes.readUInt8(from), by: '' }))
    })
    runtime.values = { ...runtime.values, readerOf: () => asked }
    const { watch, live, queue } = aWatch({ keyBase64: 'AAAAAAkG' }, all, runtime)
    const take = (offset: number, last: number) =>
      watch.onTaken('orders', 1 as Epoch, aRecord({ offset, key: Buffer.of(0, 0, 0, 0, 9, last) }), offset)
    const rows = () => {
      queue.add(live.traces.takeChanged())
      return queue.frame(0, 60_000)?.rows.map(({ place, key }) => [place.offset, key?.says, key?.base64])
    }
    take(0, 6)
    take(1, 8)
    assert.deepEqual(rows(), [[0, undefined, 'AAAAAAkG']])
    answer()
    await asked
    await new Promise(setImmediate)
    take(2, 6)
    assert.deepEqual(rows(), [[2, '6', 'AAAAAAkG']])
  })

  it('refuses a key in base64 that is none', () => {
    assert.throws(() => new CompiledFilter('f', { keyBase64: 'no base64' }, all), { code: 'bad-request' })
    assert.throws(() => new CompiledFilter('f', { keyBase64: 'YzE=', key: 'c1' }, all), { code: 'bad-request' })
  })

  it('refuses a filter that nobody has asked for, and forgets one that nobody uses for five minutes', () => {
    const clock = new ManualClock()
    const live = new LiveRecords({ watchPoint: new WatchPoint(), mask: all, keys: keysOf(all, clock), clock })
    assert.throws(() => live.queues('none'), { code: 'bad-request' })
    const [used, unused] = [filterOf(live), filterOf(live)]
    const queues = live.queues(used)
    live.hold(queues)
    clock.advance(299_999)
    assert.equal(live.queues(`${used},${unused}`).length, 2)
    clock.advance(1)
    assert.throws(() => live.queues(unused), { code: 'bad-request' })
    live.release(queues)
    assert.equal(live.queues(used).length, 1)
  })
})

describe('the sampling of records', () => {
  it('picks all while they are few, and about 200 of a second when they are many', () => {
    const sampler = new LiveSampler()
    const pickedAt = (second: number, records: number) => {
      let picked = 0
      for (let index = 0; index < records; index++)
        if (sampler.picks(second * 1_000 + (index * 999) / records)) picked += 1
      return picked
    }
    assert.equal(pickedAt(1, 200), 200)
    assert.equal(pickedAt(2, 10_000), 400)
    assert.equal(sampler.every(2_999), 25)
    assert.equal(pickedAt(3, 10_000), 200)
    assert.deepEqual([sampler.every(3_999), sampler.rate(3_999)], [50, 10_000])
    assert.equal(sampler.rate(60_000), 0)
    assert.equal(sampler.picks(60_001), true)
  })
})

/** What POST `/api/live` answers. */
function filterOf({ endpoints }: LiveRecords, body: LiveFilter = {}): string {
  const [post] = endpoints
  assert.ok(post !== undefined)
  return (post.run({ params: {}, query: new URLSearchParams(), body, from: '' }) as LiveAnswer).filter
}

/** One group that is watched, and a reader of one filter. */
function aWatch(filter: LiveFilter, mask = all, runtime?: WatchedRuntime) {
  const clock = new ManualClock()
  const watchPoint = new WatchPoint()
  const live = new LiveRecords({ watchPoint, mask, keys: keysOf(mask, clock, runtime), clock })
  const queues = live.queues(filterOf(live, filter))
  live.hold(queues)
  live.watch()
  const { watch } = watchPoint.of('shop')
  const [queue] = queues
  assert.ok(watch !== undefined && queue instanceof LiveQueue)
  return { watch, live, queue }
}
