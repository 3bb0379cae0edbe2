/** Asks brokers on a consumer's connections. Each question holds a thread of libuv's pool; after a disconnect, its answer would crash the process. */
import { PyrallelError } from '../../model/errors.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { NativeAdmin, NativeConsumer, NativeError, NativePartition } from './binding.ts'
import { nativeError } from './errors.ts'

/** Instead of a time: where the log ends. */
const END = { timestamp: -1 } as const
const READ_COMMITTED = 1

export class Questions {
  readonly #native: Pick<NativeConsumer, 'committed'>
  readonly #admin: () => Pick<NativeAdmin, 'listOffsets'>
  /** One that is subscribed to. */
  topic: string | undefined
  /** Asked, and not answered yet. */
  readonly #open = new Set<Promise<unknown>>()

  constructor(native: Pick<NativeConsumer, 'committed'>, admin: () => Pick<NativeAdmin, 'listOffsets'>) {
    this.#native = native
    this.#admin = admin
  }

  /** Settles when all that was asked so far is answered. */
  get answered(): Promise<unknown> {
    return Promise.all(this.#open)
  }

  /** The position of any partition will do: what matters is that the coordinator says something. */
  askCoordinator(topic: string, timeoutMs: number): Promise<void> {
    return this.#ask((resolve, reject) => {
      this.#native.committed([{ topic, partition: 0 }], timeoutMs, (error) => {
        if (error) reject(unanswered(nativeError(error)))
        else resolve()
      })
    })
  }

  /** One request to each leader. One partition at a time would take half a second: the answer stands in line behind a fetch that waits for records. */
  logEnds(partitions: readonly TopicPartition[], timeoutMs: number): Promise<readonly NativePartition[]> {
    return this.#ask((resolve) => {
      const asked = partitions.map(({ topic, partition }) => ({ topic, partition, offset: END }))
      try {
        const options = { timeout: timeoutMs, isolationLevel: READ_COMMITTED }
        this.#admin().listOffsets(asked, options, (error, found) => resolve(error ? [] : found))
      } catch {
        // The binding throws while the client is not connected; then nothing is told.
        resolve([])
      }
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
