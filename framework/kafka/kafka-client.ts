/** The port to Kafka: what the control plane needs of a client, and nothing more. Implementations pass test/contract/kafka-client.suite.ts. */
import type { ClientErrorCode } from '../model/events.ts'
import type { GroupMember } from '../model/group-member.ts'
import type { KafkaRecord, OutgoingRecord, TopicPartition } from '../model/record.ts'
import type { TransactionalProducer, TransactionOptions } from './transactional-producer.ts'

/** A partition that has come to this member, with what the group had committed for it. */
export interface AssignedPartition extends TopicPartition {
  /** The committed position; `undefined` when the group has none: it begins at its first record. */
  readonly position: number | undefined
  /** The committed metadata, `''` when there is none. Any text may stand here: it is never to be believed unchecked. */
  readonly metadata: string
  /** Where the log ended when the position was read. Asked for where there is metadata; `undefined` when the broker has not told. */
  readonly logEnd?: number | undefined
}

export interface CommitRequest extends TopicPartition {
  /** The next offset to read: exclusive, exactly what Kafka stores. */
  readonly position: number
  /** At most `maxMetadataLength` UTF-16 units, no NUL, no lone surrogate; `''` for none. */
  readonly metadata: string
}

export interface RebalanceListener {
  /** The group has given some, and where they begin is asked for next. That waits for transactions that are open there, of whoever had them before. */
  onAssigning?(): void
  onAssigned(partitions: readonly AssignedPartition[]): void
  /**
   * Ownership ends when the promise settles; until then commits of these partitions are accepted. Must be bounded: after the client's
   * `revokeLimitMs` the group is answered without it, and `onLost` tells so.
   */
  onRevoked(partitions: readonly TopicPartition[]): Promise<void>
  /** Ownership has already ended: nothing of these may be committed. */
  onLost(partitions: readonly TopicPartition[]): void
}

/**
 * One member of one consumer group.
 *
 * 1. Records of a partition MUST come in increasing offset order. A lower offset means that the log was cut or made anew.
 * 2. No record of a partition MAY be returned after its `onRevoked` has settled, or after `onLost`. One or the other MUST have come before
 *    the partition is assigned anew.
 * 3. `commit` MUST settle only when the coordinator has answered, MUST store the metadata unchanged, and MUST reject for a partition that
 *    is not owned (`PYR_NOT_OWNED`). `retriable` on the error tells whether the same commit may succeed later.
 * 4. `onAssigning` MUST run before what is committed is asked for. `onAssigned` MUST bring the committed position and metadata, with metadata the log's end too where the
 *    broker tells it, and MUST run before the partition's first record is returned. Metadata that `isForeign` MUST come whole, and with the log's end: a partition of which either is not told
 *    is not assigned before it is. Offsets of a transaction that is open are waited for.
 * 5. Paused partitions MUST stay owned and MUST NOT return records; `poll` goes on meanwhile. A partition that is assigned anew is not paused,
 *    unless `onAssigned` itself pauses it. What is paused MUST NOT gather in the client's memory.
 * 6. `poll(0, waitMs)` MUST serve callbacks (rebalances, commit results) and return nothing; no record is lost by it.
 * 7. `poll` MUST NOT be called while another poll runs. It settles within about `waitMs`, also while a rebalance is going on.
 * 8. `close` MUST be bounded, revokes what is owned (so `onRevoked` runs and may still commit), and MAY be called twice. `poll` must go on
 *    being called until `close` has settled.
 * 9. Every error between the client and its brokers MUST be told to `onError`, also those whose log line is held back, a position outside its
 *    log and a topic that is gone. Refused commits are told to whoever commits.
 * 10. A partition for which the group has committed nothing MUST begin at its first record, with one exception: with `startFrom: 'latest'`, a topic
 *    of which no partition at all has a commit begins at the ends of its logs, or, where `isLate` says so, at their beginnings. They are asked for, and MUST be
 *    committed for all its partitions before a record of any is returned. A look-up that is refused MUST NOT count as one that has found nothing: that partition is not
 *    assigned before it was told, and the others do not wait for it.
 * 11. `askCoordinator` MUST settle only when the group's coordinator has answered something, MUST reject when it has not within `timeoutMs`, and changes nothing.
 *    It needs no partitions.
 * 12. `nextOffset` MUST NOT lie above a record of the present assignment that no poll has returned. Once a partition that is not paused has nothing left to
 *    return, it MUST come to the end of the log within two seconds of polling: also over transaction markers, aborted records, what compaction has left, and a
 *    log of which retention has left nothing. Where a transaction is open, the end is where that begins. `undefined`: not known, not owned, or being given up.
 * 13. `logEnd` MUST NOT be of an earlier assignment. `askLogEnds` MUST ask for it where nothing is fetched, too, and MUST settle within `timeoutMs`, whoever
 *    answers. What was told is told by `logEnd` from then on, and `logEndHeardAt` says when that was.
 * 14. `unsettledSince` tells of a member that is joining its group, or giving up or taking what the group wants of it, as far as the client knows. `undefined` for
 *    one that has settled, that leaves, or of which the client cannot tell; what a broker that does not answer keeps it from says the control plane.
 * 15. `membership` MUST ask nobody: it tells what the client knows of its member at the moment. It MUST NOT tell an id or a generation before the group has taken the member in,
 *    nor once it is closed; ids of two members of a group differ.
 * 16. `changeTopics` MUST leave a partition of a topic that stays where it is: no other member's, no revoke of it is asked for, and its records go on, unless the group
 *    divides by a protocol that stops everybody. Topics that come are assigned as any are, those that go are revoked in order. It MAY be called before the group has
 *    taken the member in. `subscribe` MAY be called with no topic: nothing is assigned then before there is one. `changeTopics` MUST be given one at least.
 */
