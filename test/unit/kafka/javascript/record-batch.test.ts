/** How blocks of batches become records: on answers that Apache Kafka has given, and on batches of our own that are damaged. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type StampedRecord, writeBatch } from '../../../../framework/kafka/javascript/batch-writer.ts'
import { BlockMemory } from '../../../../framework/kafka/javascript/block-memory.ts'
import { loadJavascript } from '../../../../framework/kafka/javascript/client.ts'
import { compressionOf } from '../../../../framework/kafka/javascript/compression.ts'
import { fetchCall } from '../../../../framework/kafka/javascript/fetch-call.ts'
import type { FetchedPartition } from '../../../../framework/kafka/javascript/fetch-steps.ts'
import { RecordBlock, toBlock } from '../../../../framework/kafka/javascript/record-batch.ts'
import type { KafkaRecord } from '../../../../framework/model/record.ts'
// Of the topics that test/e2e/javascript-fetch.test.ts fills: three producers that commit and abort by turns, by compression.
import recorded from './interleaved-transactions.json' with { type: 'json' }

const library = await loadJavascript()
const place = { topic: 'orders', partition: 3 }

function answerOf(base64: string): FetchedPartition<KafkaRecord> {
  const request = { id: 1, brokerId: 1, maxWaitMs: 0, maxBytes: 1, asksNearest: true, partitions: [] }
  const reader = library.Reader.from(Buffer.from(base64, 'base64'))
  const { answer } = fetchCall(request, () => 'orders', library, new BlockMemory()).read(reader, 17)
  assert.equal(answer.errorCode, 0)
  const [fetched] = answer.partitions
  assert.ok(fetched)
  return fetched
}

function blockOf(fetched: FetchedPartition<KafkaRecord>): RecordBlock {
  assert.ok(fetched.block instanceof RecordBlock)
  return fetched.block
}

function readAll(block: RecordBlock, from: number, max: number): KafkaRecord[] {
  const records: KafkaRecord[] = []
  for (let next = from; next < block.end; ) {
    const found = block.read(next, max, records)
    assert.ok(found > next)
    next = found
  }
  return records
}

const record = (value: string, more: Partial<StampedRecord> = {}): StampedRecord => ({
  ...place,
  key: null,
  value: Buffer.from(value),
  headers: [],
  timestamp: 1_700_000_000_000,
  ...more,
})
const nobody = { id: -1n, epoch: -1, sequence: -1 }

/** Batches one after the other, as a log has them. */
function log(...batches: readonly (readonly StampedRecord[])[]): Buffer {
  let base = 0
  const written = batches.map((records) => {
    const bytes = writeBatch(records, nobody, library.crc32c)
    bytes.writeBigInt64BE(BigInt(base), 0)
    base += records.length
    return bytes
  })
  return Buffer.concat(written)
}

function wholeBlock(bytes: Buffer): RecordBlock {
  const block = toBlock(place, { bytes, release: undefined }, [], library)
  assert.ok(block instanceof RecordBlock)
  return block
}

const names = ['gzip', 'snappy', 'lz4', 'zstd'] as const

describe('a batch that is compressed', () => {
  for (const [index, name] of names.entries()) {
    const canWrite = library.compressionsAlgorithmsByBitmask[index + 1]?.available === true
    it(`is smaller, says how it was compressed, and is read as it was written: ${name}`, {
      skip: !canWrite && 'this Node compresses by no zstd',
    }, () => {
      const records = Array.from({ length: 50 }, (_, n) => record(`the same words again and again: ${n}`))
      const bytes = writeBatch(records, nobody, library.crc32c, compressionOf(library, name))
      assert.equal(bytes.readInt16BE(21), index + 1)
      assert.ok(bytes.length < writeBatch(records, nobody, library.crc32c).length / 2)
      assert.deepEqual(
        readAll(wholeBlock(bytes), 0, 7).map(({ offset, value }) => [offset, String(value)]),
        records.map(({ value }, n) => [n, String(value)]),
      )
    })
  }

  it('is left as it is where it would not be smaller', () => {
    const records = [record('x')]
    assert.deepEqual(
      writeBatch(records, nobody, library.crc32c, compressionOf(library, 'gzip')),
      writeBatch(records, nobody, library.crc32c),
    )
  })

  it('is refused by name, with the next step, where Node cannot compress so', () => {
    const { 4: zstd, ...others } = library.compressionsAlgorithmsByBitmask
    assert.ok(zstd !== undefined)
    const old = { compressionsAlgorithmsByBitmask: { ...others, 4: { ...zstd, available: false } } }
    assert.throws(() => compressionOf(old, 'zstd'), {
      code: 'PYR_CONFIG_INVALID',
      message: /kafka\.compression is 'zstd'.*22\.15.*kafka\.client: 'librdkafka'/,
    })
    assert.equal(compressionOf(old, 'none'), undefined)
  })
})

