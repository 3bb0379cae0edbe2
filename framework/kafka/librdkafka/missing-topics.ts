/** Says when partitions are gone because their topic is: the new group protocol takes them away without a word. Changes nothing. */
import type { Logger } from '../../model/logger.ts'
import type { TopicPartition } from '../../model/record.ts'
import { faultCodes } from '../faults/codes.ts'
import type { ErrorReport } from '../faults/error-report.ts'
import type { NativeConsumer } from './binding.ts'

/** Holds a thread of libuv's pool meanwhile. */
const LOOK_TIMEOUT_MS = 2_000

export class MissingTopics {
  readonly #native: Pick<NativeConsumer, 'getMetadata'>
  readonly #log: Logger
  readonly #errors: ErrorReport
  #isStopped = false

  constructor(native: Pick<NativeConsumer, 'getMetadata'>, log: Logger, errors: ErrorReport) {
    this.#native = native
    this.#log = log
    this.#errors = errors
  }

  /** Looks for the topics of partitions that were given up. What a broker does not answer is not known, and not told. */
  look(partitions: readonly TopicPartition[]): void {
    for (const topic of new Set(partitions.map((each) => each.topic))) {
      if (this.#isStopped) return
      this.#native.getMetadata({ topic, timeout: LOOK_TIMEOUT_MS }, (error, metadata) => {
        if (error) return
        const found = metadata.topics.find((each) => each.name === topic)
        if (found !== undefined && found.partitions.length > 0) return
        this.#log.warn({ topic }, 'a topic does not exist any more; nothing is read from it until it is back')
        this.#errors.count({ code: faultCodes.UNKNOWN_TOPIC_OR_PART })
      })
    }
  }

  /** After this the native client is left alone. */
  stop(): void {
    this.#isStopped = true
  }
}
