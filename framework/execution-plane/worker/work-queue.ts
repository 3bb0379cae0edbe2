/** Decides which thread gets which item, and when. Owns what no thread has; runs and answers nothing. */
import type { Outcome, Recalled, WorkItem } from '../../model/work.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import { Doubt } from './doubt.ts'
import { Isolation } from './isolation.ts'
import type { Crew, Death, Lane } from './lane/lane.ts'
import { Suspects } from './suspects.ts'

/**
 * So many items that it has not come to may a thread have. Enough to pay for a message with handlers that take no time; it may be as
 * much as that because none of them is bound to the thread: see `#moveLater`.
 */
const MOST_AHEAD = 64
/** Items wait so long behind others before they are given to a thread that has nothing to do. Milliseconds. */
const MOVE_AFTER_MS = 2
/** So many items may wait apart without a slot. Beyond that a handler that ends all its threads would take in all there is. */
const MOST_SET_ASIDE = 500

/** An item that no thread will have, and how it ends. */
export interface EndedItem {
  readonly item: WorkItem
  readonly outcome: Outcome | Recalled
}

export class WorkQueue {
  readonly #clock: Clock
  readonly #crew: Crew
  readonly #concurrency: number
  readonly #onChange: () => void
  readonly #suspects = new Suspects()
  readonly #doubt: Doubt
  readonly #isolation: Isolation
  /** Submitted, in order, and on no thread. */
  #queue: WorkItem[] = []
  #ended: EndedItem[] = []
  #moveTimer: Timer | undefined
  #doubtTimer: Timer | undefined
  #moved = 0
  /** Among the oldest that were tried apart, as those before them killed their threads. */
  readonly #oldest = new Set<WorkItem>()

  /**
   * @param concurrency items on all threads at once
   * @param onChange a turn is due
   */
  constructor(clock: Clock, crew: Crew, concurrency: number, onChange: () => void) {
    this.#clock = clock
    this.#crew = crew
    this.#concurrency = concurrency
    this.#onChange = onChange
    this.#doubt = new Doubt(clock)
    this.#isolation = new Isolation(clock, crew, this.#suspects, onChange)
  }

  /** What a lane must have room for. */
  static slotsOf(concurrency: number): number {
    return concurrency + MOST_AHEAD
  }

  /** Items that were taken back from one thread and given to another. */
  get moved(): number {
    return this.#moved
  }

