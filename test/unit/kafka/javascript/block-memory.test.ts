/** Memory that is used again must not change a record that was handed out. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type StampedRecord, writeBatch } from '../../../../framework/kafka/javascript/batch-writer.ts'
import { BlockMemory } from '../../../../framework/kafka/javascript/block-memory.ts'
import { loadJavascript } from '../../../../framework/kafka/javascript/client.ts'
import { RecordBlock, toBlock } from '../../../../framework/kafka/javascript/record-batch.ts'
import type { KafkaRecord } from '../../../../framework/model/record.ts'

const library = await loadJavascript()
const place = { topic: 'orders', partition: 3 }
const nobody = { id: -1n, epoch: -1, sequence: -1 }

function batchOf(sizes: readonly number[]): { readonly records: readonly StampedRecord[]; readonly bytes: Buffer } {
  const records = sizes.map((size, n): StampedRecord => {
    const headers = n % 3 === 0 ? [['trace', Buffer.from(`t${n}`)] as const] : []
    return {
      ...place,
      key: Buffer.from(`k${n}`),
      value: Buffer.alloc(size, n),
      headers,
      timestamp: 1_700_000_000_000 + n,
    }
  })
  return { records, bytes: writeBatch(records, nobody, library.crc32c) }
}

function lent(memory: BlockMemory, bytes: Buffer) {
  return memory.read(library.Reader.from(bytes), bytes.length)
}

function blockOf(memory: BlockMemory, bytes: Buffer): RecordBlock {
  const block = toBlock(place, lent(memory, bytes), [], library)
  assert.ok(block instanceof RecordBlock)
  return block
}

function readAll(block: RecordBlock, max: number): readonly KafkaRecord[] {
  const records: KafkaRecord[] = []
  for (let next = 0; next < block.end; ) next = block.read(next, max, records)
  return records
}

describe('the memory of fetched blocks', () => {
  it('is used again, and the records that were read from it before stay as they were', () => {
    // Around the size of a copy, and beyond it, so that records begin and end anywhere in one.
    const sizes = Array.from({ length: 400 }, (_, n) => (n % 97) * 7).concat([33_000, 0, 70_000, 5, 32_750, 1])
    for (const max of [1, 7, 1_000]) {
      const memory = new BlockMemory()
      const { records, bytes } = batchOf(sizes)
      const read = readAll(blockOf(memory, bytes), max)
      lent(memory, Buffer.alloc(bytes.length, 0xff))
      const seen = read.map(({ key, value, headers, timestamp }) => ({ ...place, key, value, headers, timestamp }))
      assert.deepEqual(seen, records)
      assert.deepEqual(
        read.map(({ offset }) => offset),
        records.map((_, offset) => offset),
      )
    }
  })

  it('is given back with the last record of a block, and not before', () => {
    const memory = new BlockMemory()
    const { bytes } = batchOf([40_000, 40_000])
    const first = lent(memory, bytes)
    const block = toBlock(place, first, [], library)
    assert.ok(block instanceof RecordBlock)
    assert.equal(block.read(0, 1, []), 1)
    assert.notEqual(lent(memory, bytes).bytes.buffer, first.bytes.buffer)
    assert.equal(block.read(1, 1, []), 2)
    assert.equal(lent(memory, bytes).bytes.buffer, first.bytes.buffer)
  })

  it('is given back where there is not one whole batch', () => {
    const memory = new BlockMemory()
    const part = lent(memory, batchOf([80_000]).bytes.subarray(0, 70_000))
    assert.equal(toBlock(place, part, [], library), 'partial')
    assert.equal(lent(memory, Buffer.alloc(70_000)).bytes.buffer, part.bytes.buffer)
  })

  it('is not used again for what is small, nor for a block that is far smaller', () => {
    const memory = new BlockMemory()
    assert.equal(lent(memory, batchOf([10]).bytes).release, undefined)
    const large = lent(memory, Buffer.alloc(1_000_000))
    large.release?.()
    assert.notEqual(lent(memory, Buffer.alloc(100_000)).bytes.buffer, large.bytes.buffer)
  })

  it('keeps at most 4 MB of what nobody uses', () => {
    const memory = new BlockMemory()
    const all = Array.from({ length: 10 }, () => lent(memory, Buffer.alloc(1_000_000)))
    for (const { release } of all) release?.()
    const known = new Set(all.map(({ bytes }) => bytes.buffer))
    const again = Array.from({ length: 10 }, () => lent(memory, Buffer.alloc(1_000_000)))
    assert.equal(again.filter(({ bytes }) => known.has(bytes.buffer)).length, 4)
  })
})
