/** The pace of `pyrallel send --rate`, and what becomes of refusals. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sendAll } from '../../../../cli/send/send-all.ts'
import type { RecordPlace } from '../../../../framework/kafka/kafka-client.ts'
import { PyrallelError } from '../../../../framework/model/errors.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'

const record = () => ({ record: { topic: 'orders', key: Buffer.from('k'), value: null, headers: [] }, key: 'k' })

function aProducer(clock: ManualClock, refuse?: number, error = new Error('refused')) {
  const times: number[] = []
  const startedAt = clock.now()
  return {
    times,
    produce: async (): Promise<RecordPlace> => {
      times.push(clock.now() - startedAt)
      if (times.length === refuse) throw error
      return { partition: 0, offset: times.length - 1 }
    },
    close: async () => {},
  }
}

describe('sending several records', () => {
  it('sends no faster than the rate', async () => {
    const clock = new ManualClock()
    const producer = aProducer(clock)
    const sending = sendAll({ producer, count: 5, rate: 4, clock, next: record })
    await new Promise(setImmediate)
    await clock.advanceAndSettle(1_000)
    assert.deepEqual((await sending).tookMs, 1_000)
    assert.deepEqual(producer.times, [0, 250, 500, 750, 1_000])
    assert.equal(clock.pendingTimers, 0)
  })

  it('waits for nothing without a rate, and tells all places in order', async () => {
    const clock = new ManualClock()
    const { places, keys } = await sendAll({
      producer: aProducer(clock),
      count: 2_500,
      rate: undefined,
      clock,
      next: record,
    })
    assert.deepEqual(
      places.map(({ offset }) => offset),
      Array.from({ length: 2_500 }, (_, offset) => offset),
    )
    assert.equal(keys.length, 2_500)
  })

  it('rejects with what was refused', async () => {
    const clock = new ManualClock()
    const sending = sendAll({ producer: aProducer(clock, 3), count: 5, rate: undefined, clock, next: record })
    await assert.rejects(sending, /refused/)
  })

  it('says how many were acknowledged, where one of several was refused', async () => {
    const clock = new ManualClock()
    const refused = new PyrallelError('PYR_PRODUCE_FAILED', 'The record was not produced to orders: no leader.')
    const sending = sendAll({ producer: aProducer(clock, 3, refused), count: 5, rate: undefined, clock, next: record })
    await assert.rejects(sending, { code: 'PYR_PRODUCE_FAILED', message: /no leader\. 4 of 5 were acknowledged/ })
  })
})