  /** Items on no thread that keep no other from being submitted, because it is not known whether any thread survives them. */
  get setAside(): number {
    if (this.#isolation.size === 0 && !this.#doubt.isOn) return 0
    // The one that its thread could take has its slot: else others would come before it for ever.
    const apart = this.#isolation.size - (this.#isolation.isReady ? 1 : 0)
    return Math.min(MOST_SET_ASIDE, apart + (this.#doubt.isOn ? this.#queue.length : 0))
  }

  push(item: WorkItem): void {
    if (this.#suspects.has(item)) this.#isolation.push(item)
    else this.#queue.push(item)
  }

  /** Not started where they were: their turn is where it was. */
  putBack(items: readonly WorkItem[]): void {
    const isSuspect = (item: WorkItem) => this.#suspects.has(item)
    for (const item of items.filter(isSuspect)) this.#isolation.push(item)
    const others = items.filter((item) => !isSuspect(item))
    // Ids are given in the order in which items are submitted.
    this.#queue = [...others, ...this.#queue].sort((a, b) => a.id - b.id)
  }

  onDeath({ isOfCell, guilty, suspected, cut, hasRun }: Death): void {
    for (const item of guilty) this.#suspects.convict(item)
    for (const item of suspected) this.#suspects.suspect(item)
    for (const item of cut) this.#suspects.cut(item)
    for (const item of [...guilty, ...suspected, ...cut]) this.#oldest.delete(item)
    if (isOfCell) this.#isolation.onDeath()
    else if (hasRun) this.#doubtMore()
  }

  /** It has ended by itself, so what had been said of it is not so. */
  onCompleted(lane: Lane, item: WorkItem): void {
    this.#suspects.clear(item)
    this.#isolation.onCompleted(lane)
    this.#doubt.onCompleted()
    if (this.#oldest.size > 0 && this.#oldest.delete(item)) this.#doubt.onOldestCompleted()
  }

  /** Those that have not begun will not: they end so. */
  endUnbegun(outcome: Outcome | Recalled, shouldEnd: (item: WorkItem) => boolean): void {
    const apart = this.#isolation.remove(shouldEnd)
    const waiting = this.#queue.filter(shouldEnd)
    const onLanes = this.#crew.all.flatMap((lane) => lane.takeBack(Number.POSITIVE_INFINITY, shouldEnd))
    for (const item of [...apart, ...waiting, ...onLanes]) {
      this.#oldest.delete(item)
      this.#ended.push({ item, outcome })
    }
    this.#queue = this.#queue.filter((item) => !shouldEnd(item))
  }

  /** No thread is begun any more: what waits for one that is not there will not be started. */
  endStranded(outcome: Outcome): void {
    const { all, cell } = this.#crew
    const apart = cell === undefined ? this.#isolation.remove(() => true) : []
    const waiting = all.some((lane) => lane !== cell) ? [] : this.#queue
    if (waiting.length > 0) this.#queue = []
    for (const item of [...apart, ...waiting]) this.#ended.push({ item, outcome })
  }

  /** Some item is on no thread. */
  get hasWaiting(): boolean {
    return this.#queue.length > 0 || this.#isolation.size > 0
  }

  takeEnded(): readonly EndedItem[] {
    const ended = this.#ended
    this.#ended = []
    return ended
  }

  /** Gives the threads what they have room for. */
  distribute(): void {
    if (this.#doubt.isOn) this.#tryOldest()
    this.#isolation.serve(this.#freeSlots())
    const lanes = this.#usable()
    const given = new Map<Lane, number>()
    const most = Math.min(this.#freeSlots() - (this.#isolation.isReady ? 1 : 0), this.#doubt.allowance())
    const share = shareOf(Math.min(this.#queue.length, most), lanes)
    const hungry = lanes.filter((lane) => lane.backlog <= share / 2)
    let taken = 0
    while (taken < most && taken < this.#queue.length) {
      const item = this.#doubt.isOn ? this.#queue.at(-1 - taken) : this.#queue[taken]
      const lane = leastLoaded(hungry, share)
      if (lane === undefined || item === undefined) break
      lane.add(item)
      given.set(lane, (given.get(lane) ?? 0) + item.records.length)
      taken++
    }
    if (taken > 0) this.#queue = this.#doubt.isOn ? this.#queue.slice(0, -taken) : this.#queue.slice(taken)
    this.#doubt.onGiven(taken)
    if (this.#queue.length === 0) this.#doubt.onEmpty()
    for (const [lane, records] of given) this.#crew.onGiven(lane, records)
    this.#goOnLater()
    this.#moveLater(lanes)
  }

  close(): void {
    this.#moveTimer?.cancel()
    this.#doubtTimer?.cancel()
    this.#isolation.close()
  }

  /** Handlers that may be started now. */
  #freeSlots(): number {
    return this.#concurrency - this.#crew.all.reduce((sum, lane) => sum + lane.size, 0)
  }

  /** Open lanes; those on which a handler is overdue only when there are no others. */
  #usable(): readonly Lane[] {
    const lanes = this.#crew.open
    const sound = lanes.filter((lane) => !lane.isOverdue)
    return sound.length > 0 ? sound : lanes
  }

  #doubtMore(): void {
    this.#doubt.onDeath()
    if (!this.#doubt.isOn) return
    // What is there would be tried all the same, one thread after the other.
    for (const lane of this.#crew.open) this.putBack(lane.takeBack(Number.POSITIVE_INFINITY))
  }

  /** While the newest go first, the oldest are tried apart, one after the other: where one of them ends by itself, the doubt is over. */
  #tryOldest(): void {
    const [oldest, another] = this.#queue
    if (oldest === undefined || another === undefined || !this.#isolation.wantsUntried) return
    this.#queue = this.#queue.slice(1)
    this.#oldest.add(oldest)
    this.#isolation.push(oldest)
  }

  #goOnLater(): void {
    this.#doubtTimer?.cancel()
    this.#doubtTimer = undefined
    const { waitMs } = this.#doubt
    if (waitMs !== undefined && this.#queue.length > 0) this.#doubtTimer = this.#clock.setTimer(waitMs, this.#onChange)
  }

  /**
   * What has been sent to a thread is not bound to it. While one thread has nothing to do and items wait behind a slow one on another,
   * they are taken back and given to the idle one; a record that takes a second then delays nobody but its thread.
   */
  #moveLater(lanes: readonly Lane[]): void {
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

function isIdle(lane: Lane): boolean {
  return lane.backlog === 0
}

/**
 * What each lane may have ahead of it. One gets more when it has no more than half of that left, and then all that is missing: so that
 * messages carry many items, not one each, and no lane has many while another has few.
 */
function shareOf(queued: number, lanes: readonly Lane[]): number {
  const all = lanes.reduce((sum, lane) => sum + lane.backlog, queued)
  return Math.min(MOST_AHEAD, Math.ceil(all / Math.max(1, lanes.length)))
}

/** The one with the fewest items that may get another. */
function leastLoaded(lanes: readonly Lane[], share: number): Lane | undefined {
  let least: Lane | undefined
  for (const lane of lanes) {
    if (lane.backlog < share && (least === undefined || lane.size < least.size)) least = lane
  }
  return least
}
