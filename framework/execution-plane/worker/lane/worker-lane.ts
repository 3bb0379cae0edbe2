/** One thread, seen from the engine: what it was given, how each of it ended, and its end. Starts no other thread and runs nothing again. */
import type { ResourceLimits } from 'node:worker_threads'
import type { FixedThreadPool } from 'poolifier'
import type { KnownSchemas, SchemaAnswer } from '../../../formats/known-schemas.ts'
import type { SchemaRef } from '../../../formats/value-frame.ts'
import type { RecordPlace } from '../../../kafka/kafka-client.ts'
import { toError } from '../../../model/errors.ts'
import type { Logger } from '../../../model/logger.ts'
import type { OutgoingRecord } from '../../../model/record.ts'
import type { ThreadAttempt, ThreadView } from '../../../model/thread-view.ts'
import type { TickOutcome } from '../../../model/tick.ts'
import type { Outcome, WorkItem } from '../../../model/work.ts'
import type { OutputRules } from '../../../publishing/output-rules.ts'
import type { Clock } from '../../../time/clock.ts'
import { failureOf } from '../../attempt/handler-failure.ts'
import { failed } from '../../attempt/outcomes.ts'
import { replay } from '../thread/log-line.ts'
import { receivedOutcome, type SentOutcome } from '../thread/outputs-codec.ts'
import type { ErrorText, FromThread, ThreadSettings, TickSent } from '../thread/thread-messages.ts'
import { errorText, receivedRecord } from '../thread/thread-publisher.ts'
import { LaneBell } from './bell.ts'
import { LaneItems, type LeftItems } from './items.ts'
import { LaneLife, type LifeEnding } from './lane-life.ts'
import { LaneTick } from './lane-tick.ts'
import { LaneOutbox } from './outbox.ts'
import { PoolThread } from './pool-thread.ts'
import { LaneWatch } from './watch.ts'

export interface LaneOptions {
  readonly handlerId: string
  readonly group: string
  /** The URL of the thread's entry module. */
  readonly entry: string
  readonly timeoutMs: number
  readonly abandonAfterMs: number
  /** Items that may be on this lane at once, those included that were taken back and not passed over yet. */
  readonly slots: number
  readonly resourceLimits: ResourceLimits
  /** See `ThreadSettings`. */
  readonly isTracking: boolean
  readonly produce: (record: OutgoingRecord) => Promise<RecordPlace>
  /** Of exactly-once groups: see `WorkerEngineOptions`. */
  readonly outputs?: OutputRules | undefined
  /** Answers for the schemas of values that are not JSON; undefined where there is no registry. */
  readonly schemas?: Pick<KnownSchemas, 'answer'> | undefined
  readonly log: Logger
  readonly clock: Clock
  /** poolifier's, loaded by whoever makes lanes: a process without worker handlers does without it. */
  readonly Pool: typeof FixedThreadPool
}

export interface LaneListener {
  onCompletion(lane: WorkerLane, item: WorkItem, outcome: Outcome, durationMs: number): void
  /** The lane has room, or something to send: a turn of the engine is due. */
  onChange(lane: WorkerLane): void
  /** Called once, last of all. Every item that the lane still had is in here. */
  onGone(lane: WorkerLane, ending: LaneEnding): void
}

/** How a thread ended, and what it left behind. */
export type LaneEnding = LifeEnding & Omit<LeftItems, 'ended'>

/** Attempts that are shown of one thread. */
const MOST_SHOWN = 20

export class WorkerLane {
  readonly #options: LaneOptions
  readonly #listener: LaneListener
  readonly #items: LaneItems
  readonly #watch: LaneWatch
  readonly #bell: LaneBell
  readonly #thread: PoolThread
  readonly #life: LaneLife
  readonly #outbox = new LaneOutbox()
  readonly #tick: LaneTick
  readonly #sent = { batches: 0, tookMs: 0 }