describe('a block of batches', () => {
  for (const [codec, answer] of Object.entries(recorded.answers)) {
    const isReadable = codec !== 'zstd' || library.compressionsAlgorithmsByBitmask[4]?.available === true
    it(`has no record of an aborted transaction and no marker, in portions of any size: ${codec}`, {
      skip: !isReadable && 'this Node reads no zstd',
    }, () => {
      for (const max of [1, 2, 3, 7, 1_000]) {
        const fetched = answerOf(answer)
        const records = readAll(blockOf(fetched), 0, max)
        assert.deepEqual(
          records.map(({ value }) => String(value)),
          recorded.committed,
          `${max} at a time`,
        )
        assert.equal(blockOf(fetched).end, fetched.lastStableOffset)
      }
    })
  }

  it('gives each record as it was written: times, headers, null and empty', () => {
    const written = [
      record('a', { timestamp: 1_700_000_000_500 }),
      record('', { key: Buffer.alloc(0), timestamp: 1_600_000_000_000 }),
      record('b', {
        value: null,
        headers: [
          ['h', null],
          ['h', Buffer.alloc(0)],
          ['é', Buffer.from([0, 255])],
        ],
      }),
      record('x'.repeat(70_000), { key: Buffer.from('k'.repeat(200)) }),
    ]
    const records = readAll(wholeBlock(log(written)), 0, 100)
    assert.deepEqual(
      records,
      written.map((each, offset) => ({ ...each, offset })),
    )
  })

  it('goes on within a batch, where it was asked for less, and begins within one', () => {
    const bytes = log([record('a'), record('b'), record('c')], [record('d')])
    const records: KafkaRecord[] = []
    const block = wholeBlock(bytes)
    assert.deepEqual([block.read(1, 1, records), block.read(2, 9, records)], [2, 4])
    assert.deepEqual(
      records.map(({ offset, value }) => `${offset} ${value}`),
      ['1 b', '2 c', '3 d'],
    )
  })

  it('leaves out the part of a batch at its end, and is no block where there is nothing else', () => {
    const bytes = log([record('a'), record('b')], [record('c')])
    const [first] = [writeBatch([record('a'), record('b')], nobody, library.crc32c).length]
    for (let length = first; length < bytes.length; length++) {
      const block = wholeBlock(bytes.subarray(0, length))
      assert.equal(block.end, 2, `${length} bytes`)
      assert.equal(readAll(block, 0, 9).length, 2)
    }
    for (let length = 1; length < first; length++) {
      assert.equal(
        toBlock(place, { bytes: bytes.subarray(0, length), release: undefined }, [], library),
        'partial',
        `${length} bytes`,
      )
    }
  })

  it('hands out nothing of a damaged batch, whichever bit has changed, and all that stands before it', () => {
    const whole = log([record('a')], [record('b'), record('c')], [record('d')])
    const from = log([record('a')]).length
    const to = log([record('a')], [record('b'), record('c')]).length
    // Behind the check sum, which does not cover what stands before it.
    for (let at = from + 17; at < to; at++) {
      const bytes = Buffer.from(whole)
      bytes[at] = (bytes[at] ?? 0) ^ 4
      const block = wholeBlock(bytes)
      const records: KafkaRecord[] = []
      assert.equal(block.read(0, 9, records), 1, `byte ${at}`)
      assert.deepEqual([records.map(({ value }) => String(value)), block.corruptAt], [['a'], 1], `byte ${at}`)
    }
  })

  it('says by its name what it cannot read', () => {
    const old = log([record('a')])
    old.writeInt8(1, 16)
    assert.throws(() => wholeBlock(old).read(0, 9, []), {
      code: 'PYR_KAFKA',
      message: /orders\[3\]@0 cannot be read by the client in JavaScript: it has format 1/,
    })
  })
})
