/** Decides whether anything may start at all: not while the group may have given this member's partitions to others, nor while too much is done that no commit has. */
import type { EventSink } from '../../model/events.ts'
import type { StartStop } from '../../model/snapshot.ts'
import type { PartitionState } from '../partition/partition-state.ts'
import { CommitClock } from './commit-clock.ts'

export interface StartPermitOptions {
  readonly sessionTimeoutMs: number
  /** Completions that a commit would carry and no acknowledged one has. */
  readonly maxUncommitted: number
  /** Of an exactly-once group: what is done and not visible. */
  readonly outputs?: { readonly isFull: boolean; readonly isUrgent: boolean } | undefined
  readonly onEvent?: EventSink | undefined
}

export class StartPermit {
  readonly clock: CommitClock
  readonly #maxUncommitted: number
  readonly #outputs: StartPermitOptions['outputs']
  readonly #emit: EventSink | undefined
  /** When last counted. */
  #uncommitted = 0
  /** Completions since, and those before that no commit could carry then: what may have come to it. */
  #completed = 0
  #untellable = 0
  #stopped: { readonly why: StartStop; readonly since: number } | undefined

  constructor({ sessionTimeoutMs, maxUncommitted, outputs, onEvent }: StartPermitOptions) {
    this.clock = new CommitClock(sessionTimeoutMs)
    this.#maxUncommitted = maxUncommitted
    this.#outputs = outputs
    this.#emit = onEvent
  }

  /** What keeps everything from starting, as it was found when last asked. */
  get stoppedBecause(): StartStop | null {
    return this.#stopped?.why ?? null
  }

  /** Half of what may be done and not committed is, or much of the memory is outputs: the next commit does not wait for its interval. */
  get isCommitUrgent(): boolean {
    if (this.#outputs?.isUrgent === true) return true
    return this.#uncommitted + this.#completed >= this.#maxUncommitted / 2
  }

  /** A record is done. */
  onCompleted(): void {
    this.#completed += 1
  }

  /** Counts anew: a commit was acknowledged, or partitions have come or gone. */
  count(states: Iterable<PartitionState>): number {
    this.#completed = 0
    this.#untellable = 0
    this.#uncommitted = 0
    for (const state of states) {
      // A partition whose own commits are refused stands still by itself.
      if (state.isRefused) continue
      this.#uncommitted += state.commits.uncommitted
      this.#untellable += state.commits.untellable
    }
    return this.#uncommitted
  }

  mayStart(now: number, states: Iterable<PartitionState>): boolean {
    const why = this.#whyNot(now, states)
    if (why !== this.#stopped?.why) this.#change(why, now)
    return why === undefined
  }

  #whyNot(now: number, states: Iterable<PartitionState>): StartStop | undefined {
    if (this.clock.isCutOff(now)) return 'unacknowledged'
    if (this.#outputs?.isFull === true) return 'outputs'
    // Counting takes time in the number of partitions, so it is done only where the limit may be reached.
    const most = this.#uncommitted + this.#completed + this.#untellable
    return most >= this.#maxUncommitted && this.count(states) >= this.#maxUncommitted ? 'uncommitted' : undefined
  }

  #change(why: StartStop | undefined, now: number): void {
    const before = this.#stopped
    this.#stopped = why === undefined ? undefined : { why, since: now }
    if (before !== undefined) this.#emit?.({ kind: 'starts.resumed', why: before.why, stoppedMs: now - before.since })
    if (why === undefined) return
    const { heardAt = now } = this.clock
    this.#emit?.({ kind: 'starts.stopped', why, silentMs: now - heardAt, uncommitted: this.#uncommitted })
  }
}
