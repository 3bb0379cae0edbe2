/** The demo's traffic on the in-memory broker: paced, accounted for, and watched by a checker that is fed by the handlers themselves. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { probed } from '../../../../../cli/dev/traffic/handler-probe.ts'
import { TrafficRun, type TrafficRunOptions } from '../../../../../cli/dev/traffic/traffic-run.ts'
import { isSound, summarize, summaryText } from '../../../../../cli/dev/traffic/traffic-summary.ts'
import { painter } from '../../../../../cli/terminal/paint.ts'
import type { HandlerContext, HandlerRecord } from '../../../../../framework/api/handler.ts'
import { handler } from '../../../../../framework/api/handler.ts'
import type { TrafficRecord } from '../../../../../framework/api/traffic.ts'
import { resolveConfig } from '../../../../../framework/config/resolve-config.ts'
import { DecodedRecord, KeyedRecord } from '../../../../../framework/execution-plane/attempt/decoded-record.ts'
import type { KafkaRecord, OutgoingRecord } from '../../../../../framework/model/record.ts'
import { resolveHandlers } from '../../../../../framework/runtime/resolve-handlers.ts'
import type { ResolvedHandler } from '../../../../../framework/runtime/runtime.ts'
import { ManualClock } from '../../../../../framework/testing/manual-clock.ts'
import { systemClock } from '../../../../../framework/time/clock.ts'
import { aRecord, done } from '../../events.ts'

function aHandler(
  run: (record: HandlerRecord<unknown>, context: HandlerContext) => unknown = () => {},
): ResolvedHandler {
  const entry = { id: 'h', file: 'handlers/h.ts', topic: 'orders', group: null, handler: handler('orders', run) }
  const [resolved] = resolveHandlers([entry], resolveConfig({ group: 'shop' }, 'x'))
  assert.ok(resolved !== undefined)
  return resolved
}

function* twoKeys(): Generator<TrafficRecord> {
  for (let number = 1; ; number++) yield { topic: 'orders', key: `k${number % 2}`, value: { number } }
}

function* twoKeysUpTo(count: number): Generator<TrafficRecord> {
  for (let number = 1; number <= count; number++) yield { topic: 'orders', key: `k${number % 2}`, value: { number } }
}

/** A producer whose records go nowhere, but are kept. */
function aProducer() {
  const produced: OutgoingRecord[] = []
  return {
    produced,
    produce: async (record: OutgoingRecord) => {
      produced.push(record)
      return { partition: 0, offset: produced.length - 1 }
    },
    close: async () => {},
  }
}

function aRun(options: Partial<TrafficRunOptions> = {}): TrafficRun {
  return new TrafficRun({
    source: twoKeys(),
    file: 'handlers/_traffic.ts',
    handlers: [aHandler()],
    clock: systemClock(),
    rate: undefined,
    records: 10,
    runId: 'run',
    ensureTopic: async () => {},
    stallMs: 10_000,
    ...options,
  })
}

/** Settles everything that was produced, in that order. */
function settle(run: TrafficRun, produced: readonly OutgoingRecord[]): void {
  for (const [offset, { key, headers }] of produced.entries()) {
    run.onEvent(done({ handlerId: 'h', record: aRecord({ topic: 'orders', offset, key, headers }) }))
  }
}

