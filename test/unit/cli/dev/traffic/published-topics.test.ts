/** What is remembered of publishes, until the event of their attempt. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PublishedTopics } from '../../../../../cli/dev/traffic/published-topics.ts'
import { DecodedRecord } from '../../../../../framework/execution-plane/attempt/decoded-record.ts'
import type { RuntimeEvent } from '../../../../../framework/model/events.ts'
import { firstIdHeader } from '../../../../../framework/model/first-id.ts'
import type { KafkaRecord } from '../../../../../framework/model/record.ts'

function recordAt(offset: number): KafkaRecord {
  const content = { topic: 'orders', key: null, value: Buffer.from('5') }
  return { ...content, partition: 0, offset, headers: [firstIdHeader('orders/0/1', content)], timestamp: 0 }
}

function done(record: KafkaRecord): RuntimeEvent {
  const facts = { attempt: 1, durationMs: 1, filtered: false, partition: 0, topic: 'orders' }
  return { kind: 'record.done', handlerId: 'pay', record, ...facts } as RuntimeEvent
}

describe('topics that attempts have published to', () => {
  it('are told apart by the place of the record: two copies of one record have one id', () => {
    const topics = new PublishedTopics()
    const [first, second] = [recordAt(8), recordAt(9)]
    topics.add('pay', new DecodedRecord(first, 5, 1), 'invoices')
    topics.add('pay', new DecodedRecord(second, 5, 1), 'refunds')
    assert.deepEqual(topics.take(done(second)), ['refunds'])
    assert.deepEqual(topics.take(done(first)), ['invoices'])
    assert.deepEqual(topics.take(done(first)), [])
  })
})
