/** The encodings of completed offsets as bytes: each takes alternating run lengths and says how far it came. Checks nothing but form. */
import { type BitCoder, BitReader, BitWriter } from './bit-coder.ts'

/**
 * Lengths of runs from the position on: incomplete, completed, incomplete, ... Each is 1 to 2^31 - 1, and so is their sum; there is
 * an even number of them, so the last is completed.
 */
export type Runs = readonly number[]

/** The encoder never writes more. 2^20 gaps. */
export const MAX_RUNS = 2 ** 21

/** The largest sum of runs. */
export const MAX_SPAN = 2 ** 31 - 1

export interface EncodedRuns {
  readonly bytes: Uint8Array
  /** The offsets that `bytes` stand for: all, or fewer when not everything fits. 0 when nothing does. */
  readonly span: number
}

/**
 * 1. `encode` MUST return at most `budget` bytes, which stand for a true prefix of the window.
 * 2. `decode` MUST NOT throw, on any bytes that fit into a text and any span from 1 to `MAX_SPAN`; `undefined` when they cannot be runs of
 *    that span. It MUST NOT build more than `maxRuns`, which is even: a few bytes of a model can stand for a million. What it returns then
 *    is a true beginning.
 */
export interface RunCodec {
  /** What the format calls it; never reused. */
  readonly id: number
  encode(runs: Runs, budget: number): EncodedRuns
  decode(bytes: Uint8Array, span: number, maxRuns: number): Runs | undefined
}

const nothing: EncodedRuns = { bytes: new Uint8Array(0), span: 0 }

/** Each run as a varint (LEB128: 7 bits a byte, the lowest first, the top bit set when more follow). The best for a few runs. */
const varints: RunCodec = {
  id: 1,
  encode(runs, budget) {
    const bytes: number[] = []
    let kept = 0
    let span = 0
    for (let index = 0; index < runs.length; index += 2) {
      const incomplete = runs[index] ?? 0
      const completed = runs[index + 1] ?? 0
      pushVarint(bytes, incomplete)
      pushVarint(bytes, completed)
      if (bytes.length > budget) break
      kept = bytes.length
      span += incomplete + completed
    }
    return { bytes: Uint8Array.from(bytes.slice(0, kept)), span }
  },
  decode(bytes, span, maxRuns) {
    const runs: number[] = []
    let [total, count] = [0, 0]
    for (let at = 0; at < bytes.length; ) {
      const varint = readVarint(bytes, at)
      if (varint === undefined) return undefined
      at = varint.next
      total += varint.value
      if (varint.value === 0 || total > span) return undefined
      if (count < maxRuns) runs.push(varint.value)
      count += 1
    }
    return total === span && count % 2 === 0 ? runs : undefined
  },
}

/** Bit i of byte b is offset 8 b + i of the window: 1 is completed. The best for patterns without any pattern. */
const bitset: RunCodec = {
  id: 2,
  encode(runs, budget) {
    const { span, used } = spanWithin(runs, budget * 8)
    if (span === 0) return nothing
    const bytes = new Uint8Array(Math.ceil(span / 8))
    let at = 0
    for (let index = 0; index < used; index += 2) {
      at += runs[index] ?? 0
      for (const end = Math.min(at + (runs[index + 1] ?? 0), span); at < end; at++) {
        bytes[at >>> 3] = (bytes[at >>> 3] ?? 0) | (1 << (at & 7))
      }
    }
    return { bytes, span }
  },
  decode(bytes, span, maxRuns) {
    const lastByte = bytes[bytes.length - 1]
    const bitsInLastByte = ((span + 7) & 7) + 1
    if (lastByte === undefined || bytes.length !== Math.ceil(span / 8) || lastByte >>> bitsInLastByte > 0)
      return undefined
    const runs: number[] = []
    let previous = 0
    let start = 0
    for (let at = 0; at < span; at++) {
      const bit = ((bytes[at >>> 3] ?? 0) >>> (at & 7)) & 1
      if (bit === previous) continue
      if (at === start) return undefined
      if (runs.length < maxRuns) runs.push(at - start)
      start = at
      previous = bit
    }
    if (runs.length < maxRuns) runs.push(span - start)
    return previous === 1 ? runs : undefined
  },
}

/** The longest prefix of at most `bits` offsets that ends with a completed one, and how many runs it takes from. */
function spanWithin(runs: Runs, bits: number): { readonly span: number; readonly used: number } {
  let span = 0
  let used = 0
  while (used < runs.length) {
    const firstCompleted = span + (runs[used] ?? 0)
    if (firstCompleted >= bits) break
    span = Math.min(firstCompleted + (runs[used + 1] ?? 0), bits)
    used += 2
  }
  return { span, used }
}

