/** The entropy coders of Zstandard, read only: bits from either end, FSE tables, Huffman tables (RFC 8878, section 4). Knows nothing of frames. */

/** The bytes are no Zstandard. Caught where a frame is read. */
export class NotZstandard extends Error {}

export function refuse(): never {
  throw new NotZstandard()
}

/** Bits of descriptions: from the first byte on, the lowest bit of each first. */
export class ForwardBits {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes
    this.#at = start * 8
  }

  /** @param count at most 16 */
  read(count: number): number {
    if (this.#at + count > this.#bytes.length * 8) refuse()
    const first = this.#at >>> 3
    const three =
      byteAt(this.#bytes, first) | (byteAt(this.#bytes, first + 1) << 8) | (byteAt(this.#bytes, first + 2) << 16)
    const value = (three >>> (this.#at & 7)) & ((1 << count) - 1)
    this.#at += count
    return value
  }

  unread(count: number): void {
    this.#at -= count
  }

  /** The first byte that no bit was read of. */
  get nextByte(): number {
    return (this.#at + 7) >>> 3
  }
}

/** Bits of streams: from the last byte backwards, in which the highest set bit only says where they begin. Before the first byte come zeros. */
export class BackwardBits {
  readonly #bytes: Uint8Array
  /** Bits that are left; below 0, zeros were read that are not there. */
  left: number

  constructor(bytes: Uint8Array) {
    const last = bytes[bytes.length - 1] ?? 0
    if (last === 0) refuse()
    this.#bytes = bytes
    this.left = bytes.length * 8 - (Math.clz32(last) - 23)
  }

  /** The next ones, which are still there afterwards. @param count at most 24 */
  peek(count: number): number {
    const start = this.left - count
    if (start < 0) return start <= -count ? 0 : (this.#from(0) & ((1 << this.left) - 1)) << -start
    return this.#from(start) & ((1 << count) - 1)
  }

  /** @param count at most 24 */
  read(count: number): number {
    const value = this.peek(count)
    this.left -= count
    return value
  }

  /** At least 24 bits from that one on, the lowest first. */
  #from(bit: number): number {
    const first = bit >>> 3
    const bytes = this.#bytes
    const low = byteAt(bytes, first) | (byteAt(bytes, first + 1) << 8) | (byteAt(bytes, first + 2) << 16)
    return (low | (byteAt(bytes, first + 3) << 24)) >>> (bit & 7)
  }
}

/** For each state: its symbol, and how the next state is found. */
export interface FseTable {
  readonly log: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
  readonly bases: Uint16Array
}

/** A table of one symbol, which takes no bits. */
export function singleSymbol(symbol: number): FseTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) }
}

/** @param counts of 2^log states, how many each symbol has; -1 is one state that takes all bits */
export function fseTable(log: number, counts: readonly number[]): FseTable {
  const size = 1 << log
  const symbols = new Uint8Array(size)
  const next = new Uint16Array(counts.length)
  let high = size
  for (const [symbol, count] of counts.entries()) {
    if (count === -1) symbols[--high] = symbol
    next[symbol] = Math.abs(count)
  }
  const step = (size >>> 1) + (size >>> 3) + 3
  let at = 0
  for (const [symbol, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      symbols[at] = symbol
      do at = (at + step) & (size - 1)
      while (at >= high)
    }
  }
  if (at !== 0) refuse()
  const bits = new Uint8Array(size)
  const bases = new Uint16Array(size)
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] ?? 0
    const count = next[symbol] ?? 1
    next[symbol] = count + 1
    const width = log - (31 - Math.clz32(count))
    bits[state] = width
    bases[state] = (count << width) - size
  }
  return { log, symbols, bits, bases }
}

/** @returns the table and the first byte behind its description */
export function readFseTable(
  bytes: Uint8Array,
  start: number,
  maxLog: number,
  maxSymbol: number,
): { readonly table: FseTable; readonly next: number } {
  const input = new ForwardBits(bytes, start)
  const log = input.read(4) + 5
  if (log > maxLog) refuse()
  const counts: number[] = []
  let left = 1 << log
  while (left > 0) {
    const count = readCount(input, left)
    left -= Math.abs(count)
    counts.push(count)
    if (count === 0) {
      for (let zeros = 3; zeros === 3 && counts.length <= maxSymbol; ) {
        zeros = input.read(2)
        for (let i = 0; i < zeros; i++) counts.push(0)
      }
    }
    if (counts.length > maxSymbol + 1) refuse()
  }
  if (left < 0) refuse()
  return { table: fseTable(log, counts), next: input.nextByte }
}

