/** Runs attempts on worker threads, so that handlers may use all cores and may do their worst. Decides nothing about order, retries or commits. */
import { availableParallelism } from 'node:os'
import type { ResourceLimits } from 'node:worker_threads'
import type { KnownSchemas } from '../../formats/known-schemas.ts'
import type { RecordPlace } from '../../kafka/kafka-client.ts'
import type { Logger } from '../../model/logger.ts'
import type { OutgoingRecord } from '../../model/record.ts'
import type { ThreadCounters } from '../../model/snapshot.ts'
import type { ThreadView } from '../../model/thread-view.ts'
import { type TickOrder, type TickOutcome, worstOf } from '../../model/tick.ts'
import type { CompletionEvent, WorkItem } from '../../model/work.ts'
import type { OutputRules } from '../../publishing/output-rules.ts'
import type { Clock } from '../../time/clock.ts'
import { interrupted, recalled, timedOut } from '../attempt/outcomes.ts'
import { notRun } from '../attempt/tick-runs.ts'
import { CLOSING, EngineGate } from '../engines/engine-gate.ts'
import type { ExecutionEngine } from '../execution-engine.ts'
import type { Death } from './lane/lane.ts'
import type { LaneEnding } from './lane/worker-lane.ts'
import { type CrewCounters, hasRun, LaneCrew } from './lane-crew.ts'
import { WorkQueue } from './work-queue.ts'

export interface WorkerEngineOptions {
  readonly handlerId: string
  /** The consumer group, for traces. */
  readonly group: string
  /** The URL of the module that the threads load: `generated/workers/<id>.ts`, or what was built of it. */
  readonly entry: string
  /** Attempts in flight at most, over all threads. At least 1. */
  readonly concurrency: number
  /** How long one attempt may take. Milliseconds. */
  readonly timeoutMs: number
  /** How long after its deadline a handler may still run before its thread is ended. Milliseconds. */
  readonly abandonAfterMs: number
  /** Threads; one for each core when undefined. */
  readonly threads?: number | undefined
  /** Of each thread. A thread that needs more memory than allowed is ended. */
  readonly resourceLimits?: ResourceLimits | undefined
  /** Each thread is renewed once it has been given so many records; never when undefined. */
  readonly recycleAfter?: number | undefined
  /** Sends what handlers publish; settles with the broker's acknowledgement. */
  readonly produce: (record: OutgoingRecord) => Promise<RecordPlace>
  /** Of exactly-once groups: what handlers publish is not sent, but kept in their thread, and comes with the outcome. */
  readonly outputs?: OutputRules | undefined
  /** Answers for the schemas of values that are not JSON; undefined where there is no registry. */
  readonly schemas?: Pick<KnownSchemas, 'answer'> | undefined
  readonly log: Logger
  readonly clock: Clock
}

export interface WorkerCounters extends CrewCounters {
  /** Items that ended because their thread did. */
  readonly interrupted: number
  /** Items that waited behind a slow one and were given to another thread. */
  readonly moved: number
}

/** What a handler gets whose signal fires at the end of the grace, and a `teardown` that has not ended by then. Milliseconds. */
const UNWIND_MS = 50
/** No `teardown` takes longer, whatever the grace: an engine whose code was replaced may have days. Milliseconds. */
const MOST_TEARDOWN_MS = 600_000

export class WorkerEngine implements ExecutionEngine {
  readonly #options: WorkerEngineOptions
  readonly #crew: LaneCrew
  readonly #queue: WorkQueue
  readonly #gate: EngineGate
  #interrupted = 0
  #isTurnDue = false

