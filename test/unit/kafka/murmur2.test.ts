/** The hash and the partition of a key are those of Kafka's Java client. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { murmur2, partitionOfKey } from '../../../framework/kafka/murmur2.ts'

describe('murmur2', () => {
  // The vectors of org.apache.kafka.common.utils.UtilsTest.testMurmur2.
  for (const [key, hash] of [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ] as const) {
    it(`is Java's for ${key}`, () => {
      assert.equal(murmur2(Buffer.from(key)), hash)
    })
  }

  it('reads only the bytes of the key, wherever they lie in their memory', () => {
    const memory = Buffer.from('__foobar__')
    assert.equal(murmur2(memory.subarray(2, 8)), -790332482)
  })

  it('gives a partition in range for negative hashes, and for an empty key', () => {
    assert.equal(partitionOfKey(Buffer.from('foobar'), 4), (-790332482 & 0x7fffffff) % 4)
    assert.ok(partitionOfKey(Buffer.alloc(0), 4) < 4)
  })
})