  constructor(options: LaneOptions, listener: LaneListener) {
    this.#options = options
    this.#listener = listener
    this.#items = new LaneItems(options.slots)
    this.#tick = new LaneTick(options, () =>
      this.kill('its thread was ended, because the tick of its handler ignored its signal'),
    )
    this.#watch = new LaneWatch(options, this.#items, {
      onOverdue: () => listener.onChange(this),
      onAbandon: () => this.kill('its thread was ended, because a handler on it ignored its signal'),
      onStuck: (afterMs) =>
        this.kill(`its thread was ended: it has come to no record for ${afterMs} ms, and none was running`),
    })
    this.#bell = new LaneBell(options.clock, this.#items, (ended) => {
      for (const { item, outcome, durationMs } of ended) this.#complete(item, outcome, durationMs)
      listener.onChange(this)
    })
    this.#life = new LaneLife(options, {
      onStop: () => this.#send(true),
      onKill: () => {
        this.#watch.stop()
        this.#thread.terminate()
      },
      onLeft: (why) => {
        this.#thread.abandon()
        this.#end(why)
      },
    })
    this.#thread = new PoolThread(options.Pool, this.#settings(), options.resourceLimits, {
      onMessage: (message) => this.#onMessage(message),
      // Between its error and its exit a thread takes no messages. Still open, the lane would send it some, and then be ended for that.
      onError: (error, why) => this.kill(why, error),
      onBroken: (why) => this.kill(why),
      onExit: (why) => this.#end(why),
    })
    this.#life.begin()
  }

  /** Rejects when the thread has ended before it was ready. */
  get ready(): Promise<void> {
    return this.#life.ready
  }

  /** Items may be added. */
  get isOpen(): boolean {
    return this.#life.isOpen
  }

  /** Items that the thread has not come to yet; those taken back count until it has passed over them. */
  get backlog(): number {
    return this.#items.backlog
  }

  /** Of the backlog, what may be taken back. */
  get unstarted(): number {
    return this.#items.unstarted
  }

  /** Not completed, started or not. */
  get size(): number {
    return this.#items.size
  }

  /** A handler on it is over its deadline and has not ended: what comes behind it may wait long, or die with it. */
  get isOverdue(): boolean {
    return this.#watch.isOverdue
  }

  /** Messages that carried items to the thread. */
  get batches(): number {
    return this.#sent.batches
  }

  /** What was spent here and in the thread on getting items across, and answers back. Milliseconds. */
  get boundaryMs(): number {
    return this.#sent.tookMs + this.#bell.spentMs + this.#items.memory.unpackingMs
  }

  /** What the thread has at this moment. */
  view(isApart: boolean): ThreadView {
    const running = [...this.#items.running()].sort((a, b) => a.startedAt - b.startedAt)
    return {
      handlerId: this.#options.handlerId,
      threadId: this.#thread.id,
      state: this.#life.stage,
      isApart,
      running: running.slice(0, MOST_SHOWN).flatMap(({ item, startedAt }) => attemptOf(item, startedAt)),
      runningCount: running.length,
      waiting: this.unstarted,
      heapUsedBytes: this.#thread.heapUsedBytes(),
    }
  }

  /** The caller keeps to `slots`. Sent with the next `flush`. */
  add(item: WorkItem): void {
    this.#outbox.add(this.#items.add(item))
    this.#watch.added()
  }

  /** Takes up to `max` items back that have not been started, the last ones first. They will not be started here. */
  takeBack(max: number, isWanted: (item: WorkItem) => boolean = () => true): readonly WorkItem[] {
    return this.#items.takeBack(max, isWanted)
  }

  /** Fires the signals of the matching items. What is not started should have been taken back before. */
  abort(reason: string, shouldAbort: (item: WorkItem) => boolean): void {
    for (const slot of this.#items.slotsOf(shouldAbort)) this.#outbox.abort({ slot, reason })
  }

  /** Runs the handler's `tick` in the thread; sent with the next `flush`. One at a time. */
  tick(order: TickSent): Promise<TickOutcome> {
    this.#outbox.tick(order)
    return this.#tick.begin()
  }

  /** Sends what has gathered since the last call, in one message. */
  flush(): void {
    if (this.isOpen && !this.#outbox.isEmpty) this.#send(false)
  }

  /**
   * Ends an idle thread in order: `teardown` first. Settles when the thread has ended. May be called again, with less time.
   * @param limitMs what `teardown` may take
   */
  stop(limitMs?: number): Promise<void> {
    this.#life.stop(limitMs)
    return this.#life.gone
  }

  /** Ends the thread wherever it is. What it has left is told by `onGone`. */
  kill(why: string, error?: Error): void {
    this.#life.kill(why, error)
  }

  /** For an end that the engine wants, though something may still run. */
  killPlanned(why: string): void {
    this.#life.killPlanned(why)
  }

  // --- the thread ---

  #settings(): ThreadSettings {
    const { entry, handlerId, group, timeoutMs, abandonAfterMs, isTracking, outputs, clock } = this.#options
    const memory = this.#items.memory.buffer
    const times = { timeoutMs, abandonAfterMs, epochMs: clock.now(), monotonicNs: process.hrtime.bigint() }
    const settings = { entry, handlerId, group, memory, isTracking, ...times }
    if (outputs === undefined) return settings
    const { maxAttemptBytes, maxRecordBytes } = outputs
    return { ...settings, outputs: { maxAttemptBytes, maxRecordBytes } }
  }

  #send(stop: boolean): void {
    const from = this.#options.clock.now()
    const message = this.#outbox.take(stop)
    this.#thread.send(message)
    if (message.batch !== undefined) this.#sent.batches++
    this.#sent.tookMs += this.#options.clock.now() - from
  }

  #onMessage(message: FromThread): void {
    if (this.#life.isGone) return
    switch (message.kind) {
      case 'pyrallel.ready':
        if (this.#life.open()) this.#listener.onChange(this)
        break
      case 'pyrallel.unfit': {
        const { name, message: text } = message.failure
        const error = Object.assign(new Error(text), message.failure)
        this.kill(`its handler could not be started: ${name}: ${text}`, error)
        break
      }
      case 'pyrallel.bell':
        this.#bell.look()
        break
      case 'pyrallel.over':
        this.#complete(this.#items.end(message.slot), this.#received(message), message.durationMs)
        this.#listener.onChange(this)
        break
      case 'pyrallel.log':
        this.#items.memory.takeLine()
        replay(this.#options.log, message.line)
        break
      case 'pyrallel.publish':
        this.#answer(message.id, () => this.#options.produce(receivedRecord(message.record)))
        break
      case 'pyrallel.topic':
        this.#answer(message.id, () => this.#options.outputs?.requireTopic(message.topic))
        break
      case 'pyrallel.schema':
        this.#answerSchema(message.id, message.ref)
        break
      case 'pyrallel.ticked':
        this.#tick.onAnswer(message.outcome)
        break
      case 'pyrallel.stopped':
        this.#life.onTornDown()
        break
    }
  }

  /** @param act may throw: what a handler published may be so odd that it cannot even be read, which fails the publish */
  #answer(id: number, act: () => Promise<unknown> | undefined): void {
    const answer = (error?: ErrorText) => {
      this.#outbox.answer(error === undefined ? { id } : { id, error })
      this.#listener.onChange(this)
    }
    const acted = async () => act()
    acted().then(
      () => answer(),
      (thrown: unknown) => answer(errorText(toError(thrown))),
    )
  }

  #received(message: SentOutcome): Outcome {
    const outcome = receivedOutcome(message)
    if (!('outputs' in outcome)) return outcome
    try {
      for (const output of outcome.outputs ?? []) this.#options.outputs?.checkReceived?.(output)
      return outcome
    } catch (thrown) {
      return failed(failureOf(thrown))
    }
  }

  #answerSchema(id: number, ref: SchemaRef): void {
    const { schemas } = this.#options
    const none: SchemaAnswer = { kind: 'unanswered', why: 'no registry is configured: set registry.url' }
    void (schemas === undefined ? Promise.resolve(none) : schemas.answer(ref)).then((answer) => {
      this.#outbox.schema({ id, answer })
      this.#listener.onChange(this)
    })
  }

  #complete(item: WorkItem | undefined, outcome: Outcome, durationMs: number): void {
    if (item === undefined) return
    this.#watch.ended()
    this.#listener.onCompletion(this, item, outcome, durationMs)
  }

  #end(why: string): void {
    const ending = this.#life.end(why)
    if (ending === undefined) return
    const { ended, ...left } = this.#items.takeLeft(this.#options.clock.now(), this.#watch.overdueSince)
    this.#watch.stop()
    this.#bell.stop()
    this.#tick.onGone(ending.why)
    for (const { item, outcome, durationMs } of ended) this.#listener.onCompletion(this, item, outcome, durationMs)
    this.#listener.onGone(this, { ...ending, ...left })
  }
}

function attemptOf({ records, attempts }: WorkItem, startedAt: number): readonly ThreadAttempt[] {
  const [first] = records
  if (first === undefined) return []
  const { topic, partition, offset, key, headers } = first
  return [{ topic, partition, offset, key, headers, records: records.length, attempt: attempts[0] ?? 1, startedAt }]
}
