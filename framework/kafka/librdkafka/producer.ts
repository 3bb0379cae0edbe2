/**
 * Produces records through librdkafka and turns its delivery reports into promises. Idempotent; keeps the order of the calls per key.
 *
 * An idempotent producer that has lost its place (its epoch was fenced, or a report says what cannot be) is in librdkafka's fatal state: it
 * refuses everything from then on. It is replaced by a new one, and what it has not delivered is rejected: whoever owns a record sends it again.
 */
import { PyrallelError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import { refuseUncarryable } from '../../model/outgoing-check.ts'
import type { OutgoingRecord } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import { settlesWithin, sleep } from '../../time/wait.ts'
import { faultCodes, isFatal } from '../faults/codes.ts'
import { produceError } from '../faults/produce-error.ts'
import type { RecordPlace, RecordProducer } from '../kafka-client.ts'
import type { NativeError, NativeProducer, NativeReport } from './binding.ts'
import { nativeError } from './errors.ts'
import { toNativeBytes, toNativeHeaders } from './records.ts'

/** What the disconnect may take beyond the flush. */
const DISCONNECT_SLACK_MS = 2_000
/** Between two tries to replace a producer that has failed for good. */
const REPLACE_RETRY_MS = 1_000

interface Production {
  readonly record: OutgoingRecord
  readonly resolve: (place: RecordPlace) => void
  readonly reject: (error: PyrallelError) => void
}

export interface LibrdkafkaProducerOptions {
  readonly log: Logger
  readonly clock: Clock
}

export type ProducerConnect = (dr_cb: DeliveryCallback) => Promise<NativeProducer>
export type DeliveryCallback = (error: NativeError | null | undefined, report: NativeReport) => void

export class LibrdkafkaProducer implements RecordProducer {
  #native: NativeProducer
  readonly #connect: ProducerConnect
  readonly #log: Logger
  readonly #clock: Clock
  /** Handed to librdkafka and not reported on yet. */
  readonly #sent = new Set<Production>()
  /** Waiting for room in librdkafka's queue, in the order of the calls. */
  readonly #waiting: Production[] = []
  #closing: Promise<void> | undefined
  /** Under way while the present native producer is of no use. */
  #replacing: Promise<void> | undefined

  /** @param connect makes and connects a native producer. Its configuration must have the callback, so it cannot exist before it. */
  static async open(connect: ProducerConnect, options: LibrdkafkaProducerOptions) {
    let target: ReportListener | undefined
    const native = await openNative(connect, (...report) => target?.(...report))
    const producer = new LibrdkafkaProducer(native, connect, options)
    target = (...report) => producer.#onReport(...report)
    return producer
  }

  private constructor(native: NativeProducer, connect: ProducerConnect, options: LibrdkafkaProducerOptions) {
    this.#native = native
    this.#connect = connect
    this.#log = options.log
    this.#clock = options.clock
  }

  produce(record: OutgoingRecord): Promise<RecordPlace> {
    if (this.#closing !== undefined) return Promise.reject(closedError())
    return new Promise((resolve, reject) => {
      // First of all: the binding throws at a header that it cannot carry, and sends the record without it.
      refuseUncarryable(record)
      const production = { record, resolve, reject }
      // A record that overtook one that waits could break the order of their key.
      if (this.#waiting.length > 0 || this.#replacing !== undefined || !this.#send(production)) {
        this.#waiting.push(production)
      }
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
      if (error.code === faultCodes.QUEUE_FULL) return false
      this.#reject(production, error, this.#native)
    }
    return true
  }

  /** @param from the native producer that refused it: one that was replaced already has nothing more to say about the present one */
  #reject(production: Production, error: NativeError, from: NativeProducer): void {
    if (isFatal(error) && from === this.#native && this.#closing === undefined) this.#replacing ??= this.#replace(error)
    production.reject(produceError(error, production.record.topic))
  }

  /** Until there is a new one, records wait. */
  async #replace(why: NativeError): Promise<void> {
    this.#log.warn({ errorMessage: why.message, code: why.code }, 'the Kafka producer cannot go on and is replaced')
    const failed = this.#native
    const outstanding = [...this.#sent]
    while (this.#native === failed && this.#closing === undefined) {
      try {
        this.#native = await openNative(this.#connect, (...report) => this.#onReport(...report))
      } catch (thrown) {
        this.#log.warn({ errorMessage: nativeError(thrown).message }, 'the Kafka producer could not be replaced yet')
        await sleep(this.#clock, REPLACE_RETRY_MS)
      }
    }
    this.#replacing = undefined
    if (this.#native === failed) return
    // Too late for `close`, which has ended the failed one.
    if (this.#closing !== undefined) this.#native.disconnect(0, () => {})
    else {
      this.#sendWaiting()
      await this.#end(failed)
    }
    // Nobody knows whether these were written.
    for (const each of outstanding) if (this.#sent.delete(each)) each.reject(produceError(why, each.record.topic))
  }

  async #end(native: NativeProducer): Promise<void> {
    const disconnected = new Promise<void>((resolve) => native.disconnect(0, resolve))
    await settlesWithin(this.#clock, disconnected, DISCONNECT_SLACK_MS)
  }

  #onReport(from: NativeProducer, error: NativeError | null | undefined, report: NativeReport): void {
    const production = report.opaque as Production
    if (!this.#sent.delete(production)) return
    if (error) this.#reject(production, nativeError(error), from)
    else production.resolve({ partition: report.partition, offset: report.offset })
    this.#sendWaiting()
  }

  #sendWaiting(): void {
    let sent = 0
    for (const production of this.#waiting) {
      // It may have failed for good with the one before.
      if (this.#replacing !== undefined || !this.#send(production)) break
      sent++
    }
    this.#waiting.splice(0, sent)
  }

  async #close(timeoutMs: number): Promise<void> {
    const until = this.#clock.now() + timeoutMs
    // For the reports themselves, not for the flush alone: the binding hands them over a hundred at a time, and drops the rest when it disconnects.
    while (this.#sent.size + this.#waiting.length > 0 && this.#clock.now() < until) await sleep(this.#clock, 5)
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

type ReportListener = (from: NativeProducer, ...report: Parameters<DeliveryCallback>) => void

/** Tells each report with the producer that it comes from. */
async function openNative(connect: ProducerConnect, onReport: ReportListener): Promise<NativeProducer> {
  let native: NativeProducer | undefined
  native = await connect((error, report) => {
    if (native !== undefined) onReport(native, error, report)
  })
  return native
}

function closedError(): PyrallelError {
  return new PyrallelError('PYR_CLIENT_CLOSED', 'The Kafka producer is closed.')
}
