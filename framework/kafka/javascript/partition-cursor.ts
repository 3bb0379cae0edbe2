/** One partition in one assignment: from where it is fetched, what was fetched and not handed out, and what must be known before it goes on. */
import { bug } from '../../model/errors.ts'
import type { AskedPartition, FetchedBlock } from './fetch-steps.ts'
import type { GroupPartition } from './membership-steps.ts'
import { NearestReplica } from './nearest-replica.ts'

/** Between two tries after failures in a row: the first pause, and the longest. */
const RETRY_MS = 100
const MAX_RETRY_MS = 1_000

export interface CursorLeader {
  readonly id: number | undefined
  readonly epoch: number
}

const UNKNOWN_LEADER: CursorLeader = { id: undefined, epoch: -1 }

export class PartitionCursor<R> {
  readonly of: GroupPartition
  leader: CursorLeader = UNKNOWN_LEADER
  readonly nearest = new NearestReplica()
  isPaused = false
  /** The request or look-up whose answer is about this cursor as it is now. */
  askedBy: number | undefined
  /** The last stable offset as last heard, and when. */
  logEnd: { readonly offset: number; readonly heardAtMs: number } | undefined
  readonly #blocks: FetchedBlock<R>[] = []
  #bufferedBytes = 0
  /** To be asked for next; `undefined` before the bounds of the log are known. */
  #position: number | undefined
  /** To be handed out next. At most the position. */
  #next = 0
  #lastFetchedEpoch = -1
  #isOutside = false
  #failures = 0
  #notBeforeMs = 0

  constructor(of: GroupPartition, position: number | undefined) {
    this.of = { topicId: of.topicId, partition: of.partition }
    this.#position = position
    this.#next = position ?? 0
  }

  get position(): number | undefined {
    return this.#position
  }

  /** The lowest offset that may be handed out next; `undefined` before the bounds of the log are known. */
  get next(): number | undefined {
    return this.hasBlocks ? this.#next : this.#position
  }

  /** The broker that is asked for records. */
  get source(): number | undefined {
    return this.leader.id === undefined ? undefined : (this.nearest.id ?? this.leader.id)
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  get hasBlocks(): boolean {
    return this.#blocks.length > 0
  }

  get notBeforeMs(): number {
    return this.#notBeforeMs
  }

  /** The bounds of its log must be asked for before anything is fetched. */
  get needsBounds(): boolean {
    return this.#position === undefined || this.#isOutside
  }

  asked(partitionMaxBytes: number): AskedPartition {
    return {
      topicId: this.of.topicId,
      partition: this.of.partition,
      fetchOffset: this.#position ?? 0,
      currentLeaderEpoch: this.leader.epoch,
      lastFetchedEpoch: this.#lastFetchedEpoch,
      partitionMaxBytes,
    }
  }

  /** @returns whether it is news. One of an older epoch is a broker's that is behind. */
  follow(leader: CursorLeader): boolean {
    if (leader.epoch < this.leader.epoch) return false
    if (leader.id === this.leader.id && leader.epoch === this.leader.epoch) return false
    this.leader = leader
    this.nearest.forget()
    // Whoever was asked before is asked no more.
    this.askedBy = undefined
    return true
  }

  pauseUntil(nowMs: number): void {
    this.#notBeforeMs = nowMs + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(this.#failures, 10))
    this.#failures += 1
  }

  succeeded(): void {
    this.#failures = 0
    this.#notBeforeMs = 0
  }

  /** @returns whether it brings the position on */
  push(block: FetchedBlock<R>): boolean {
    if (this.#position === undefined || block.end <= this.#position) return false
    this.#blocks.push(block)
    this.#bufferedBytes += block.bytes
    this.#position = block.end
    this.#lastFetchedEpoch = block.leaderEpoch
    return true
  }

  /** Appends at most `max` records. Fewer mean that there are no more, or that `takeCorrupt` has something to tell. */
  read(max: number, into: R[]): void {
    const until = into.length + max
    for (let block = this.#blocks[0]; block !== undefined && into.length < until; block = this.#blocks[0]) {
      const next = block.read(this.#next, until - into.length, into)
      if (block.corruptAt !== undefined) {
        this.#next = Math.max(this.#next, next)
        return
      }
      if (next <= this.#next) throw bug('a fetched block', `reading it from ${this.#next} ends at ${next}`)
      this.#next = next
      if (this.#next < block.end) continue
      this.#blocks.shift()
      this.#bufferedBytes -= block.bytes
    }
  }

  /** Where a damaged batch stands: it and what was fetched behind it are to be fetched again. */
  takeCorrupt(): number | undefined {
    const at = this.#blocks[0]?.corruptAt
    if (at === undefined) return undefined
    this.#goOnAt(Math.max(at, this.#next))
    return this.#position
  }

  outside(): void {
    this.#isOutside = true
    this.askedBy = undefined
  }

  /**
   * The log holds `logStart` up to `logEnd`. A position outside goes to its first record, also from beyond its end: to begin at the end would skip
   * what was written since it was cut or made anew.
   * @returns where it goes on; `undefined` when it was inside all the time
   */
  bounded(logStart: number, logEnd: number): number | undefined {
    const position = this.#position
    this.#isOutside = false
    // It says nothing about another position; and a leader that does not know it answers as if the position were outside.
    this.#lastFetchedEpoch = -1
    if (position !== undefined && position >= logStart && position <= logEnd) return undefined
    // Where retention has run ahead, what was fetched before is still to be handed out.
    if (position !== undefined && position < logStart) this.#position = logStart
    else this.#goOnAt(logStart)
    return this.#position
  }

  /**
   * What lies from `endOffset` on is another log by now, and what was fetched of it is no record any more.
   * @returns where it goes on; `undefined`: nothing is known of the log, so its bounds are asked for
   */
  truncated(epoch: number, endOffset: number): number | undefined {
    if (endOffset < 0 || epoch < 0) {
      this.outside()
      return undefined
    }
    this.#goOnAt(Math.min(endOffset, this.#next))
    this.#lastFetchedEpoch = epoch
    return this.#position
  }

  #goOnAt(position: number): void {
    this.#blocks.length = 0
    this.#bufferedBytes = 0
    this.#position = position
    this.#next = position
    this.askedBy = undefined
  }
}