/** Small values take a bit less where not all that the bits could say is possible. */
function readCount(input: ForwardBits, left: number): number {
  const width = 32 - Math.clz32(left + 1)
  const lower = (1 << (width - 1)) - 1
  const threshold = (1 << width) - 1 - (left + 1)
  const value = input.read(width)
  if ((value & lower) < threshold) {
    input.unread(1)
    return (value & lower) - 1
  }
  return (value > lower ? value - threshold : value) - 1
}

/** One state that goes from symbol to symbol. */
export class FseState {
  readonly #table: FseTable
  readonly #input: BackwardBits
  #state: number

  constructor(table: FseTable, input: BackwardBits) {
    this.#table = table
    this.#input = input
    this.#state = input.read(table.log)
  }

  get symbol(): number {
    return this.#table.symbols[this.#state] ?? 0
  }

  advance(): void {
    const { bits, bases } = this.#table
    this.#state = (bases[this.#state] ?? 0) + this.#input.read(bits[this.#state] ?? 0)
  }
}

/** For each of the next `log` bits: the symbol that they begin with, and how many of them it takes. */
export interface HuffmanTable {
  readonly log: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
}

const MAX_HUFFMAN_BITS = 11
const MAX_WEIGHTS = 255

/** @returns the table and the first byte behind its description */
export function readHuffmanTable(
  bytes: Uint8Array,
  start: number,
): { readonly table: HuffmanTable; readonly next: number } {
  const head = bytes[start] ?? refuse()
  const isDirect = head >= 128
  const next = start + 1 + (isDirect ? (head - 126) >>> 1 : head)
  if (next > bytes.length) refuse()
  const weights = isDirect ? nibbles(bytes, start + 1, head - 127) : codedWeights(bytes.subarray(start + 1, next))
  return { table: huffmanTable(weights), next }
}

function nibbles(bytes: Uint8Array, start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const byte = byteAt(bytes, start + (i >>> 1))
    return i % 2 === 0 ? byte >>> 4 : byte & 15
  })
}

/** Two states take turns, until one needs bits that are not there: then the other has one symbol more. */
function codedWeights(bytes: Uint8Array): number[] {
  const { table, next } = readFseTable(bytes, 0, 6, MAX_HUFFMAN_BITS + 1)
  const input = new BackwardBits(bytes.subarray(next))
  const states = [new FseState(table, input), new FseState(table, input)] as const
  const weights: number[] = []
  for (let turn: 0 | 1 = 0; ; turn = turn === 0 ? 1 : 0) {
    weights.push(states[turn].symbol)
    states[turn].advance()
    if (weights.length >= MAX_WEIGHTS) refuse()
    if (input.left >= 0) continue
    weights.push(states[turn === 0 ? 1 : 0].symbol)
    return weights
  }
}

/** The last symbol's weight is not written: it fills up what the others leave. */
function huffmanTable(weights: number[]): HuffmanTable {
  let sum = 0
  for (const weight of weights) sum += weight === 0 ? 0 : 1 << (weight - 1)
  if (sum === 0) refuse()
  const log = 32 - Math.clz32(sum)
  const rest = (1 << log) - sum
  if (log > MAX_HUFFMAN_BITS || (rest & (rest - 1)) !== 0) refuse()
  const all = [...weights, 32 - Math.clz32(rest)]
  const symbols = new Uint8Array(1 << log)
  const bits = new Uint8Array(1 << log)
  let at = 0
  for (let weight = 1; weight <= log; weight++) {
    for (const [symbol, its] of all.entries()) {
      if (its !== weight) continue
      const end = at + (1 << (weight - 1))
      symbols.fill(symbol, at, end)
      bits.fill(log + 1 - weight, at, end)
      at = end
    }
  }
  return { log, symbols, bits }
}

/** Reads symbols into the whole of `output`; the stream must end with the last one. */
export function readHuffmanStream(table: HuffmanTable, bytes: Uint8Array, output: Uint8Array): void {
  const input = new BackwardBits(bytes)
  const { log, symbols, bits } = table
  for (let i = 0; i < output.length; i++) {
    const next = input.peek(log)
    output[i] = symbols[next] ?? 0
    input.left -= bits[next] ?? 0
    if (input.left < 0) refuse()
  }
  if (input.left !== 0) refuse()
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0
}
