/** Writes the pieces that Avro's binary encoding is made of, into memory that grows. */

const FIRST_SIZE = 256
const MIN_LONG = -(2n ** 63n)
const MAX_LONG = 2n ** 63n - 1n

export class AvroOutput {
  #bytes: Buffer = Buffer.allocUnsafe(FIRST_SIZE)
  #at = 0

  /** What was written, in memory of its own. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at))
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
    const exact = BigInt(value)
    if (exact < MIN_LONG || exact > MAX_LONG) throw new Error('a number has more than 64 bits')
    let left = BigInt.asUintN(64, (exact << 1n) ^ (exact >> 63n))
    for (; left > 0x7fn; left >>= 7n) this.byte(Number(left & 0x7fn) | 0x80)
    this.byte(Number(left))
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
    const length = Buffer.byteLength(text)
    this.long(length)
    this.#reserve(length)
    this.#at += this.#bytes.write(text, this.#at)
  }

  #reserve(size: number): void {
    const needed = this.#at + size
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }
}
