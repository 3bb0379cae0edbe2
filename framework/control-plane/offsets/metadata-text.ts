/** Carries bytes in UTF-16 units, 15 bits each, and computes the check over them. Knows nothing of what the bytes mean. */

const BITS_PER_UNIT = 15

/**
 * The 32,768 units: U+3400..U+A3FF (CJK ideographs, hexagrams, Yi syllables) for 0..0x6FFF and U+AC00..U+BBFF (Hangul syllables) for
 * 0x7000..0x7FFF. All are assigned, printable, unchanged by NFC and NFKC, three bytes in UTF-8; none is a surrogate, a control, a
 * combining mark or written right to left. The broker's limit counts units, so each carries 15 bits where base64 carries 6.
 */
const FIRST_BLOCK = 0x3400
const FIRST_BLOCK_SIZE = 0x7000
const SECOND_BLOCK = 0xac00
const SECOND_BLOCK_SIZE = 0x1000

/** The most bytes that fit into so many units. */
export function bytesInUnits(units: number): number {
  return Math.floor((units * BITS_PER_UNIT) / 8)
}

function unitsForBytes(bytes: number): number {
  return Math.ceil((bytes * 8) / BITS_PER_UNIT)
}

/** Most significant bit first; the last unit is filled up with zero bits. At most 20,000 bytes. */
export function textFromBytes(bytes: Uint8Array): string {
  const units = new Uint16Array(unitsForBytes(bytes.length))
  let bits = 0
  let width = 0
  let unit = 0
  for (const byte of bytes) {
    bits = (bits << 8) | byte
    width += 8
    if (width < BITS_PER_UNIT) continue
    width -= BITS_PER_UNIT
    units[unit++] = toUnit(bits >>> width)
    bits &= (1 << width) - 1
  }
  if (width > 0) units[unit] = toUnit(bits << (BITS_PER_UNIT - width))
  return String.fromCharCode(...units)
}

/** All whole bytes from unit `start` on, and whether the bits that are left over are zero; `undefined` when a unit is not ours. */
export function bytesFromText(text: string, start: number): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.ceil(((text.length - start) * BITS_PER_UNIT) / 8))
  let bits = 0
  let width = 0
  let length = 0
  for (let index = start; index < text.length; index++) {
    const value = fromUnit(text.charCodeAt(index))
    if (value < 0) return undefined
    bits = (bits << BITS_PER_UNIT) | value
    width += BITS_PER_UNIT
    while (width >= 8) {
      width -= 8
      bytes[length++] = bits >>> width
      bits &= (1 << width) - 1
    }
  }
  if (width > 0) bytes[length] = bits << (8 - width)
  return bytes
}

/** Whether `bytes`, as `bytesFromText` returned them, hold `length` bytes and nothing but zero bits in the fewest units. */
export function endsAt(bytes: Uint8Array, length: number): boolean {
  if (Math.ceil((unitsForBytes(length) * BITS_PER_UNIT) / 8) !== bytes.length) return false
  return bytes.subarray(length).every((byte) => byte === 0)
}

function toUnit(value: number): number {
  return value < FIRST_BLOCK_SIZE ? FIRST_BLOCK + value : SECOND_BLOCK - FIRST_BLOCK_SIZE + value
}

function fromUnit(unit: number): number {
  const first = unit - FIRST_BLOCK
  if (first >= 0 && first < FIRST_BLOCK_SIZE) return first
  const second = unit - SECOND_BLOCK
  return second >= 0 && second < SECOND_BLOCK_SIZE ? FIRST_BLOCK_SIZE + second : -1
}

/** Reflected polynomials of CRC-32 (IEEE 802.3) and CRC-32C (RFC 3720). */
const ieee = crcTable(0xedb88320)
const castagnoli = crcTable(0x82f63b78)

function crcTable(polynomial: number): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0)
    return crc
  })
}

/**
 * CRC-32 and CRC-32C over the position as 8 bytes, then `bytes`: together 64 bits. A change within 8 neighbouring bytes of them is found for
 * certain, because the two polynomials have no factor in common; any other change but for one in 2^64. The position is part of it, so that
 * metadata which meets another position than its own is not believed.
 */
export function checkOf(position: number, bytes: Uint8Array): readonly [crc32: number, crc32c: number] {
  const head = new DataView(new ArrayBuffer(8))
  head.setUint32(0, Math.floor(position / 2 ** 32))
  head.setUint32(4, position % 2 ** 32)
  let a = -1
  let b = -1
  for (const part of [new Uint8Array(head.buffer), bytes]) {
    for (const byte of part) {
      a = (a >>> 8) ^ (ieee[(a ^ byte) & 0xff] ?? 0)
      b = (b >>> 8) ^ (castagnoli[(b ^ byte) & 0xff] ?? 0)
    }
  }
  return [~a >>> 0, ~b >>> 0]
}