export interface KafkaClient {
  /** The most UTF-16 units of metadata that a commit may carry. */
  readonly maxMetadataLength: number
  /** How long the group waits for `onRevoked`, in milliseconds. */
  readonly revokeLimitMs: number
  /** Within so long a rebalance must be through: who takes longer is thrown out of the group. Milliseconds. */
  readonly pollIntervalMs: number
  subscribe(topics: readonly string[], listener: RebalanceListener): Promise<void>
  /** Reads these from now on, instead of those that it was subscribed to: law 16. */
  changeTopics(topics: readonly string[]): Promise<void>
  poll(maxRecords: number, waitMs: number): Promise<readonly KafkaRecord[]>
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  commit(commits: readonly CommitRequest[]): Promise<void>
  askCoordinator(timeoutMs: number): Promise<void>
  /** The lowest offset that a poll may return next, asked between two polls: law 12. */
  nextOffset(partition: TopicPartition): number | undefined
  /** The log end offset as last heard from the broker, without asking it; `undefined` when nothing was heard yet. */
  logEnd(partition: TopicPartition): number | undefined
  /** When that was heard. Milliseconds since the Unix epoch. */
  logEndHeardAt(partition: TopicPartition): number | undefined
  /** Asks the leaders of these partitions where their logs end. */
  askLogEnds(partitions: readonly TopicPartition[], timeoutMs: number): Promise<void>
  /** Law 14. Milliseconds since the Unix epoch. */
  unsettledSince(): number | undefined
  /** Law 15. */
  membership(): GroupMember
  close(): Promise<void>
}

/** Where the broker has put a record. */
export interface RecordPlace {
  readonly partition: number
  readonly offset: number
}

/**
 * 1. `produce` MUST settle only when the broker has acknowledged the record, and MUST reject when it did not.
 * 2. Records of one key MUST go to one partition (murmur2 of the key), unless the partition is given; key order follows call order.
 * 3. An empty key or value MUST arrive as empty, and null as null.
 * 4. A full queue is backpressure: `produce` waits, it does not reject.
 * 5. `produce` MUST resolve with the partition and the offset at which the record can be read.
 * 6. `produce` MUST reject a record whose key, value or headers are neither bytes nor null (`PYR_RECORD_INVALID`), and MUST NOT write it.
 */
export interface RecordProducer {
  produce(record: OutgoingRecord): Promise<RecordPlace>
  /** Waits at most `timeoutMs` for what is outstanding, then disconnects. May be called twice. */
  close(timeoutMs: number): Promise<void>
}

