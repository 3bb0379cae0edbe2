/**
 * Sends a member's offsets into a transaction. librdkafka checks nothing of the member: without an id, a broker takes offsets from anybody, and with one it checks the
 * epoch alone. So nothing goes out for what is not owned, and whoever gives partitions up waits for what is on its way.
 *
 * librdkafka's call can outlast its time-out for as long as the group's coordinator is away. Then nobody waits for it: its transaction is never committed.
 */
import type { TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import { settlesWithin } from '../../time/wait.ts'
import { notOwned } from '../commit-request-check.ts'
import { type ClientFault, faultCodes } from '../faults/codes.ts'
import type { CommitRequest } from '../kafka-client.ts'
import type { OwnedPartitions } from '../owned-partitions.ts'
import type { NativeConsumer, NativeTransactionalProducer } from './binding.ts'
import { nativeError } from './errors.ts'
import { toNativeOffset } from './records.ts'
import { transactionTurns } from './transaction-turns.ts'

/** A call that has not ended so long after its time-out does not end before the coordinator is back. */
const LATE_MS = 2_000

/** The call goes on, and holds the producer: it may not be touched before `ended`. */
export interface LateOffsets {
  readonly ended: Promise<unknown>
}

export interface TransactionOffsetsHost {
  readonly clock: Clock
  readonly native: NativeConsumer
  readonly owned: OwnedPartitions
  /** False once librdkafka may not be called any more. */
  readonly mayAsk: () => boolean
}

export class TransactionOffsets {
  readonly #host: TransactionOffsetsHost
  readonly #open = new Set<Promise<unknown>>()
  /** Calls that librdkafka has not ended. */
  readonly #running = new Set<Promise<unknown>>()

  constructor(host: TransactionOffsetsHost) {
    this.#host = host
  }

  /** Of these, those that are not owned. */
  foreign(partitions: readonly TopicPartition[]): readonly TopicPartition[] {
    return partitions.filter((each) => !this.#host.owned.has(each))
  }

  /** Settles when nothing is on its way that was when it was asked. */
  get answered(): Promise<unknown> {
    return Promise.all(this.#open)
  }

  /** Settles when librdkafka has ended all calls, those too that nobody waits for. */
  get ended(): Promise<unknown> {
    return Promise.all(this.#running)
  }

  /**
   * @throws PyrallelError PYR_NOT_OWNED, with nothing sent
   * @returns why they are not in the transaction, or `undefined` when they are
   */
  async send(
    producer: NativeTransactionalProducer,
    offsets: readonly CommitRequest[],
    timeoutMs: number,
  ): Promise<ClientFault | LateOffsets | undefined> {
    const giveBack = await transactionTurns.begin()
    // After the turn has come: what was owned before may be gone.
    const foreign = this.foreign(offsets)
    if (foreign.length > 0 || !this.#isMember()) {
      giveBack()
      throw notOwned(foreign.length > 0 ? foreign : offsets)
    }
    const answer = this.#call(producer, offsets, timeoutMs)
    this.#running.add(answer)
    const ended = answer.then(() => {
      this.#running.delete(answer)
      giveBack()
    })
    const inTime = settlesWithin(this.#host.clock, ended, timeoutMs + LATE_MS)
    this.#open.add(inTime)
    const isInTime = await inTime
    this.#open.delete(inTime)
    if (!isInTime) return { ended }
    const refusal = await answer
    // The thread of libuv has read the member's id some time after we looked: one that was expelled meanwhile had none.
    if (refusal === undefined && !this.#isMember()) {
      return { message: 'the member was expelled meanwhile', code: faultCodes.UNKNOWN_MEMBER_ID }
    }
    return refusal
  }

  #call(
    producer: NativeTransactionalProducer,
    offsets: readonly CommitRequest[],
    timeoutMs: number,
  ): Promise<ClientFault | undefined> {
    return new Promise((resolve) => {
      try {
        producer.sendOffsetsToTransaction(offsets.map(toNativeOffset), this.#host.native, timeoutMs, (error) =>
          resolve(error ? nativeError(error) : undefined),
        )
      } catch (thrown) {
        resolve(nativeError(thrown))
      }
    })
  }

  #isMember(): boolean {
    return this.#host.mayAsk() && !this.#host.native.assignmentLost()
  }
}
