/** What a dead-letter topic gets: the record as it was, and headers that operators' tools can read. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type DeadLetterContext,
  deadLetterRecord,
} from '../../../../framework/control-plane/failures/dead-letter-record.ts'
import type { DeadLetterRequest } from '../../../../framework/control-plane/failures/failed-records.ts'
import { firstIdHeader } from '../../../../framework/model/first-id.ts'
import type { KafkaRecord, OutgoingRecord, RecordHeader } from '../../../../framework/model/record.ts'
import type { HandlerFailure } from '../../../../framework/model/work.ts'
import { aFailure, aRecord, Driver, keyed } from '../builders.ts'

const context: DeadLetterContext = { group: 'billing', payload: 'full', now: Date.UTC(2026, 0, 2) }
const record = keyed(0, 'a', { value: Buffer.from('v'), timestamp: 77 })

function requestOf(over: Partial<DeadLetterRequest> = {}): DeadLetterRequest {
  const driver = new Driver().assign(0, 0).poll(record)
  driver.end(driver.start()[0], { kind: 'failed', failure: aFailure({ retryable: false }) })
  return { ...driver.takeDeadLetter(), ...over }
}

function outgoingOf(over: Partial<KafkaRecord> = {}, failure: Partial<HandlerFailure> = {}): OutgoingRecord {
  return deadLetterRecord(requestOf({ record: { ...record, ...over }, failure: aFailure(failure) }), context)
}

function valuesOf({ headers }: OutgoingRecord, name: string): readonly (Buffer | null)[] {
  return headers.filter(([each]) => each === name).map(([, value]) => value)
}

function textOf(outgoing: OutgoingRecord, name: string): string {
  const values = valuesOf(outgoing, name)
  assert.equal(values.length, 1, `${name} stands ${values.length} times`)
  return String(values[0])
}

describe('a dead letter', () => {
  it('has key, value and headers of the record, repeated and binary ones too', () => {
    const own: RecordHeader[] = [
      ['trace', Buffer.from([0xff, 0x00])],
      ['trace', null],
    ]
    const outgoing = outgoingOf({ headers: own })
    assert.deepEqual([outgoing.topic, String(outgoing.key), String(outgoing.value)], ['orders.dlq', 'a', 'v'])
    assert.deepEqual(outgoing.headers.slice(0, 2), own)
  })

  it('keeps a tombstone a tombstone, and a missing key missing', () => {
    const { key, value } = deadLetterRecord(requestOf({ record: aRecord(0) }), context)
    assert.deepEqual([key, value], [null, null])
  })

  it('says where it came from and why, as text', () => {
    const outgoing = outgoingOf({}, { reason: 'invalid' })
    const ours = outgoing.headers.filter(([name]) => name.startsWith('pyrallel-'))
    const {
      'pyrallel-epoch': epoch,
      'pyrallel-error-fingerprint': fingerprint,
      ...rest
    } = Object.fromEntries(ours.map(([name, value]) => [name, String(value)]))
    assert.match(epoch ?? '', /^\d+$/)
    assert.match(fingerprint ?? '', /^[0-9a-f]{16}$/)
    assert.deepEqual(rest, {
      'pyrallel-topic': 'orders',
      'pyrallel-partition': '0',
      'pyrallel-offset': '0',
      'pyrallel-timestamp': '77',
      'pyrallel-group': 'billing',
      'pyrallel-handler': 'charge',
      'pyrallel-attempts': '1',
      'pyrallel-reason': 'invalid',
      'pyrallel-error-name': 'Error',
      'pyrallel-error-message': 'boom',
      'pyrallel-first-failed-at': '2026-01-02T00:00:00.000Z',
      'pyrallel-payload': 'full',
    })
  })

  it("has Spring's headers in Spring's encodings: 32 bits for the partition, 64 for offset and timestamp, big-endian", () => {
    const place = { partition: 258, offset: 2 ** 40 + 3, timestamp: 1_767_225_600_123 }
    const outgoing = outgoingOf(place, { name: 'CardRefused', message: 'no', stack: 'CardRefused: no\n    at pay' })
    const bytesOf = (name: string) => valuesOf(outgoing, name)[0]?.toString('hex')
    assert.equal(bytesOf('kafka_dlt-original-partition'), '00000102')
    assert.equal(bytesOf('kafka_dlt-original-offset'), '0000010000000003')
    assert.equal(valuesOf(outgoing, 'kafka_dlt-original-timestamp')[0]?.readBigInt64BE(), 1_767_225_600_123n)
    assert.equal(textOf(outgoing, 'kafka_dlt-original-topic'), 'orders')
    assert.equal(textOf(outgoing, 'kafka_dlt-original-timestamp-type'), 'CreateTime')
    assert.equal(textOf(outgoing, 'kafka_dlt-original-consumer-group'), 'billing')
    assert.equal(textOf(outgoing, 'kafka_dlt-exception-fqcn'), 'CardRefused')
    assert.equal(textOf(outgoing, 'kafka_dlt-exception-message'), 'no')
    assert.equal(textOf(outgoing, 'kafka_dlt-exception-stacktrace'), 'CardRefused: no\n    at pay')
  })

  it("has Kafka Connect's headers, all as text", () => {
    const outgoing = outgoingOf({ partition: 3, offset: 44 }, { name: 'CardRefused', message: 'no', stack: 'at pay' })
    const connect = outgoing.headers.filter(([name]) => name.startsWith('__connect.errors.'))
    assert.deepEqual(Object.fromEntries(connect.map(([name, value]) => [name, String(value)])), {
      '__connect.errors.topic': 'orders',
      '__connect.errors.partition': '3',
      '__connect.errors.offset': '44',
      '__connect.errors.exception.class.name': 'CardRefused',
      '__connect.errors.exception.message': 'no',
      '__connect.errors.exception.stacktrace': 'at pay',
    })
  })

  it('replaces the headers of an earlier dead-lettering, keeping when it first failed and how often it was replayed', () => {
    const headers: RecordHeader[] = [
      ['pyrallel-replay-count', Buffer.from('2')],
      ['pyrallel-first-failed-at', Buffer.from('2025-01-01T00:00:00.000Z')],
      ['kafka_dlt-exception-cause-fqcn', Buffer.from('java.lang.Old')],
      ['__connect.errors.connector.name', Buffer.from('old')],
    ]
    const first = outgoingOf({ headers })
    const again = outgoingOf({ topic: 'orders.retry', headers: first.headers })
    assert.equal(again.headers.length, first.headers.length)
    assert.equal(textOf(again, 'pyrallel-topic'), 'orders.retry')
    assert.equal(textOf(again, 'pyrallel-replay-count'), '2')
    assert.equal(textOf(again, 'pyrallel-first-failed-at'), '2025-01-01T00:00:00.000Z')
    assert.deepEqual(valuesOf(again, 'kafka_dlt-exception-cause-fqcn'), [])
    assert.deepEqual(valuesOf(again, '__connect.errors.connector.name'), [])
    assert.equal(textOf(again, '__connect.errors.topic'), 'orders.retry')
  })

  it('replaces the headers of every tool whose dead letter failed again, and leaves the record its own', () => {
    const headers: RecordHeader[] = [
      ['trace', Buffer.from('t')],
      ['partition', Buffer.from('3')],
      ...['__streams.errors.topic', '__dlq.errors.topic', 'retry_topic-attempts', 'x-error-reason', 'source-topic'].map(
        (name): RecordHeader => [name, Buffer.from('old')],
      ),
    ]
    const kept = outgoingOf({ headers }).headers.filter(([, value]) => String(value) === 'old')
    assert.deepEqual(kept, [])
    assert.equal(textOf(outgoingOf({ headers }), 'trace'), 't')
    assert.equal(textOf(outgoingOf({ headers: headers.slice(0, 2) }), 'partition'), '3')
  })

  it('keeps of a history what is well formed, once and short, and the id of the first place with it', () => {
    const id = firstIdHeader('orders/1/2', record)
    const written: RecordHeader[] = [
      id,
      ['pyrallel-replay-count', Buffer.from('1')],
      ['pyrallel-replay-count', Buffer.from('3')],
      ['pyrallel-replay-id', Buffer.from('orders.dlq/0/7')],
    ]
    const again = outgoingOf({ headers: written })
    assert.deepEqual(valuesOf(again, 'pyrallel-record-id'), [id[1]])
    assert.equal(textOf(again, 'pyrallel-replay-count'), '3')
    assert.equal(textOf(again, 'pyrallel-replay-id'), 'orders.dlq/0/7')
    const forged: RecordHeader[] = [
      ['pyrallel-record-id', Buffer.from('anything')],
      ['pyrallel-replay-count', Buffer.from('1e999')],
      ['pyrallel-replay-count', Buffer.from('99999999999')],
      ['pyrallel-replay-id', Buffer.alloc(100_000, 'x')],
      ['pyrallel-first-failed-at', Buffer.from('soon')],
    ]
    const clean = outgoingOf({ headers: forged })
    for (const name of ['pyrallel-record-id', 'pyrallel-replay-count', 'pyrallel-replay-id']) {
      assert.deepEqual(valuesOf(clean, name), [], name)
    }
    assert.equal(textOf(clean, 'pyrallel-first-failed-at'), '2026-01-02T00:00:00.000Z')
  })

  it('leaves the value out, and says so, where only metadata is wanted', () => {
    const outgoing = deadLetterRecord(requestOf(), { ...context, payload: 'metadata' })
    assert.deepEqual([String(outgoing.key), outgoing.value], ['a', null])
    assert.equal(textOf(outgoing, 'pyrallel-payload'), 'metadata')
  })

  it('is small whatever the record was, where nothing of it goes along, and still tells the failure and its history', () => {
    const failure = aFailure({ message: 'é'.repeat(9_999), stack: 's'.repeat(9_999), name: 'N'.repeat(999) })
    const headers: RecordHeader[] = [
      ['pyrallel-replay-count', Buffer.from('1')],
      ['pyrallel-replay-count', Buffer.from('2')],
      ['pyrallel-first-failed-at', Buffer.alloc(999_000, 'x')],
      ['own', Buffer.alloc(999_000)],
    ]
    const request = requestOf({ record: { ...record, key: Buffer.alloc(999_000), headers }, failure })
    const outgoing = deadLetterRecord(request, { ...context, payload: 'none' })
    const bytes = outgoing.headers.reduce((sum, [name, value]) => sum + name.length + (value?.length ?? 0), 0)
    assert.ok(bytes < 4_000, `${bytes} bytes`)
    assert.deepEqual([outgoing.key, outgoing.value], [null, null])
    assert.equal(textOf(outgoing, 'pyrallel-payload'), 'none')
    assert.equal(textOf(outgoing, 'pyrallel-replay-count'), '2')
    assert.equal(textOf(outgoing, 'pyrallel-error-message'), 'é'.repeat(128))
    assert.deepEqual(valuesOf(outgoing, 'kafka_dlt-exception-stacktrace'), [])
  })

  it('has the same fingerprint however little of it there is room for', () => {
    const request = requestOf({ failure: aFailure({ message: `x${'y'.repeat(999)}` }) })
    const prints = (['full', 'metadata', 'key', 'none'] as const).map((payload) =>
      textOf(deadLetterRecord(request, { ...context, payload }), 'pyrallel-error-fingerprint'),
    )
    assert.equal(new Set(prints).size, 1)
  })

  it('caps what an error says, without cutting a character in two', () => {
    const outgoing = outgoingOf(
      {},
      { message: `x${'é'.repeat(100_000)}`, stack: '€'.repeat(100_000), name: 'N'.repeat(999) },
    )
    const sizeOf = (name: string) => valuesOf(outgoing, name)[0]?.length ?? 0
    assert.equal(sizeOf('pyrallel-error-message'), 2_047)
    assert.equal(sizeOf('kafka_dlt-exception-message'), 2_047)
    assert.equal(sizeOf('kafka_dlt-exception-stacktrace'), 8_190)
    assert.equal(sizeOf('pyrallel-error-name'), 256)
    assert.doesNotMatch(textOf(outgoing, 'pyrallel-error-message'), /\uFFFD/)
  })

  it('has one fingerprint for failures that differ in numbers and ids only', () => {
    const fingerprintOf = (message: string, name = 'Error') =>
      textOf(outgoingOf({}, { message, name }), 'pyrallel-error-fingerprint')
    const first = fingerprintOf('order 17 (9f86d081-884c-7d65-9a2f-eaa0c55ad015) is gone')
    assert.equal(fingerprintOf('order 4 (0b86d081-884c-7d65-9a2f-eaa0c55ad015) is gone'), first)
    assert.notEqual(fingerprintOf('order 4 is paid'), first)
    assert.notEqual(fingerprintOf('order 17 (9f86d081-884c-7d65-9a2f-eaa0c55ad015) is gone', 'TypeError'), first)
  })
})
