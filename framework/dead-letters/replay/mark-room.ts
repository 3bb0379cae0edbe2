/** Decides whether one more record of a partition may be published: only if the commit that marks it has room to tell it apart from those left out. */
import { encodeCompleted } from '../../control-plane/offsets/metadata-encoder.ts'
import type { OffsetTracker } from '../../control-plane/offsets/offset-tracker.ts'
import type { OffsetRange } from '../../control-plane/offsets/range-list.ts'

/**
 * By how much one mark can lengthen the metadata, in characters of 15 bits: it makes two runs of offsets more, each of at most 61 bits, each
 * bit coded in at most 11.
 */
const CHARACTERS_PER_MARK = 90
/** Whatever the pattern, one character tells of so many offsets: the bitset. Beside them: prefix, check, codec, span and length. */
const OFFSETS_PER_CHARACTER = 15
const FRAME_CHARACTERS = 13
/** So much of the metadata stays free: what moves the position takes no room, but the same runs, told from elsewhere, may take a little more. */
const KEPT_FREE = 1 / 32

type Tracker = OffsetTracker<NonNullable<unknown>>

export class MarkRoom {
  readonly #maxLength: number
  readonly #roomy: number
  /** How many marks fit for certain before the next look, which costs as much as a commit. A partition that comes back has a new tracker. */
  readonly #certain = new WeakMap<Tracker, number>()

  constructor(maxMetadataLength: number) {
    this.#maxLength = maxMetadataLength
    this.#roomy = maxMetadataLength * (1 - KEPT_FREE)
  }

  /** Whether `hasRoom` must compute it, from what is complete at the moment: what is still on its way is not in it. */
  needsLook(tracker: Tracker, offset: number): boolean {
    if (this.#isNarrow(tracker, offset)) return false
    const certain = this.#certain.get(tracker)
    return certain === undefined || (certain === 0 && tracker.position !== offset)
  }

  /** @param offset tracked, and not complete */
  hasRoom(tracker: Tracker, offset: number): boolean {
    const from = tracker.position ?? offset
    if (this.#isNarrow(tracker, offset)) return true
    const certain = this.#certain.get(tracker)
    // What blocks the position only ends a stretch that is described already. Were it asked for room, nobody could ever make any.
    const isBlocking = from === offset
    if (certain !== undefined && (isBlocking || certain > 0)) {
      if (!isBlocking) this.#certain.set(tracker, certain - 1)
      return true
    }
    const now = tracker.completedRanges()
    const { position, ranges } = completedToo(from, now, offset)
    const { text, truncated } = encodeCompleted(position, ranges, this.#maxLength)
    if (truncated) return false
    const spare = this.#roomy - text.length
    if (spare < 0 && !isBlocking && text.length > this.#lengthOf(from, now)) return false
    this.#certain.set(tracker, Math.max(0, Math.floor(spare / CHARACTERS_PER_MARK)))
    return true
  }

  #isNarrow(tracker: Tracker, offset: number): boolean {
    const span = Math.max(tracker.highestCompleted, offset) + 1 - (tracker.position ?? offset)
    return span <= (this.#roomy - FRAME_CHARACTERS) * OFFSETS_PER_CHARACTER
  }

  #lengthOf(position: number, ranges: readonly OffsetRange[]): number {
    return encodeCompleted(position, ranges, this.#maxLength).text.length
  }
}

/** The position, and what is completed above it, once `offset` is completed too. */
function completedToo(
  position: number,
  ranges: readonly OffsetRange[],
  offset: number,
): { readonly position: number; readonly ranges: readonly OffsetRange[] } {
  const below = ranges.filter(({ end }) => end <= offset)
  const above = ranges.filter(({ start }) => start > offset)
  const all = [...below, { start: offset, end: offset + 1 }, ...above]
  if (position !== offset) return { position, ranges: all }
  const [first, second, ...rest] = all
  if (first !== undefined && second?.start === first.end) return { position: second.end, ranges: rest }
  return { position: offset + 1, ranges: above }
}
