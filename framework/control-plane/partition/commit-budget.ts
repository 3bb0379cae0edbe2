/** What the group has stored of one partition in one assignment, what a commit would carry now, and how much room its metadata has left. Synchronous. */
import type { CommitRequest } from '../../kafka/kafka-client.ts'
import type { StoredOffset } from '../../kafka/transactional-producer.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { Epoch } from '../../model/work.ts'
import type { CarriedAttempts } from '../offsets/carried-attempts.ts'
import { decodeMetadata, type EncodedMetadata, encodeMetadata } from '../offsets/metadata-encoder.ts'
import type { OffsetTracker } from '../offsets/offset-tracker.ts'
import { type OffsetRange, RangeList, withoutOffsets } from '../offsets/range-list.ts'
import { plainCodecs } from '../offsets/run-codecs.ts'
import type { AttemptCounts } from './attempt-counts.ts'

/** Above this part of the metadata limit, only records below the highest completed offset may start. */
const METADATA_TIGHT_AT = 0.75
/** A span of this many offsets per character always fits (a bitset in a 15-bit alphabet), apart from the frame, so it is not measured. */
const OFFSETS_PER_CHARACTER = 14
const FRAME_CHARACTERS = 16
/** The encoder leaves so much for the longest head: a text is written again only with that. */
const HEAD_CHARACTERS = 4
/** Beyond that span, the metadata is measured again after so many completions, or sooner when the limit is small. Each adds some bits. */
const MEASURE_EVERY = 2_048
/** Completions per character of the limit that leave room between 75 % and 100 %. */
const MEASURE_PER_CHARACTER = 0.5
/** While tight, after so many completions that moved the position: room may be back. */
const REMEASURE_TIGHT_EVERY = 64

/** One partition's position and the metadata that belongs to it, taken at one moment and never changed. */
export interface CommitSnapshot extends CommitRequest {
  readonly epoch: Epoch
  /** Completions of this assignment that it tells of. */
  readonly carries: number
  /** Completions from here on are not told, for want of room; infinity when all are. */
  readonly coveredTo: number
}

export interface PartitionSettings {
  /** 0: nothing but the position is stored. */
  readonly maxMetadataLength: number
  /**
   * Of an exactly-once group: beyond that, for what is visible already. A text that tells less can be longer by some units, as the encodings adapt. Left out: none.
   */
  readonly reservedLength?: number | undefined
  readonly maxOffsetSpan: number
}

/** What the group has stored. */
interface Committed {
  readonly position: number | undefined
  readonly metadata: string
  /** Completions of this assignment that it tells of. */
  readonly carries: number
  /** Of those that an earlier owner has left, it tells of what is below this. */
  readonly coveredTo: number
  /** Another tool has written the metadata. */
  readonly isForeign: boolean
  /** The same, whether it is believed or not; `undefined` for nothing. */
  readonly stored: StoredOffset | undefined
}

const ALL = Number.POSITIVE_INFINITY
const none: readonly CarriedAttempts[] = []

/** Whose commits they are. */
interface Committing extends TopicPartition {
  readonly epoch: Epoch
  readonly attempts: AttemptCounts
}

export class CommitBudget {
  readonly #of: Committing
  readonly #tracker: OffsetTracker<object>
  #settings: PartitionSettings
  #committed: Committed
  #mayHaveChanged: boolean
  /** Records that are done, and how many of those were cut from the metadata for want of room. */
  #completed = 0
  #cut = { count: 0, from: ALL }
  #isTight = false
  #completedSinceMeasured = 0
  #metadataLength: number

