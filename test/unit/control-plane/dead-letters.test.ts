/** Records that are given up reach their topic, however long that takes, and say where they came from. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DeadLetterPublisher, toOutgoing } from '../../../framework/control-plane/dead-letters.ts'
import type { DeadLetterRequest } from '../../../framework/control-plane/failed-records.ts'
import type { RecordPlace } from '../../../framework/kafka/kafka-client.ts'
import type { OutgoingRecord, RecordHeader } from '../../../framework/model/record.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { aFailure, aRecord, Driver, keyed, of } from './builders.ts'

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

function publisherOf() {
  const clock = new ManualClock(0)
  const driver = new Driver().assign(0, 0)
  const asked: { readonly record: OutgoingRecord; readonly at: number; answer(error?: Error): Promise<void> }[] = []
  const producer = {
    produce: (record: OutgoingRecord) =>
      new Promise<RecordPlace>((resolve, reject) => {
        const answer = (error?: Error) => {
          if (error === undefined) resolve({ partition: 0, offset: asked.length })
          else reject(error)
          return settle()
        }
        asked.push({ record, at: clock.now(), answer })
      }),
    close: async () => {},
  }
  const publisher = new DeadLetterPublisher({
    producer,
    group: 'billing',
    clock,
    isWanted: (request) => driver.manager.isWanted(request),
    onAcknowledged: (request) => driver.manager.onDeadLettered(request),
    onEvent: (event) => driver.events.push(event),
  })
  /** Offset 0 is given up, and what the manager hands out is published. */
  const giveUp = () => {
    driver.poll(keyed(0, 'a'), keyed(1, 'a'))
    driver.end(driver.start()[0], { kind: 'failed', failure: aFailure({ retryable: false }) })
    for (const request of driver.manager.takeDeadLetters()) publisher.publish(request)
  }
  return { clock, driver, asked, publisher, giveUp }
}

describe('DeadLetterPublisher', () => {
  it('counts a record as done only when its topic has acknowledged it', async () => {
    const { driver, asked, giveUp } = publisherOf()
    giveUp()
    await settle()
    assert.deepEqual([asked[0]?.record.topic, driver.commit(), driver.startOffsets()], ['orders.dlq', undefined, []])
    await asked[0]!.answer()
    assert.deepEqual([driver.commit()?.position, driver.startOffsets()], [1, [1]])
  })

  it('publishes again with growing delays, at most 30 s, until it is acknowledged', async () => {
    const { clock, driver, asked, giveUp } = publisherOf()
    giveUp()
    for (let i = 0; i < 10; i += 1) {
      await asked.at(-1)!.answer(new Error('no leader'))
      await clock.advanceAndSettle(30_000)
    }
    const delays = driver.eventsOf('dead-letter.failed').map(({ delayMs }) => delayMs)
    assert.deepEqual(delays, [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000])
    const waits = asked.slice(1).map(({ at }, i) => at - 30_000 * i)
    assert.deepEqual(waits, delays)
    assert.equal(driver.commit(), undefined)
    await asked.at(-1)!.answer()
    assert.equal(driver.commit()?.position, 1)
    assert.equal(clock.pendingTimers, 0)
  })

  it('does not publish any more what belongs to a partition that was given up', async () => {
    const { clock, driver, asked, giveUp } = publisherOf()
    giveUp()
    await asked[0]!.answer(new Error('no leader'))
    driver.manager.onRevoked([of(0)])
    await clock.advanceAndSettle(60_000)
    assert.equal(asked.length, 1)
    assert.equal(clock.pendingTimers, 0)
  })

  it('publishes nothing after its end, and leaves no timer', async () => {
    const { clock, asked, publisher, giveUp } = publisherOf()
    giveUp()
    await asked[0]!.answer(new Error('no leader'))
    publisher.close()
    assert.equal(clock.pendingTimers, 0)
    giveUp()
    await settle()
    assert.equal(asked.length, 1)
  })

  it('does not begin to wait again when the answer comes after its end', async () => {
    const { clock, driver, asked, publisher, giveUp } = publisherOf()
    giveUp()
    publisher.close()
    await asked[0]!.answer(new Error('closing'))
    assert.deepEqual([clock.pendingTimers, driver.eventsOf('dead-letter.failed')], [0, []])
  })

  it('still counts what was acknowledged after its end', async () => {
    const { driver, asked, publisher, giveUp } = publisherOf()
    giveUp()
    publisher.close()
    await asked[0]!.answer()
    assert.equal(driver.commit()?.position, 1)
  })
})

function requestOf(over: Partial<DeadLetterRequest> = {}): DeadLetterRequest {
  const driver = new Driver().assign(0, 0).poll(keyed(0, 'a', { value: Buffer.from('v'), timestamp: 77 }))
  driver.end(driver.start()[0], { kind: 'failed', failure: aFailure({ reason: 'invalid', retryable: false }) })
  return { ...driver.takeDeadLetter(), ...over }
}

const textOf = (headers: readonly RecordHeader[], name: string) =>
  headers.filter(([each]) => each === name).map(([, value]) => String(value))

describe('a dead letter', () => {
  it('is the record as it was, with where it came from and why in headers', () => {
    const request = requestOf()
    const outgoing = toOutgoing(request, 'billing')
    assert.deepEqual([outgoing.topic, String(outgoing.key), String(outgoing.value)], ['orders.dlq', 'a', 'v'])
    const headers = Object.fromEntries(outgoing.headers.map(([name, value]) => [name, String(value)]))
    assert.deepEqual(headers, {
      'pyrallel-topic': 'orders',
      'pyrallel-partition': '0',
      'pyrallel-offset': '0',
      'pyrallel-epoch': String(request.epoch),
      'pyrallel-timestamp': '77',
      'pyrallel-group': 'billing',
      'pyrallel-handler': 'charge',
      'pyrallel-attempts': '1',
      'pyrallel-reason': 'invalid',
      'pyrallel-error-name': 'Error',
      'pyrallel-error-message': 'boom',
    })
  })

  it('keeps a tombstone a tombstone, and a missing key missing', () => {
    const { key, value } = toOutgoing(requestOf({ record: aRecord(0) }), 'billing')
    assert.deepEqual([key, value], [null, null])
  })

  it('keeps the headers of the record, repeated and binary ones too', () => {
    const own: RecordHeader[] = [
      ['trace', Buffer.from([0xff, 0x00])],
      ['trace', null],
    ]
    const { headers } = toOutgoing(requestOf({ record: aRecord(0, { headers: own }) }), 'billing')
    assert.deepEqual(headers.slice(0, 2), own)
  })

  it('replaces the headers of an earlier dead-lettering instead of stacking them', () => {
    const first = toOutgoing(requestOf(), 'billing')
    const again = toOutgoing(
      requestOf({ record: aRecord(9, { topic: 'orders.dlq', headers: first.headers }) }),
      'retry',
    )
    assert.deepEqual(textOf(again.headers, 'pyrallel-topic'), ['orders.dlq'])
    assert.deepEqual(textOf(again.headers, 'pyrallel-group'), ['retry'])
    assert.equal(again.headers.length, first.headers.length)
  })

  it('cuts a message that would make the record too large', () => {
    const failure = aFailure({ message: 'x'.repeat(100_000) })
    const { headers } = toOutgoing(requestOf({ failure }), 'billing')
    assert.equal(textOf(headers, 'pyrallel-error-message')[0]?.length, 2_000)
  })
})
