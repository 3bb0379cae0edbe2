/** Writes the pieces that Avro's binary encoding is made of, into memory that grows. */

const FIRST_SIZE = 1_024
/** Memory that has grown beyond that is not kept for the next value. */
const MOST_KEPT = 65_536
/** Up to so many characters, a text is written here sooner than by a call of the engine. */
const SHORT_TEXT = 32
const ASCII = 0x7f
const MIN_LONG = -(2n ** 63n)
const MAX_LONG = 2n ** 63n - 1n

/** What the last value was written into. Undefined while one is being written. */
let spare: Buffer | undefined

export class AvroOutput {
  #bytes: Buffer
  #at = 0

  constructor() {
    this.#bytes = spare ?? Buffer.allocUnsafe(FIRST_SIZE)
    spare = undefined
  }

  /** What was written, in memory of its own. Nothing may be written after it. */
  finish(): Buffer {
    const written = Buffer.allocUnsafe(this.#at)
    this.#bytes.copy(written, 0, 0, this.#at)
    if (this.#bytes.length <= MOST_KEPT) spare = this.#bytes
    return written
  }

  byte(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.#at] = byte
    this.#at += 1
  }

  /** @param value a whole number, of 64 bits at most */
  long(value: number | bigint): void {
    if (typeof value === 'number' && value >= -0x4000_0000 && value <= 0x3fff_ffff) {
      this.#short(((value << 1) ^ (value >> 31)) >>> 0)
      return
    }
    if (-Number.MAX_SAFE_INTEGER / 2 <= value && value <= Number.MAX_SAFE_INTEGER / 2) {
      this.#safe(Number(value))
      return
    }
    const exact = BigInt(value)
    if (exact < MIN_LONG || exact > MAX_LONG) throw new Error('a number has more than 64 bits')
    let left = BigInt.asUintN(64, (exact << 1n) ^ (exact >> 63n))
    for (; left > 0x7fn; left >>= 7n) this.byte(Number(left & 0x7fn) | 0x80)
    this.byte(Number(left))
  }

  /** Twice as much is a number that is exact. */
  #safe(value: number): void {
    let left = value < 0 ? -2 * value - 1 : 2 * value
    for (; left > 0x7fff_ffff; left = Math.floor(left / 0x80)) this.byte((left % 0x80) | 0x80)
    this.#short(left)
  }

  #short(value: number): void {
    let left = value
    for (; left > 0x7f; left >>>= 7) this.byte((left & 0x7f) | 0x80)
    this.byte(left)
  }

  float(value: number): void {
    this.#reserve(4)
    this.#at = this.#bytes.writeFloatLE(value, this.#at)
  }

  double(value: number): void {
    this.#reserve(8)
    this.#at = this.#bytes.writeDoubleLE(value, this.#at)
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  bytes(bytes: Uint8Array): void {
    this.long(bytes.length)
    this.raw(bytes)
  }

  string(text: string): void {
    if (text.length <= SHORT_TEXT && this.#ascii(text)) return
    const length = Buffer.byteLength(text)
    this.long(length)
    this.#reserve(length)
    this.#at += this.#bytes.write(text, this.#at)
  }

  /** @returns false, with nothing written, for a text with other characters */
  #ascii(text: string): boolean {
    const { length } = text
    this.#reserve(1 + length)
    const bytes = this.#bytes
    const from = this.#at + 1
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index)
      if (code > ASCII) return false
      bytes[from + index] = code
    }
    bytes[this.#at] = length << 1
    this.#at = from + length
    return true
  }

  #reserve(size: number): void {
    const needed = this.#at + size
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }
}
