/**
 * Reads the commit metadata of two other consumers. Neither format has a check sum or names its version, so all that can be checked is, and the rest is
 * believed: only who has chosen to take such a group over may ask.
 *
 * # Confluent Parallel Consumer
 *
 * Base64 (RFC 4648, padded) of a first byte and a payload, which tell what lies from the position on. An `l` is followed by 2 bytes of length, an `o` by 4
 * (big-endian), then a bit for each offset, lowest bit first, 1 is completed, and one zero byte more. An `n` is followed by runs of 2 bytes each, an `e` by
 * runs of 4: incomplete, completed, incomplete, ... `a`, `s`, `J` and `p` are the same four in this order, as one Zstandard frame.
 *
 * # Pyrallel-Consumer
 *
 * `R` and a list of completed offsets and ranges, `101-103,105`, both ends included; or `B`, the position, a colon and bytes in hexadecimal, with a bit for each
 * offset from the position on, lowest first; or `O`, which says that there was no room.
 */
import type { Predecessor } from '../../model/settings.ts'
import type { DecodedMetadata } from './metadata-encoder.ts'
import { RangeList } from './range-list.ts'
import { MAX_SPAN } from './run-codecs.ts'
import { unfoldZstandard } from './zstd.ts'

/** What both write at most: the broker's default limit. UTF-16 units. */
const MAX_LENGTH = 4_096
/** Of a payload that was compressed. As bits it stands for two million offsets. */
const MAX_UNFOLDED = 256 * 1_024

export interface ToldBy {
  readonly position: number
  readonly text: string
  /** Where the log ended when the position was read. */
  readonly logEnd: number | undefined
  /** Ranges that are built at most: 1 or more. */
  readonly maxRanges: number
}

/** Of consumers that `commit.takeOver` names, what people call them. */
export const predecessorNames: Readonly<Record<Predecessor, string>> = {
  'parallel-consumer': 'Confluent Parallel Consumer',
  'pyrallel-consumer': 'Pyrallel-Consumer (Python)',
}

/**
 * Never throws, and is bounded whatever the text is.
 * @returns undefined when the text does not look like that tool's
 */
export function decodePredecessor(from: Predecessor, told: ToldBy): DecodedMetadata | undefined {
  const read = from === 'parallel-consumer' ? readParallelConsumer : readPyrallelConsumer
  const { position, text, logEnd, maxRanges } = told
  const runs = new RunList(2 * maxRanges)
  const found = text.length > MAX_LENGTH ? 'longer than any that it writes' : read(position, text, runs)
  if (found === 'foreign') return undefined
  const why = found ?? contradiction(position, runs, logEnd)
  if (why !== undefined) return { kind: 'rejected', why: `that of ${predecessorNames[from]}, but ${why}` }
  if (runs.span === 0) return { kind: 'none' }
  const ranges = RangeList.ofRuns(position, runs.kept)
  return runs.isCut ? { kind: 'completed', ranges, cutAt: ranges.end ?? position } : { kind: 'completed', ranges }
}

/** What no group of that tool can have stored: the offsets are then of another log, or of another position. */
function contradiction(position: number, runs: RunList, logEnd: number | undefined): string | undefined {
  if (logEnd === undefined) return 'the end of its log is not known, so it cannot be checked'
  const end = position + runs.span
  return end > logEnd ? `it names offsets up to ${end - 1}, beyond the end of the log, ${logEnd}` : undefined
}

/** Run lengths from the position on, incomplete ones first, of which only so many are kept. */
class RunList {
  readonly #most: number
  readonly kept: number[] = []
  span = 0
  isCut = false

  constructor(most: number) {
    this.#most = most
  }