  constructor(options: WorkerEngineOptions) {
    this.#options = options
    this.#crew = new LaneCrew(
      {
        ...options,
        threads: options.threads ?? availableParallelism(),
        resourceLimits: options.resourceLimits ?? {},
        recycleAfter: options.recycleAfter,
        slots: WorkQueue.slotsOf(options.concurrency),
      },
      {
        onCompletion: (lane, item, outcome, durationMs) => {
          // Its thread has said so, and lives: what the engine itself says of those on a dead one acquits nobody.
          if (outcome.kind !== 'interrupted') this.#queue.onCompleted(lane, item)
          this.#gate.complete(item, outcome, durationMs)
        },
        onChange: () => this.#takeTurnSoon(),
        onGone: (_lane, ending) => this.#onGone(ending, ending.isCell),
      },
    )
    this.#queue = new WorkQueue(options.clock, this.#crew, options.concurrency, () => this.#takeTurnSoon())
    this.#gate = new EngineGate(
      { ...options, unwindMs: UNWIND_MS },
      {
        onClosing: () => {
          this.#crew.beginNoMore()
          this.#takeTurnSoon()
        },
        onGraceOver: (reason) => this.#abort(reason, () => true),
        cut: (reason) => {
          for (const lane of this.#crew.all) if (lane.size > 0) lane.killPlanned(reason)
        },
        end: () => this.#end(),
      },
    )
  }

  get capacity(): number {
    return this.#options.concurrency
  }

  get setAside(): number {
    return this.#queue.setAside
  }

  get inFlight(): number {
    return this.#gate.open
  }

  /** Always 0: a handler that ignores its signal loses its thread. */
  get abandoned(): number {
    return 0
  }

  get threads(): ThreadCounters {
    return this.#crew.threads
  }

  threadViews(): readonly ThreadView[] {
    return this.#crew.views()
  }

  /** All that is counted of faults. */
  get counters(): WorkerCounters {
    return { ...this.#crew.counters, interrupted: this.#interrupted, moved: this.#queue.moved }
  }

  /** @throws PyrallelError PYR_WORKER_START when the handler cannot be loaded, or its `setup` fails */
  async start(onCompletion: (completion: CompletionEvent) => void): Promise<void> {
    this.#gate.beginStart(onCompletion)
    try {
      await this.#crew.start()
    } catch (error) {
      // Closed meanwhile: then it is no fault that no thread came up.
      if (!this.#gate.isClosing) throw error
    }
    this.#gate.opened()
  }

  submit(item: WorkItem): void {
    this.#gate.requireRoom(this.#gate.open - this.setAside)
    this.#queue.push(item)
    this.#gate.admit()
    this.#takeTurnSoon()
  }

  abort(shouldAbort: (item: WorkItem) => boolean): void {
    this.#abort('the attempt was given up', shouldAbort)
  }

  recall(shouldRecall: (item: WorkItem) => boolean): void {
    this.#queue.endUnbegun(recalled, shouldRecall)
    this.#takeTurnSoon()
  }

  async tick({ isDraining }: TickOrder): Promise<TickOutcome> {
    const lanes = this.#crew.all.filter(({ isOpen }) => isOpen)
    if (lanes.length === 0) return notRun('none of its threads is up')
    this.#takeTurnSoon()
    return worstOf(await Promise.all(lanes.map((lane) => lane.tick({ isDraining }))))
  }

  endThread(): boolean {
    const [busiest] = [...this.#crew.open].sort((a, b) => b.size - a.size)
    busiest?.kill('its thread was ended on demand')
    return busiest !== undefined
  }

  /** No thread is begun from here on. */
  close(graceMs: number): Promise<void> {
    return this.#gate.close(graceMs)
  }

  /**
   * One turn serves all that was submitted and all that has ended before it, so that what is ready for a thread goes over in one message.
   * `setImmediate` and not a microtask: the bells of several threads are heard first.
   */
  #takeTurnSoon(): void {
    if (this.#isTurnDue || this.#gate.isClosed) return
    this.#isTurnDue = true
    setImmediate(() => {
      this.#isTurnDue = false
      this.#takeTurn()
    })
  }

  #takeTurn(): void {
    if (this.#gate.isClosing) this.#queue.endStranded(interrupted(CLOSING))
    for (const { item, outcome } of this.#queue.takeEnded()) this.#gate.complete(item, outcome, 0)
    this.#queue.distribute()
    for (const lane of this.#crew.all) lane.flush()
    this.#crew.endRetired()
    if (this.#gate.isClosing && !this.#queue.hasWaiting) this.#crew.stopIdle(this.#teardownMs)
  }

  #onGone(ending: LaneEnding, isCell: boolean): void {
    const { why, isPlanned, overdue, interrupted: cut, unstarted } = ending
    this.#queue.putBack(unstarted)
    // The engine's own kill at its end says nothing about what ran.
    if (!isPlanned) this.#queue.onDeath(deathOf(ending, isCell))
    const { timeoutMs } = this.#options
    for (const { item, durationMs } of overdue) this.#gate.complete(item, timedOut(timeoutMs), durationMs)
    for (const { item, durationMs } of cut) {
      this.#interrupted++
      this.#gate.complete(item, interrupted(why), durationMs)
    }
    if (this.#gate.isCutting) this.#abort(CLOSING, () => true)
    this.#takeTurnSoon()
  }

  #abort(reason: string, shouldAbort: (item: WorkItem) => boolean): void {
    this.#queue.endUnbegun(interrupted(reason), shouldAbort)
    for (const lane of this.#crew.all) lane.abort(reason, shouldAbort)
    this.#takeTurnSoon()
  }

  /** What is left of the grace. */
  get #teardownMs(): number {
    return Math.min(MOST_TEARDOWN_MS, Math.max(UNWIND_MS, this.#gate.graceLeftMs))
  }

  async #end(): Promise<void> {
    await this.#crew.stop(this.#teardownMs)
    this.#queue.close()
  }
}

/** Who ended the thread: what it named itself, what ran alone, or the one that was overdue when it was killed. Else nobody knows. */
function deathOf(ending: LaneEnding, isOfCell: boolean): Death {
  const overdue = ending.overdue.map(({ item }) => item)
  const ran = [...overdue, ...ending.interrupted.map(({ item }) => item)]
  const isNamed = ending.blamed !== 'unknown'
  const suspected = isNamed ? [] : overdue.length > 0 ? overdue : ran
  const guilty = suspected.length === 1 ? suspected : ran.filter((item) => item === ending.blamed)
  const isAtFault = (item: WorkItem) => guilty.includes(item) || suspected.includes(item)
  return {
    isOfCell,
    guilty,
    suspected: suspected.length === 1 ? [] : suspected,
    cut: ran.filter((item) => !isAtFault(item)),
    hasRun: hasRun(ending),
  }
}