  /** @param start what the group has stored; `isRestored`: its metadata was believed; `isTakenOver`: and is another tool's */
  constructor(
    of: Committing,
    tracker: OffsetTracker<object>,
    start: {
      readonly position: number | undefined
      readonly metadata: string
      readonly isRestored: boolean
      readonly isTakenOver: boolean
      /** Left out: the position and the metadata. */
      readonly stored?: StoredOffset | undefined
    },
    settings: PartitionSettings,
  ) {
    this.#of = of
    this.#tracker = tracker
    this.#settings = settings
    this.#committed = {
      position: start.position,
      metadata: start.metadata,
      carries: 0,
      coveredTo: ALL,
      isForeign: start.isTakenOver,
      stored: start.stored ?? storedOf(start),
    }
    this.#metadataLength = start.metadata.length
    // Metadata that was dropped as unreadable must not stay with the group: the next commit replaces it. Nor must another tool's, which has no check sum.
    this.#mayHaveChanged = start.metadata !== '' && (!start.isRestored || start.isTakenOver)
    // Restored completions may already fill the metadata. Measure now: at the first commit, records above them would have started. Its text says how
    // much it takes, or more where not all of it is believed; to encode it anew for each of a thousand partitions would take seconds.
    if (start.isRestored) this.#isTight = this.#leavesNoRoom(start.metadata.length)
  }

  /** True while the metadata, or the span, leaves no room for completions above the highest one. */
  get isTight(): boolean {
    return this.#isTight
  }

  /** UTF-16 units of the metadata when it was last measured. */
  get metadataLength(): number {
    return this.#metadataLength
  }

  /** UTF-16 units that the metadata may have; 0 when nothing but the position is stored. */
  get metadataLimit(): number {
    return this.#settings.maxMetadataLength
  }

  /** What the group has stored, whether it is believed or not. `undefined`: nothing. */
  get stored(): StoredOffset | undefined {
    return this.#committed.stored
  }

  /** The position that the group has stored. */
  get committedPosition(): number | undefined {
    return this.#committed.position
  }

  /** Completions that a commit would carry now, and that no acknowledged one does. */
  get uncommitted(): number {
    return Math.max(0, this.#carriable - this.#committed.carries)
  }

  /** Completions that no commit could carry now, and a later one may. */
  get untellable(): number {
    return Math.max(0, this.#completed - this.#carriable)
  }

  /** Completed offsets, an earlier owner's included, that the next owner would run again: no acknowledged commit tells of them. */
  get untold(): number {
    const { position = 0, carries, coveredTo } = this.#committed
    let restored = 0
    for (const { start, end } of this.#tracker.restored.within(Math.max(position, coveredTo), ALL))
      restored += end - start
    return Math.max(0, this.#completed - carries) + restored
  }

  /** Whether there is room for the completion of this offset. */
  hasRoomFor(offset: number): boolean {
    return !this.#isTight || offset < this.#tracker.highestCompleted
  }

  /** The next commit may carry something new, though nothing was completed. */
  touch(): void {
    this.#mayHaveChanged = true
  }

  /** @param isAbove something below it is incomplete: it is told by the metadata, or not at all */
  onLeftOut(isAbove: boolean): void {
    this.#mayHaveChanged = true
    if (!isAbove) return
    this.#completedSinceMeasured += 1
    this.#watch(false)
  }

  onCompleted(hasMoved: boolean): void {
    this.#mayHaveChanged = true
    this.#completed += 1
    this.#completedSinceMeasured += 1
    this.#watch(hasMoved)
  }

  /** The position has come to a record that is new, maybe from far below: nothing else would tell that there is room. */
  onPositionReached(): void {
    if (this.#isTight) this.#watch(true)
  }

  /** What a commit would carry now; undefined when the group has it already. */
  snapshot(): CommitSnapshot | undefined {
    if (!this.#mayHaveChanged) return undefined
    const position = this.#tracker.position
    if (position === undefined) return undefined
    const metadata = this.#measure().text
    if (position === this.#committed.position && metadata === this.#committed.metadata) {
      this.#mayHaveChanged = false
      const { stored } = this.#committed
      const carries = this.#carriable
      this.#committed = { position, metadata, carries, coveredTo: this.#cut.from, isForeign: false, stored }
      return undefined
    }
    return this.#snapshot(position, metadata)
  }

  /**
   * As `snapshot`, for a transaction: never without what is stored as done, because that is visible. Where there is no room for it and for more, only the position
   * moves on; undefined, too, where there is none for that.
   * @param without offsets that are complete and must not be told yet, ascending
   */
  cut(without: readonly number[]): CommitSnapshot | undefined {
    const { position: reached } = this.#tracker
    if (!this.#mayHaveChanged || reached === undefined) return undefined
    const whole = without.length > 0 ? this.#snapshotWithout(reached, without) : this.snapshot()
    if (whole === undefined || whole.coveredTo === ALL) return whole && this.#changed(whole)
    const visible = this.#visible()
    if ((visible.end ?? 0) <= Math.max(whole.position, whole.coveredTo)) return this.#changed(whole)
    const { carries } = this.#committed
    // Up to where all that is new is told, and what is visible above it: first as far as it goes with holes, then without any.
    for (const upTo of [reached, Math.min(reached, without[0] ?? reached)]) {
      const above = [...visible.within(upTo, ALL)]
      const { snapshot, isTruncated } = this.#encodeWithout(upTo, without, above, none, this.#lengthOfVisible)
      if (!isTruncated) return this.#changed({ ...snapshot, carries, coveredTo: upTo })
    }
    return undefined
  }

  /** The same, whether the group has it already or not; undefined while there is no position. */
  renewal(): CommitSnapshot | undefined {
    const { position } = this.#tracker
    return position === undefined ? undefined : this.#snapshot(position, this.#measure().text)
  }

  /** What the group has stored, to be stored once more. Undefined for nothing. */
  storedAgain(): CommitSnapshot | undefined {
    const { stored, carries, coveredTo } = this.#committed
    const { topic, partition, epoch } = this.#of
    return stored === undefined ? undefined : { topic, partition, epoch, ...stored, carries, coveredTo }
  }

  /** The coordinator has acknowledged this snapshot. */
  onAcknowledged({ position, metadata, carries, coveredTo }: CommitSnapshot): void {
    // Its answer has come after that of a later one: what is stored now may be either.
    if (carries < this.#committed.carries) this.#mayHaveChanged = true
    this.#committed = { position, metadata, carries, coveredTo, isForeign: false, stored: { position, metadata } }
    this.#tracker.onCommitted(position)
  }

  /**
   * What the group has stored is of a log that is gone, or of a part of it that is, so it is replaced by the next commit, even if nothing is
   * done until then. Kept, and come back to once the new log has grown beyond it, it would hide records of that log.
   */
  forgetCommitted(): void {
    this.#committed = { ...this.#committed, position: undefined, metadata: '' }
    this.#mayHaveChanged = true
  }

  /**
   * @param refused the broker accepts less metadata than so many UTF-16 units: half of that at most, from now on
   * @param atLeast it accepts so many: what is stored is visible, and must have room in what is stored next
   */
  halveMetadata(refused: number, atLeast = 0): void {
    const { reservedLength = 0 } = this.#settings
    const half = Math.floor(Math.min(this.#lengthOfVisible, refused) / 2)
    const again = Math.min(refused - 1, atLeast === 0 ? 0 : atLeast + HEAD_CHARACTERS)
    const length = atLeast < refused ? Math.max(half, again) : half
    this.#settings = { ...this.#settings, maxMetadataLength: Math.max(0, length - reservedLength) }
    this.#mayHaveChanged = true
    this.#measure()
  }

  /** Undefined when the group has it already. */
  #changed(snapshot: CommitSnapshot): CommitSnapshot | undefined {
    const { position, metadata } = this.#committed
    return snapshot.position === position && snapshot.metadata === metadata ? undefined : snapshot
  }

  get #lengthOfVisible(): number {
    const { maxMetadataLength, reservedLength = 0 } = this.#settings
    return maxMetadataLength + reservedLength
  }

  /** Completions that are stored above the position. */
  #visible(): RangeList {
    const { stored } = this.#committed
    const decoded = stored === undefined ? undefined : decodeMetadata(stored.position, stored.metadata)
    return decoded?.kind === 'completed' ? decoded.ranges : RangeList.empty
  }

  /** As if those were incomplete. Counts too few completions rather than too many. */
  #snapshotWithout(reached: number, without: readonly number[]): CommitSnapshot {
    const carried = this.#of.attempts.from(Math.min(reached, without[0] ?? reached))
    const ranges = this.#tracker.completedRanges()
    const { snapshot, isTruncated } = this.#encodeWithout(reached, without, ranges, carried)
    const cut = isTruncated ? this.#tracker.completedFrom(snapshot.coveredTo) : 0
    const carries = Math.max(0, this.#completed - without.length - cut)
    return { ...snapshot, carries: this.#settings.maxMetadataLength === 0 ? this.#committed.carries : carries }
  }

  /** @param above completed ranges above the position that was reached */
  #encodeWithout(
    reached: number,
    without: readonly number[],
    above: readonly OffsetRange[],
    carried: readonly CarriedAttempts[],
    maxLength = this.#settings.maxMetadataLength,
  ): { readonly snapshot: Omit<CommitSnapshot, 'carries'>; readonly isTruncated: boolean } {
    const { topic, partition, epoch } = this.#of
    const position = Math.min(reached, without[0] ?? reached)
    const passed = position < reached ? [{ start: position, end: reached }] : []
    const ranges = withoutOffsets([...passed, ...above], without)
    const of = { topic, partition, epoch, position }
    if (maxLength === 0) {
      return { snapshot: { ...of, metadata: '', coveredTo: position }, isTruncated: ranges.length > 0 }
    }
    const attempts = { carried, maxLength: Math.floor(maxLength * METADATA_TIGHT_AT) }
    const { text, truncated, coveredTo } = encodeMetadata(position, ranges, maxLength, attempts)
    return { snapshot: { ...of, metadata: text, coveredTo: truncated ? coveredTo : ALL }, isTruncated: truncated }
  }

  #snapshot(position: number, metadata: string): CommitSnapshot {
    const { topic, partition, epoch } = this.#of
    return { topic, partition, epoch, position, metadata, carries: this.#carriable, coveredTo: this.#cut.from }
  }

  /** Where nothing but the position is stored, what lies above it cannot be told; nor can what was cut. */
  get #carriable(): number {
    const { passed } = this.#tracker
    return this.#settings.maxMetadataLength === 0 ? passed : Math.max(passed, this.#completed - this.#cut.count)
  }

  /** Keeps `isTight` true to the state without encoding at every completion. Commits measure too, but one may take a minute. */
  #watch(hasMoved: boolean): void {
    const { maxMetadataLength, maxOffsetSpan } = this.#settings
    const { span } = this.#tracker
    const alwaysFits = (maxMetadataLength * METADATA_TIGHT_AT - FRAME_CHARACTERS) * OFFSETS_PER_CHARACTER
    if (span < maxOffsetSpan && (maxMetadataLength === 0 || span <= alwaysFits)) {
      this.#isTight = false
      return
    }
    if (span >= maxOffsetSpan) this.#isTight = true
    const seldom = Math.min(MEASURE_EVERY, maxMetadataLength * MEASURE_PER_CHARACTER)
    const every = this.#isTight && hasMoved ? Math.min(REMEASURE_TIGHT_EVERY, seldom) : seldom
    if (this.#completedSinceMeasured >= every) this.#measure()
  }

  #measure(): EncodedMetadata {
    const { maxMetadataLength } = this.#settings
    const encoded = this.#encode(maxMetadataLength)
    this.#completedSinceMeasured = 0
    this.#metadataLength = encoded.text.length
    this.#isTight = encoded.truncated || this.#leavesNoRoom(encoded.text.length)
    return encoded
  }

  #leavesNoRoom(length: number): boolean {
    const { maxMetadataLength, maxOffsetSpan } = this.#settings
    const isMetadataTight = maxMetadataLength > 0 && length > maxMetadataLength * METADATA_TIGHT_AT
    return isMetadataTight || this.#tracker.span >= maxOffsetSpan
  }

  #encode(maxLength: number): EncodedMetadata {
    const position = this.#tracker.position
    this.#cut = { count: 0, from: maxLength === 0 ? (position ?? 0) : ALL }
    if (position === undefined || maxLength === 0) return { text: '', truncated: false, coveredTo: position ?? 0 }
    // Attempts take no room that completions need: with them the text has no more than what leaves room.
    const attempts = { carried: this.#of.attempts.from(position), maxLength: Math.floor(maxLength * METADATA_TIGHT_AT) }
    if (this.#tracker.span === 0) return encodeMetadata(position, [], maxLength, attempts)
    const ranges = this.#tracker.completedRanges()
    // Many partitions are taken over at once, and what was another tool's has room to spare in ours: the first text is made in little time.
    const plain = this.#committed.isForeign
      ? encodeMetadata(position, ranges, maxLength, attempts, plainCodecs)
      : undefined
    const encoded = plain?.truncated === false ? plain : encodeMetadata(position, ranges, maxLength, attempts)
    if (encoded.truncated) {
      const { coveredTo } = encoded
      this.#cut = { count: this.#tracker.completedFrom(coveredTo), from: coveredTo }
    }
    return encoded
  }
}

function storedOf({ position, metadata }: { readonly position: number | undefined; readonly metadata: string }) {
  return position === undefined ? undefined : { position, metadata }
}