describe('TrafficRun', () => {
  it('produces so many records, and ends when all are settled', async () => {
    const producer = aProducer()
    const run = aRun()
    const running = run.run(producer)
    // What checks records is loaded for the first of them.
    while (producer.produced.length < 10) await delay(1)
    settle(run, producer.produced)
    await running
    assert.equal(producer.produced.length, 10)
    const summary = summarize(run.ledger.totals(), run.checker, 5)
    assert.equal(summary.done, 10)
    assert.equal(isSound(summary), true)
  })

  it('has at most 500 records on their way when it is not paced', async () => {
    const producer = aProducer()
    const run = aRun({ records: 2_000 })
    const running = run.run(producer)
    for (let settled = 0; settled < 2_000; ) {
      await new Promise((resolve) => setImmediate(resolve))
      assert.ok(producer.produced.length - settled <= 500)
      for (const [index, { key, headers }] of producer.produced.slice(settled).entries()) {
        run.onEvent(
          done({ handlerId: 'h', record: aRecord({ topic: 'orders', offset: settled + index, key, headers }) }),
        )
      }
      settled = producer.produced.length
    }
    await running
    assert.equal(run.ledger.totals().done, 2_000)
  })

  it('waits for another source once its own has made a mistake, and does not make up for the wait', async () => {
    const clock = new ManualClock()
    const producer = aProducer()
    const mistakes: string[] = []
    const broken = function* (): Generator<TrafficRecord> {
      yield { topic: 'orders', value: 1 }
      throw new Error('no service')
    }
    const run = aRun({
      source: broken(),
      clock,
      rate: 100,
      records: undefined,
      onMistake: ({ message }) => mistakes.push(message),
    })
    const running = run.run(producer)
    const pass = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 20) {
        clock.advance(20)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await pass(2_000)
    assert.equal(producer.produced.length, 1)
    assert.deepEqual(mistakes, ['handlers/_traffic.ts threw while it made record 2: Error: no service'])
    assert.equal(run.isWaiting, true)
    run.setSource(twoKeys())
    await pass(100)
    assert.ok(producer.produced.length > 5 && producer.produced.length < 20, String(producer.produced.length))
    run.stop()
    await running
  })

  it('goes on with another source that has come while its own was asked for the last time', async () => {
    const producer = aProducer()
    let replace = () => {}
    const ending = function* (): Generator<TrafficRecord> {
      queueMicrotask(() => replace())
      yield* []
    }
    const run = aRun({ source: ending(), records: 3 })
    replace = () => run.setSource(twoKeys())
    let isOver = false
    const running = run.run(producer).finally(() => {
      isOver = true
    })
    while (producer.produced.length < 3 && !isOver) await delay(1)
    settle(run, producer.produced)
    await running
    assert.equal(run.ledger.totals().done, 3)
  })

  it('ends with the mistake of its source where nobody is told', async () => {
    const source = (): Iterator<TrafficRecord> => ({
      next: () => {
        throw new Error('no service')
      },
    })
    await assert.rejects(aRun({ source: source() }).run(aProducer()), { code: 'PYR_TRAFFIC' })
  })

  it('keeps its pace, and measures from the time when a record was meant to be sent', async () => {
    const clock = new ManualClock()
    const producer = aProducer()
    const run = aRun({ clock, rate: 100, records: 3 })
    const running = run.run(producer)
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    await turn()
    assert.equal(producer.produced.length, 1)
    // The event loop is blocked for 30 ms: three records are due by then, at 0, 10 and 20 ms.
    clock.advance(30)
    await turn()
    assert.equal(producer.produced.length, 3)
    settle(run, producer.produced)
    await running
    assert.ok(Math.abs((run.ledger.totals().p99Ms ?? 0) - 30) < 1)
    assert.ok(Math.abs((run.ledger.totals().p50Ms ?? 0) - 20) < 1)
    assert.equal(clock.pendingTimers, 0)
  })

  it('takes what does not settle in time for lost', async () => {
    const clock = new ManualClock()
    const producer = aProducer()
    const run = aRun({ clock, records: 2, stallMs: 1_000 })
    const running = run.run(producer)
    await new Promise((resolve) => setImmediate(resolve))
    settle(run, producer.produced.slice(0, 1))
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(1_000)
    await running
    const summary = summarize(run.ledger.totals(), run.checker, undefined)
    assert.equal(summary.lost, 1)
    assert.equal(isSound(summary), false)
  })

  it('counts what the broker refuses, and is not sound then', async () => {
    const run = aRun({ records: 1 })
    await run.run({ produce: () => Promise.reject(new Error('refused')), close: async () => {} })
    const summary = summarize(run.ledger.totals(), run.checker, undefined)
    assert.equal(summary.refused, 1)
    assert.equal(isSound(summary), false)
  })

  it('stops when it is told to, without waiting for what is on its way', async () => {
    const clock = new ManualClock()
    const run = aRun({ clock, rate: 100, records: undefined })
    const running = run.run(aProducer())
    await new Promise((resolve) => setImmediate(resolve))
    run.stop()
    await running
    assert.equal(clock.pendingTimers, 0)
  })

  it('waits for what is on its way when the file ends before so many records, and says so', async () => {
    const producer = aProducer()
    const run = aRun({ source: [...twoKeysUpTo(5)].values(), records: 10 })
    const running = run.run(producer)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(producer.produced.length, 5)
    settle(run, producer.produced)
    await running
    const summary = summarize(run.ledger.totals(), run.checker, undefined, run.endedBefore)
    assert.equal(summary.lost, 0)
    assert.equal(isSound(summary), true)
    assert.match(summaryText(summary, [], painter(false)), /the traffic file ended after 5 of 10\n/)
  })

  it('is not sound when no handler has read anything, and tells what was read by none', async () => {
    const unread = (): TrafficRecord => ({ topic: 'nobody-reads', value: 1 })
    const [nothing, some] = [aRun({ source: [unread(), unread()].values(), records: 2 }), aRun({ records: 3 })]
    await nothing.run(aProducer())
    const summary = summarize(nothing.ledger.totals(), nothing.checker, undefined, nothing.endedBefore)
    assert.deepEqual([summary.sent, summary.done, summary.unread], [2, 0, 2])
    assert.equal(isSound(summary), false)
    assert.match(summaryText(summary, [], painter(false)), /read by no handler +2\n/)
    some.setSource([unread(), { topic: 'orders', key: 'k', value: 1 }, unread()].values())
    const producer = aProducer()
    const running = some.run(producer)
    await new Promise((resolve) => setImmediate(resolve))
    settle(some, producer.produced.slice(1, 2))
    await running
    assert.equal(isSound(summarize(some.ledger.totals(), some.checker, undefined)), true)
  })

  it('says which record of which file is none, or could not be made', async () => {
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    const good: TrafficRecord = { topic: 'unread', value: 1 }
    const throwing = (function* (): Generator<TrafficRecord> {
      yield good
      throw new RangeError('no luck')
    })()
    const yielding = (value: unknown) => [good, value as TrafficRecord].values()
    for (const [source, message] of [
      [throwing, /^handlers\/_traffic\.ts threw while it made record 2: RangeError: no luck$/],
      [yielding(undefined), /^handlers\/_traffic\.ts yielded undefined as record 2, but a record is an object with /],
      [yielding(7), /yielded a number as record 2/],
      [yielding([good]), /yielded an array as record 2/],
      [yielding({ value: 1 }), /yielded an object without a topic as record 2/],
      [yielding({ topic: 5, value: 1 }), /yielded an object whose topic is none as record 2/],
      [
        yielding({ topic: 'unread' }),
        /record 2 of handlers\/_traffic\.ts cannot be sent: TypeError: its value is undefined/,
      ],
      [yielding({ topic: 'unread', value: cyclic }), /record 2 of .* cannot be sent: TypeError: .*circular/],
    ] as const) {
      await assert.rejects(aRun({ source, records: 2 }).run(aProducer()), { code: 'PYR_TRAFFIC', message })
    }
  })

  it('takes no notice of records that an earlier run has left in the topic', async () => {
    const producer = aProducer()
    const earlier = aRun({ runId: 'earlier', records: 1 })
    const running = earlier.run(producer)
    await new Promise((resolve) => setImmediate(resolve))
    const run = aRun()
    settle(run, producer.produced)
    assert.equal(run.checker.sequences, 0)
    settle(earlier, producer.produced)
    await running
  })

  it('sends texts and bytes as they are, objects as JSON, and null as a tombstone', async () => {
    const values = ['{"cut', Buffer.from([1, 2]), { a: 1 }, null]
    const producer = aProducer()
    const source = values.map((value): TrafficRecord => ({ topic: 'unread', value })).values()
    await aRun({ source, records: 4 }).run(producer)
    assert.deepEqual(
      producer.produced.map(({ value }) => value?.toString('latin1') ?? null),
      ['{"cut', '\u0001\u0002', '{"a":1}', null],
    )
  })
})

