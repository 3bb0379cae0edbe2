/** Chooses a record's partition by its key exactly as Kafka's Java client does. Pure. */

const SEED = 0x9747b28c
const MULTIPLIER = 0x5bd1e995

/** The murmur2 hash of Kafka's `org.apache.kafka.common.utils.Utils.murmur2`: a signed 32-bit integer. */
export function murmur2(key: Uint8Array): number {
  const words = key.length >> 2
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
  let hash = SEED ^ key.length
  for (let word = 0; word < words; word++) {
    let mixed = Math.imul(view.getInt32(word * 4, true), MULTIPLIER)
    mixed = Math.imul(mixed ^ (mixed >>> 24), MULTIPLIER)
    hash = Math.imul(hash, MULTIPLIER) ^ mixed
  }
  const rest = key.length & 3
  if (rest > 0) {
    for (let index = rest - 1; index >= 0; index--) hash ^= view.getUint8(words * 4 + index) << (index * 8)
    hash = Math.imul(hash, MULTIPLIER)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}

/** The partition of a key among `partitions` (1 or more). Records without a key have no fixed partition and are not for this. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}
