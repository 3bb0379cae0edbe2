/**
 * Takes from librdkafka what it has fetched, and keeps aside what nobody may be given yet. One `consume` call at a time; callbacks (rebalances, answers
 * to commits) are served by it.
 */
import type { KafkaRecord, TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import { sleep } from '../../time/wait.ts'
import { faultCodes, groupTaken } from '../faults/codes.ts'
import type { ErrorReport } from '../faults/error-report.ts'
import { missingRight } from '../faults/missing-rights.ts'
import type { OwnedPartitions } from '../owned-partitions.ts'
import type { NativeConsumer, NativeError, NativeMessage } from './binding.ts'
import { nativeError } from './errors.ts'
import type { FatalFault } from './fault.ts'
import type { FlowControl } from './flow.ts'
import { RecordStash } from './record-stash.ts'
import { toRecord } from './records.ts'

/** One `consume` call holds a thread of libuv's pool of four, so a longer wait is made of short ones. */
const CONSUME_SLICE_MS = 20
/** Callbacks are served by consuming, so `poll(0)` may bring records. After so many we pause at the broker instead. */
const STASH_LIMIT = 32

/** Of the consumer: `open`; `closing`, while partitions are given back; `silent`, when librdkafka may not be called any more. */
export type ReceiverState = 'open' | 'closing' | 'silent' | 'closed'

export interface ReceiverOptions {
  readonly native: NativeConsumer
  readonly owned: OwnedPartitions
  readonly flow: FlowControl
  readonly fault: FatalFault
  readonly group: string
  readonly errors: ErrorReport
  readonly clock: Clock
  readonly state: () => ReceiverState
}

export class Receiver {
  readonly #options: ReceiverOptions
  readonly #stash = new RecordStash()
  #consuming: Promise<unknown> = Promise.resolve()
  /** The last call has brought something: what comes next is likely to be there already. */
  #isFlowing = false
  #isPolling = false
  readonly #isPaused = ({ topic, partition }: TopicPartition) =>
    this.#options.owned.get(topic, partition)?.paused ?? false

  constructor(options: ReceiverOptions) {
    this.#options = options
  }

  /** Settles when no `consume` call runs that began before. */
  get settled(): Promise<unknown> {
    return this.#consuming
  }

  /** The last call has brought nothing. */
  get isDry(): boolean {
    return !this.#isFlowing
  }

  /** Whether records of this partition are kept aside. */
  holds(partition: TopicPartition): boolean {
    return this.#stash.has(partition)
  }

  forget(partitions: readonly TopicPartition[]): void {
    this.#stash.forget(partitions)
  }

  /** One runs at a time. */
  get isPolling(): boolean {
    return this.#isPolling
  }

  /** Returns nothing where no record is asked for: then callbacks are served. */
  async poll(maxRecords: number, waitMs: number): Promise<readonly KafkaRecord[]> {
    this.#isPolling = true
    try {
      return maxRecords > 0 ? await this.#take(maxRecords, waitMs) : await this.#serve(waitMs)
    } finally {
      this.#isPolling = false
    }
  }

  async #take(maxRecords: number, waitMs: number): Promise<readonly KafkaRecord[]> {
    this.#options.flow.release()
    const until = this.#options.clock.now() + waitMs
    for (;;) {
      // Looked at in every round: a partition can be resumed while we wait.
      const stashed = this.#stash.take(maxRecords, this.#isPaused)
      if (stashed.length > 0) return stashed
      const left = until - this.#options.clock.now()
      const records = this.#accept(await this.#receive(maxRecords, left))
      if (records.length > 0 || left <= CONSUME_SLICE_MS || this.#options.state() === 'closed') return records
    }
  }

  /** Serves callbacks. What is received meanwhile goes to the stash, and past its limit we pause, so that memory stays flat. */
  async #serve(waitMs: number): Promise<readonly KafkaRecord[]> {
    if (this.#stash.size >= STASH_LIMIT) this.#options.flow.hold()
    const until = this.#options.clock.now() + waitMs
    for (;;) {
      const left = until - this.#options.clock.now()
      const records = this.#accept(await this.#consume(1, left))
      for (const record of records) this.#stash.push(record)
      if (records.length > 0 || left <= CONSUME_SLICE_MS || this.#options.state() === 'closed') return []
    }
  }

  /**
   * What is there, and if that is nothing, what comes first. One call with a time-out would wait for the rest, too, a millisecond for each: with a record
   * every half a millisecond, the first of 500 would be held back for a quarter of a second.
   */
  async #receive(maxRecords: number, leftMs: number): Promise<readonly NativeMessage[]> {
    if (this.#isFlowing) {
      const there = await this.#consume(maxRecords, 0)
      if (there.length > 0) return there
    }
    const first = await this.#consume(1, leftMs)
    this.#isFlowing = first.length > 0 && maxRecords > 1
    // Accepted together, by whoever asked: a partition that is taken away meanwhile takes the first one with it.
    return this.#isFlowing ? [...first, ...(await this.#consume(maxRecords - 1, 0))] : first
  }

  async #consume(maxRecords: number, leftMs: number): Promise<readonly NativeMessage[]> {
    // While closing we go on without it, so that the partitions can still be given back.
    if (this.#options.fault.error !== undefined && this.#options.state() === 'open') {
      await this.#options.fault.explained(this.#options.clock)
      if (this.#options.state() === 'open') throw this.#options.fault.error
    }
    const timeoutMs = Math.max(0, Math.min(Math.ceil(leftMs), CONSUME_SLICE_MS))
    if (this.#options.state() === 'silent' || this.#options.state() === 'closed') {
      await sleep(this.#options.clock, timeoutMs)
      return []
    }
    const consumed = new Promise<readonly NativeMessage[] | NativeError>((resolve) => {
      this.#options.native.setDefaultConsumeTimeout(timeoutMs)
      try {
        this.#options.native.consume(maxRecords, (error, messages) => resolve(error ? nativeError(error) : messages))
      } catch (thrown) {
        resolve(nativeError(thrown))
      }
    })
    this.#consuming = consumed
    const result = await consumed
    if (Array.isArray(result)) return result
    this.#onConsumeError(result as NativeError)
    // An error that repeats at once would make the poll loop spin.
    if (timeoutMs > 0) await sleep(this.#options.clock, timeoutMs)
    return []
  }

  #onConsumeError(error: NativeError): void {
    // A fatal one is thrown by the next call: until then the log has mostly told the reason.
    if (this.#options.state() !== 'open' || this.#options.fault.note(error)) return
    const { errors, group } = this.#options
    if (error.code === faultCodes.INCONSISTENT_GROUP_PROTOCOL) {
      // Not the end: the others of a classic group may be replaced one by one, and then it takes this one in.
      const { code, message } = groupTaken(group, error)
      errors.tell(error, 'the group does not take this member in; it is asked again', { code, why: message })
    } else {
      // The binding leaves out which topic it is.
      const topic = [...new Set([...this.#options.owned].map((each) => each.topic))].sort().join(' or ')
      const right = missingRight(error, { operation: 'Read', topic, group })
      const isOfGroup = error.code === faultCodes.GROUP_AUTHORIZATION_FAILED
      const sentence = isOfGroup ? 'the group has refused a request of this member' : 'records could not be fetched'
      errors.tell(error, sentence, right === undefined ? {} : { right })
    }
  }

  /** Keeps what may be returned. Records of a revoked partition can come with a batch that was under way. */
  #accept(messages: readonly NativeMessage[]): KafkaRecord[] {
    const records: KafkaRecord[] = []
    for (const message of messages) {
      const owned = this.#options.owned.get(message.topic, message.partition)
      if (owned === undefined || !owned.delivers) continue
      const record = toRecord(message, owned.topic)
      // Behind older ones of its partition it must wait too, or a resume during this call would turn their order round.
      if (owned.paused || (this.#stash.size > 0 && this.#stash.has(record))) this.#stash.push(record)
      else records.push(record)
    }
    return records
  }
}