describe('a probed handler', () => {
  /** Plays records of one key to a probed handler, as an engine that keeps no order would. */
  async function play(
    run: (record: HandlerRecord<unknown>, context: HandlerContext) => unknown,
    isOrdered: boolean,
    { source = twoKeys(), recordOf = (raw: KafkaRecord) => new DecodedRecord(raw, {}, 1) } = {},
  ) {
    const producer = aProducer()
    const original = aHandler(run)
    const traffic = aRun({ handlers: [original], records: 4, source })
    const published: string[] = []
    const observed = probed(original, {
      onStart: (id, record) => traffic.onStart(id, record),
      onEnd: (id, record, hasSucceeded) => traffic.onEnd(id, record, hasSucceeded),
      onPublish: async (_id, _record, topic) => {
        published.push(topic)
      },
    })
    const running = traffic.run(producer)
    await new Promise((resolve) => setImmediate(resolve))
    const context = { publish: async () => {} } as unknown as HandlerContext
    const calls: unknown[] = []
    for (const [offset, { key, headers }] of producer.produced.entries()) {
      const raw = aRecord({ topic: 'orders', offset, key, headers })
      const call = observed.definition.run(recordOf(raw), context)
      calls.push(call)
      if (isOrdered) await call
    }
    await Promise.all(calls)
    settle(traffic, producer.produced)
    await running
    return { violations: traffic.checker.violationCount, starts: traffic.checker.starts, published }
  }

  it('is watched from its start to its end: records of one key at once are noticed', async () => {
    const slow = () => new Promise((resolve) => setImmediate(resolve))
    assert.equal((await play(slow, false)).violations, 2)
    assert.deepEqual(await play(slow, true), { violations: 0, starts: 4, published: [] })
  })

  it('tells keys in a format from each other, which are objects for it, and by no text of theirs', async () => {
    const recordOf = (raw: KafkaRecord) => new KeyedRecord(raw, { id: raw.key?.readUInt8(5) }, {}, 1)
    const keyed = (...keys: readonly string[]) => {
      const records = [...keys, ...keys].map((hex) => ({ topic: 'orders', key: Buffer.from(hex, 'hex'), value: {} }))
      return { source: records.values() as never, recordOf }
    }
    const inOrder = await play(() => 'done', true, keyed('000000000702', '000000000704'))
    assert.deepEqual(inOrder, { violations: 0, starts: 4, published: [] })
    // As UTF-8, these two would be the same. Each is run beside itself, and not beside the other.
    const slow = () => new Promise((resolve) => setImmediate(resolve))
    assert.equal((await play(slow, false, keyed('00000000078001', '00000000078201'))).violations, 2)
  })

  it('is watched when it is synchronous, too', async () => {
    assert.deepEqual(await play(() => 'done', true), { violations: 0, starts: 4, published: [] })
  })

  it('is seen to publish', async () => {
    const { published } = await play((_record, { publish }) => publish('invoices', {}), true)
    assert.deepEqual(published, ['invoices', 'invoices', 'invoices', 'invoices'])
  })

  it('throws what it would have thrown', async () => {
    const nothing = { onStart: () => {}, onEnd: () => {}, onPublish: async () => {} }
    const record = new DecodedRecord(aRecord(), {}, 1)
    const failing = (run: () => unknown) => probed(aHandler(run), nothing).definition.run(record, {} as HandlerContext)
    assert.throws(
      () =>
        failing(() => {
          throw new RangeError('at once')
        }),
      RangeError,
    )
    await assert.rejects(Promise.resolve(failing(() => Promise.reject(new RangeError('later')))), RangeError)
  })
})

describe('the summary', () => {
  it('shows every figure, and the first violations as sentences', () => {
    const run = aRun()
    run.ledger.sent(1, ['h'], 0)
    const text = summaryText(
      { ...summarize(run.ledger.totals(), run.checker, 1_234), violations: 1 },
      ['h: wrong'],
      painter(false),
    )
    for (const part of [
      /records +0 of 1 done/,
      /first record +done 1234 ms after/,
      /lost +1/,
      /order violations +1 \(0 attempts watched in 0 keys and partitions, without those in batches\)/,
      /✗ h: wrong/,
    ]) {
      assert.match(text, part)
    }
  })
})
