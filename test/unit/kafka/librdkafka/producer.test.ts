/** How the producer deals with a full queue, failed deliveries and a broker that is gone; played by a scripted native client. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NativeError, NativeProducer } from '../../../../framework/kafka/librdkafka/binding.ts'
import { type DeliveryCallback, LibrdkafkaProducer } from '../../../../framework/kafka/librdkafka/producer.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../recorded-log.ts'

class ScriptedProducer implements NativeProducer {
  readonly queue: { readonly value: string; readonly opaque: unknown }[] = []
  readonly flushTimeouts: number[] = []
  room = Number.POSITIVE_INFINITY
  refusal: Error | undefined
  answersDisconnect = true

  connect(): void {}
  getMetadata(): void {}
  on(): void {}
  poll(): void {}
  setPollInBackground(): void {}
  queryWatermarkOffsets(): void {}
  isConnected(): boolean {
    return true
  }
  produce(...[, , value, , , opaque]: Parameters<NativeProducer['produce']>): void {
    if (this.refusal !== undefined) throw this.refusal
    if (this.queue.length >= this.room) throw Object.assign(new Error('Local: Queue full'), { code: -184 })
    this.queue.push({ value: String(value), opaque })
  }
  disconnect(flushTimeoutMs: number, done: () => void): void {
    this.flushTimeouts.push(flushTimeoutMs)
    if (this.answersDisconnect) setImmediate(done)
  }
}

async function scripted() {
  const native = new ScriptedProducer()
  const clock = new ManualClock()
  const { log, lines } = recordedLog()
  let report: DeliveryCallback = () => {}
  const producer = await LibrdkafkaProducer.open(
    async (callback) => {
      report = callback
      return native
    },
    { log, clock },
  )
  const settled: string[] = []
  return {
    native,
    clock,
    lines,
    producer,
    settled,
    produce: (value: string) =>
      producer
        .produce({ topic: 'orders', key: null, value: Buffer.from(value), headers: [] })
        .then(() => settled.push(value)),
    /** Reports on the oldest that is in the queue. */
    deliver: (error: NativeError | null = null) => {
      const [oldest] = native.queue.splice(0, 1)
      report(error, { partition: 2, offset: 18, opaque: oldest?.opaque })
      return new Promise(setImmediate)
    },
  }
}

describe('producing', () => {
  it('settles when the broker has acknowledged, not before', async () => {
    const { settled, produce, deliver } = await scripted()
    const produced = produce('a')
    await new Promise(setImmediate)
    assert.deepEqual(settled, [])
    await deliver()
    await produced
    assert.deepEqual(settled, ['a'])
  })

  it('waits while the queue is full, and sends in the order of the calls', async () => {
    const { native, settled, produce, deliver } = await scripted()
    native.room = 2
    const all = ['a', 'b', 'c', 'd', 'e'].map(produce)
    assert.deepEqual(
      native.queue.map((each) => each.value),
      ['a', 'b'],
    )
    for (let count = 0; count < 5; count++) await deliver()
    await Promise.all(all)
    assert.deepEqual(settled, ['a', 'b', 'c', 'd', 'e'])
  })

  for (const [what, code, expected] of [
    ['was not delivered in time', -192, { code: 'PYR_PRODUCE_FAILED', retriable: true }],
    ['is too large', 10, { code: 'PYR_RECORD_TOO_LARGE', retriable: false }],
    ['has a topic that does not exist', -188, { code: 'PYR_TOPIC_UNKNOWN', retriable: false }],
  ] as const) {
    it(`rejects a record that ${what}`, async () => {
      const { produce, deliver } = await scripted()
      const refused = assert.rejects(produce('a'), expected)
      await deliver({ message: what, code })
      await refused
    })
  }

  it('rejects what the binding refuses at once, and goes on with the next', async () => {
    const { native, produce, deliver } = await scripted()
    native.refusal = Object.assign(new Error('Local: Unknown partition'), { code: -190 })
    await assert.rejects(produce('a'), { code: 'PYR_PRODUCE_FAILED', retriable: false })
    native.refusal = undefined
    const produced = produce('b')
    await deliver()
    await produced
  })
})

/** Each connect gives another native producer, or fails once as scripted. */
async function replaceable() {
  const clock = new ManualClock()
  const { log, lines } = recordedLog()
  const natives: ScriptedProducer[] = []
  const reports: DeliveryCallback[] = []
  const failures: Error[] = []
  const connect = async (report: DeliveryCallback) => {
    const failure = failures.shift()
    if (failure !== undefined) throw failure
    const native = new ScriptedProducer()
    natives.push(native)
    reports.push(report)
    return native
  }
  const producer = await LibrdkafkaProducer.open(connect, { log, clock })
  const produce = (value: string) =>
    producer.produce({ topic: 'orders', key: null, value: Buffer.from(value), headers: [] })
  const deliver = (which: number, error: NativeError | null = null) => {
    const [oldest] = natives[which]!.queue.splice(0, 1)
    reports[which]!(error, { partition: 0, offset: 1, opaque: oldest?.opaque })
    return new Promise(setImmediate)
  }
  return { clock, lines, natives, failures, producer, produce, deliver }
}

