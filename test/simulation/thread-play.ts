/** Plays bad records, of which threads die, and healthy ones beside them with the real queue of the worker engine: the healthy ones must not wait for the bad ones. */
import { WorkQueue } from '../../framework/execution-plane/worker/work-queue.ts'
import type { Epoch, WorkItem } from '../../framework/model/work.ts'
import { seededRandom } from '../../framework/runtime/seeded-random.ts'
import { ManualClock } from '../../framework/testing/manual-clock.ts'
import { Violation } from './oracle.ts'
import { PlayedCrew, START_MS } from './thread-crew.ts'

/** A healthy record waits so long for bad ones at most, beside one thread's start, those that it has lost, and the healthy ones before it. Milliseconds. */
const HELD_MS = 1_000
/** Where they come while most of the bad ones have not run yet, it is not known which are which. */
const HELD_AMONG_MS = 3_000
/** As the manager has it: interrupted more often, a record is given up. */
const MOST_INTERRUPTIONS = 3
/** Until all has ended. Milliseconds. */
const PATIENCE_MS = 4 * 3_600_000
const TEN_MINUTES_MS = 600_000
/** A handler that ends all its threads ends so many at most in that time. */
const DEATHS_IN_TEN_MINUTES = 300

export interface ThreadSchedule {
  readonly threads: number
  readonly concurrency: number
  readonly isSync: boolean
  readonly bad: number
  /** Until a bad record has ended its thread. Milliseconds. */
  readonly badMs: number
  readonly healthy: number
  readonly healthyMs: number
  /** Between the bad ones and the healthy ones. Milliseconds. */
  readonly afterMs: number
  /** So long after records have come, a third of them is taken back, as far as it has not begun, and comes again. Milliseconds. */
  readonly recallAfterMs: readonly number[]
}

