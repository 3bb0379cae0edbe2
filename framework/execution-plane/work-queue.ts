/** Decides which thread gets which item, and when. Owns what no thread has; runs and answers nothing. */
import type { WorkItem } from '../model/work.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import { Suspects } from './suspects.ts'
import type { WorkerLane } from './worker-lane.ts'

/**
 * So many items that it has not come to may a thread have. Enough to pay for a message with handlers that take no time; it may be as
 * much as that because none of them is bound to the thread: see `#moveLater`.
 */
const MOST_AHEAD = 64
/** Items wait so long behind others before they are given to a thread that has nothing to do. Milliseconds. */
const MOVE_AFTER_MS = 2

export interface Crew {
  /** Lanes that live. */
  readonly all: readonly WorkerLane[]
  /** Those of them that take items. */
  readonly open: readonly WorkerLane[]
  onGiven(lane: WorkerLane, records: number): void
}

export interface AbortedItem {
  readonly item: WorkItem
  readonly reason: string
}

export class WorkQueue {
  readonly #clock: Clock
  readonly #crew: Crew
  readonly #onChange: () => void
  readonly #suspects = new Suspects()
  /** Submitted, in order, and on no thread. */
  #queue: WorkItem[] = []
  /** The same, of records that may have killed a thread. */
  #alone: WorkItem[] = []
  #aborted: AbortedItem[] = []
  /** The thread that is cleared for a suspect, or runs one. */
  #cell: { readonly lane: WorkerLane; isTaken: boolean } | undefined
  #moveTimer: Timer | undefined
  #moved = 0

  /** @param onChange a turn is due */
  constructor(clock: Clock, crew: Crew, onChange: () => void) {
    this.#clock = clock
    this.#crew = crew
    this.#onChange = onChange
  }

  /** What a lane must have room for. */
  static slotsOf(concurrency: number): number {
    return concurrency + MOST_AHEAD
  }

  /** Items that were taken back from one thread and given to another. */
  get moved(): number {
    return this.#moved
  }