/** Contexts of one run length: 32 for its width, then 8 for each of 32 widths: 7 nodes for the three bits below the top one, 1 for the rest. */
const CONTEXTS_OF_RUN = 32 + 32 * 8

/**
 * Codes one run length: its width (one less than its number of bits) in unary, then the bits below the top one, highest first.
 * Reading, `run` is ignored.
 */
function codeRun(coder: BitCoder, firstContext: number, run: number): number {
  const ownWidth = 31 - Math.clz32(run)
  let width = 0
  while (width < 30 && coder.code(firstContext + width, width < ownWidth ? 1 : 0) === 1) width++
  let value = 1
  for (let left = width - 1; left >= 0; left--) {
    const node = value < 8 ? value : 0
    value = value * 2 + coder.code(firstContext + 32 + width * 8 + node, (run >>> left) & 1)
  }
  return value
}

/** Which context the next run is coded in, by what came before it. */
interface RunMemory {
  readonly contexts: number
  /** @param side 0 incomplete, 1 completed */
  firstContext(side: number): number
  remember(run: number): void
}

/** Only the side counts: the best for random patterns with a bias, such as one busy key that waits. */
function noMemory(): RunMemory {
  return {
    contexts: 2 * CONTEXTS_OF_RUN,
    firstContext: (side) => side * CONTEXTS_OF_RUN,
    remember: () => {},
  }
}

const HASHED_CONTEXTS = 2 ** 15

/** The three runs before count too: the best for what repeats, such as keys in rotation. Contexts may collide; that only costs room. */
function threeRuns(): RunMemory {
  let [last, second, third] = [0, 0, 0]
  return {
    contexts: HASHED_CONTEXTS + CONTEXTS_OF_RUN,
    firstContext(side) {
      let hash = Math.imul(third + 1, 0x9e3779b1) + second
      hash = Math.imul(hash, 0x9e3779b1) + last
      hash = Math.imul(hash, 0x9e3779b1) + side
      return Math.imul(hash, 0x9e3779b1) >>> 17
    },
    remember(run) {
      third = second
      second = last
      last = Math.min(run, 32)
    },
  }
}

/** @param leastRuns not tried for fewer: there is nothing to learn from them, and the contexts must be allocated */
function modelled(id: number, memoryOf: () => RunMemory, leastRuns: number): RunCodec {
  return {
    id,
    encode(runs, budget) {
      // A model that needs more than five bytes a run has lost against the varints.
      const capacity = Math.min(budget, runs.length * 5)
      if (capacity < 1 || runs.length < leastRuns) return nothing
      const memory = memoryOf()
      const writer = new BitWriter(memory.contexts, capacity)
      let span = 0
      let [at, side] = [0, 0]
      for (const run of runs) {
        codeRun(writer, memory.firstContext(side), run)
        memory.remember(run)
        at += run
        if (side === 1) {
          if (!writer.keep()) break
          span = at
        }
        side = 1 - side
      }
      return span === 0 ? nothing : { bytes: writer.finish(), span }
    },
    decode(bytes, span, maxRuns) {
      const memory = memoryOf()
      const reader = new BitReader(memory.contexts, bytes)
      const runs: number[] = []
      for (let at = 0; at < span && runs.length < maxRuns; ) {
        const run = codeRun(reader, memory.firstContext(runs.length & 1), 0)
        memory.remember(run)
        at += run
        if (at > span) return undefined
        runs.push(run)
      }
      return runs.length % 2 === 0 ? runs : undefined
    },
  }
}

/** Cheap ones first: what they reach is the budget of those after them. */
export const runCodecs: readonly RunCodec[] = [varints, bitset, modelled(3, noMemory, 2), modelled(4, threeRuns, 64)]

/** Those that take little time, and more room. */
export const plainCodecs: readonly RunCodec[] = [varints, bitset]

export function pushVarint(bytes: number[], value: number): void {
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
}

/** A varint of at most 31 bits, in its shortest form; `undefined` when there is none. */
export function readVarint(
  bytes: Uint8Array,
  start: number,
): { readonly value: number; readonly next: number } | undefined {
  let value = 0
  for (let at = start; at < start + 5; at++) {
    const byte = bytes[at]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 2 ** (7 * (at - start))
    if (byte > 0x7f) continue
    const isShortest = byte > 0 || at === start
    return isShortest && value <= MAX_SPAN ? { value, next: at + 1 } : undefined
  }
  return undefined
}
