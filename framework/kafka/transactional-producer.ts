/** The port to Kafka's transactions: records and a group's offsets that become visible together, or not at all. Implementations pass test/contract/transactional-producer.suite.ts. */
import type { PyrallelError } from '../model/errors.ts'
import type { OutgoingRecord, TopicPartition } from '../model/record.ts'

export interface StoredOffset {
  /** The next offset to read: exclusive, exactly what Kafka stores. */
  readonly position: number
  /** As of a commit. */
  readonly metadata: string
}

export interface CutOffset extends TopicPartition, StoredOffset {
  /** What is stored for this partition, as its owner knows it; `undefined` for nothing. `settle` tells by it whether the cut is in. */
  readonly before: StoredOffset | undefined
}

/** What one transaction makes visible. */
export interface Cut {
  /** Written in this order in each partition. May be empty. */
  readonly outputs: readonly OutgoingRecord[]
  /** At least one. Each differs from what is stored before it. */
  readonly offsets: readonly CutOffset[]
}

/**
 * Who has to change for the same cut to succeed. `outputs`: what is refused is among these, by their index. `partitions`: among these partitions' offsets, or they
 * are not owned. `member`: the group has moved on, and the member must catch up. `fenced`: another producer has taken the id. `nobody`: it may succeed as it is.
 */
export type Blame =
  | { readonly kind: 'outputs'; readonly indexes: readonly number[] }
  | { readonly kind: 'partitions'; readonly partitions: readonly TopicPartition[] }
  | { readonly kind: 'member' | 'fenced' | 'nobody' }

export interface AbortedCut {
  readonly kind: 'aborted'
  readonly blame: Blame
  readonly error: PyrallelError
}

export type CutOutcome =
  | { readonly kind: 'committed' }
  | AbortedCut
  /** A commit was tried, and nobody has answered it. */
  | { readonly kind: 'unknown'; readonly error: PyrallelError }

/** `overwritten`: another member has stored something in all its partitions since, so that nothing tells. They are that member's now. */
export type SettledCut = 'committed' | 'aborted' | 'overwritten'

export interface TransactionOptions {
  /** The `transactional.id`. One producer at a time has it: a second one takes it away from the first. */
  readonly id: string
  /** After so long the broker aborts a transaction of a process that is gone. Milliseconds. */
  readonly timeoutMs: number
}

/**
 * One transaction at a time, for one member of a group.
 *
 * 1. `transact` MUST settle with `committed`, `aborted` or `unknown`. After `unknown` it MUST refuse to send anything (`PYR_BUG`) until `settle` has told.
 * 2. `aborted` MUST mean: no read-committed reader ever sees a record of the cut, and none of its offsets is ever stored. After a commit was tried
 *    that MUST be read from what is stored, once the transaction has ended, and MUST NOT be believed of an abort's answer.
 * 3. Outputs MUST be written in the order of the list in each partition, to the partition that `produce` chooses. A full queue waits.
 * 4. The position and metadata of each offset MUST be stored unchanged in the same transaction, and none left out.
 * 5. A partition that is not owned MUST be refused before anything is sent (`PYR_NOT_OWNED`). No request MAY go out without the member's id. The consumer MUST NOT answer a
 *    revoke or a loss, nor close, while offsets are being sent.
 * 6. `aborted` MUST name who is to blame.
 * 7. The id MUST stay the same over replaced producers. `open` MUST settle only when an earlier transaction of the id has ended, and MUST reject with
 *    `PYR_TRANSACTION_REFUSED` where the cluster does not allow transactions of this id.
 * 8. `close` MUST be bounded, MUST come before the consumer's, and MAY be called twice. What is open then is aborted, or left to its time-out, which is told.
 */
export interface TransactionalProducer {
  /** Must have settled before `transact`. Takes the id away from whoever has it. */
  open(): Promise<void>
  /** One at a time. */
  transact(cut: Cut): Promise<CutOutcome>
  /** Tells what has become of the cut whose outcome is unknown. Goes on asking until it is told; rejects once the producer is closed (`PYR_CLIENT_CLOSED`). */
  settle(): Promise<SettledCut>
  /** Waits at most `timeoutMs` for what is under way. */
  close(timeoutMs: number): Promise<void>
}
