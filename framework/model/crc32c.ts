/** CRC-32C (Castagnoli; RFC 3720, appendix B.4), as Kafka's record batches have it. Tells accidents; protects against nobody. Pure. */

/** The polynomial 0x1edc6f41, its bits in reverse. */
const POLYNOMIAL = 0x82f63b78
const BYTES = 256

let table: Int32Array | undefined

/** @param crc of the bytes before these; 0 at the beginning */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  table ??= makeTable()
  let state = ~crc
  // The index is below 256, so there is always an entry.
  for (const byte of bytes) state = (table[(state ^ byte) & 0xff] as number) ^ (state >>> 8)
  return ~state >>> 0
}

function makeTable(): Int32Array {
  return Int32Array.from({ length: BYTES }, (_, byte) => {
    let entry = byte
    for (let bit = 0; bit < 8; bit++) entry = (entry & 1) === 1 ? (entry >>> 1) ^ POLYNOMIAL : entry >>> 1
    return entry
  })
}
