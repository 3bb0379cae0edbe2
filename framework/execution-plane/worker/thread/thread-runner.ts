/** Runs attempts on the event loop of one thread, in the order in which they came. Keeps no deadline but the signal's: who ignores it is killed from outside. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { markAsUntransferable } from 'node:worker_threads'
import type { Outcome } from '../../../model/work.ts'
import type { Clock } from '../../../time/clock.ts'
import { DeadlineQueue } from '../../../time/deadline-queue.ts'
import { Attempt, type AttemptOwner } from '../../attempt/attempt.ts'
import { interrupted, timedOut } from '../../attempt/outcomes.ts'
import type { PreparedHandler } from '../../attempt/prepared-handler.ts'
import { decodeBatch, type SlottedItem } from './batch-codec.ts'
import type { LaneMemory } from './lane-memory.ts'
import { sentOutcome } from './outputs-codec.ts'
import type { AbortOrder, FromThread } from './thread-messages.ts'

/** As they are before a handler or its libraries replace them: with timers of a test left behind, the thread would start nothing more. */
const { setImmediate, queueMicrotask } = globalThis

/** A turn of the thread's event loop starts no further attempt after this long: signals, timers and messages want to be heard. Milliseconds. */
const TURN_MS = 10
/** The same in attempts, for handlers that take no time. */
const TURN_ATTEMPTS = 512
/** So many rounds of microtasks an attempt gets to end before the next one starts. Most that wait for nothing end in the first. */
const SETTLING_ROUNDS = 8

export type PostFromThread = (message: FromThread, transferred?: readonly ArrayBuffer[]) => void

const start = (attempt: Attempt, now: number): Outcome | undefined => attempt.start(now)

export class ThreadRunner {
  readonly #handler: PreparedHandler
  readonly #memory: LaneMemory
  readonly #clock: Clock
  readonly #post: PostFromThread
  readonly #running: DeadlineQueue<Attempt>
  readonly #strayed: DeadlineQueue<Attempt>
  readonly #slots = new Map<Attempt, number>()
  readonly #bySlot = new Map<number, Attempt>()
  #queue: SlottedItem[] = []
  #next = 0
  /** With so many left to start, it is time for more: they come while the thread is still at work. 0: only when none is left. */
  #lowAt = 0
  #isTurnDue = false
  /** Whose code runs: while it starts, or, where that is kept track of, at any time. */
  #starting: Attempt | undefined
  readonly #tracked: AsyncLocalStorage<Attempt> | undefined