  push(item: WorkItem): void {
    if (this.#suspects.has(item)) this.#alone.push(item)
    else this.#queue.push(item)
  }

  /** Not started where they were: first in turn. */
  putBack(items: readonly WorkItem[]): void {
    const isSuspect = (item: WorkItem) => this.#suspects.has(item)
    this.#alone = [...items.filter(isSuspect), ...this.#alone]
    this.#queue = [...items.filter((item) => !isSuspect(item)), ...this.#queue]
  }

  /** It ran on a thread that has died. */
  suspect(item: WorkItem): void {
    this.#suspects.add(item)
  }

  /** It has ended by itself. */
  acquit(item: WorkItem): void {
    this.#suspects.clear(item)
  }

  /** Those that are not started will not be. */
  abort(reason: string, shouldAbort: (item: WorkItem) => boolean): void {
    const waiting = [...this.#alone, ...this.#queue]
    const onLanes = this.#crew.all.flatMap((lane) => lane.takeBack(Number.POSITIVE_INFINITY, shouldAbort))
    for (const item of [...waiting.filter(shouldAbort), ...onLanes]) this.#aborted.push({ item, reason })
    this.#alone = this.#alone.filter((item) => !shouldAbort(item))
    this.#queue = this.#queue.filter((item) => !shouldAbort(item))
  }

  takeAborted(): readonly AbortedItem[] {
    const aborted = this.#aborted
    this.#aborted = []
    return aborted
  }

  /** Gives the threads what they have room for. */
  distribute(): void {
    this.#isolate()
    const lanes = this.#usable()
    const given = new Map<WorkerLane, number>()
    const share = shareOf(this.#queue.length, lanes)
    const hungry = lanes.filter((lane) => lane.backlog <= share / 2)
    let taken = 0
    for (const item of this.#queue) {
      const lane = leastLoaded(hungry, share)
      if (lane === undefined) break
      lane.add(item)
      given.set(lane, (given.get(lane) ?? 0) + item.records.length)
      taken++
    }
    if (taken > 0) this.#queue = this.#queue.slice(taken)
    for (const [lane, records] of given) this.#crew.onGiven(lane, records)
    this.#moveLater(lanes)
  }

  close(): void {
    this.#moveTimer?.cancel()
  }

  /** Open lanes, without the one that is kept for a suspect; those on which a handler is overdue only when there are no others. */
  #usable(): readonly WorkerLane[] {
    const lanes = this.#crew.open.filter((lane) => lane !== this.#cell?.lane)
    const sound = lanes.filter((lane) => !lane.isOverdue)
    return sound.length > 0 ? sound : lanes
  }

  /**
   * Clears one thread for the next suspect and gives it nothing else until that has ended. With a single thread all others wait
   * meanwhile: they would die with it.
   */
  #isolate(): void {
    if (this.#cell !== undefined) this.#checkCell(this.#cell)
    if (this.#cell === undefined && this.#alone.length > 0) {
      const lane =
        leastLoaded(
          this.#crew.open.filter((open) => !open.isOverdue),
          MOST_AHEAD,
        ) ?? this.#crew.open[0]
      if (lane === undefined) return
      this.#cell = { lane, isTaken: false }
      this.putBack(lane.takeBack(Number.POSITIVE_INFINITY))
    }
    const cell = this.#cell
    if (cell === undefined || cell.isTaken || cell.lane.size > 0) return
    const suspect = this.#alone.shift()
    if (suspect === undefined) {
      this.#cell = undefined
      return
    }
    cell.isTaken = true
    cell.lane.add(suspect)
    this.#crew.onGiven(cell.lane, suspect.records.length)
  }

  #checkCell(cell: { readonly lane: WorkerLane; isTaken: boolean }): void {
    if (!cell.lane.isOpen) this.#cell = undefined
    else if (cell.isTaken && cell.lane.size === 0) cell.isTaken = false
  }

  /**
   * What has been sent to a thread is not bound to it. While one thread has nothing to do and items wait behind a slow one on another,
   * they are taken back and given to the idle one; a record that takes a second then delays nobody but its thread.
   */
  #moveLater(lanes: readonly WorkerLane[]): void {
    if (this.#moveTimer !== undefined || this.#queue.length > 0) return
    if (!lanes.some(isIdle) || !this.#crew.open.some((lane) => lane.unstarted > 0)) return
    this.#moveTimer = this.#clock.setTimer(MOVE_AFTER_MS, () => {
      this.#moveTimer = undefined
      this.#move()
    })
  }

  #move(): void {
    const idle = this.#usable().filter(isIdle).length
    const [busiest] = [...this.#crew.open].sort((a, b) => b.unstarted - a.unstarted)
    if (idle > 0 && busiest !== undefined && busiest.unstarted > 0) {
      const share = Math.ceil((busiest.unstarted * idle) / (idle + 1))
      const items = busiest.takeBack(share)
      this.#moved += items.length
      this.putBack(items)
    }
    this.#onChange()
  }
}

function isIdle(lane: WorkerLane): boolean {
  return lane.backlog === 0
}

/**
 * What each lane may have ahead of it. One gets more when it has no more than half of that left, and then all that is missing: so that
 * messages carry many items, not one each, and no lane has many while another has few.
 */
function shareOf(queued: number, lanes: readonly WorkerLane[]): number {
  const all = lanes.reduce((sum, lane) => sum + lane.backlog, queued)
  return Math.min(MOST_AHEAD, Math.ceil(all / Math.max(1, lanes.length)))
}

/** The one with the fewest items that may get another. */
function leastLoaded(lanes: readonly WorkerLane[], share: number): WorkerLane | undefined {
  let least: WorkerLane | undefined
  for (const lane of lanes) {
    if (lane.backlog < share && (least === undefined || lane.size < least.size)) least = lane
  }
  return least
}
