/** Publishes records that are given up, until their topic has acknowledged them. Decides nothing: who is given up is the manager's business. */
import type { RecordProducer } from '../kafka/kafka-client.ts'
import { toError } from '../model/errors.ts'
import type { EventSink } from '../model/events.ts'
import type { OutgoingRecord, RecordHeader } from '../model/record.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { DeadLetterRequest } from './failed-records.ts'

const FIRST_DELAY_MS = 200
const LONGEST_DELAY_MS = 30_000
/** Kafka refuses large headers as part of large records; the whole text is in the log. */
const MAX_MESSAGE_LENGTH = 2_000

export interface DeadLetterPublisherOptions {
  readonly producer: RecordProducer
  readonly group: string
  readonly clock: Clock
  readonly onAcknowledged: (request: DeadLetterRequest) => void
  /** False once its partition was given up: the next owner will come to it again. */
  readonly isWanted: (request: DeadLetterRequest) => boolean
  readonly onEvent?: EventSink | undefined
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
    void this.#attempt(request, FIRST_DELAY_MS)
  }

  /** Publishes nothing more. What is not acknowledged stays incomplete, so it is not committed. */
  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  async #attempt(request: DeadLetterRequest, delayMs: number): Promise<void> {
    const { producer, group, isWanted, onAcknowledged } = this.#options
    if (this.#isClosed || !isWanted(request)) return
    try {
      await producer.produce(toOutgoing(request, group))
    } catch (thrown) {
      this.#retryLater(request, toError(thrown), delayMs)
      return
    }
    onAcknowledged(request)
  }

  #retryLater(request: DeadLetterRequest, error: Error, delayMs: number): void {
    const { clock, onEvent } = this.#options
    if (this.#isClosed) return
    const { handlerId, record } = request
    onEvent?.({ kind: 'dead-letter.failed', handlerId, record, error, delayMs })
    const timer = clock.setTimer(delayMs, () => {
      this.#timers.delete(timer)
      void this.#attempt(request, Math.min(delayMs * 2, LONGEST_DELAY_MS))
    })
    this.#timers.add(timer)
  }
}

/** The record as it was, and where it came from and why in headers. Headers of an earlier dead-lettering are replaced, not stacked. */
export function toOutgoing(request: DeadLetterRequest, group: string): OutgoingRecord {
  const { record, failure } = request
  const ours: readonly (readonly [string, string])[] = [
    ['pyrallel-topic', record.topic],
    ['pyrallel-partition', String(record.partition)],
    ['pyrallel-offset', String(record.offset)],
    ['pyrallel-epoch', String(request.epoch)],
    ['pyrallel-timestamp', String(record.timestamp)],
    ['pyrallel-group', group],
    ['pyrallel-handler', request.handlerId],
    ['pyrallel-attempts', String(request.attempt)],
    ['pyrallel-reason', failure.reason],
    ['pyrallel-error-name', failure.name],
    ['pyrallel-error-message', failure.message.slice(0, MAX_MESSAGE_LENGTH)],
  ]
  const names = new Set(ours.map(([name]) => name))
  const kept = record.headers.filter(([name]) => !names.has(name))
  const added = ours.map(([name, value]): RecordHeader => [name, Buffer.from(value)])
  return { topic: request.topic, key: record.key, value: record.value, headers: [...kept, ...added] }
}
