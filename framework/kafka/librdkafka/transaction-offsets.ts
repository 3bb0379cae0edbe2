/**
 * Sends a member's offsets into a transaction. librdkafka checks nothing of the member: without an id, a broker takes offsets from anybody, and with one it checks the
 * epoch alone. So nothing goes out for what is not owned, and whoever gives partitions up waits for what is on its way.
 */
import type { TopicPartition } from '../../model/record.ts'
import { notOwned } from '../commit-request-check.ts'
import { type ClientFault, faultCodes } from '../faults/codes.ts'
import type { CommitRequest } from '../kafka-client.ts'
import type { OwnedPartitions } from '../owned-partitions.ts'
import type { NativeConsumer, NativeTransactionalProducer } from './binding.ts'
import { nativeError } from './errors.ts'
import { toNativeOffset } from './records.ts'
import { transactionTurns } from './transaction-turns.ts'

export interface TransactionOffsetsHost {
  readonly native: NativeConsumer
  readonly owned: OwnedPartitions
  /** False once librdkafka may not be called any more. */
  readonly mayAsk: () => boolean
}

export class TransactionOffsets {
  readonly #host: TransactionOffsetsHost
  readonly #open = new Set<Promise<unknown>>()

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

  /**
   * @throws PyrallelError PYR_NOT_OWNED, with nothing sent
   * @returns why they are not in the transaction, or `undefined` when they are
   */
  async send(
    producer: NativeTransactionalProducer,
    offsets: readonly CommitRequest[],
    timeoutMs: number,
  ): Promise<ClientFault | undefined> {
    return transactionTurns.take(async () => {
      // After the turn has come: what was owned before may be gone.
      const foreign = this.foreign(offsets)
      if (foreign.length > 0 || !this.#isMember()) throw notOwned(foreign.length > 0 ? foreign : offsets)
      const answer = new Promise<ClientFault | undefined>((resolve) => {
        try {
          producer.sendOffsetsToTransaction(offsets.map(toNativeOffset), this.#host.native, timeoutMs, (error) =>
            resolve(error ? nativeError(error) : undefined),
          )
        } catch (thrown) {
          resolve(nativeError(thrown))
        }
      })
      this.#open.add(answer)
      const refusal = await answer
      this.#open.delete(answer)
      // The thread of libuv has read the member's id some time after we looked: one that was expelled meanwhile had none.
      if (refusal === undefined && !this.#isMember()) {
        return { message: 'the member was expelled meanwhile', code: faultCodes.UNKNOWN_MEMBER_ID }
      }
      return refusal
    })
  }

  #isMember(): boolean {
    return this.#host.mayAsk() && !this.#host.native.assignmentLost()
  }
}