  /** @param abandonAfterMs how long an attempt that has failed by what it left behind may go on */
  constructor(
    handler: PreparedHandler,
    memory: LaneMemory,
    clock: Clock,
    abandonAfterMs: number,
    post: PostFromThread,
    isTracking: boolean,
  ) {
    this.#tracked = isTracking ? new AsyncLocalStorage() : undefined
    this.#handler = handler
    this.#memory = memory
    this.#clock = clock
    this.#post = post
    const { timeoutMs } = handler.setup
    this.#running = new DeadlineQueue(clock, timeoutMs, (attempt) =>
      attempt.abort(new DOMException(`the handler's timeout of ${timeoutMs} ms is over`, 'TimeoutError')),
    )
    this.#strayed = new DeadlineQueue(clock, abandonAfterMs, (attempt) => this.#giveUp(attempt))
  }

  accept(batch: ArrayBuffer): void {
    const from = this.#clock.now()
    // All records of the message are views of it. A handler that transfers the bytes of one would take them away from those behind it.
    markAsUntransferable(batch)
    this.#queue.push(...decodeBatch(batch, this.#handler.setup.handlerId))
    this.#lowAt = (this.#queue.length - this.#next) >> 1
    this.#memory.spentUnpacking(this.#clock.now() - from)
    this.#takeTurnSoon()
  }

  /** The attempt in this slot may be over already; then there is nothing to do. */
  abort({ slot, reason }: AbortOrder): void {
    this.#bySlot.get(slot)?.abort(new DOMException(reason, 'AbortError'))
  }

  /** The thread ends, by what it runs at this moment. */
  onExit(): void {
    const attempt = this.#starting ?? this.#tracked?.getStore()
    if (attempt !== undefined) this.#memory.blame(this.#slots.get(attempt) ?? 'none')
  }

  #takeTurnSoon(): void {
    if (this.#isTurnDue) return
    this.#isTurnDue = true
    setImmediate(() => this.#goOn(this.#clock.now() + TURN_MS, TURN_ATTEMPTS))
  }

  #goOn(endOfTurn: number, attemptsLeft: number): void {
    let left = attemptsLeft
    for (;;) {
      const next = this.#takeNext()
      if (next === undefined) break
      const attempt = this.#start(next)
      if (this.#lowAt > 0 && this.#queue.length - this.#next === this.#lowAt) this.#ringHungry()
      left--
      if (this.#clock.now() >= endOfTurn || left === 0) break
      if (attempt !== undefined && this.#slots.has(attempt)) {
        // An async handler that has nothing to wait for is over after some microtasks. Started before them, the next handler could
        // block the thread for long, and hold back an answer that is as good as given.
        this.#afterMicrotasks(attempt, SETTLING_ROUNDS, () => this.#goOn(endOfTurn, left))
        return
      }
    }
    this.#isTurnDue = false
    if (this.#next < this.#queue.length) this.#takeTurnSoon()
    // The engine may hold more for this thread than it was willing to send at once.
    else this.#ringHungry()
  }

  #afterMicrotasks(attempt: Attempt, rounds: number, then: () => void): void {
    queueMicrotask(() => {
      if (rounds > 1 && this.#slots.has(attempt)) this.#afterMicrotasks(attempt, rounds - 1, then)
      else then()
    })
  }

  #takeNext(): SlottedItem | undefined {
    const next = this.#queue[this.#next]
    if (next === undefined) return undefined
    this.#next++
    if (this.#next === this.#queue.length || this.#next === TURN_ATTEMPTS) {
      this.#queue = this.#queue.slice(this.#next)
      this.#next = 0
    }
    return next
  }

  /** Undefined when the engine has taken the item back. */
  #start({ slot, item }: SlottedItem): Attempt | undefined {
    const now = this.#clock.now()
    if (!this.#memory.claim(slot, now)) {
      this.#memory.skip(slot)
      this.#ring()
      return undefined
    }
    const attempt = new Attempt(this.#handler, item, this.#owner)
    this.#slots.set(attempt, slot)
    this.#bySlot.set(slot, attempt)
    this.#starting = attempt
    const outcome = this.#tracked === undefined ? attempt.start(now) : this.#tracked.run(attempt, start, attempt, now)
    this.#starting = undefined
    if (outcome === undefined) this.#running.add(attempt, now)
    else this.#end(attempt, outcome)
    return attempt
  }

  readonly #owner: AttemptOwner = {
    onOver: (attempt, outcome) => {
      if (!this.#running.delete(attempt)) this.#strayed.delete(attempt)
      this.#end(attempt, outcome)
    },
    onStray: (attempt) => {
      if (!this.#running.delete(attempt)) return
      this.#strayed.add(attempt, this.#clock.now())
      attempt.abort(new DOMException('something that the handler does not await has failed', 'AbortError'))
    },
  }

  /** What was to settle it may have been what threw. So it is answered for, and its thread lives: others run there. */
  #giveUp(attempt: Attempt): void {
    const outcome = attempt.stray ?? interrupted('something that the handler does not await has failed')
    attempt.giveUp(outcome)
    this.#end(attempt, outcome)
  }

  #end(attempt: Attempt, ending: Outcome): void {
    const slot = this.#slots.get(attempt)
    if (slot === undefined) return
    this.#slots.delete(attempt)
    this.#bySlot.delete(slot)
    const now = this.#clock.now()
    const durationMs = attempt.durationMs(now)
    const isInTime = attempt.stray !== undefined || now < attempt.deadline
    const outcome = isInTime ? ending : timedOut(this.#handler.setup.timeoutMs, ending)
    if (outcome.kind === 'succeeded' && outcome.outputs === undefined && !attempt.hasLogged) {
      this.#memory.succeed(slot, outcome.filtered === true, durationMs)
      this.#ring()
    } else {
      // An engine that comes late to its messages would else take it for one that ignores its signal, and end the thread. It is not written down as
      // succeeded: read before this message, or after the thread has died without it, the record would be done, and its outputs lost.
      this.#memory.tell(slot)
      const sent = sentOutcome(outcome)
      this.#post({ kind: 'pyrallel.over', slot, durationMs, ...sent }, sent.outputs === undefined ? [] : [sent.outputs])
    }
  }

  #ringHungry(): void {
    if (this.#memory.ringHungry()) this.#post({ kind: 'pyrallel.bell' })
  }

  /** One message may stand for many outcomes: as long as the engine has not come to it, the bell rings no second time. */
  #ring(): void {
    if (this.#memory.ringBell()) this.#post({ kind: 'pyrallel.bell' })
  }
}
