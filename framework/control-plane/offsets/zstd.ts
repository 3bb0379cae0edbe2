/** Reads one Zstandard frame (RFC 8878), for the metadata of others. Bounded in all it does. Knows nothing of what the bytes mean. */
import {
  BackwardBits,
  FseState,
  type FseTable,
  fseTable,
  type HuffmanTable,
  NotZstandard,
  readFseTable,
  readHuffmanStream,
  readHuffmanTable,
  refuse,
  singleSymbol,
} from './zstd-entropy.ts'

const MAX_BLOCK = 128 * 1_024

/**
 * Node has a decoder from 22.15 on only.
 * @param maxBytes more than that is not unfolded
 * @returns undefined when it is not one whole frame, needs a dictionary, carries a check sum, or is longer than `maxBytes`. Never throws
 */
export function unfoldZstandard(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined {
  try {
    return new Frame(bytes, maxBytes).read()
  } catch (thrown) {
    if (thrown instanceof NotZstandard) return undefined
    throw thrown
  }
}

/** Values of a code: the lowest, and how many bits are added to it. */
interface Codes {
  readonly lowest: readonly number[]
  readonly bits: readonly number[]
}

/** One of the three numbers of a sequence. */
interface Kind {
  readonly maxLog: number
  readonly maxSymbol: number
  readonly predefined: FseTable
}

const literalLengths: Kind = {
  maxLog: 9,
  maxSymbol: 35,
  // biome-ignore format: as the RFC has it
  predefined: fseTable(6, [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1]),
}
const matchLengths: Kind = {
  maxLog: 9,
  maxSymbol: 52,
  // biome-ignore format: as the RFC has it
  predefined: fseTable(6, [1, 4, 3, 2, 2, 2, 2, 2, 2, ...new Array<number>(37).fill(1), -1, -1, -1, -1, -1, -1, -1]),
}
const offsets: Kind = {
  maxLog: 8,
  maxSymbol: 31,
  // biome-ignore format: as the RFC has it
  predefined: fseTable(5, [1, 1, 1, 1, 1, 1, 2, 2, 2, ...new Array<number>(15).fill(1), -1, -1, -1, -1, -1]),
}

// biome-ignore format: as the RFC has it
const literalCodes = codes(0, [...new Array<number>(16).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
// biome-ignore format: as the RFC has it
const matchCodes = codes(3, [...new Array<number>(32).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
/** Further back than any output of ours. */
const MAX_OFFSET_BITS = 24

function codes(first: number, bits: readonly number[]): Codes {
  let next = first
  const lowest = bits.map((width) => {
    const value = next
    next += 2 ** width
    return value
  })
  return { lowest, bits }
}

class Frame {
  readonly #bytes: Uint8Array
  readonly #output: Uint8Array
  #at = 0
  #length = 0
  // A block may use again what an earlier one has described.
  #huffman: HuffmanTable | undefined
  #literalTable: FseTable | undefined
  #offsetTable: FseTable | undefined
  #matchTable: FseTable | undefined
  #recent: [number, number, number] = [1, 4, 8]

  constructor(bytes: Uint8Array, maxBytes: number) {
    this.#bytes = bytes
    this.#output = new Uint8Array(maxBytes)
  }

  read(): Uint8Array {
    const size = this.#header()
    for (let isLast = false; !isLast; ) {
      const head = this.#number(3)
      isLast = (head & 1) === 1
      this.#block((head >>> 1) & 3, head >>> 3)
    }
    if (this.#at !== this.#bytes.length || (size !== undefined && size !== this.#length)) refuse()
    return this.#output.subarray(0, this.#length)
  }

  /** @returns how long it says that it is */
  #header(): number | undefined {
    if (this.#number(4) !== 0xfd2fb528) refuse()
    const descriptor = this.#number(1)
    const isOneSegment = (descriptor & 0x20) !== 0
    // Reserved, a check sum, a dictionary.
    if ((descriptor & 0x0f) !== 0) refuse()
    if (!isOneSegment) this.#number(1)
    const width = [isOneSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0
    if (width === 0) return undefined
    const size = this.#number(width) + (width === 2 ? 256 : 0)
    return size <= this.#output.length ? size : refuse()
  }

  #block(type: number, size: number): void {
    if (size > MAX_BLOCK) refuse()
    switch (type) {
      case 0:
        this.#append(this.#take(size))
        return
      case 1: {
        const [byte = 0] = this.#take(1)
        this.#requireRoom(size)
        this.#output.fill(byte, this.#length, this.#length + size)
        this.#length += size
        return
      }
      case 2:
        this.#compressed(this.#take(size))
        return
      default:
        refuse()
    }
  }

  #compressed(block: Uint8Array): void {
    const { literals, next } = this.#literals(block)
    const head = block[next] ?? refuse()
    let at = next + 1
    let count = head
    if (head === 255) {
      count = (block[at] ?? refuse()) + ((block[at + 1] ?? refuse()) << 8) + 0x7f00
      at += 2
    } else if (head >= 128) {
      count = ((head - 128) << 8) + (block[at] ?? refuse())
      at += 1
    }
    if (count > 0) {
      this.#sequences(block, at, count, literals)
      return
    }
    if (at !== block.length) refuse()
    this.#append(literals)
  }

  #literals(block: Uint8Array): { readonly literals: Uint8Array; readonly next: number } {
    const first = block[0] ?? refuse()
    const type = first & 3
    const format = (first >>> 2) & 3
    if (type < 2) {
      const width = [1, 2, 1, 3][format] ?? 1
      const size = littleEndian(block, 0, width) >>> (width === 1 ? 3 : 4)
      if (size > MAX_BLOCK) refuse()
      if (type === 0) return { literals: slice(block, width, width + size), next: width + size }
      return { literals: new Uint8Array(size).fill(block[width] ?? refuse()), next: width + 1 }
    }
    const width = [3, 3, 4, 5][format] ?? 3
    const sizeBits = [10, 10, 14, 18][format] ?? 10
    const head = littleEndian(block, 0, width)
    const regenerated = Math.floor(head / 16) % 2 ** sizeBits
    const next = width + Math.floor(head / 2 ** (4 + sizeBits))
    if (regenerated > MAX_BLOCK) refuse()
    let start = width
    if (type === 2) {
      const described = readHuffmanTable(slice(block, 0, next), width)
      this.#huffman = described.table
      start = described.next
    }
    const table = this.#huffman ?? refuse()
    return { literals: readLiterals(table, slice(block, start, next), regenerated, format === 0 ? 1 : 4), next }
  }

  #sequences(block: Uint8Array, start: number, count: number, literals: Uint8Array): void {
    const modes = block[start] ?? refuse()
    if ((modes & 3) !== 0) refuse()
    let at = start + 1
    const choose = (kind: Kind, mode: number, before: FseTable | undefined): FseTable => {
      if (mode === 0) return kind.predefined
      if (mode === 3) return before ?? refuse()
      if (mode === 1) {
        const symbol = block[at++] ?? refuse()
        return symbol <= kind.maxSymbol ? singleSymbol(symbol) : refuse()
      }
      const { table, next } = readFseTable(block, at, kind.maxLog, kind.maxSymbol)
      at = next
      return table
    }
    this.#literalTable = choose(literalLengths, modes >>> 6, this.#literalTable)
    this.#offsetTable = choose(offsets, (modes >>> 4) & 3, this.#offsetTable)
    this.#matchTable = choose(matchLengths, (modes >>> 2) & 3, this.#matchTable)
    const input = new BackwardBits(slice(block, at, block.length))
    const literal = new FseState(this.#literalTable, input)
    const offset = new FseState(this.#offsetTable, input)
    const match = new FseState(this.#matchTable, input)
    let used = 0
    for (let index = 0; index < count; index++) {
      if (offset.symbol > MAX_OFFSET_BITS) refuse()
      const distanceValue = 2 ** offset.symbol + input.read(offset.symbol)
      const length = readValue(matchCodes, match.symbol, input)
      const literalLength = readValue(literalCodes, literal.symbol, input)
      this.#append(slice(literals, used, used + literalLength))
      used += literalLength
      this.#repeat(this.#distance(distanceValue, literalLength), length)
      if (index === count - 1) break
      literal.advance()
      match.advance()
      offset.advance()
      if (input.left < 0) refuse()
    }
    if (input.left !== 0) refuse()
    this.#append(literals.subarray(used))
  }

  /** 1 to 3 stand for the last distances. */
  #distance(value: number, literalLength: number): number {
    const [first, second, third] = this.#recent
    const index = value - 1 + (literalLength === 0 ? 1 : 0)
    if (value > 3) this.#recent = [value - 3, first, second]
    else if (index === 1) this.#recent = [second, first, third]
    else if (index === 2) this.#recent = [third, first, second]
    else if (index === 3) this.#recent = [first - 1, first, second]
    return this.#recent[0]
  }

  #repeat(distance: number, length: number): void {
    if (distance < 1 || distance > this.#length) refuse()
    this.#requireRoom(length)
    // Byte by byte: it may repeat what it has just written.
    for (const end = this.#length + length; this.#length < end; this.#length++)
      this.#output[this.#length] = this.#output[this.#length - distance] ?? 0
  }

  #append(bytes: Uint8Array): void {
    this.#requireRoom(bytes.length)
    this.#output.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #requireRoom(length: number): void {
    if (this.#length + length > this.#output.length) refuse()
  }

  #take(count: number): Uint8Array {
    const taken = slice(this.#bytes, this.#at, this.#at + count)
    this.#at += count
    return taken
  }

  #number(width: number): number {
    return littleEndian(this.#take(width), 0, width)
  }
}

function readValue({ lowest, bits }: Codes, code: number, input: BackwardBits): number {
  return (lowest[code] ?? refuse()) + input.read(bits[code] ?? 0)
}

function readLiterals(table: HuffmanTable, bytes: Uint8Array, size: number, streams: 1 | 4): Uint8Array {
  const literals = new Uint8Array(size)
  if (streams === 1) {
    readHuffmanStream(table, bytes, literals)
    return literals
  }
  const each = (size + 3) >>> 2
  let start = 6
  for (let index = 0; index < 4; index++) {
    const end = index < 3 ? start + littleEndian(bytes, 2 * index, 2) : bytes.length
    if (each * 3 > size) refuse()
    const output = literals.subarray(index * each, index < 3 ? (index + 1) * each : size)
    readHuffmanStream(table, slice(bytes, start, end), output)
    start = end
  }
  return literals
}

/** Exact up to 2^53. */
function littleEndian(bytes: Uint8Array, start: number, width: number): number {
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[start + i] ?? refuse())
  return value
}

function slice(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return start <= end && end <= bytes.length ? bytes.subarray(start, end) : refuse()
}
