/** Threads for schedules: they take items, run them, die of bad ones and come up again, all on a clock that is moved by hand. Decides nothing. */
import type { Crew, Death, Lane } from '../../framework/execution-plane/worker/lane/lane.ts'
import type { WorkItem } from '../../framework/model/work.ts'
import type { Clock, Timer } from '../../framework/time/clock.ts'

/** Until a thread that was begun takes items. Milliseconds. */
export const START_MS = 120

export interface CrewRules {
  readonly threads: number
  /** Handlers block their thread; else they wait, all at the same time. */
  readonly isSync: boolean
  readonly clock: Clock
  /** How long it runs until it has ended, or its thread has. Milliseconds. */
  readonly msOf: (item: WorkItem) => number
  readonly isBad: (item: WorkItem) => boolean
}

export interface CrewSigns {
  onChange(): void
  onBegun(item: WorkItem): void
  onCompleted(lane: Lane, item: WorkItem): void
  onDeath(death: Death, unstarted: readonly WorkItem[]): void
}

class PlayedLane implements Lane {
  readonly isCell: boolean
  /** It can say which item has ended it. */
  readonly isTracking: boolean
  readonly isOverdue = false
  isOpen = false
  /** What it has, and the timers of what runs. */
  queued: WorkItem[] = []
  readonly running = new Map<WorkItem, Timer>()
  hasRun = false

  constructor(isCell: boolean, isTracking: boolean) {
    this.isCell = isCell
    this.isTracking = isTracking
  }

  get size(): number {
    return this.queued.length + this.running.size
  }

  get backlog(): number {
    return this.queued.length
  }

  get unstarted(): number {
    return this.queued.length
  }

  add(item: WorkItem): void {
    this.queued.push(item)
  }

  takeBack(max: number, isWanted: (item: WorkItem) => boolean = () => true): readonly WorkItem[] {
    const wanted = this.queued.filter(isWanted)
    const taken = wanted.slice(Math.max(0, wanted.length - max))
    this.queued = this.queued.filter((item) => !taken.includes(item))
    return taken
  }
}

export class PlayedCrew implements Crew {
  readonly #rules: CrewRules
  readonly #signs: CrewSigns
  readonly #lanes = new Set<PlayedLane>()
  #isTracking = false
  deaths = 0

  constructor(rules: CrewRules, signs: CrewSigns) {
    this.#rules = rules
    this.#signs = signs
    for (let lane = 0; lane < rules.threads; lane++) this.#begin(false)
  }

  get all(): readonly PlayedLane[] {
    return [...this.#lanes]
  }

  get open(): readonly PlayedLane[] {
    return this.all.filter(({ isOpen, isCell }) => isOpen && !isCell)
  }

  get cell(): PlayedLane | undefined {
    return this.all.find(({ isOpen, isCell }) => isOpen && isCell)
  }

  wantCell(): void {
    if (!this.all.some(({ isCell }) => isCell)) this.#begin(true)
  }

  endCell(): void {
    const { cell } = this
    if (cell?.size === 0) this.#lanes.delete(cell)
  }

  onGiven(): void {}

  /** Starts what has been given, as far as it can run now. */
  run(): void {
    for (const lane of this.#lanes) {
      while (lane.queued.length > 0 && !(this.#rules.isSync && lane.running.size > 0)) {
        const item = lane.queued.shift()
        if (item === undefined) break
        lane.hasRun = true
        this.#signs.onBegun(item)
        const timer = this.#rules.clock.setTimer(this.#rules.msOf(item), () => this.#end(lane, item))
        lane.running.set(item, timer)
      }
    }
  }

  #begin(isCell: boolean): void {
    const lane = new PlayedLane(isCell, this.#isTracking)
    this.#lanes.add(lane)
    this.#rules.clock.setTimer(START_MS, () => {
      lane.isOpen = true
      this.#signs.onChange()
    })
  }

  #end(lane: PlayedLane, item: WorkItem): void {
    if (this.#rules.isBad(item)) {
      this.#die(lane, item)
      return
    }
    lane.running.delete(item)
    this.#signs.onCompleted(lane, item)
    this.#signs.onChange()
  }

  #die(lane: PlayedLane, by: WorkItem): void {
    this.deaths++
    this.#lanes.delete(lane)
    for (const timer of lane.running.values()) timer.cancel()
    const ran = [...lane.running.keys()]
    const isKnown = ran.length === 1 || lane.isTracking
    if (ran.length > 1) this.#isTracking = true
    const others = ran.filter((item) => item !== by)
    const death: Death = {
      isOfCell: lane.isCell,
      guilty: isKnown ? [by] : [],
      suspected: isKnown ? [] : ran,
      cut: isKnown ? others : [],
      hasRun: true,
    }
    if (!lane.isCell) this.#begin(false)
    this.#signs.onDeath(death, lane.queued)
    this.#signs.onChange()
  }
}
