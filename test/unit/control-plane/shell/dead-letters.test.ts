/** Records that are given up reach their topic, however long that takes, and say where they came from. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DeadLetterPublisher } from '../../../../framework/control-plane/shell/dead-letters.ts'
import type { RecordPlace } from '../../../../framework/kafka/kafka-client.ts'
import { PyrallelError } from '../../../../framework/model/errors.ts'
import type { OutgoingRecord, RecordHeader } from '../../../../framework/model/record.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { aFailure, Driver, keyed, of } from '../builders.ts'

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

function publisherOf(headers: readonly RecordHeader[] = []) {
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
  const permit = { isStopped: false }
  const publisher = new DeadLetterPublisher({
    producer,
    group: 'billing',
    clock,
    mayPublish: () => !permit.isStopped,
    isWanted: (request) => driver.manager.isWanted(request),
    onAcknowledged: (request) => driver.manager.onDeadLettered(request),
    onEvent: (event) => driver.events.push(event),
  })
  /** Offset 0 is given up, and what the manager hands out is published. */
  const giveUp = () => {
    driver.poll(keyed(0, 'a', { value: Buffer.from('v'), headers }), keyed(1, 'a'))
    driver.end(driver.start()[0], { kind: 'failed', failure: aFailure({ retryable: false }) })
    for (const request of driver.manager.takeDeadLetters()) publisher.publish(request)
  }
  return { clock, driver, asked, publisher, giveUp, permit }
}

describe('DeadLetterPublisher', () => {
  it('publishes nothing, not for the first time and not again, while nothing may start', async () => {
    const { clock, asked, giveUp, permit } = publisherOf()
    giveUp()
    permit.isStopped = true
    await asked[0]!.answer(new Error('refused'))
    await clock.advanceAndSettle(60_000)
    assert.equal(asked.length, 1)
    permit.isStopped = false
    await clock.advanceAndSettle(200)
    assert.equal(asked.length, 2)
    await asked[1]!.answer()
    assert.equal(clock.pendingTimers, 0)
  })

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

  it('leaves the value out of a record that is too large with its headers, at once, and says so', async () => {
    const { clock, driver, asked, giveUp } = publisherOf()
    giveUp()
    await asked[0]!.answer(new PyrallelError('PYR_RECORD_TOO_LARGE', 'too large'))
    assert.deepEqual(
      driver.eventsOf('dead-letter.failed').map(({ delayMs, error }) => [delayMs, error.message]),
      [[0, 'too large']],
    )
    await clock.advanceAndSettle(0)
    assert.equal(String(asked[0]!.record.value), 'v')
    assert.equal(asked[1]!.record.value, null)
    await asked[1]!.answer()
    assert.equal(driver.commit()?.position, 1)
  })

  it('makes a record ever smaller whose headers or key leave no room for ours, so that no record blocks its partition for ever', async () => {
    const { clock, driver, asked, giveUp } = publisherOf([['own', Buffer.alloc(999_000)]])
    giveUp()
    for (let i = 0; i < 3; i += 1) {
      await asked.at(-1)!.answer(new PyrallelError('PYR_RECORD_TOO_LARGE', 'too large'))
      await clock.advanceAndSettle(0)
    }
    const shapes = asked.map(({ record: { key, value, headers } }) => {
      const byName = new Map(headers)
      return [String(byName.get('pyrallel-payload')), String(key), String(value), byName.has('own')]
    })
    assert.deepEqual(shapes, [
      ['full', 'a', 'v', true],
      ['metadata', 'a', 'null', true],
      ['key', 'a', 'null', false],
      ['none', 'null', 'null', false],
    ])
    await asked.at(-1)!.answer()
    assert.equal(driver.commit()?.position, 1)
  })

  it('waits with growing delays where even the smallest dead letter is too large for its topic', async () => {
    const { clock, driver, asked, giveUp } = publisherOf()
    giveUp()
    for (let i = 0; i < 6; i += 1) {
      await asked.at(-1)!.answer(new PyrallelError('PYR_RECORD_TOO_LARGE', 'too large'))
      await clock.advanceAndSettle(30_000)
    }
    const delays = driver.eventsOf('dead-letter.failed').map(({ delayMs }) => delayMs)
    assert.deepEqual(delays, [0, 0, 0, 200, 400, 800])
  })

  it('still counts what was acknowledged after its end', async () => {
    const { driver, asked, publisher, giveUp } = publisherOf()
    giveUp()
    publisher.close()
    await asked[0]!.answer()
    assert.equal(driver.commit()?.position, 1)
  })
})
