/** Keeps as many threads as were asked for, and one for what runs apart: begins them, replaces the dead ones, renews the worn ones. Gives nobody work. */

import type { ResourceLimits } from 'node:worker_threads'
import { closeAfterFailure } from '../../model/closers.ts'
import { PyrallelError, toError } from '../../model/errors.ts'
import { recordPlace } from '../../model/record.ts'
import type { ThreadCounters } from '../../model/snapshot.ts'
import type { ThreadView } from '../../model/thread-view.ts'
import type { WorkItem } from '../../model/work.ts'
import { type LaneEnding, type LaneListener, type LaneOptions, WorkerLane } from './lane/worker-lane.ts'
import { StartPause } from './start-pause.ts'

export interface CrewOptions extends Omit<LaneOptions, 'Pool' | 'isTracking'> {
  readonly threads: number
  readonly resourceLimits: ResourceLimits
  /** A thread is renewed once it has been given so many records; undefined: never. */
  readonly recycleAfter: number | undefined
}

export interface CrewCounters {
  /** Threads that have died, or were killed, and were replaced. */
  readonly restarts: number
  /** Threads that were ended because a handler ignored its signal. A part of `restarts`. */
  readonly killed: number
  /** Threads that were renewed by `recycleAfter`. */
  readonly recycled: number
  /** Threads that ended before they were ready. */
  readonly failedStarts: number
}

/** So often a thread is tried at the start, before the engine's start fails. */
const FIRST_TRIES = 3
/** Positions that one log line tells. */
const MAX_POSITIONS = 10

interface Member {
  /** For records that run apart from all others. */
  readonly isCell: boolean
  /** Threads that could not be brought up before this one was begun. */
  readonly failuresBefore: number
  /** Records that it was given in all. */
  given: number
  /** `worn`: its successor is being brought up. `retired`: its successor is there, and it takes no items any more. */
  age: 'fresh' | 'worn' | 'retired'
}

export interface CrewListener extends Omit<LaneListener, 'onGone'> {
  onGone(lane: WorkerLane, ending: LaneEnding & { readonly isCell: boolean }): void
}

/** It had come to a record. */
export function hasRun({ overdue, interrupted, lastEnded }: LaneEnding): boolean {
  return overdue.length > 0 || interrupted.length > 0 || lastEnded !== undefined
}

export class LaneCrew {
  readonly #options: CrewOptions
  readonly #listener: LaneListener
  /** All that live. */
  readonly #lanes = new Map<WorkerLane, Member>()
  readonly #startPause: StartPause
  #Pool: LaneOptions['Pool'] | undefined
  #isClosing = false
  #isCellComing = false
  /** Threads that have died since one has last completed something. */
  #deathsInARow = 0
  /** Of a thread that dies while it runs several records it is worth knowing which one it was. */
  #isTracking = false
  /** Of the lanes that are gone. */
  #past = { batches: 0, boundaryMs: 0 }
  #counters: CrewCounters = { restarts: 0, killed: 0, recycled: 0, failedStarts: 0 }

