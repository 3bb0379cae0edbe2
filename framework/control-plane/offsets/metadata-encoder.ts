/**
 * Writes the completed offsets above a position as commit metadata, with the attempts of records that are not done, and reads them back. Believes
 * nothing that it cannot check, and never says that an offset is completed which was not.
 *
 * # Format 1
 *
 * Nothing completed above the position, and no attempts: the empty text. Else the text is `P1`, then bytes, packed most significant bit first into units of
 * 15 bits (the last filled up with zero bits): unit value v is U+3400 + v below 0x7000, else U+AC00 + v - 0x7000. The bytes are:
 *
 * | field   | bytes  | meaning |
 * |---------|--------|---------|
 * | check   | 8      | CRC-32 (IEEE), then CRC-32C, big-endian, of: the position as 8 bytes big-endian, then all fields below |
 * | codec   | 1      | 1 to 4, see below; 16 more where attempts follow; 16 alone where nothing is completed: span and length are 0 then |
 * | span    | varint | how many offsets are described; the first is the position itself |
 * | length  | varint | bytes of the payload |
 * | payload | length | the window as alternating runs: incomplete, completed, ...; an even number, each at least 1, sum = span |
 * | attempts |       | with codec 16 and above: see `carried-attempts.ts`. Versions of Pyrallel that know no such codec believe nothing of the text |
 *
 * A varint has 7 bits a byte, the lowest first, top bit set when more follow, in its shortest form, at most 2^31 - 1.
 * What lies beyond the span is not known to be completed. A text that is one unit or one bit longer or shorter is not valid.
 *
 * - Codec 1, varints: each run length as a varint.
 * - Codec 2, bitset: span bits, filled up with zeros to whole bytes; offset i of the window is bit i mod 8 (lowest first) of byte i / 8;
 *   1 is completed.
 * - Codecs 3 and 4, modelled: run lengths in bits, through an adaptive binary arithmetic coder, until the span is reached.
 *   A run length r with w + 1 bits is: w ones and a zero (no zero after 30 ones) in contexts c + 0, c + 1, ...; then its w lower bits, highest
 *   first, each in context c + 32 + 8 w + n, where n is the number read so far (it begins as 1), or 0 once that is 8 or more.
 *   Codec 3: c = 0 for incomplete runs, 288 for completed ones. Codec 4: with the three runs before (0 when there is none, at most 32 each;
 *   a the last, d the third) and s = 0 for incomplete, 1 for completed, in 32-bit arithmetic with K = 0x9E3779B1:
 *   c = ((((d + 1) K + b) K + a) K + s) K >>> 17.
 *   The coder: low = 0, high = 2^31 - 1. Each context counts its zeros z and ones o, from 0; when z + o reaches 1023 both are halved
 *   (rounding down). Split = low + floor((high - low) (2 o + 1) / (2 (z + o) + 2)). A one makes high = split, a zero low = split + 1.
 *   While the top 8 of the 31 bits of low and high are equal, they are the next byte, and low and high move up by 8 bits, filled with zeros
 *   and with ones. At the end one more byte follows: the top 8 bits of low, plus 1. The reader sees zeros after the last byte.
 */
import { bug } from '../../model/errors.ts'
import { attemptsAsBytes, type CarriedAttempts, readAttempts } from './carried-attempts.ts'
import { bytesFromText, bytesInUnits, checkOf, endsAt, textFromBytes } from './metadata-text.ts'
import { type OffsetRange, RangeList } from './range-list.ts'
import {
  type EncodedRuns,
  MAX_RUNS,
  MAX_SPAN,
  pushVarint,
  type RunCodec,
  type Runs,
  readVarint,
  runCodecs,
} from './run-codecs.ts'

export interface EncodedMetadata {
  readonly text: string
  /** The text tells all up to here, exclusive, and nothing beyond. The position itself when the text is empty. */
  readonly coveredTo: number
  /** True when completed offsets from `coveredTo` on did not fit and would run again after a restart. */
  readonly truncated: boolean
}

export type DecodedMetadata<Ranges = RangeList> =
  | { readonly kind: 'none' }
  /** `cutAt`: the text has more ranges than were asked for; what it says from this offset on was not read. */
  | {
      readonly kind: 'completed'
      readonly ranges: Ranges
      readonly cutAt?: number
      /** Of records that are not done, ascending by offset; absent when none is told. */
      readonly attempts?: readonly CarriedAttempts[]
    }
  /** Not ours, cut, padded, altered, or of another position. `why` completes the sentence "the metadata is ...". */
  | { readonly kind: 'rejected'; readonly why: string }

const PREFIX = 'P1'
const CHECK_BYTES = 8
/** Added to the codec where attempts follow; where nothing is completed, the codec by itself. */
const WITH_ATTEMPTS = 16

/** No text is longer, whatever the broker allows: OffsetCommit below version 8 has room for 32,767 bytes, and a unit takes three. */
const MAX_LENGTH = 10_922

