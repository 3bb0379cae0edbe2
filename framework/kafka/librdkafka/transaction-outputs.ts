/** Hands the outputs of one transaction to librdkafka, in order, and waits for every delivery report. */
import type { OutgoingRecord } from '../../model/record.ts'
import { type ClientFault, faultCodes } from '../faults/codes.ts'
import { isOfOutput, outputsRefused } from '../faults/transaction-blame.ts'
import type { AbortedCut } from '../transactional-producer.ts'
import type { NativeError, NativeProducer, NativeReport } from './binding.ts'
import { nativeError } from './errors.ts'
import { toNativeBytes, toNativeHeaders } from './records.ts'

/** One list of outputs on its way. */
export class TransactionOutputs {
  readonly #native: NativeProducer
  readonly #outputs: readonly OutgoingRecord[]
  #sent = 0
  #reported = 0
  /** Why each that has failed did. */
  readonly #failed = new Map<number, ClientFault>()
  #onReport = () => {}

  constructor(native: NativeProducer, outputs: readonly OutgoingRecord[]) {
    this.#native = native
    this.#outputs = outputs
  }

  /** librdkafka's report of one of these. */
  report(error: NativeError | null | undefined, { opaque }: NativeReport): void {
    if (!(opaque instanceof Handed) || opaque.of !== this) return
    this.#reported += 1
    if (error) this.#failed.set(opaque.index, nativeError(error))
    this.#onReport()
  }

  /** @returns false when one was not delivered: nothing more is sent then, and what was sent is reported on */
  async deliver(): Promise<boolean> {
    for (;;) {
      this.#sendSome()
      const isOver = this.#failed.size > 0 || this.#sent === this.#outputs.length
      if (isOver && this.#reported === this.#sent) return this.#failed.size === 0
      await new Promise<void>((resolve) => {
        this.#onReport = resolve
      })
    }
  }

  /** @param reason why the transaction fails, where it does for another reason than one of these */
  blame(reason: ClientFault | undefined): AbortedCut | undefined {
    const own = [...this.#failed].find(([, error]) => isOfOutput(error))
    if (own !== undefined) return outputsRefused(own[1], [own[0]], this.#topicOf(own[0]))
    if (reason === undefined || !isOfOutput(reason)) return undefined
    // One topic is refused, and with it all that was on its way: it is among these.
    const indexes = [...this.#failed.keys()].sort((a, b) => a - b)
    const topics = [...new Set(indexes.map((index) => this.#topicOf(index)))]
    return outputsRefused(reason, indexes, topics.join(' or '))
  }

  /** Of those that have failed, one that says more than that the others were thrown away with it. */
  get reason(): ClientFault | undefined {
    const all = [...this.#failed.values()]
    return all.find(({ code }) => code !== faultCodes.PURGE_QUEUE && code !== faultCodes.PURGE_INFLIGHT) ?? all[0]
  }

  #topicOf(index: number): string {
    return this.#outputs[index]?.topic ?? ''
  }

  /** As many as there is room for. */
  #sendSome(): void {
    while (this.#sent < this.#outputs.length && this.#failed.size === 0) {
      const index = this.#sent
      const output = this.#outputs[index]
      if (output === undefined) return
      const { topic, partition, value, key, timestamp, headers } = output
      this.#sent += 1
      try {
        this.#native.produce(
          topic,
          partition ?? null,
          toNativeBytes(value),
          toNativeBytes(key),
          timestamp ?? null,
          new Handed(this, index),
          toNativeHeaders(headers),
        )
      } catch (thrown) {
        const error = nativeError(thrown)
        // A full queue has something in it, whose report comes.
        if (error.code === faultCodes.QUEUE_FULL && this.#reported < index) {
          this.#sent -= 1
          return
        }
        this.#reported += 1
        this.#failed.set(index, error)
      }
    }
  }
}

/** What comes back with a report. */
class Handed {
  readonly of: TransactionOutputs
  readonly index: number

  constructor(of: TransactionOutputs, index: number) {
    this.of = of
    this.index = index
  }
}