describe('a producer in the fatal state', () => {
  const fatal = { message: 'Local: Fatal error', code: -150 }
  const again = { code: 'PYR_PRODUCE_FAILED', retriable: true }

  it('is replaced: what it had is rejected to be sent again, and what comes goes to the new one, in order', async () => {
    const { clock, natives, produce, deliver, lines } = await replaceable()
    natives[0]!.answersDisconnect = false
    const refused = ['a', 'b', 'never reported on'].map((value) => assert.rejects(produce(value), again))
    await deliver(0, fatal)
    const sent = ['c', 'd'].map(produce)
    // A late report of the old one does not end the new one.
    await deliver(0, fatal)
    await clock.advanceAndSettle(2_000)
    await Promise.all(refused)
    assert.deepEqual(
      natives.map(({ queue }) => queue.map(({ value }) => value)),
      [['never reported on'], ['c', 'd']],
    )
    assert.deepEqual(natives[0]!.flushTimeouts, [0])
    await deliver(1)
    await deliver(1)
    await Promise.all(sent)
    assert.equal(natives.length, 2)
    assert.deepEqual(
      lines.map(({ message }) => message),
      ['the Kafka producer cannot go on and is replaced'],
    )
  })

  it('is replaced as soon as that can be done, when the binding refuses at once', async () => {
    const { clock, natives, failures, produce, deliver, lines } = await replaceable()
    failures.push(new Error('no broker'))
    natives[0]!.refusal = Object.assign(new Error('Local: Fatal error'), { code: -150 })
    await assert.rejects(produce('a'), again)
    const sent = produce('b')
    await new Promise(setImmediate)
    assert.equal(natives.length, 1)
    await clock.advanceAndSettle(1_000)
    await deliver(1)
    await sent
    assert.deepEqual([natives.length, lines.length, clock.pendingTimers], [2, 2, 0])
  })

  it('can be closed while it waits for its replacement', async () => {
    const { clock, natives, failures, produce, producer } = await replaceable()
    failures.push(new Error('no broker'), new Error('no broker'))
    natives[0]!.refusal = Object.assign(new Error('Local: Fatal error'), { code: -150 })
    await assert.rejects(produce('a'), again)
    const closed = assert.rejects(produce('b'), { code: 'PYR_CLIENT_CLOSED' })
    const closing = producer.close(100)
    for (let step = 0; step < 300; step++) await clock.advanceAndSettle(5)
    await closing
    await closed
    assert.deepEqual([natives.length, clock.pendingTimers], [1, 0])
  })
})

describe('closing the producer', () => {
  it('rejects what was not delivered in time, and says how much that was', async () => {
    const { native, clock, lines, producer, produce } = await scripted()
    native.room = 1
    const refused = ['a', 'b'].map((value) => assert.rejects(produce(value), { code: 'PYR_CLIENT_CLOSED' }))
    const closing = producer.close(100)
    for (let step = 0; step < 30; step++) await clock.advanceAndSettle(5)
    await closing
    await Promise.all(refused)
    assert.deepEqual(
      lines.map((each) => each.fields),
      [{ timeoutMs: 100, undelivered: 2 }],
    )
  })

  it('disconnects only when the last report is in: the binding drops those that are on their way', async () => {
    const { native, clock, lines, producer, produce, deliver, settled } = await scripted()
    const sent = ['a', 'b'].map((value) => produce(value))
    const closing = producer.close(1_000)
    await clock.advanceAndSettle(50)
    await deliver()
    await clock.advanceAndSettle(50)
    assert.deepEqual([settled, native.flushTimeouts], [['a'], []])
    await deliver()
    await clock.advanceAndSettle(50)
    await closing
    await Promise.all(sent)
    assert.deepEqual([settled, native.flushTimeouts.length, lines], [['a', 'b'], 1, []])
  })

  it('is bounded when the disconnect never ends, and leaves no timer', async () => {
    const { native, clock, producer } = await scripted()
    native.answersDisconnect = false
    const closing = producer.close(1_000)
    await new Promise(setImmediate)
    await clock.advanceAndSettle(3_000)
    await closing
    assert.deepEqual(native.flushTimeouts, [1_000])
    assert.equal(clock.pendingTimers, 0)
  })

  it('says nothing when all was delivered', async () => {
    const { lines, producer, clock } = await scripted()
    await producer.close(1_000)
    assert.deepEqual([lines, clock.pendingTimers], [[], 0])
  })
})