  constructor(options: CrewOptions, listener: CrewListener) {
    this.#options = options
    this.#startPause = new StartPause(options.clock)
    this.#listener = {
      onChange: (lane) => listener.onChange(lane),
      onCompletion: (lane, item, outcome, durationMs) => {
        if (outcome.kind !== 'interrupted') this.#onCompleted(lane)
        listener.onCompletion(lane, item, outcome, durationMs)
      },
      onGone: (lane, ending) => {
        const isCell = this.#lanes.get(lane)?.isCell === true
        this.#onGone(lane, ending)
        listener.onGone(lane, { ...ending, isCell })
      },
    }
  }

  /** The lanes that take items, without the cell. */
  get open(): readonly WorkerLane[] {
    return [...this.#lanes]
      .filter(([lane, { age, isCell }]) => lane.isOpen && age !== 'retired' && !isCell)
      .map(([lane]) => lane)
  }

  /** The lane for records that run apart, if it takes items. */
  get cell(): WorkerLane | undefined {
    for (const [lane, { age, isCell }] of this.#lanes) if (isCell && lane.isOpen && age !== 'retired') return lane
    return undefined
  }

  /** All that live, whatever state they are in. */
  get all(): readonly WorkerLane[] {
    return [...this.#lanes.keys()]
  }

  get counters(): CrewCounters {
    return this.#counters
  }

  /** For metrics. */
  get threads(): ThreadCounters {
    let { batches, boundaryMs } = this.#past
    for (const lane of this.#lanes.keys()) {
      batches += lane.batches
      boundaryMs += lane.boundaryMs
    }
    return { running: this.#lanes.size, restarts: this.#counters.restarts, batches, boundaryMs }
  }

  /** Each thread that lives, at this moment. */
  views(): readonly ThreadView[] {
    return [...this.#lanes].map(([lane, { isCell }]) => lane.view(isCell))
  }

  /** @throws PyrallelError PYR_WORKER_START when a thread cannot be brought up */
  async start(): Promise<void> {
    const { FixedThreadPool } = await import('poolifier')
    this.#Pool = FixedThreadPool
    const { threads, handlerId } = this.#options
    try {
      await Promise.all(Array.from({ length: threads }, () => this.#bringUp(FIRST_TRIES)))
    } catch (thrown) {
      // More than the tries of one, when several were to be brought up.
      const { failedStarts } = this.#counters
      await closeAfterFailure(() => this.stop())
      const cause = toError(thrown)
      throw new PyrallelError(
        'PYR_WORKER_START',
        `Handler ${handlerId}: ${cause.message}. ${failedStarts} threads could not be started. Correct the handler's file, its \`setup\` or its resource limits.`,
        { cause: cause.cause ?? cause },
      )
    }
  }

  /** Begins the cell, if there is none. */
  wantCell(): void {
    if (this.#isClosing || this.#isCellComing || this.cell !== undefined) return
    this.#isCellComing = true
    this.#bringUp(Number.POSITIVE_INFINITY, 'cell')
      // Only a crew that closes gives up bringing one up.
      .catch(() => {})
      .finally(() => {
        this.#isCellComing = false
      })
  }

  /** Nothing waits for it any more. */
  endCell(): void {
    for (const [lane, { isCell }] of this.#lanes) if (isCell && lane.size === 0) void lane.stop()
  }

  /** The lane was given so many records. Once worn, a fresh one is brought up beside it, so that there is no gap. */
  onGiven(lane: WorkerLane, records: number): void {
    const { recycleAfter } = this.#options
    const member = this.#lanes.get(lane)
    if (recycleAfter === undefined || member === undefined) return
    member.given += records
    if (member.given < recycleAfter || member.age !== 'fresh') return
    if (member.isCell) {
      // Its successor is begun when there is something for it.
      this.#retire(lane, member)
      return
    }
    member.age = 'worn'
    this.#bringUp(Number.POSITIVE_INFINITY).then(
      () => this.#retire(lane, member),
      // Only a crew that closes gives up bringing one up.
      () => {},
    )
  }

  /** Ends the retired lanes that have become idle. */
  endRetired(): void {
    for (const [lane, { age }] of this.#lanes) if (age === 'retired' && lane.size === 0) void lane.stop()
  }

  /** No thread is begun from here on. */
  beginNoMore(): void {
    this.#isClosing = true
    this.#startPause.end()
  }

  /** Ends those threads that have nothing to do. */
  stopIdle(limitMs: number): void {
    for (const lane of this.all) if (lane.isOpen && lane.size === 0) void lane.stop(limitMs)
  }

  /**
   * No thread survives, and none is begun any more. Bounded. May be called again, with less time.
   * @param limitMs what each `teardown` may take
   */
  async stop(limitMs = 0): Promise<void> {
    this.beginNoMore()
    await Promise.all(this.all.map((lane) => lane.stop(limitMs)))
  }

  #retire(lane: WorkerLane, member: Member): void {
    if (!this.#lanes.has(lane)) return
    member.age = 'retired'
    this.#counters = { ...this.#counters, recycled: this.#counters.recycled + 1 }
    this.#listener.onChange(lane)
  }

  /** Rejects when the last try has failed, or the crew is closing. */
  async #bringUp(tries: number, kind: 'cell' | 'ordinary' = 'ordinary'): Promise<void> {
    for (let number = 1; !this.#isClosing; number++) {
      await this.#startPause.wait()
      if (this.#isClosing || this.#Pool === undefined) break
      try {
        await this.#begin(this.#Pool, kind === 'cell')
        return
      } catch (thrown) {
        if (number >= tries) throw thrown
      }
    }
    throw new Error('the engine is closing')
  }

  async #begin(Pool: LaneOptions['Pool'], isCell: boolean): Promise<void> {
    const failuresBefore = this.#startPause.failures
    const lane = this.#made(Pool)
    const member: Member = { isCell, failuresBefore, given: 0, age: 'fresh' }
    this.#lanes.set(lane, member)
    await lane.ready
  }

  /** A lane that cannot even be made, because its file is gone or the machine has no memory for a thread, never ends: it is counted and told here. */
  #made(Pool: LaneOptions['Pool']): WorkerLane {
    try {
      return new WorkerLane({ ...this.#options, Pool, isTracking: this.#isTracking }, this.#listener)
    } catch (thrown) {
      const { message } = toError(thrown)
      // All that Node has to say about it.
      const more =
        message === 'EAGAIN'
          ? ' (the machine allows no more threads, or has no memory for a stack as large as stackSizeMb)'
          : ''
      const why = `its thread could not be made: ${message}${more}`
      this.#onUnready(why)
      throw new Error(why, { cause: thrown })
    }
  }

  #onCompleted(lane: WorkerLane): void {
    this.#deathsInARow = 0
    if (this.#startPause.inARow === 0) return
    const member = this.#lanes.get(lane)
    if (member !== undefined) this.#startPause.onCompleted(member.failuresBefore)
  }

  #onGone(lane: WorkerLane, ending: LaneEnding): void {
    const member = this.#lanes.get(lane)
    this.#lanes.delete(lane)
    const { batches, boundaryMs } = this.#past
    this.#past = { batches: batches + lane.batches, boundaryMs: boundaryMs + lane.boundaryMs }
    if (member === undefined || ending.isPlanned) return
    if (!ending.wasReady) {
      // Tried again by whoever waits for it.
      this.#onUnready(ending.why)
      return
    }
    this.#deathsInARow++
    // One that has died of a record, and not before it ran any, is no reason to wait: what it ran is kept apart from here on.
    if (!hasRun(ending)) this.#startPause.onFailed()
    if (ending.interrupted.length > 1) this.#isTracking = true
    const { restarts, killed } = this.#counters
    const more = ending.overdue.length > 0 ? 1 : 0
    this.#counters = { ...this.#counters, restarts: restarts + 1, killed: killed + more }
    this.#tell(ending)
    // One that is worn or retired has its successor.
    if (member.age !== 'fresh' || member.isCell || this.#isClosing) return
    // Only a crew that closes gives up bringing one up.
    this.#bringUp(Number.POSITIVE_INFINITY).catch(() => {})
  }

  /** A thread that should have been brought up has not been. */
  #onUnready(why: string): void {
    const { handlerId, log } = this.#options
    this.#startPause.onFailed()
    const failuresInARow = this.#startPause.inARow
    this.#counters = { ...this.#counters, failedStarts: this.#counters.failedStarts + 1 }
    log.error({ handler: handlerId, why, failuresInARow }, 'a worker thread could not be started')
  }

  #tell(ending: LaneEnding): void {
    const { handlerId, log } = this.#options
    const facts = { handler: handlerId, why: ending.why, failuresInARow: this.#deathsInARow }
    const positions = (item: WorkItem | undefined) => (item?.records ?? []).map(recordPlace)
    const timedOut = ending.overdue.flatMap(({ item }) => positions(item))
    const interrupted = ending.interrupted.flatMap(({ item }) => positions(item))
    log.error(
      {
        ...facts,
        timedOut: timedOut.slice(0, MAX_POSITIONS),
        interrupted: interrupted.slice(0, MAX_POSITIONS),
        recordCount: timedOut.length + interrupted.length,
        lastEnded: positions(ending.lastEnded).slice(0, MAX_POSITIONS),
        runElsewhere: ending.unstarted.length,
      },
      'a worker thread has died and is replaced',
    )
  }
}
