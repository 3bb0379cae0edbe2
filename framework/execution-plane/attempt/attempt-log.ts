/** The log of one attempt: what its handler writes to, and the lines of our own about it. Made on first use: most attempts say nothing. */
import type { Logger } from '../../model/logger.ts'
import { keyLine, MAX_KEY_BYTES } from '../../model/plain-text.ts'
import type { WorkItem } from '../../model/work.ts'
import type { PreparedHandler } from './prepared-handler.ts'

export class AttemptLog {
  readonly #handler: PreparedHandler
  readonly #item: WorkItem
  #ofHandler: Logger | undefined

  constructor(handler: PreparedHandler, item: WorkItem) {
    this.#handler = handler
    this.#item = item
  }

  /** What its logger throws is the handler's to meet. */
  get ofHandler(): Logger {
    this.#ofHandler ??= this.#handler.setup.log.child(this.#bindings())
    return this.#ofHandler
  }

  /** A line of our own. Never throws. */
  info(facts: object, sentence: string): void {
    this.#ours().info(facts, sentence)
  }

  /** The same fault of a handler at most once in an interval, with the number of those that were held back; the others at `debug`. Never throws. */
  fault(level: 'warn' | 'error', facts: object, sentence: string): void {
    const suppressed = this.#handler.faults.pass(sentence)
    const log = this.#ours()
    if (suppressed === undefined) log.debug(facts, sentence)
    else log[level](suppressed === 0 ? facts : { ...facts, suppressed }, sentence)
  }

  #ours(): Logger {
    const { log, setup } = this.#handler
    try {
      return log.child(this.#bindings())
    } catch {
      // The record's key cannot be shown.
      return log.child({ handler: setup.handlerId, offset: this.#item.records[0]?.offset })
    }
  }

  #bindings(): object {
    const { records, attempts } = this.#item
    const [first] = records
    const last = records.at(-1)
    if (first === undefined || last === undefined) return {}
    const { topic, partition, offset } = first
    return {
      handler: this.#handler.setup.handlerId,
      topic,
      partition,
      offset,
      ...(last === first
        ? { key: first.key === null ? null : keyLine(first.key, MAX_KEY_BYTES), attempt: attempts[0] }
        : { lastOffset: last.offset, recordCount: records.length }),
    }
  }
}