/** What a group member must be told about itself. */
export interface ConsumerOptions {
  readonly group: string
  /** Where a topic begins that is new to the group: law 10. */
  readonly startFrom: 'earliest' | 'latest'
  /** Of a topic that is new to the group: whether it was made after the group had begun, so that nothing of it was there before. Left out: none was. */
  readonly isLate?: (topic: string) => boolean
  /** Static membership: keeps the partitions over a restart. Unique in the group. */
  readonly instanceId?: string
  /** Of commit metadata: whether another tool has written it, and it must be told whole (law 4). Left out: nobody looks at what is not ours. */
  readonly isForeign?: (metadata: string) => boolean
  /** Called each time that a broker itself refuses the credentials, not where a token could not be had; must not throw. */
  readonly onRefused?: () => void
  /** Called for each error that the client meets; must not throw. */
  readonly onError?: (code: ClientErrorCode) => void
}

export interface TopicFacts {
  readonly name: string
  readonly partitions: number
}

/** One partition's log, as far as it can be read. */
export interface LogBounds extends TopicPartition {
  /** The lowest offset that can still be read. */
  readonly logStart: number
  readonly logEnd: number
}

/** What a group has committed for a partition, and the log that it is about. */
export interface GroupOffset extends LogBounds {
  readonly position: number
  /** Whole, whoever has written it; `''` for none. */
  readonly metadata: string
}

/**
 * A share group (KIP-932): its members take records of the same partitions, one by one. It commits nothing; which records are acknowledged is known to
 * Kafka's share coordinator alone.
 */
export interface ShareGroup {
  /** As Kafka names it: `Stable`, `Empty`. */
  readonly state: string
  readonly members: readonly ShareMember[]
  /** Sorted by topic and partition. */
  readonly offsets: readonly ShareOffset[]
}

export interface ShareMember {
  readonly id: string
  readonly clientId: string
  readonly host: string
  /** That it has subscribed to. */
  readonly topics: readonly string[]
  /** How many it takes records of. */
  readonly partitions: number
}

export interface ShareOffset extends LogBounds {
  /** What is below it is done with; above it, records may be done, too. `null` before anything was fetched. */
  readonly startOffset: number | null
  /** Records that are not done with yet, as Kafka counts them; `null` where the broker does not know. */
  readonly lag: number | null
}

/** Looks at a cluster from outside, as operators do: joins no group, changes nothing. */
export interface ClusterView {
  /** All that the user may see, sorted by name; Kafka's own (`__consumer_offsets`) are left out. */
  topics(): Promise<readonly TopicFacts[]>
  /** The logs of a topic, in the order of their partitions, as their leaders tell them now. Rejects where one does not answer. */
  logs(topic: string): Promise<readonly LogBounds[]>
  /** Partitions for which the group has committed, sorted by topic and partition; none for a group that nobody has heard of. */
  groupOffsets(group: string): Promise<readonly GroupOffset[]>
  /** Left out where the client cannot ask. `undefined`: no share group has that name. */
  shareGroup?(group: string): Promise<ShareGroup | undefined>
}

/** A connection to one cluster: makes consumers and producers that belong together. */
export interface KafkaConnection {
  /** For messages: `127.0.0.1:9092`, or `memory`. */
  readonly description: string
  /** After so long without a word of a member, its group gives its partitions to others. Milliseconds. */
  readonly sessionTimeoutMs: number
  /** Rejects with `PYR_BROKER_UNREACHABLE` when no broker answers within `timeoutMs`. Creates nothing. */
  check(timeoutMs: number): Promise<void>
  /** The names among `topics` that do not exist. */
  missingTopics(topics: readonly string[]): Promise<readonly string[]>
  /** Creates topics that do not exist; those that do are left as they are. */
  createTopics(topics: readonly string[], partitions: number): Promise<void>
  consumer(options: ConsumerOptions): Promise<KafkaClient>
  producer(): Promise<RecordProducer>
  /** Its producers make a topic before they write to it: nobody need have made one. Default false. */
  readonly makesTopics?: boolean
  /** What key, value and headers of one record may take together for its producers to accept it. Left out: there is no limit. Bytes. */
  readonly maxRecordBytes?: number
  /**
   * Left out where the client, or the broker behind it, has no transactions.
   * @param consumer made by this connection, open
   */
  readonly transactionalProducer?: (consumer: KafkaClient, options: TransactionOptions) => TransactionalProducer
  /** Closes what `check`, `missingTopics` and `createTopics` opened. Consumers and producers are closed by those who made them. */
  close(): Promise<void>
}

/** One that can be looked at, too. */
export interface ViewedConnection extends KafkaConnection {
  readonly view: ClusterView
}