/**
 * @param position what is committed with the text: the lowest incomplete offset
 * @param completed ascending, none empty, none overlapping, all above `position`; ranges that touch are merged
 * @param maxLength UTF-16 units that the text may have
 * @param codecs of which the best is taken
 * @throws PyrallelError PYR_BUG when `completed` is not as described: then any text could claim what is not completed
 */
export function encodeCompleted(
  position: number,
  completed: readonly OffsetRange[],
  maxLength: number,
  codecs = runCodecs,
): EncodedMetadata {
  return encodeMetadata(position, completed, maxLength, noAttempts, codecs)
}

/** What is told of records that are not done. */
export interface AttemptsToCarry {
  /** Ascending by offset, all at or above the position. */
  readonly carried: readonly CarriedAttempts[]
  /** UTF-16 units that the text may have with them. They take what the completed offsets leave of it. */
  readonly maxLength: number
}

const noAttempts: AttemptsToCarry = { carried: [], maxLength: 0 }

/** As `encodeCompleted`, with the attempts of records that are not done: those of the lowest offsets, where there is room for some only. */
export function encodeMetadata(
  position: number,
  completed: readonly OffsetRange[],
  maxLength: number,
  attempts: AttemptsToCarry,
  codecs = runCodecs,
): EncodedMetadata {
  const last = completed[completed.length - 1]
  if (last === undefined) {
    const text = frame(position, nothingCompleted, attempts)
    return { text, coveredTo: position, truncated: false }
  }
  const runs = runsOf(position, completed)
  const bodyBytes = bytesInUnits(Math.min(maxLength, MAX_LENGTH) - PREFIX.length)
  // The longest head: check, codec, span and length.
  const best = smallest(codecs, runs, bodyBytes - CHECK_BYTES - 1 - 5 - 3)
  if (best === undefined) return { text: '', coveredTo: position, truncated: true }
  const coveredTo = position + best.span
  const truncated = coveredTo < last.end
  return { text: frame(position, best, truncated ? noAttempts : attempts), coveredTo, truncated }
}

/** Whether another tool, or another version, has written it. */
export function isForeign(text: string): boolean {
  return text !== '' && !text.startsWith(PREFIX)
}

/**
 * Never throws.
 * @param maxRanges how many are built at most, whatever the text says: 141 characters can stand for a million. 1 or more
 */
export function decodeMetadata(position: number, text: string, maxRanges = MAX_RUNS / 2): DecodedMetadata {
  if (text === '') return { kind: 'none' }
  if (isForeign(text)) return rejected(nameForeign(text))
  if (text.length > MAX_LENGTH) return rejected('longer than any that Pyrallel writes')
  const bytes = bytesFromText(text, PREFIX.length)
  if (bytes === undefined) return rejected('damaged: it has characters that Pyrallel does not write')
  const body = unframe(position, bytes)
  if (body === undefined) return rejected('cut, padded, altered, or was written for another position')
  const runs = decodeRuns(body, 2 * maxRanges)
  if (runs === undefined || !Number.isSafeInteger(position + body.span))
    return rejected('damaged: its check is right and its content is not')
  const ranges = RangeList.ofRuns(position, runs)
  const cutAt = ranges.end ?? position
  const { attempts } = body
  const told = attempts === undefined ? { ranges } : { ranges, attempts }
  return cutAt < position + body.span ? { kind: 'completed', ...told, cutAt } : { kind: 'completed', ...told }
}

function decodeRuns({ codecId, payload, span, attempts }: Body, maxRuns: number): Runs | undefined {
  if (codecId === 0) return attempts !== undefined && span === 0 && payload.length === 0 ? [] : undefined
  return span === 0 ? undefined : runCodecs.find(({ id }) => id === codecId)?.decode(payload, span, maxRuns)
}

/** As `decodeMetadata`, with an object for each range: for a few of them. */
export function decodeCompleted(
  position: number,
  text: string,
  maxRanges?: number,
): DecodedMetadata<readonly OffsetRange[]> {
  const decoded = decodeMetadata(position, text, maxRanges)
  return decoded.kind === 'completed' ? { ...decoded, ranges: [...decoded.ranges] } : decoded
}

function runsOf(position: number, completed: readonly OffsetRange[]): Runs {
  const runs: number[] = []
  let previousEnd = position
  for (const { start, end } of completed) {
    const isFirst = previousEnd === position
    const areOffsets = position >= 0 && [position, start, end].every(Number.isSafeInteger)
    if (!areOffsets || start >= end || start < previousEnd || (isFirst && start === position)) {
      throw bug('metadata-encoder', `completed offsets ${start}..${end} after ${previousEnd}, position ${position}`)
    }
    if (runs.length >= MAX_RUNS || start - position >= MAX_SPAN) break
    const cutEnd = Math.min(end, position + MAX_SPAN)
    if (start === previousEnd) runs.push((runs.pop() ?? 0) + cutEnd - start)
    else runs.push(start - previousEnd, cutEnd - start)
    previousEnd = end
  }
  return runs
}

