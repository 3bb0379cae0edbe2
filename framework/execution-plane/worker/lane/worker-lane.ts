/** One thread, seen from the engine: what it was given, how each of it ended, and its end. Starts no other thread and runs nothing again. */
import type { ResourceLimits } from 'node:worker_threads'
import type { FixedThreadPool } from 'poolifier'
import type { RecordPlace } from '../../../kafka/kafka-client.ts'
import { toError } from '../../../model/errors.ts'
import type { Logger } from '../../../model/logger.ts'
import type { OutgoingRecord } from '../../../model/record.ts'
import type { Outcome, WorkItem } from '../../../model/work.ts'
import type { Clock, Timer } from '../../../time/clock.ts'
import { replay } from '../thread/log-line.ts'
import type { FromThread, PublishAnswer, ThreadSettings } from '../thread/thread-messages.ts'
import { errorText, receivedRecord } from '../thread/thread-publisher.ts'
import { LaneBell } from './bell.ts'
import { LaneItems, type LeftItems } from './items.ts'
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
export interface LaneEnding extends Omit<LeftItems, 'ended'> {
  readonly why: string
  /** It had come up: it could be given items. */
  readonly wasReady: boolean
  /** It ended because the engine wanted it to. */
  readonly isPlanned: boolean
}

/** A thread that is not ready by then is given up. Milliseconds. */
const START_MS = 30_000
/** What `teardown` may take where nobody waits for it. Milliseconds. */
const TEARDOWN_MS = 30_000
/** A thread has run its `teardown`, and ends: what it has written is passed on, and its listeners for that run. Milliseconds. */
const EXIT_MS = 1_000
/** A thread inside a native call cannot be ended before the call returns. So long is waited, then it is left to itself. Milliseconds. */
const TERMINATE_MS = 1_000

/** starting --ready--> open --stop--> stopping --the thread has ended--> gone. `kill` leads from any of them to gone. */
export class WorkerLane {
  readonly #options: LaneOptions
  readonly #listener: LaneListener
  readonly #items: LaneItems
  readonly #watch: LaneWatch
  readonly #bell: LaneBell
  readonly #thread: PoolThread
  #state: 'starting' | 'open' | 'stopping' | 'gone' = 'starting'
  readonly #outbox = new LaneOutbox()
  /** Bounds the state that the lane is in. */
  #limit: Timer | undefined
  #error: Error | undefined
  /** Set: the thread is being ended. */
  #why: string | undefined
  #isPlanned = false
  #teardownEndAt = Number.POSITIVE_INFINITY
  #batches = 0
  #boundaryMs = 0
  readonly ready: Promise<void>
  readonly gone: Promise<void>
  #onReady: () => void = () => {}
  #onUnready: (error: Error) => void = () => {}
  #onGone: () => void = () => {}

