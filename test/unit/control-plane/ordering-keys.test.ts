/** Which records wait for each other: the bytes of the key decide, within one partition. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WorkManager } from '../../../framework/control-plane/work-manager.ts'
import type { KafkaRecord } from '../../../framework/model/record.ts'
import type { Ordering } from '../../../framework/model/work.ts'
import { aRecord, aRoute, someLimits } from './builders.ts'

const TOPICS = ['orders', 'invoices']

/** How many of the records start at once; the others wait for one of them. */
function startsAtOnce(ordering: Ordering, records: readonly KafkaRecord[]): number {
  const manager = new WorkManager({
    routes: TOPICS.map((topic) => aRoute({ topic, handlerId: topic, ordering })),
    limits: someLimits(),
    recovery: 'metadata',
    maxMetadataLength: 4_095,
    sessionTimeoutMs: Number.POSITIVE_INFINITY,
    random: () => 0,
  })
  manager.onAssigned(
    TOPICS.flatMap((topic) => [0, 1].map((partition) => ({ topic, partition, position: 0, metadata: '' }))),
  )
  manager.onPolled(records)
  return manager.takeReady(0, () => 1_000).length
}

const withKey = (offset: number, key: Buffer | null, where: Partial<KafkaRecord> = {}) =>
  aRecord(offset, { key, ...where })

interface Row {
  readonly name: string
  readonly records: readonly KafkaRecord[]
  readonly key: number
  readonly partition: number
  readonly unordered: number
}

const bytes = Buffer.from([0xff, 0x00, 0x80])

const table: readonly Row[] = [
  {
    name: 'the same text',
    records: [withKey(0, Buffer.from('k')), withKey(1, Buffer.from('k'))],
    key: 1,
    partition: 1,
    unordered: 2,
  },
  {
    name: 'two texts',
    records: [withKey(0, Buffer.from('k')), withKey(1, Buffer.from('K'))],
    key: 2,
    partition: 1,
    unordered: 2,
  },
  {
    name: 'the same bytes in two buffers, not valid UTF-8',
    records: [withKey(0, bytes), withKey(1, Buffer.from(bytes))],
    key: 1,
    partition: 1,
    unordered: 2,
  },
  {
    // As text both would be U+FFFD.
    name: 'two byte sequences that are both no valid UTF-8',
    records: [withKey(0, Buffer.from([0xff])), withKey(1, Buffer.from([0xfe]))],
    key: 2,
    partition: 1,
    unordered: 2,
  },
  {
    name: 'a text and the bytes that are its UTF-8',
    records: [withKey(0, Buffer.from('ключ', 'utf8')), withKey(1, Buffer.from('d0bad0bbd18ed187', 'hex'))],
    key: 1,
    partition: 1,
    unordered: 2,
  },
  {
    name: 'a key that is the start of another',
    records: [withKey(0, Buffer.from('a')), withKey(1, Buffer.from('a\0'))],
    key: 2,
    partition: 1,
    unordered: 2,
  },
  {
    name: 'two empty keys, which are keys',
    records: [withKey(0, Buffer.alloc(0)), withKey(1, Buffer.alloc(0))],
    key: 1,
    partition: 1,
    unordered: 2,
  },
  {
    name: 'an empty key and none',
    records: [withKey(0, Buffer.alloc(0)), withKey(1, null)],
    key: 2,
    partition: 1,
    unordered: 2,
  },
  {
    name: 'no key, which has no order partner',
    records: [withKey(0, null), withKey(1, null)],
    key: 2,
    partition: 1,
    unordered: 2,
  },
  {
    name: 'the same key in two topics',
    records: [withKey(0, Buffer.from('k')), withKey(0, Buffer.from('k'), { topic: 'invoices' })],
    key: 2,
    partition: 2,
    unordered: 2,
  },
  {
    name: 'the same key in two partitions',
    records: [withKey(0, Buffer.from('k')), withKey(0, Buffer.from('k'), { partition: 1 })],
    key: 2,
    partition: 2,
    unordered: 2,
  },
  {
    name: 'a key that looks like the name of an object property',
    records: [withKey(0, Buffer.from('__proto__')), withKey(1, Buffer.from('constructor'))],
    key: 2,
    partition: 1,
    unordered: 2,
  },
]

describe('ordering keys', () => {
  for (const row of table) {
    for (const ordering of ['key', 'partition', 'unordered'] as const) {
      const expected = row[ordering]
      it(`${ordering}: ${row.name}: ${expected === 1 ? 'one waits for the other' : 'both start'}`, () => {
        assert.equal(startsAtOnce(ordering, row.records), expected)
      })
    }
  }

  it('does not notice that a client uses the bytes of a key again', () => {
    const key = Buffer.from('a')
    const records = [withKey(0, key)]
    const manager = new WorkManager({
      routes: [aRoute()],
      limits: someLimits(),
      recovery: 'metadata',
      maxMetadataLength: 4_095,
      sessionTimeoutMs: Number.POSITIVE_INFINITY,
      random: () => 0,
    })
    manager.onAssigned([{ topic: 'orders', partition: 0, position: 0, metadata: '' }])
    manager.onPolled(records)
    key.write('b')
    manager.onPolled([withKey(1, Buffer.from('a'))])
    assert.equal(manager.takeReady(0, () => 10).length, 1)
  })
})
