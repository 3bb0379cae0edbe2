/** What a record keeps in memory while it waits, against what it is counted with. A client may hand out views into blocks of a megabyte. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OffsetTracker } from '../../../../framework/control-plane/offsets/offset-tracker.ts'
import { KeptRecords, KeptRounds } from '../../../../framework/control-plane/partition/kept-records.ts'
import type { Pending } from '../../../../framework/control-plane/partition/shard-queue.ts'
import { inOwnMemory, type KafkaRecord } from '../../../../framework/model/record.ts'
import { aFailure, aRecord, Driver, failed, range } from '../builders.ts'

const BLOCK_BYTES = 1_000_000
const SECOND = 1_000

/** As a client hands it out: key, value and header stand in the block that was fetched. */
function viewed(offset: number, key: string): KafkaRecord {
  const block = Buffer.alloc(BLOCK_BYTES)
  const view = (from: number, text: string) => block.subarray(from, from + block.write(text, from))
  return aRecord(offset, {
    key: view(100, key),
    value: view(200, `value ${offset}`),
    headers: [
      ['trace', view(300, 'abc')],
      ['none', null],
      ['empty', view(400, '')],
    ],
  })
}

function keptBytes({ key, value, headers }: KafkaRecord): number {
  const memories = [key, value, ...headers.map(([, bytes]) => bytes)].map((bytes) => bytes?.buffer)
  return [...new Set(memories)].reduce((sum, memory) => sum + (memory?.byteLength ?? 0), 0)
}

const text = ({ key, value, headers }: KafkaRecord) =>
  [key, value, ...headers.flat()].map((each) => (each === null ? null : String(each)))

/** The record that starts next. */
function next(driver: Driver): KafkaRecord {
  const record = driver.start()[0]?.records[0]
  assert.ok(record)
  return record
}

describe('a record that is kept', () => {
  it('keeps no more than its own bytes while it waits for its retry', () => {
    const driver = new Driver().assign(0, 0).poll(viewed(0, 'a'))
    driver.end(driver.start()[0], failed)
    driver.now += 10 * SECOND
    const record = next(driver)
    assert.deepEqual([keptBytes(record), driver.manager.gauges().bytes], [11, 121])
    assert.deepEqual(text(record), ['a', 'value 0', 'trace', 'abc', 'none', null, 'empty', ''])
  })

  it('keeps no more than its own bytes while its dead letter is not acknowledged', () => {
    const driver = new Driver().assign(0, 0).poll(viewed(0, 'a'))
    driver.end(driver.start()[0], { kind: 'failed', failure: aFailure({ retryable: false }) })
    assert.equal(keptBytes(driver.takeDeadLetter().record), 11)
  })

  it('keeps no more than its own bytes once 32 MiB of others have passed, and its block as long as less have', () => {
    const driver = new Driver().assign(0, 0).poll(...range(0, 3).map((offset) => viewed(offset, 'a')))
    let [running] = driver.start()
    let offset = 3
    const pass = (mebibytes: number) => {
      for (const _ of range(0, mebibytes)) {
        driver.poll(aRecord(offset, { key: Buffer.from('b'), value: Buffer.alloc(1_048_576) }))
        driver.endAll(driver.start())
        offset += 1
      }
    }
    const kept: number[] = []
    for (const mebibytes of [15, 17]) {
      pass(mebibytes)
      driver.end(running)
      ;[running] = driver.start()
      kept.push(keptBytes(running?.records[0] as KafkaRecord))
    }
    assert.deepEqual(kept, [BLOCK_BYTES, 11])
  })

  it('is copied with 256 others at a time, of all partitions, so that nothing waits long for it', () => {
    const block = Buffer.alloc(BLOCK_BYTES)
    const partitions = [400, 200].map((count) => {
      const tracker = new OffsetTracker<Pending>(0)
      const pendings = range(0, count).map(
        (offset) => ({ record: aRecord(offset, { key: null, value: block.subarray(offset, offset + 10) }) }) as Pending,
      )
      for (const [offset, pending] of pendings.entries()) tracker.track(offset, pending)
      return { pendings, kept: new KeptRecords(tracker) }
    })
    const copied = () =>
      partitions.flatMap(({ pendings }) => pendings).filter(({ record }) => keptBytes(record) < BLOCK_BYTES).length
    const rounds = new KeptRounds()
    const counts = [16 * 1_048_576, 16 * 1_048_576, 0, 1, 1].map((bytes) => {
      rounds.onTaken(bytes, partitions)
      return copied()
    })
    assert.deepEqual(counts, [0, 256, 512, 600, 600])
  })

  it('is copied only once, and not at all where it has memory of its own', () => {
    const own = aRecord(0, { key: Buffer.from(new ArrayBuffer(3)), value: Buffer.from(new ArrayBuffer(100)) })
    assert.equal(inOwnMemory(own), own)
    const copied = inOwnMemory(viewed(0, 'a'))
    assert.equal(inOwnMemory(copied), copied)
    const none = aRecord(0, { key: null, value: null })
    assert.equal(inOwnMemory(none), none)
  })
})
