/** Fills a topic with records as fast as the client takes them, and waits until the broker has all. */

import type { NativeProducer } from '../../../framework/kafka/librdkafka/binding.ts'
import { loadLibrdkafka } from '../../../framework/kafka/librdkafka/client.ts'
import type { BenchRecord } from './records.ts'

/** Records that may wait for the broker's acknowledgement. */
const MOST_OUTSTANDING = 50_000
const CONNECT_TIMEOUT_MS = 10_000
/** Longer than any topic takes; a broker that has died is noticed then. */
const FLUSH_TIMEOUT_MS = 120_000

export class TopicFiller {
  readonly #native: NativeProducer
  #outstanding = 0
  #error: string | undefined
  #onDelivery: () => void = () => {}

  private constructor(open: (onDelivery: (error: { message: string } | null) => void) => NativeProducer) {
    this.#native = open((error) => {
      this.#outstanding -= 1
      if (error) this.#error ??= error.message
      this.#onDelivery()
    })
  }

  static async open(brokers: string): Promise<TopicFiller> {
    const { Producer } = await loadLibrdkafka()
    const filler = new TopicFiller((onDelivery) => {
      return new Producer({
        'bootstrap.servers': brokers,
        'linger.ms': 20,
        'enable.idempotence': true,
        'batch.num.messages': 10_000,
        'queue.buffering.max.messages': 2 * MOST_OUTSTANDING,
        dr_cb: onDelivery,
      })
    })
    await new Promise<void>((resolve, reject) => {
      filler.#native.connect({ timeout: CONNECT_TIMEOUT_MS }, (error) => {
        if (error) reject(new Error(error.message))
        else resolve()
      })
    })
    filler.#native.setPollInBackground(true)
    return filler
  }

  /** @throws Error when the broker refuses one of them */
  async fill(topic: string, records: Iterable<BenchRecord>): Promise<void> {
    const until = performance.now() + FLUSH_TIMEOUT_MS
    for (const { partition, key, value, headers } of records) {
      this.#native.produce(topic, partition, value, key, null, undefined, headers)
      this.#outstanding += 1
      if (this.#outstanding >= MOST_OUTSTANDING) await this.#untilBelow(MOST_OUTSTANDING / 2, until)
    }
    await this.#untilBelow(1, until)
    if (this.#error !== undefined) throw new Error(`The broker refused a record of ${topic}: ${this.#error}`)
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#native.disconnect(1_000, resolve))
  }

  async #untilBelow(count: number, until: number): Promise<void> {
    while (this.#outstanding >= count) {
      if (performance.now() > until) throw new Error('The broker takes no more records.')
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000)
        this.#onDelivery = () => {
          if (this.#outstanding >= count) return
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}
