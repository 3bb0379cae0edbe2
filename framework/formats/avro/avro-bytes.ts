/** Reads the pieces that Avro's binary encoding is made of. Never reads beyond the end, and makes nothing larger than the bytes are. */
import { isUtf8 } from 'node:buffer'

/** What a lost byte becomes when bytes are read as UTF-8. */
const REPLACEMENT = '\ufffd'
/** What takes no byte (`null` in a list) may come so often in one value. */
const MAX_EMPTY = 1_000_000
const CUT = 'the value ends too early'

/** `toString('utf8', ...)` without its looks at what it is given, which take a third of its time for the short texts of records. */
const utf8Text: (bytes: Buffer, from: number, to: number) => string = (bytes, from, to) =>
  (bytes as Buffer & { utf8Slice(from: number, to: number): string }).utf8Slice(from, to)

export class AvroBytes {
  readonly #bytes: Buffer
  #at: number
  #empty = 0

  /** @param from where the value begins */
  constructor(bytes: Buffer, from: number) {
    this.#bytes = bytes
    this.#at = from
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  boolean(): boolean {
    const byte = this.#byte()
    if (byte > 1) throw new Error(`a boolean is ${byte}, neither 0 nor 1`)
    return byte === 1
  }

  int(): number {
    const value = this.longAsNumber()
    if ((value | 0) !== value) throw new Error('an int has more than 32 bits')
    return value
  }

  /** Exact where it is a safe integer; else the nearest number. */
  longAsNumber(): number {
    let byte = this.#byte()
    let low = byte & 0x7f
    for (let shift = 7; byte > 0x7f; shift += 7) {
      if (shift === 28) return this.#longFrom(low)
      byte = this.#byte()
      low |= (byte & 0x7f) << shift
    }
    return (low >>> 1) ^ -(low & 1)
  }

  long(): bigint {
    const start = this.#at
    const value = this.longAsNumber()
    if (Number.isSafeInteger(value)) return BigInt(value)
    this.#at = start
    return this.#exactLong()
  }

  /** Behind its first 28 bits. */
  #longFrom(low: number): number {
    const start = this.#at - 4
    let value = low
    let factor = 2 ** 28
    for (let count = 5; ; count += 1) {
      const byte = this.#byte()
      value += (byte & 0x7f) * factor
      factor *= 128
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      if (count === 7) break
    }
    this.#at = start
    return Number(this.#exactLong())
  }

  #exactLong(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) break
      if (shift === 63n) throw new Error('a long has more than 64 bits')
    }
    if (value >= 1n << 64n) throw new Error('a long has more than 64 bits')
    return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#take(4))
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8))
  }

  /** A copy of its own. */
  bytes(): Uint8Array {
    return this.fixed(this.#length())
  }

  /** A copy of its own. */
  fixed(size: number): Uint8Array {
    const from = this.#take(size)
    return new Uint8Array(this.#bytes.subarray(from, from + size))
  }

  string(): string {
    const length = this.#length()
    const from = this.#take(length)
    const text = utf8Text(this.#bytes, from, from + length)
    // Broken UTF-8 still makes a text: accepted, it would be a silent change of the value.
    if (text.includes(REPLACEMENT) && !isUtf8(this.#bytes.subarray(from, from + length))) {
      throw new Error('the bytes of a text are not UTF-8')
    }
    return text
  }

  /** Which branch of a union, which symbol of an enum. */
  index(count: number): number {
    const index = this.longAsNumber()
    if (!(index >= 0 && index < count)) throw new Error(`a place in a list of ${count} is ${index}`)
    return index
  }

  /**
   * How many entries the next block of a list or map has; 0 is its end.
   * @param isEmpty an entry may take no byte
   */
  block(isEmpty: boolean): number {
    let count = this.longAsNumber()
    if (count < 0) {
      count = -count
      // The size of the block in bytes: for those who pass over it.
      this.longAsNumber()
    }
    if (isEmpty) {
      this.#empty += count
      if (!(this.#empty <= MAX_EMPTY)) throw new Error(`more than ${MAX_EMPTY} entries that take no byte`)
    } else if (!(count <= this.left)) throw new Error(CUT)
    return count
  }

  skip(size: number): void {
    this.#take(size)
  }

  skipBytes(): void {
    this.#take(this.#length())
  }

  #length(): number {
    const length = this.longAsNumber()
    if (length < 0) throw new Error('a length is below 0')
    return length
  }

  /** @returns where they begin */
  #take(size: number): number {
    const from = this.#at
    if (!(size <= this.#bytes.length - from)) throw new Error(CUT)
    this.#at = from + size
    return from
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new Error(CUT)
    this.#at += 1
    return byte
  }
}
