/** The five header families of dead letters, and what is left of a record without them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { letterBlock, letterJson, letterLine } from '../../../cli/dlq/letter-text.ts'
import { type DeadLetter, readDeadLetter } from '../../../framework/dead-letters/dead-letter.ts'
import { withoutFailure } from '../../../framework/model/failure-headers.ts'
import type { KafkaRecord, RecordHeader } from '../../../framework/model/record.ts'

function letterOf(headers: Readonly<Record<string, string | Buffer>>, over: Partial<KafkaRecord> = {}): DeadLetter {
  const all = Object.entries(headers).map(([name, value]): RecordHeader => [name, Buffer.from(value)])
  const record = {
    topic: 'dlq',
    partition: 2,
    offset: 44,
    key: Buffer.from('c3'),
    value: Buffer.from('{}'),
    timestamp: 0,
  }
  return readDeadLetter({ ...record, headers: all, ...over })
}

function bytes(size: 4 | 8, value: number): Buffer {
  const buffer = Buffer.alloc(size)
  if (size === 4) buffer.writeInt32BE(value)
  else buffer.writeBigInt64BE(BigInt(value))
  return buffer
}

const families: readonly (readonly [string, Record<string, string | Buffer>, Partial<DeadLetter>])[] = [
  [
    'pyrallel',
    {
      'pyrallel-topic': 'orders',
      'pyrallel-partition': '1',
      'pyrallel-offset': '7',
      'pyrallel-group': 'shop',
      'pyrallel-handler': 'pay',
      'pyrallel-attempts': '5',
      'pyrallel-error-name': 'TypeError',
      'pyrallel-error-message': 'x is not a function',
      'pyrallel-error-fingerprint': 'abc',
      'pyrallel-first-failed-at': '2026-01-02T00:00:00.000Z',
      'pyrallel-replay-count': '2',
      'kafka_dlt-original-topic': 'orders',
    },
    {
      handler: 'pay',
      group: 'shop',
      attempts: 5,
      errorName: 'TypeError',
      fingerprint: 'abc',
      replays: 2,
      firstFailedAt: '2026-01-02T00:00:00.000Z',
    },
  ],
  [
    'spring',
    {
      'kafka_dlt-original-topic': 'orders',
      'kafka_dlt-original-partition': bytes(4, 1),
      'kafka_dlt-original-offset': bytes(8, 7),
      'kafka_dlt-original-consumer-group': 'shop',
      'kafka_dlt-exception-fqcn': 'org.springframework.kafka.listener.ListenerExecutionFailedException',
      'kafka_dlt-exception-cause-fqcn': 'java.lang.IllegalStateException',
      'kafka_dlt-exception-message': 'no',
      'retry_topic-attempts': bytes(4, 3),
    },
    { group: 'shop', errorName: 'java.lang.IllegalStateException', errorMessage: 'no', attempts: 3 },
  ],
  [
    'connect',
    {
      '__connect.errors.topic': 'orders',
      '__connect.errors.partition': '1',
      '__connect.errors.offset': '7',
      '__connect.errors.connector.name': 'sink',
      '__connect.errors.exception.class.name': 'DataException',
      '__connect.errors.exception.message': 'bad',
      '__connect.errors.exception.stacktrace': 'at x',
    },
    { group: null, connector: 'sink', errorName: 'DataException', errorMessage: 'bad', stack: 'at x' },
  ],
  [
    'streams',
    {
      '__streams.errors.topic': 'orders',
      '__streams.errors.partition': '1',
      '__streams.errors.offset': '7',
      '__streams.errors.exception': 'StreamsException',
      '__streams.errors.message': 'bad',
      '__streams.errors.stacktrace': 'at x',
    },
    { errorName: 'StreamsException', errorMessage: 'bad', stack: 'at x' },
  ],
  [
    'share-group',
    {
      '__dlq.errors.topic': 'orders',
      '__dlq.errors.partition': '1',
      '__dlq.errors.offset': '7',
      '__dlq.errors.group': 'shares',
      '__dlq.errors.delivery.count': '4',
      '__dlq.errors.message': 'rejected',
    },
    { group: 'shares', attempts: 4, errorMessage: 'rejected' },
  ],
  [
    'pyrallel-python',
    {
      'x-error-reason': 'boom',
      'x-retry-attempt': '3',
      'source-topic': 'orders',
      partition: '1',
      offset: '7',
      epoch: '1',
    },
    { attempts: 3, errorMessage: 'boom' },
  ],
]

describe('a dead letter', () => {
  for (const [family, headers, expected] of families) {
    it(`of ${family} tells where it came from and why`, () => {
      const letter = letterOf(headers)
      const place = { family, topic: 'orders', partition: 1, offset: 7 }
      for (const [name, value] of Object.entries({ ...place, ...expected })) {
        assert.equal(letter[name as keyof DeadLetter], value, name)
      }
    })

    it(`of ${family} is its own record again without these headers`, () => {
      const all = Object.entries({ trace: 'abc', ...headers }).map(
        ([name, value]): RecordHeader => [name, Buffer.from(value)],
      )
      assert.deepEqual(
        withoutFailure(all).map(([name]) => name),
        ['trace'],
      )
    })
  }

  it("keeps headers named partition and offset that are the record's own", () => {
    const own: RecordHeader[] = [
      ['partition', Buffer.from('north')],
      ['offset', null],
    ]
    assert.deepEqual(withoutFailure(own), own)
  })

  it('reads numbers that a tool has written as text under the names of Spring', () => {
    const headers = {
      'kafka_dlt-original-topic': 'orders',
      'kafka_dlt-original-partition': '3',
      'kafka_dlt-original-offset': '1234',
    }
    const letter = letterOf(headers)
    assert.deepEqual([letter.partition, letter.offset], [3, 1_234])
  })

  it('says nothing where headers say nothing or make no sense', () => {
    assert.equal(letterOf({}).family, 'none')
    assert.equal(letterOf({ 'pyrallel-topic': 'orders', 'pyrallel-offset': 'many' }).offset, null)
  })

  it('shows no control characters of the record', () => {
    const evil = letterOf(
      { 'pyrallel-topic': 'o\u001b[2J', 'pyrallel-error-message': 'a\u001b]0;title\u0007' },
      { value: Buffer.from('\u001b[1m') },
    )
    const plain = (_style: unknown, text: string) => text
    assert.doesNotMatch(letterLine(evil, plain) + letterBlock(evil, plain).replaceAll('\n', ''), /\p{Cc}/u)
  })

  for (const [payload, line, block] of [
    ['metadata', 'without its value', 'the value was left out (payload: metadata)'],
    ['key', 'without its value and headers', 'there was no room for its value and headers'],
    ['none', 'without its value, headers and key', 'there was no room for its value, headers and key'],
  ] as const) {
    it(`says what is missing where its payload is '${payload}'`, () => {
      const letter = letterOf({ 'pyrallel-topic': 'orders', 'pyrallel-payload': payload }, { value: null })
      const plain = (_style: unknown, text: string) => text
      assert.ok(letterLine(letter, plain).endsWith(`, ${line}`), letterLine(letter, plain))
      assert.ok(letterBlock(letter, plain).endsWith(block), letterBlock(letter, plain))
    })
  }

  it('is listed without its value', () => {
    const letter = letterOf({}, { value: Buffer.from('personal') })
    assert.doesNotMatch(JSON.stringify(letterJson(letter, false)), /personal/)
    assert.match(JSON.stringify(letterJson(letter, true)), /personal/)
  })
})
