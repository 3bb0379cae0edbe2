/** Asks brokers on a consumer's connections. Each question holds a thread of libuv's pool; after a disconnect, its answer would crash the process. */
import { PyrallelError } from '../../model/errors.ts'
import type { PartitionId, TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import type { NativeConsumer, NativeError, NativeWatermarks } from './binding.ts'
import { nativeError } from './errors.ts'
import { askLogs } from './logs.ts'

export class Questions {
  readonly #native: Pick<NativeConsumer, 'committed' | 'queryWatermarkOffsets'>
  readonly #clock: Clock
  #isStopped = false
  /** Asked, and not answered yet. */
  readonly #open = new Set<Promise<unknown>>()

  constructor(native: Pick<NativeConsumer, 'committed' | 'queryWatermarkOffsets'>, clock: Clock) {
    this.#native = native
    this.#clock = clock
  }

  /** Asks for no further log: whoever closes waits for what is asked. */
  stop(): void {
    this.#isStopped = true
  }

  /** Settles when all that was asked so far is answered. */
  get answered(): Promise<unknown> {
    return Promise.all(this.#open)
  }

  /**
   * The position of any partition will do: what matters is that the coordinator says something.
   * @param topic one that is subscribed to
   */
  askCoordinator(topic: string, timeoutMs: number): Promise<void> {
    return this.#ask((resolve, reject) => {
      this.#native.committed([{ topic, partition: 0 }], timeoutMs, (error) => {
        if (error) reject(unanswered(nativeError(error)))
        else resolve()
      })
    })
  }

  /**
   * Two at once, each of which stands in line behind a fetch that waits for records, for half a second; for 5 s in all. `listOffsets` of the binding's admin client would
   * ask for all in one request: where it was used, processes ended with a corrupt heap, or calls were never answered.
   */
  logEnds(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<PartitionId, NativeWatermarks>> {
    return this.#ask((resolve, reject) => {
      askLogs(this.#native, this.#clock, partitions, () => !this.#isStopped).then(resolve, reject)
    })
  }

  #ask<T>(ask: (resolve: (answer: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    const answer = new Promise<T>(ask)
    const settled: Promise<unknown> = answer.catch(() => {}).then(() => this.#open.delete(settled))
    this.#open.add(settled)
    return answer
  }
}

function unanswered({ message, code }: NativeError): PyrallelError {
  return new PyrallelError('PYR_KAFKA', `The group coordinator has not answered: ${message} (${code}).`, {
    retriable: true,
  })
}