export function threadScheduleOf(seed: number): ThreadSchedule {
  const random = seededRandom(seed * 7_919)
  const of = <T>(...choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T
  const isSync = random() < 0.5
  const handler = { isSync, threads: of(1, 2, 8), concurrency: of(1, 10, 100) }
  const times = { badMs: isSync ? 0 : of(0, 1, 5), healthyMs: isSync ? 1 : of(1, 20, 500) }
  if (random() < 0.05)
    return { ...handler, ...times, bad: 1_000, healthy: 0, afterMs: TEN_MINUTES_MS, recallAfterMs: [] }
  const records = { bad: of(1, 3, 20, 60), healthy: of(1, 100, 300) }
  const afterMs = of(100, 1_000, 5_000, TEN_MINUTES_MS)
  return { ...handler, ...times, ...records, afterMs, recallAfterMs: of([], [], [1, 20], [0, 50, 60, 300]) }
}

/** Counted over all schedules, so that a run can show that it met what it is about. */
export const met = { recalled: 0 }

interface Played {
  readonly isBad: boolean
  readonly cameAt: number
  interruptions: number
  endedAt: number | undefined
}

/** @throws Violation */
export function playThreads(schedule: ThreadSchedule): void {
  new ThreadGame(schedule).play()
}

class ThreadGame {
  readonly #schedule: ThreadSchedule
  readonly #clock = new ManualClock()
  readonly #crew: PlayedCrew
  readonly #queue: WorkQueue
  readonly #records: Played[] = []
  /** Indexes of records, as the manager would submit them. */
  readonly #backlog: number[] = []
  readonly #inFlight = new Map<number, number>()
  /** Were asked back and have not begun: they come back, and do not begin. */
  readonly #asked = new Set<WorkItem>()
  readonly #items = new Map<number, WorkItem>()
  readonly #begun = new Set<WorkItem>()
  #nextId = 1
  #isTurnDue = false

  constructor(schedule: ThreadSchedule) {
    this.#schedule = schedule
    const { threads, isSync, concurrency, badMs, healthyMs } = schedule
    const isBad = (item: WorkItem): boolean => this.#recordOf(item).isBad
    const rules = {
      threads,
      isSync,
      clock: this.#clock,
      isBad,
      msOf: (item: WorkItem) => (isBad(item) ? badMs : healthyMs),
    }
    this.#crew = new PlayedCrew(rules, {
      onChange: () => this.#turnSoon(),
      onBegun: (item) => this.#begin(item),
      onCompleted: (lane, item) => {
        this.#queue.onCompleted(lane, item)
        this.#end(item)
      },
      onDeath: (death, unstarted) => {
        this.#queue.putBack(unstarted)
        this.#queue.onDeath(death)
        for (const item of [...death.guilty, ...death.suspected, ...death.cut]) this.#interrupt(item)
      },
    })
    this.#queue = new WorkQueue(this.#clock, this.#crew, concurrency, () => this.#turnSoon())
  }

  play(): void {
    const { bad, healthy, afterMs } = this.#schedule
    this.#clock.advance(START_MS)
    this.#bring(bad, true)
    this.#clock.advance(afterMs)
    if (healthy === 0) {
      this.#checkPauses()
      return
    }
    this.#bring(healthy, false)
    for (const until = this.#clock.now() + PATIENCE_MS; this.#clock.now() < until && !this.#isOver; )
      this.#clock.advance(1_000)
    if (!this.#isOver) throw new Violation('LOST', `${this.#inFlight.size} items are never completed`)
    for (const record of this.#records) if (!record.isBad) this.#checkHeld(record)
    this.#queue.close()
  }

  get #isOver(): boolean {
    return this.#inFlight.size === 0 && this.#backlog.length === 0
  }

  #checkPauses(): void {
    const { deaths } = this.#crew
    if (deaths > DEATHS_IN_TEN_MINUTES) throw new Violation('PAUSE', `${deaths} threads have died`)
  }

  #checkHeld({ interruptions, cameAt, endedAt = Number.POSITIVE_INFINITY }: Played): void {
    if (interruptions > MOST_INTERRUPTIONS) throw new Violation('GUILT', `a healthy record is given up`)
    const { healthy, healthyMs, isSync, concurrency, afterMs, recallAfterMs } = this.#schedule
    // Bad ones that come again are the newest, which go first while threads die.
    if (recallAfterMs.length > 0) return
    const atOnce = isSync ? 1 : concurrency
    const heldMs = afterMs < 1_000 ? HELD_AMONG_MS : HELD_MS
    // Slots are not all taken at once: after bad ones, what is given grows in steps.
    const workMs = Math.ceil(healthy / atOnce) * healthyMs * 1.5
    const mostMs = workMs + heldMs + START_MS + interruptions * (START_MS + healthyMs)
    const tookMs = endedAt - cameAt
    if (tookMs > mostMs)
      throw new Violation('HELD', `a healthy record took ${tookMs} ms, and ${mostMs} at most was right`)
  }

  #bring(count: number, isBad: boolean): void {
    for (let number = 0; number < count; number++) {
      this.#backlog.push(this.#records.length)
      this.#records.push({ isBad, cameAt: this.#clock.now(), interruptions: 0, endedAt: undefined })
    }
    for (const afterMs of this.#schedule.recallAfterMs) this.#clock.setTimer(afterMs, () => this.#recall())
    this.#turnSoon()
  }

  #turnSoon(): void {
    if (this.#isTurnDue) return
    this.#isTurnDue = true
    this.#clock.setTimer(0, () => {
      this.#isTurnDue = false
      this.#takeBack()
      this.#submit()
      this.#queue.distribute()
      const onLanes = this.#crew.all.reduce((sum, lane) => sum + lane.size, 0)
      if (onLanes > this.#schedule.concurrency) throw new Violation('LIMIT', `${onLanes} items on threads`)
      // What was set aside in this turn makes room in the next.
      if (this.#backlog.length > 0 && this.#hasRoom) this.#turnSoon()
      this.#crew.run()
    })
  }

  get #hasRoom(): boolean {
    return this.#inFlight.size - this.#queue.setAside < this.#schedule.concurrency
  }

  #submit(): void {
    while (this.#backlog.length > 0 && this.#hasRoom) {
      const index = this.#backlog.shift() ?? 0
      const id = this.#nextId++
      const item = itemOf(id, index)
      this.#inFlight.set(id, index)
      this.#items.set(id, item)
      this.#queue.push(item)
    }
  }

  #recall(): void {
    const shouldRecall = ({ id }: WorkItem): boolean => id % 3 === 0
    for (const id of this.#inFlight.keys()) {
      const item = this.#items.get(id)
      if (item !== undefined && shouldRecall(item) && !this.#begun.has(item)) this.#asked.add(item)
    }
    this.#queue.endUnbegun({ kind: 'recalled' }, shouldRecall)
    this.#turnSoon()
  }

  #takeBack(): void {
    for (const { item } of this.#queue.takeEnded()) {
      if (!this.#asked.delete(item)) throw new Violation('UNASKED', `item ${item.id} comes back, and was not asked for`)
      const index = this.#inFlight.get(item.id) ?? -1
      this.#forget(item)
      this.#backlog.unshift(index)
      met.recalled += 1
    }
    if (this.#asked.size > 0)
      throw new Violation('LOST', `${this.#asked.size} items were asked for, and do not come back`)
  }

  #begin(item: WorkItem): void {
    if (this.#asked.has(item)) throw new Violation('RECALLED', `item ${item.id} begins, and was taken back before`)
    if (!this.#inFlight.has(item.id)) throw new Violation('RECALLED', `item ${item.id} begins, and has come back`)
    this.#begun.add(item)
  }

  #forget(item: WorkItem): void {
    this.#inFlight.delete(item.id)
    this.#items.delete(item.id)
    this.#begun.delete(item)
  }

  #interrupt(item: WorkItem): void {
    const index = this.#inFlight.get(item.id)
    if (index === undefined) throw new Violation('TWICE', `item ${item.id} is interrupted, and is not in flight`)
    this.#forget(item)
    const record = this.#recordAt(index)
    record.interruptions++
    if (record.interruptions <= MOST_INTERRUPTIONS) this.#backlog.unshift(index)
    else record.endedAt = this.#clock.now()
  }

  #end(item: WorkItem): void {
    const index = this.#inFlight.get(item.id)
    if (index === undefined) throw new Violation('TWICE', `item ${item.id} is completed, and is not in flight`)
    this.#forget(item)
    this.#recordAt(index).endedAt = this.#clock.now()
  }

  #recordOf({ records: [record] }: WorkItem): Played {
    return this.#recordAt(record?.offset ?? -1)
  }

  #recordAt(index: number): Played {
    const record = this.#records[index]
    if (record === undefined) throw new Error(`there is no record ${index}`)
    return record
  }
}

function itemOf(id: number, offset: number): WorkItem {
  const record = { topic: 'orders', partition: 0, offset, key: null, value: null, headers: [], timestamp: 0 }
  return { id, handlerId: 'handle', epoch: 1 as Epoch, records: [record], attempts: [1] }
}