  constructor(options: LaneOptions, listener: LaneListener) {
    this.#options = options
    this.#listener = listener
    this.#items = new LaneItems(options.slots)
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
    // Rejects when the thread has ended before it was ready; somebody may wait for that, but `onGone` tells it anyway.
    this.ready = new Promise((resolve, reject) => {
      this.#onReady = resolve
      this.#onUnready = reject
    })
    this.ready.catch(() => {})
    this.gone = new Promise((resolve) => {
      this.#onGone = resolve
    })
    this.#thread = new PoolThread(options.Pool, this.#settings(), options.resourceLimits, {
      onMessage: (message) => this.#onMessage(message),
      // Between its error and its exit a thread takes no messages. Still open, the lane would send it some, and then be ended for that.
      onError: (error, why) => {
        this.#error ??= error
        this.kill(why)
      },
      onBroken: (why) => this.kill(why),
      onExit: (why) => this.#end(this.#why ?? why),
    })
    this.#limit = options.clock.setTimer(START_MS, () => this.kill(`its thread was not ready after ${START_MS} ms`))
  }

  /** Items may be added. */
  get isOpen(): boolean {
    return this.#state === 'open' && this.#why === undefined
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
    return this.#batches
  }

  /** What was spent here and in the thread on getting items across, and answers back. Milliseconds. */
  get boundaryMs(): number {
    return this.#boundaryMs + this.#bell.spentMs + this.#items.memory.unpackingMs
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

  /** Sends what has gathered since the last call, in one message. */
  flush(): void {
    if (this.isOpen && !this.#outbox.isEmpty) this.#send(false)
  }

  /**
   * Ends an idle thread in order: `teardown` first. Settles when the thread has ended. May be called again, with less time.
   * @param limitMs what `teardown` may take
   */
  stop(limitMs: number = TEARDOWN_MS): Promise<void> {
    this.#isPlanned = true
    if (this.#state === 'starting') this.kill('the engine has ended it')
    if (this.isOpen) {
      this.#state = 'stopping'
      this.#send(true)
    }
    if (this.#state === 'stopping' && this.#why === undefined) this.#limitTeardown(limitMs)
    return this.gone
  }

  #limitTeardown(limitMs: number): void {
    const { clock, log, handlerId } = this.#options
    const endAt = clock.now() + limitMs
    if (endAt >= this.#teardownEndAt) return
    this.#teardownEndAt = endAt
    this.#limit?.cancel()
    this.#limit = clock.setTimer(limitMs, () => {
      log.warn({ handler: handlerId, waitedMs: Math.round(limitMs) }, "a handler's teardown took too long and is cut")
      this.kill('its teardown took too long')
    })
  }

  /** Ends the thread wherever it is. What it has left is told by `onGone`. */
  kill(why: string): void {
    if (this.#state === 'gone' || this.#why !== undefined) return
    this.#why = why
    this.#watch.stop()
    this.#limit?.cancel()
    this.#limit = this.#options.clock.setTimer(TERMINATE_MS, () => this.#leave())
    this.#thread.terminate()
  }

  /** For an end that the engine wants, though something may still run. */
  killPlanned(why: string): void {
    this.#isPlanned = true
    this.kill(why)
  }

  // --- the thread ---

  #settings(): ThreadSettings {
    const { entry, handlerId, group, timeoutMs, abandonAfterMs, isTracking, clock } = this.#options
    const memory = this.#items.memory.buffer
    const times = { timeoutMs, abandonAfterMs, epochMs: clock.now(), monotonicNs: process.hrtime.bigint() }
    return { entry, handlerId, group, memory, isTracking, ...times }
  }

  #send(stop: boolean): void {
    const from = this.#options.clock.now()
    const message = this.#outbox.take(stop)
    this.#thread.send(message)
    if (message.batch !== undefined) this.#batches++
    this.#boundaryMs += this.#options.clock.now() - from
  }

  #onMessage(message: FromThread): void {
    if (this.#state === 'gone') return
    switch (message.kind) {
      case 'pyrallel.ready':
        this.#open()
        break
      case 'pyrallel.unfit':
        this.#error ??= Object.assign(new Error(message.failure.message), message.failure)
        this.kill(`its handler could not be started: ${message.failure.name}: ${message.failure.message}`)
        break
      case 'pyrallel.bell':
        this.#bell.look()
        break
      case 'pyrallel.over':
        this.#complete(this.#items.end(message.slot), message.outcome, message.durationMs)
        this.#listener.onChange(this)
        break
      case 'pyrallel.log':
        this.#items.memory.takeLine()
        replay(this.#options.log, message.line)
        break
      case 'pyrallel.publish':
        this.#publish(message.id, message.record)
        break
      case 'pyrallel.stopped':
        this.#teardownEndAt = Number.NEGATIVE_INFINITY
        this.#limit?.cancel()
        this.#limit = this.#options.clock.setTimer(EXIT_MS, () =>
          this.kill('its thread did not end after its teardown'),
        )
        break
    }
  }

  #open(): void {
    if (this.#why !== undefined) return
    this.#limit?.cancel()
    this.#state = 'open'
    this.#onReady()
    this.#listener.onChange(this)
  }

  #publish(id: number, record: OutgoingRecord): void {
    const answer = (given: PublishAnswer) => {
      this.#outbox.answer(given)
      this.#listener.onChange(this)
    }
    this.#produce(record).then(
      (place) => answer({ id, place }),
      (thrown: unknown) => answer({ id, error: errorText(toError(thrown)) }),
    )
  }

  /** What a handler published may be so odd that it cannot even be read: that fails the publish. */
  async #produce(record: OutgoingRecord): Promise<RecordPlace> {
    return this.#options.produce(receivedRecord(record))
  }

  #complete(item: WorkItem | undefined, outcome: Outcome, durationMs: number): void {
    if (item === undefined) return
    this.#watch.ended()
    this.#listener.onCompletion(this, item, outcome, durationMs)
  }

  // --- its end ---

  /** Nothing of the thread counts from now on, and it does not keep the process alive. */
  #leave(): void {
    this.#options.log.warn(
      { handler: this.#options.handlerId, waitedMs: TERMINATE_MS },
      'a thread cannot be ended while it is inside a native call; it is left to itself',
    )
    this.#thread.abandon()
    this.#end(this.#why ?? 'its thread could not be ended')
  }

  #end(why: string): void {
    if (this.#state === 'gone') return
    const { clock } = this.#options
    const { ended, ...left } = this.#items.takeLeft(clock.now(), this.#watch.overdueSince)
    // Asked of the state, not of whoever awaits `ready`: ready and exit may arrive in one turn, before anyone who awaits has run.
    const wasReady = this.#state !== 'starting'
    this.#state = 'gone'
    this.#watch.stop()
    this.#limit?.cancel()
    this.#bell.stop()
    for (const { item, outcome, durationMs } of ended) this.#listener.onCompletion(this, item, outcome, durationMs)
    this.#onUnready(new Error(why, this.#error === undefined ? undefined : { cause: this.#error }))
    this.#listener.onGone(this, { why, wasReady, isPlanned: this.#isPlanned, ...left })
    this.#onGone()
  }
}
