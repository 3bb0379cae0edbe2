/** The items on one lane: which are where, how they ended, and what is left when the thread has ended. Sends nothing, ends nothing. */
import { bug } from '../../../model/errors.ts'
import type { Outcome, WorkItem } from '../../../model/work.ts'
import { filtered, succeeded } from '../../attempt/outcomes.ts'
import type { SlottedItem } from '../thread/batch-codec.ts'
import { LaneMemory, slotState } from '../thread/lane-memory.ts'

export interface EndedItem {
  readonly item: WorkItem
  readonly outcome: Outcome
  readonly durationMs: number
}

export interface RunningItem {
  readonly item: WorkItem
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
}

export interface StartedItem {
  readonly item: WorkItem
  readonly durationMs: number
}

/** What a thread has left behind. */
export interface LeftItems {
  readonly ended: readonly EndedItem[]
  /** Started, and over their time. */
  readonly overdue: readonly StartedItem[]
  /** Started, and neither overdue nor known to have ended. */
  readonly interrupted: readonly StartedItem[]
  readonly unstarted: readonly WorkItem[]
  /** Of those that have ended, the one that was started last: what it left behind may have ended the thread. */
  readonly lastEnded: WorkItem | undefined
  /** Which of those that ran has ended the thread, if the thread could say. */
  readonly blamed: WorkItem | 'none' | 'unknown'
}

export class LaneItems {
  readonly #memory: LaneMemory
  /** Not completed, by slot, in the order of adding. */
  readonly #items = new Map<number, WorkItem>()
  readonly #freeSlots: number[]
  /** Taken back, and not passed over by the thread yet. */
  #takenBack = 0
  /** Added in all; wraps like the memory's count of those that the thread has passed. */
  #added = 0
  #lastEnded: WorkItem | undefined
  #lastStartedAt = 0

  /** @param slots items that may be here at once, those included that were taken back and not passed over yet */
  constructor(slots: number) {
    this.#memory = LaneMemory.create(slots)
    this.#freeSlots = Array.from({ length: slots }, (_, index) => slots - 1 - index)
  }

  get memory(): LaneMemory {
    return this.#memory
  }

  /** Not completed, started or not. */
  get size(): number {
    return this.#items.size
  }

  /** Those that the thread has not come to yet; taken back ones count until it has passed over them. */
  get backlog(): number {
    return (this.#added - this.#memory.passed) | 0
  }

  /** Of the backlog, those that may be taken back. */
  get unstarted(): number {
    return Math.max(0, this.backlog - this.#takenBack)
  }

  add(item: WorkItem): SlottedItem {
    const slot = this.#freeSlots.pop()
    if (slot === undefined) throw bug('lane-items/add', `all ${this.#memory.slots} slots are taken`)
    this.#memory.offer(slot)
    this.#items.set(slot, item)
    this.#added = (this.#added + 1) | 0
    return { slot, item }
  }

  /** Takes up to `max` items back that have not been started, the last ones first, and returns them in their order. */
  takeBack(max: number, isWanted: (item: WorkItem) => boolean): readonly WorkItem[] {
    const taken: WorkItem[] = []
    for (const [slot, item] of [...this.#items].reverse()) {
      if (taken.length >= max) break
      if (!isWanted(item) || !this.#memory.takeBack(slot)) continue
      this.#items.delete(slot)
      this.#takenBack++
      taken.push(item)
    }
    return taken.reverse()
  }

  slotsOf(isWanted: (item: WorkItem) => boolean): readonly number[] {
    return [...this.#items].filter(([, item]) => isWanted(item)).map(([slot]) => slot)
  }

  /** The item in this slot is over. Undefined when it was completed before. */
  end(slot: number): WorkItem | undefined {
    const item = this.#items.get(slot)
    if (item === undefined) return undefined
    this.#items.delete(slot)
    const startedAt = this.#memory.startedAt(slot)
    if (startedAt >= this.#lastStartedAt) {
      this.#lastStartedAt = startedAt
      this.#lastEnded = item
    }
    this.#freeSlot(slot)
    return item
  }

  /**
   * What the thread has written down since the last call.
   * @param next `watched`: the thread need not ring, as it is looked at again soon
   */
  read(next: 'silent' | 'watched'): readonly EndedItem[] {
    const ended: EndedItem[] = []
    for (const slot of this.#memory.drain(next)) {
      const state = this.#memory.stateOf(slot)
      if (state === slotState.skipped) {
        this.#takenBack--
        this.#freeSlot(slot)
        continue
      }
      const durationMs = this.#memory.durationMs(slot)
      const item = this.end(slot)
      const outcome = state === slotState.filtered ? filtered : succeeded
      if (item !== undefined) ended.push({ item, outcome, durationMs })
    }
    return ended
  }

  /** When the handlers that run now were started. Milliseconds since the Unix epoch. */
  runningSince(): readonly number[] {
    return this.running().map(({ startedAt }) => startedAt)
  }

  /** Items whose handlers run now, in the order of adding. */
  running(): readonly RunningItem[] {
    const slots = [...this.#items].filter(([slot]) => this.#memory.stateOf(slot) === slotState.running)
    return slots.map(([slot, item]) => ({ item, startedAt: this.#memory.startedAt(slot) }))
  }

  /**
   * The thread has ended, or counts as ended: empties the lane.
   * @param overdueSince what has been running since then, or longer, is overdue
   */
  takeLeft(now: number, overdueSince: number): LeftItems {
    const left = {
      ended: [...this.read('silent')],
      overdue: [] as StartedItem[],
      interrupted: [] as StartedItem[],
      unstarted: [] as WorkItem[],
      lastEnded: this.#lastEnded,
      blamed: this.#blamed(),
    }
    for (const [slot, item] of this.#items) {
      const state = this.#memory.stateOf(slot)
      const startedAt = this.#memory.startedAt(slot)
      const durationMs = Math.max(0, now - startedAt)
      // A thread that is inside a native call may come back: taken back, it finds nothing to start.
      if (this.#memory.takeBack(slot)) left.unstarted.push(item)
      // Killed between writing down the outcome and telling where.
      else if (state === slotState.succeeded) left.ended.push({ item, outcome: succeeded, durationMs })
      else if (state === slotState.filtered) left.ended.push({ item, outcome: filtered, durationMs })
      // Its message is lost, so how it ended is not known; but it has ended in time.
      else if (state === slotState.told) left.interrupted.push({ item, durationMs })
      else if (startedAt <= overdueSince) left.overdue.push({ item, durationMs })
      else left.interrupted.push({ item, durationMs })
    }
    this.#items.clear()
    return left
  }

  #blamed(): WorkItem | 'none' | 'unknown' {
    const { blamed } = this.#memory
    return typeof blamed === 'string' ? blamed : (this.#items.get(blamed) ?? 'none')
  }

  #freeSlot(slot: number): void {
    this.#memory.free(slot)
    this.#freeSlots.push(slot)
  }
}
