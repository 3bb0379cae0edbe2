/** Batches on their way to a thread: whatever goes in comes out, byte by byte. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  decodeBatch,
  encodeBatch,
  type SlottedItem,
} from '../../../../../framework/execution-plane/worker/thread/batch-codec.ts'
import type { KafkaRecord } from '../../../../../framework/model/record.ts'
import type { Epoch } from '../../../../../framework/model/work.ts'

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
const bytesOrNull = fc.option(bytes, { nil: null })
const record: fc.Arbitrary<KafkaRecord> = fc.record(
  {
    topic: fc.constantFrom('orders', 'größe', 'a.b-c_d'),
    partition: fc.nat(100_000),
    offset: fc.nat(Number.MAX_SAFE_INTEGER),
    key: bytesOrNull,
    value: bytesOrNull,
    headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 8 }), bytesOrNull), { maxLength: 3 }),
    timestamp: fc.integer({ min: -1, max: 2 ** 45 }),
  },
  { noNullPrototype: true },
)
const item: fc.Arbitrary<SlottedItem> = fc
  .tuple(fc.nat(20_000), fc.nat(Number.MAX_SAFE_INTEGER), fc.nat(1_000_000), fc.array(record, { maxLength: 4 }))
  .chain(([slot, id, epoch, records]) =>
    fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: records.length, maxLength: records.length }).map(
      (attempts): SlottedItem => ({
        slot,
        item: { id, handlerId: 'h', epoch: epoch as Epoch, records, attempts },
      }),
    ),
  )

describe('batch codec', () => {
  it('gives back every item as it was', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 8 }), (items) => {
        assert.deepEqual(decodeBatch(encodeBatch(items), 'h'), items)
      }),
    )
  })

  it('keeps empty and null apart', () => {
    const empty = { topic: 't', partition: 0, offset: 0, key: Buffer.alloc(0), value: null, headers: [], timestamp: 0 }
    const slotted = { slot: 3, item: { id: 1, handlerId: 'h', epoch: 1 as Epoch, records: [empty], attempts: [2] } }
    const [decoded] = decodeBatch(encodeBatch([slotted]), 'h')
    assert.equal(decoded?.item.records[0]?.key?.length, 0)
    assert.equal(decoded?.item.records[0]?.value, null)
  })

  it('makes a buffer of its own that can be transferred, exactly as long as needed', () => {
    const value = Buffer.from('x'.repeat(100))
    const large = { topic: 't', partition: 0, offset: 0, key: null, value, headers: [], timestamp: 0 }
    const items = [{ slot: 0, item: { id: 1, handlerId: 'h', epoch: 1 as Epoch, records: [large], attempts: [1] } }]
    const buffer = encodeBatch(items)
    const received = structuredClone(buffer, { transfer: [buffer] })
    assert.equal(buffer.byteLength, 0)
    assert.deepEqual(decodeBatch(received, 'h'), items)
  })
})