  /** Incomplete offsets, then completed ones; both at least 1. */
  add(incomplete: number, completed: number): void {
    this.span += incomplete + completed
    if (this.kept.length < this.#most) this.kept.push(incomplete, completed)
    else this.isCut = true
  }
}

const DAMAGED = 'cut or altered'
const FIRST_IS_DONE = 'the first offset that it tells of is completed, so it was written for another position'

/** @returns why it is not believed, `foreign` when it is no text of the tool, undefined when `runs` have all of it */
type Refusal = string | undefined

function readParallelConsumer(_position: number, text: string, runs: RunList): Refusal {
  const bytes = Buffer.from(text, 'base64')
  const encoding = encodings.get(bytes[0] ?? 0)
  if (encoding === undefined) return 'foreign'
  // Whoever has lost its last character, or gained one, is not written this way.
  if (bytes.toString('base64') !== text) return DAMAGED
  const payload = encoding.isCompressed ? unfoldZstandard(bytes.subarray(1), MAX_UNFOLDED) : bytes.subarray(1)
  if (payload === undefined) return 'what it has compressed cannot be unfolded'
  return encoding.read(new DataView(payload.buffer, payload.byteOffset, payload.length), encoding.width, runs)
}

interface Encoding {
  readonly read: (payload: DataView, width: 2 | 4, runs: RunList) => Refusal
  /** Bytes of a number. */
  readonly width: 2 | 4
  readonly isCompressed: boolean
}

const encodings: ReadonlyMap<number, Encoding> = new Map(
  (
    [
      ['l', readBits, 2, false],
      ['a', readBits, 2, true],
      ['o', readBits, 4, false],
      ['s', readBits, 4, true],
      ['n', readRuns, 2, false],
      ['J', readRuns, 2, true],
      ['e', readRuns, 4, false],
      ['p', readRuns, 4, true],
    ] as const
  ).map(([magic, read, width, isCompressed]) => [magic.charCodeAt(0), { read, width, isCompressed }]),
)

function numberAt(payload: DataView, at: number, width: 2 | 4): number {
  return width === 2 ? payload.getInt16(at) : payload.getInt32(at)
}

function readBits(payload: DataView, width: 2 | 4, runs: RunList): Refusal {
  if (payload.byteLength <= width) return DAMAGED
  const count = numberAt(payload, 0, width)
  const size = Math.ceil(count / 8)
  if (count < 0 || payload.byteLength !== width + size + 1 || payload.getUint8(width + size) !== 0) return DAMAGED
  return addBits(new Uint8Array(payload.buffer, payload.byteOffset + width, size), count, runs)
}

/** A byte that is all alike, and like those before it, is passed over as a whole. */
function addBits(bytes: Uint8Array, count: number, runs: RunList): Refusal {
  const bitsOfLast = count & 7
  if (bitsOfLast > 0 && (bytes[bytes.length - 1] ?? 0) >>> bitsOfLast > 0) return DAMAGED
  if (((bytes[0] ?? 0) & 1) === 1) return FIRST_IS_DONE
  let [start, completed, bit, same] = [0, 0, 0, 0]
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0
    if (byte === same) continue
    const first = index * 8
    const end = Math.min(first + 8, count)
    for (let at = first; at < end; at++) {
      if (((byte >>> (at - first)) & 1) === bit) continue
      if (bit === 0) completed = at
      else {
        runs.add(completed - start, at - completed)
        start = at
      }
      bit = 1 - bit
      same = 0xff - same
    }
  }
  // The last offset is the highest completed one, but where nothing is.
  if (bit === 0) return runs.span === 0 ? undefined : DAMAGED
  runs.add(completed - start, count - completed)
  return undefined
}

function readRuns(payload: DataView, width: 2 | 4, runs: RunList): Refusal {
  const count = payload.byteLength / width
  if (!Number.isInteger(count) || count === 0) return DAMAGED
  const runAt = (index: number) => numberAt(payload, index * width, width)
  // One run alone: nothing is completed above the position.
  if (count === 1) return runAt(0) < 0 ? DAMAGED : undefined
  if (runAt(0) === 0) return FIRST_IS_DONE
  if (count % 2 === 1) return DAMAGED
  for (let index = 0; index < count; index += 2) {
    const [incomplete, completed] = [runAt(index), runAt(index + 1)]
    if (incomplete < 1 || completed < 1) return DAMAGED
    runs.add(incomplete, completed)
  }
  return undefined
}

function readPyrallelConsumer(position: number, text: string, runs: RunList): Refusal {
  if (text === 'O') return 'it had no room for what was done, and says only that'
  if (text === 'R') return undefined
  if (/^R\d[\d,-]*$/.test(text)) return addList(position, text.slice(1), runs)
  const [, base, digits] = /^B(\d+):([\da-f]*)$/.exec(text) ?? []
  if (base === undefined || digits === undefined) return /^[RBO]/.test(text) ? DAMAGED : 'foreign'
  if (base !== String(position)) return `written for position ${base.slice(0, 20)}`
  const bytes = Buffer.from(digits, 'hex')
  // The last byte has the highest completed offset.
  if (digits.length % 2 === 1 || bytes.length === 0 || bytes[bytes.length - 1] === 0) return DAMAGED
  return addBits(bytes, bytes.length * 8 - (Math.clz32(bytes[bytes.length - 1] ?? 0) - 24), runs)
}

/** Ascending, as it writes them: what touches is one range, and a number has no zeros in front. */
function addList(position: number, list: string, runs: RunList): Refusal {
  let end = position
  for (const item of list.split(',')) {
    const [, first, last = first] = /^(0|[1-9]\d{0,15})(?:-([1-9]\d{0,15}))?$/.exec(item) ?? []
    if (first === undefined || last === undefined) return DAMAGED
    const [start, behind] = [Number(first), Number(last) + 1]
    if (item.includes('-') && start + 1 >= behind) return DAMAGED
    if (start <= end) return end === position ? FIRST_IS_DONE : DAMAGED
    if (behind - position > MAX_SPAN) return DAMAGED
    runs.add(start - end, behind - start)
    end = behind
  }
  return undefined
}
