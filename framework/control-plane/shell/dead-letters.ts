/** Publishes records that are given up, until their topic has acknowledged them. Decides nothing: who is given up is the manager's business. */
import type { RecordProducer } from '../../kafka/kafka-client.ts'
import { PyrallelError, toError } from '../../model/errors.ts'
import type { EventSink } from '../../model/events.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import { type DeadLetterPayload, deadLetterRecord, smallerPayload } from '../failures/dead-letter-record.ts'
import type { DeadLetterRequest } from '../failures/failed-records.ts'

const FIRST_DELAY_MS = 200
const LONGEST_DELAY_MS = 30_000

export interface DeadLetterPublisherOptions {
  readonly producer: RecordProducer
  readonly group: string
  readonly clock: Clock
  readonly onAcknowledged: (request: DeadLetterRequest) => void
  /** False once its partition was given up: the next owner will come to it again. */
  readonly isWanted: (request: DeadLetterRequest) => boolean
  /** False while nothing may start, which a dead letter is too: what is tried again waits. */
  readonly mayPublish: () => boolean
  readonly onEvent?: EventSink | undefined
}

/** What each try to publish it needs to know. */
interface Burial {
  readonly request: DeadLetterRequest
  readonly payload: DeadLetterPayload
  readonly givenUpAt: number
}

export class DeadLetterPublisher {
  readonly #options: DeadLetterPublisherOptions
  readonly #timers = new Set<Timer>()
  #isClosed = false

  constructor(options: DeadLetterPublisherOptions) {
    this.#options = options
  }

  /** Publishes, and again with growing delays as long as it fails. The record stays incomplete meanwhile, and holds its shard. */
  publish(request: DeadLetterRequest): void {
    const givenUpAt = this.#options.clock.now()
    void this.#attempt({ request, payload: request.payload, givenUpAt }, FIRST_DELAY_MS)
  }

  /** Publishes nothing more. What is not acknowledged stays incomplete, so it is not committed. */
  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  async #attempt(burial: Burial, delayMs: number): Promise<void> {
    const { producer, group, isWanted, mayPublish, onAcknowledged } = this.#options
    const { request, payload, givenUpAt } = burial
    if (this.#isClosed || !isWanted(request)) return
    if (!mayPublish()) {
      this.#wait(burial, FIRST_DELAY_MS, delayMs)
      return
    }
    try {
      await producer.produce(deadLetterRecord(request, { group, payload, now: givenUpAt }))
    } catch (thrown) {
      const error = toError(thrown)
      // Our headers make it larger than it was, so a record that just fitted never would again, and its partition would stand still for ever:
      // be it the value, its own headers or its key that leave no room.
      const isTooLarge = error instanceof PyrallelError && error.code === 'PYR_RECORD_TOO_LARGE'
      const smaller = isTooLarge ? smallerPayload(payload) : undefined
      if (smaller !== undefined) this.#tryLater({ ...burial, payload: smaller }, error, 0, FIRST_DELAY_MS)
      else this.#tryLater(burial, error, delayMs, Math.min(delayMs * 2, LONGEST_DELAY_MS))
      return
    }
    onAcknowledged(request)
  }

  #tryLater(burial: Burial, error: Error, delayMs: number, nextDelayMs: number): void {
    if (this.#isClosed) return
    const { handlerId, record } = burial.request
    this.#options.onEvent?.({ kind: 'dead-letter.failed', handlerId, record, error, delayMs })
    this.#wait(burial, delayMs, nextDelayMs)
  }

  #wait(burial: Burial, delayMs: number, nextDelayMs: number): void {
    const timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timers.delete(timer)
      void this.#attempt(burial, nextDelayMs)
    })
    this.#timers.add(timer)
  }
}
