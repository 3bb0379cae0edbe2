/** Produces records through librdkafka and turns its delivery reports into promises. Idempotent; keeps the order of the calls per key. */
import { PyrallelError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { OutgoingRecord } from '../model/record.ts'
import type { Clock } from '../runtime/clock.ts'
import type { RecordPlace, RecordProducer } from './kafka-client.ts'
import type { NativeError, NativeProducer, NativeReport } from './librdkafka-binding.ts'
import { nativeCodes, nativeError, produceError } from './librdkafka-errors.ts'
import { toNativeBytes, toNativeHeaders } from './librdkafka-records.ts'
import { settlesWithin, sleep } from './wait.ts'

/** What the disconnect may take beyond the flush. */
const DISCONNECT_SLACK_MS = 2_000

interface Production {
  readonly record: OutgoingRecord
  readonly resolve: (place: RecordPlace) => void
  readonly reject: (error: PyrallelError) => void
}

export interface LibrdkafkaProducerOptions {
  readonly log: Logger
  readonly clock: Clock
}

export type DeliveryCallback = (error: NativeError | null | undefined, report: NativeReport) => void

export class LibrdkafkaProducer implements RecordProducer {
  readonly #native: NativeProducer
  readonly #log: Logger
  readonly #clock: Clock
  /** Handed to librdkafka and not reported on yet. */
  readonly #sent = new Set<Production>()
  /** Waiting for room in librdkafka's queue, in the order of the calls. */
  readonly #waiting: Production[] = []
  #closing: Promise<void> | undefined

  /** @param connect makes and connects the native producer. Its configuration must have the callback, so it cannot exist before it. */
  static async open(connect: (dr_cb: DeliveryCallback) => Promise<NativeProducer>, options: LibrdkafkaProducerOptions) {
    let target: DeliveryCallback | undefined
    const native = await connect((error, report) => target?.(error, report))
    const producer = new LibrdkafkaProducer(native, options)
    target = (error, report) => producer.#onReport(error, report)
    return producer
  }

  private constructor(native: NativeProducer, options: LibrdkafkaProducerOptions) {
    this.#native = native
    this.#log = options.log
    this.#clock = options.clock
  }

  produce(record: OutgoingRecord): Promise<RecordPlace> {
    if (this.#closing !== undefined) return Promise.reject(closedError())
    return new Promise((resolve, reject) => {
      const production = { record, resolve, reject }
      // A record that overtook one that waits could break the order of their key.
      if (this.#waiting.length > 0 || !this.#send(production)) this.#waiting.push(production)
    })
  }

  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  /** False when librdkafka's queue is full. Everything else settles the production, now or by its report. */
  #send(production: Production): boolean {
    const { topic, partition, value, key, timestamp, headers } = production.record
    this.#sent.add(production)
    try {
      this.#native.produce(
        topic,
        partition ?? null,
        toNativeBytes(value),
        toNativeBytes(key),
        timestamp ?? null,
        production,
        toNativeHeaders(headers),
      )
    } catch (thrown) {
      this.#sent.delete(production)
      const error = nativeError(thrown)
      if (error.code === nativeCodes.QUEUE_FULL) return false
      production.reject(produceError(error, topic))
    }
    return true
  }

  #onReport(error: NativeError | null | undefined, report: NativeReport): void {
    const production = report.opaque as Production
    if (!this.#sent.delete(production)) return
    if (error) production.reject(produceError(nativeError(error), production.record.topic))
    else production.resolve({ partition: report.partition, offset: report.offset })
    this.#sendWaiting()
  }

  #sendWaiting(): void {
    let sent = 0
    for (const production of this.#waiting) {
      if (!this.#send(production)) break
      sent++
    }
    this.#waiting.splice(0, sent)
  }

  async #close(timeoutMs: number): Promise<void> {
    const until = this.#clock.now() + timeoutMs
    while (this.#waiting.length > 0 && this.#clock.now() < until) await sleep(this.#clock, 5)
    const leftMs = Math.max(0, Math.ceil(until - this.#clock.now()))
    const disconnected = new Promise<void>((resolve) => this.#native.disconnect(leftMs, resolve))
    const inTime = await settlesWithin(this.#clock, disconnected, leftMs + DISCONNECT_SLACK_MS)
    const undelivered = [...this.#sent, ...this.#waiting.splice(0)]
    this.#sent.clear()
    if (!inTime || undelivered.length > 0) {
      this.#log.warn({ timeoutMs, undelivered: undelivered.length }, 'the producer was closed before all was delivered')
    }
    for (const each of undelivered) each.reject(closedError())
  }
}

function closedError(): PyrallelError {
  return new PyrallelError('PYR_CLIENT_CLOSED', 'The Kafka producer is closed.')
}
