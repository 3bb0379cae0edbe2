/** Owns the records that run apart from all others, on a thread of their own: in which order, how many at once, and with which pauses. */
import type { WorkItem } from '../../model/work.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import { pauseAfter, SHORT_PAUSE_MS } from './doubt.ts'
import type { Cells, Lane } from './lane/lane.ts'
import type { Rank, Suspects } from './suspects.ts'

/** In the order in which they run: those that were only near a guilty one do not wait for it. */
const ranks: readonly Rank[] = ['often', 'near', 'untried', 'guilty']
/** Of those that no thread has died of, or just one, so many may run together in the end. */
const MOST_TOGETHER = 64
/** The pause before a guilty one runs again: nobody waits for it but its own key. Doubled with each thread. Milliseconds. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 30_000
/** The thread is kept for so long while nothing waits for it. Milliseconds. */
const IDLE_MS = 10_000

export class Isolation {
  readonly #clock: Clock
  readonly #cells: Cells
  readonly #suspects: Suspects
  readonly #onChange: () => void
  /** On no thread. */
  readonly #waiting: Record<Rank, WorkItem[]> = { untried: [], near: [], often: [], guilty: [] }
  /** So many may be on the thread at once. Doubled by each that ends by itself. */
  #together = 1
  /** Of this thread, since something has last completed, here or elsewhere. */
  #deaths = 0
  #diedAt = Number.NEGATIVE_INFINITY
  /** Nothing joins what is on the thread. */
  #isAlone = false
  /** Something has come since its thread was last ended. Where nothing has, completions and turns cost nothing here. */
  #isInUse = false
  #timer: Timer | undefined
  #idleTimer: Timer | undefined

  constructor(clock: Clock, cells: Cells, suspects: Suspects, onChange: () => void) {
    this.#clock = clock
    this.#cells = cells
    this.#suspects = suspects
    this.#onChange = onChange
  }

  /** Items that wait for the thread. */
  get size(): number {
    const { untried, near, often, guilty } = this.#waiting
    return untried.length + near.length + often.length + guilty.length
  }

  /** One that no thread has died of would be next. */
  get wantsUntried(): boolean {
    const { often, near, untried } = this.#waiting
    return often.length + near.length + untried.length === 0
  }

  push(item: WorkItem): void {
    this.#isInUse = true
    this.#waiting[this.#suspects.rankOf(item)].push(item)
  }

  /** Those that match will not be started. */
  remove(shouldRemove: (item: WorkItem) => boolean): readonly WorkItem[] {
    return ranks.flatMap((rank) => {
      const removed = this.#waiting[rank].filter(shouldRemove)
      this.#waiting[rank] = this.#waiting[rank].filter((item) => !shouldRemove(item))
      return removed
    })
  }

  /** Its thread has died. */
  onDeath(): void {
    this.#together = 1
    this.#deaths++
    this.#diedAt = this.#clock.now()
  }

  onCompleted(lane: Lane): void {
    if (!this.#isInUse) return
    this.#deaths = 0
    if (lane === this.#cells.cell) this.#together = Math.min(MOST_TOGETHER, this.#together * 2)
  }

  /** Something waits, and its thread could take it now. */
  get isReady(): boolean {
    return this.size > 0 && this.#isReadyAt(this.#clock.now())
  }

  /** @param slots so many handlers more may run */
  serve(slots: number): void {
    if (!this.#isInUse) return
    if (this.size > 0) this.#cells.wantCell()
    // One look at the clock for both: a pause that ended between them would neither let one start nor set the timer for it.
    const now = this.#clock.now()
    for (let left = slots; left > 0 && this.#isReadyAt(now); left--) this.#give()
    this.#timer?.cancel()
    const rank = this.#nextRank()
    const pauseMs = rank === undefined ? 0 : this.#pauseMs(rank, now)
    if (pauseMs > 0) this.#timer = this.#clock.setTimer(pauseMs, this.#onChange)
    this.#endIdle()
  }

  close(): void {
    this.#timer?.cancel()
    this.#idleTimer?.cancel()
  }

  #give(): void {
    const rank = this.#nextRank()
    const { cell } = this.#cells
    const item = rank && this.#waiting[rank].shift()
    if (item === undefined || cell === undefined) return
    this.#isAlone = rank === 'often' || rank === 'guilty'
    cell.add(item)
    this.#cells.onGiven(cell, item.records.length)
  }

  #isReadyAt(now: number): boolean {
    const rank = this.#nextRank()
    const { cell } = this.#cells
    return rank !== undefined && cell !== undefined && this.#mayJoin(rank, cell) && this.#pauseMs(rank, now) === 0
  }

  #nextRank(): Rank | undefined {
    return ranks.find((rank) => this.#waiting[rank].length > 0)
  }

  #mayJoin(rank: Rank, cell: Lane): boolean {
    if (cell.size === 0) return cell.backlog === 0
    return !this.#isAlone && (rank === 'untried' || rank === 'near') && cell.size < this.#together
  }

  /** What is left of the pause before the next one. Milliseconds. */
  #pauseMs(rank: Rank, now: number): number {
    return Math.max(0, this.#diedAt + pauseBefore(rank, this.#deaths) - now)
  }

  #end(): void {
    this.#idleTimer = undefined
    this.#isInUse = false
    this.#cells.endCell()
  }

  #endIdle(): void {
    const { cell } = this.#cells
    const isIdle = cell !== undefined && cell.size === 0 && this.size === 0
    if (isIdle) this.#idleTimer ??= this.#clock.setTimer(IDLE_MS, () => this.#end())
    else {
      this.#idleTimer?.cancel()
      this.#idleTimer = undefined
    }
  }
}

/** @param deaths of this thread, with no completion between */
function pauseBefore(rank: Rank, deaths: number): number {
  switch (rank) {
    case 'untried':
      return pauseAfter(deaths)
    case 'near':
    case 'often':
      return Math.min(pauseAfter(deaths), SHORT_PAUSE_MS)
    case 'guilty':
      return deaths === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** Math.min(deaths - 1, 20), LONGEST_PAUSE_MS)
  }
}