interface Choice extends EncodedRuns {
  readonly codecId: number
}

const nothingCompleted: Choice = { codecId: 0, bytes: new Uint8Array(0), span: 0 }

/** Below this a smaller payload saves at most 18 of some 4,000 units; not worth the models' time at every commit. Bytes. */
const SMALL_ENOUGH = 32

/** What reaches furthest, and of those the smallest; the lower codec on a tie. */
function smallest(codecs: readonly RunCodec[], runs: Runs, budget: number): Choice | undefined {
  if (budget < 1) return undefined
  const span = runs.reduce((sum, run) => sum + run, 0)
  let best: Choice | undefined
  for (const codec of codecs) {
    const isWhole = best?.span === span
    if (isWhole && best !== undefined && best.bytes.length <= SMALL_ENOUGH) break
    // Once one has said everything, the next need not go on past its size.
    const limit = isWhole && best !== undefined ? best.bytes.length - 1 : budget
    const encoded = codec.encode(runs, limit)
    const isBetter =
      encoded.span > (best?.span ?? 0) || (encoded.span === best?.span && encoded.bytes.length < best.bytes.length)
    if (isBetter) best = { ...encoded, codecId: codec.id }
  }
  return best
}

/** The empty text when there is nothing to tell. */
function frame(position: number, choice: Choice, { carried, maxLength }: AttemptsToCarry): string {
  const head: number[] = [choice.codecId]
  pushVarint(head, choice.span)
  pushVarint(head, choice.bytes.length)
  const length = CHECK_BYTES + head.length + choice.bytes.length
  const room = bytesInUnits(Math.min(maxLength, MAX_LENGTH) - PREFIX.length) - length
  const attempts = carried.length === 0 ? [] : attemptsAsBytes(position, carried, room)
  if (attempts.length > 0) head[0] = choice.codecId + WITH_ATTEMPTS
  else if (choice.span === 0) return ''
  const body = new Uint8Array(length + attempts.length)
  body.set(head, CHECK_BYTES)
  body.set(choice.bytes, CHECK_BYTES + head.length)
  body.set(attempts, length)
  const [crc32, crc32c] = checkOf(position, body.subarray(CHECK_BYTES))
  const view = new DataView(body.buffer)
  view.setUint32(0, crc32)
  view.setUint32(4, crc32c)
  return PREFIX + textFromBytes(body)
}

interface Body {
  /** 0 where nothing is completed. */
  readonly codecId: number
  readonly span: number
  readonly payload: Uint8Array
  readonly attempts: readonly CarriedAttempts[] | undefined
}

function unframe(position: number, bytes: Uint8Array): Body | undefined {
  const codec = bytes[CHECK_BYTES]
  const span = readVarint(bytes, CHECK_BYTES + 1)
  const length = span === undefined ? undefined : readVarint(bytes, span.next)
  if (codec === undefined || span === undefined || length === undefined) return undefined
  const payloadEnd = length.next + length.value
  const attempts = codec < WITH_ATTEMPTS ? undefined : readAttempts(bytes, payloadEnd, position)
  if (codec >= WITH_ATTEMPTS && attempts === undefined) return undefined
  const end = attempts?.next ?? payloadEnd
  if (!endsAt(bytes, end)) return undefined
  const [crc32, crc32c] = checkOf(position, bytes.subarray(CHECK_BYTES, end))
  const view = new DataView(bytes.buffer)
  if (view.getUint32(0) !== crc32 || view.getUint32(4) !== crc32c) return undefined
  const codecId = attempts === undefined ? codec : codec - WITH_ATTEMPTS
  const payload = bytes.subarray(length.next, payloadEnd)
  return { codecId, span: span.value, payload, attempts: attempts?.carried }
}

function rejected(why: string): DecodedMetadata {
  return { kind: 'rejected', why }
}

/**
 * Texts of others, which may have been cut or padded on their way. Parallel Consumer and Kafka Streams write base64, whose first two
 * characters give the first byte away: l a o s n J e p L or 0xEE for the one, 1 or 2 for the other.
 */
const foreign: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^P\d/, 'in a format of Pyrallel that this version does not know'],
  [/^(?:R[\d,-]*|B\d+:[\da-f]*|O)[\0 ]*$/, 'that of Pyrallel-Consumer (Python)'],
  [/^A[Q-Za-v][A-Za-z\d+/]*={0,2}[\0 ]*$/, 'that of Kafka Streams'],
  [
    /^(?:b[A-Pg-z\d+/]|[YZ][Q-Za-f]|c[A-Pw-z\d+/]|S[g-v]|T[A-P]|7[g-v])[A-Za-z\d+/]*={0,2}[\0 ]*$/,
    'that of Confluent Parallel Consumer',
  ],
]

function nameForeign(text: string): string {
  const found = foreign.find(([pattern]) => pattern.test(text))
  return found === undefined ? 'not in a format that Pyrallel knows' : found[1]
}
