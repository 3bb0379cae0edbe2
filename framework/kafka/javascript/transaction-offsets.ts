/**
 * Sends a member's offsets into a transaction. Brokers check the member and its epoch, not what it owns: so nothing goes out for what is not owned, and whoever gives
 * partitions up waits for what is on its way. A request without an answer is not waited for: its transaction is never committed.
 */
import type { TopicPartition } from '../../model/record.ts'
import { notOwned } from '../commit-request-check.ts'
import type { CommitRequest } from '../kafka-client.ts'
import type { Assignments } from './assignments.ts'
import { byTopic } from './cluster-calls.ts'
import { KafkaFault } from './errors.ts'
import type { GroupSession } from './group-session.ts'
import type { TransactionIdentity } from './produce-calls.ts'
import { transactionOffsetsCall } from './transaction-calls.ts'

export interface JoinedMember {
  readonly session: GroupSession
  readonly assignments: Assignments
}

export class TransactionOffsets {
  readonly #joined: () => JoinedMember | undefined
  readonly #open = new Set<Promise<unknown>>()

  /** @param joined `undefined` before the member has subscribed */
  constructor(joined: () => JoinedMember | undefined) {
    this.#joined = joined
  }

  /** Of these, those that are not owned. */
  foreign(partitions: readonly TopicPartition[]): readonly TopicPartition[] {
    return this.#claim(partitions)()
  }

  /** Settles when nothing is on its way that was when it was asked. */
  get answered(): Promise<unknown> {
    return Promise.all(this.#open)
  }

  /** Whoever gives partitions up waits for this, too. It must be bounded. */
  async sending<T>(work: () => Promise<T>): Promise<T> {
    const sent = work()
    const settled = sent.then(nothing, nothing)
    this.#open.add(settled)
    try {
      return await sent
    } finally {
      this.#open.delete(settled)
    }
  }

  /**
   * Inside of `sending`.
   * @throws PyrallelError PYR_NOT_OWNED, with nothing sent since they were lost
   * @returns why they are not in the transaction, or may not be; `undefined` when they are
   */
  async send(
    identity: TransactionIdentity,
    offsets: readonly CommitRequest[],
    limitMs: number,
  ): Promise<KafkaFault | undefined> {
    const foreign = this.#claim(offsets)
    const stillOwned = () => {
      const found = foreign()
      if (found.length > 0) throw notOwned(found)
    }
    stillOwned()
    const topics = byTopic(offsets).map(([topic, partitions]) => ({ topic, topicId: '', partitions }))
    try {
      await this.#joined()?.session.sendOffsets(
        (member) => transactionOffsetsCall(identity, member, topics),
        limitMs,
        stillOwned,
      )
      return undefined
    } catch (thrown) {
      if (thrown instanceof KafkaFault) return thrown
      throw thrown
    }
  }

  #claim(partitions: readonly TopicPartition[]): () => readonly TopicPartition[] {
    const { session, assignments } = this.#joined() ?? {}
    if (session === undefined || assignments === undefined) return () => partitions
    return assignments.claim(partitions, (of) => session.owns(of))
  }
}

function nothing(): void {}
