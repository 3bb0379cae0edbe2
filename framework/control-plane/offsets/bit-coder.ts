/** An adaptive binary arithmetic coder: writes and reads bits at about their entropy. Knows nothing of offsets. */

/**
 * One procedure drives both directions: the writer takes the bit and returns it, the reader ignores the argument and returns the
 * bit that was written. So what is written and what is read cannot come apart.
 */
export interface BitCoder {
  code(context: number, bit: number): number
}

/** The registers have 31 bits, so that they stay small integers in V8. */
const TOP = 0x7fffffff
const TOP_BYTE_SHIFT = 23
const BELOW_TOP_BYTE = 0x7fffff

/** Counts are halved when a context has seen this many bits: it goes on learning, and the products below stay exact. */
const COUNT_LIMIT = 1023

/** How often each context has seen 0 and 1. A context that was never used says one half (Krichevsky-Trofimov estimator). */
class BitCounts {
  readonly #counts: Uint16Array

  constructor(contexts: number) {
    this.#counts = new Uint16Array(2 * contexts)
  }

  /** Where [low, high] is cut: 1 is low..split, 0 is split + 1..high. The product is below 2^43, so the quotient's floor is exact. */
  split(context: number, low: number, high: number): number {
    const zeros = this.#counts[2 * context] ?? 0
    const ones = this.#counts[2 * context + 1] ?? 0
    return low + Math.floor(((high - low) * (2 * ones + 1)) / (2 * (zeros + ones) + 2))
  }

  add(context: number, bit: number): void {
    const counts = this.#counts
    const zeros = (counts[2 * context] ?? 0) + 1 - bit
    const ones = (counts[2 * context + 1] ?? 0) + bit
    const shift = zeros + ones >= COUNT_LIMIT ? 1 : 0
    counts[2 * context] = zeros >>> shift
    counts[2 * context + 1] = ones >>> shift
  }
}

export class BitWriter implements BitCoder {
  readonly #counts: BitCounts
  readonly #bytes: Uint8Array
  #low = 0
  #high = TOP
  #length = 0
  #keptLow = 0
  #keptLength = 0

  /** @param capacity bytes that `finish` may return at most; 1 or more */
  constructor(contexts: number, capacity: number) {
    this.#counts = new BitCounts(contexts)
    this.#bytes = new Uint8Array(capacity)
  }

  code(context: number, bit: number): number {
    const split = this.#counts.split(context, this.#low, this.#high)
    if (bit === 1) this.#high = split
    else this.#low = split + 1
    this.#counts.add(context, bit)
    while ((this.#low ^ this.#high) >>> TOP_BYTE_SHIFT === 0) {
      if (this.#length < this.#bytes.length) this.#bytes[this.#length] = this.#low >>> TOP_BYTE_SHIFT
      this.#length += 1
      this.#low = (this.#low & BELOW_TOP_BYTE) << 8
      this.#high = ((this.#high & BELOW_TOP_BYTE) << 8) | 0xff
    }
    return bit
  }

  /** Keeps what was coded so far for `finish`. False, and nothing changes, when it needs more than the capacity. */
  keep(): boolean {
    if (this.#length + 1 > this.#bytes.length) return false
    this.#keptLow = this.#low
    this.#keptLength = this.#length
    return true
  }

  /** The bytes of everything up to the last `keep`. Ends the writer. */
  finish(): Uint8Array {
    // The reader sees zeros after the end. The top bytes of low and high differ, so this one byte leads into [low, high].
    this.#bytes[this.#keptLength] = (this.#keptLow >>> TOP_BYTE_SHIFT) + 1
    return this.#bytes.subarray(0, this.#keptLength + 1)
  }
}

/** Reads any bytes without failing: after their end come zeros. Whether the result means anything is the caller's question. */
export class BitReader implements BitCoder {
  readonly #counts: BitCounts
  readonly #bytes: Uint8Array
  #low = 0
  #high = TOP
  #value: number
  #next = 4

  constructor(contexts: number, bytes: Uint8Array) {
    this.#counts = new BitCounts(contexts)
    this.#bytes = bytes
    const [a = 0, b = 0, c = 0, d = 0] = bytes
    // 31 bits: the last bit of the fourth byte comes with the next one, because every byte is read at the same alignment.
    this.#value = ((a << 23) | (b << 15) | (c << 7) | (d >>> 1)) & TOP
  }

  code(context: number, _bit: number): number {
    const split = this.#counts.split(context, this.#low, this.#high)
    const bit = this.#value <= split ? 1 : 0
    if (bit === 1) this.#high = split
    else this.#low = split + 1
    this.#counts.add(context, bit)
    while ((this.#low ^ this.#high) >>> TOP_BYTE_SHIFT === 0) {
      this.#low = (this.#low & BELOW_TOP_BYTE) << 8
      this.#high = ((this.#high & BELOW_TOP_BYTE) << 8) | 0xff
      this.#value = ((this.#value & BELOW_TOP_BYTE) << 8) | this.#nextByte()
    }
    return bit
  }

  #nextByte(): number {
    const last = this.#bytes[this.#next - 1] ?? 0
    const byte = this.#bytes[this.#next] ?? 0
    this.#next += 1
    return ((last & 1) << 7) | (byte >>> 1)
  }
}
