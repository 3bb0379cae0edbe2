/** One member of a group on the in-memory cluster. Like a real client it learns of rebalances only while it polls. */
import { bug, PyrallelError, toError } from '../../model/errors.ts'
import type { GroupMember as GroupView } from '../../model/group-member.ts'
import { type KafkaRecord, partitionId, type TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import { settlesWithin } from '../../time/wait.ts'
import { checkCommits, MAX_METADATA_LENGTH, notOwned } from '../commit-request-check.ts'
import type {
  AssignedPartition,
  CommitRequest,
  ConsumerOptions,
  KafkaClient,
  RebalanceListener,
} from '../kafka-client.ts'
import type { GroupMember, MemoryGroup } from './group.ts'
import type { MemoryLog } from './log.ts'
import type { MemoryTransaction } from './transactions.ts'

/** What a consumer needs of its cluster. */
export interface ConsumerCluster {
  readonly clock: Clock
  readonly group: MemoryGroup
  log(partition: TopicPartition): MemoryLog | undefined
  logsOf(topic: string): readonly MemoryLog[]
  /** As the test has asked for. */
  refusesLookUp(): boolean
  /** Waits and fails as the test has asked for. */
  disturbCommit(): Promise<void>
  /** The consumer is closed: nobody needs to wake it any more. */
  forget(consumer: MemoryConsumer): void
}

interface Assignment extends TopicPartition {
  readonly log: MemoryLog
  /** The offset to read next. */
  position: number
  delivers: boolean
  paused: boolean
}

let lastId = 0

const CLOSE_LIMIT_MS = 10_000

const noListener: RebalanceListener = { onAssigned() {}, async onRevoked() {}, onLost() {} }

export class MemoryConsumer implements KafkaClient, GroupMember {
  readonly maxMetadataLength = MAX_METADATA_LENGTH
  readonly id = `memory-${++lastId}`
  /** This group waits for as long as a drain takes. */
  readonly revokeLimitMs = Number.POSITIVE_INFINITY
  readonly pollIntervalMs = 300_000
  topics: ReadonlySet<string> = new Set()
  readonly #cluster: ConsumerCluster
  readonly #options: Pick<ConsumerOptions, 'startFrom' | 'isLate' | 'onError'>
  readonly #assignments = new Map<string, Assignment>()
  /** Taken away since the last poll. */
  #lost: TopicPartition[] = []
  #listener = noListener
  #state: 'open' | 'closing' | 'closed' = 'open'
  #isPolling = false
  #revoking: Promise<void> | undefined
  #failure: Error | undefined
  /** What it should own may have changed since it was last asked, which takes time in the number of partitions. */
  #hasNews = true
  /** Ends the wait of the poll that runs. */
  #wake: (() => void) | undefined
  /** Rotates, so that a full partition does not starve the others. */
  #turn = 0
  #closing: Promise<void> | undefined
  #leftGroup: (() => void) | undefined

  constructor(cluster: ConsumerCluster, options: ConsumerOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  async subscribe(topics: readonly string[], listener: RebalanceListener): Promise<void> {
    this.#requireOpen()
    this.topics = new Set(topics)
    this.#listener = listener
    this.#cluster.group.join(this)
  }

  async changeTopics(topics: readonly string[]): Promise<void> {
    this.#requireOpen()
    this.topics = new Set(topics)
    this.#cluster.group.rebalance()
  }

  async poll(maxRecords: number, waitMs: number): Promise<readonly KafkaRecord[]> {
    if (this.#isPolling) throw bug('KafkaClient.poll', 'it was called while another poll runs')
    this.#requireOpen()
    this.#isPolling = true
    const until = this.#cluster.clock.now() + waitMs
    try {
      // As with a real client, the event loop turns during each poll. Without that, a busy poll loop would starve timers and sockets.
      await new Promise(setImmediate)
      for (;;) {
        this.#serveGroup()
        if (this.#failure !== undefined) throw this.#failure
        const records = this.#read(maxRecords)
        const leftMs = until - this.#cluster.clock.now()
        if (records.length > 0 || leftMs <= 0) return records
        await this.#waitForNews(leftMs)
        if (this.#isClosed()) return []
      }
    } finally {
      this.#isPolling = false
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#requireOpen()
    this.#setPaused(partitions, true)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#requireOpen()
    this.#setPaused(partitions, false)
    this.wake()
  }

  async commit(commits: readonly CommitRequest[]): Promise<void> {
    this.#requireOpen()
    checkCommits(commits)
    this.#requireOwned(commits)
    await this.#cluster.disturbCommit()
    // The coordinator decides by what is true when the commit arrives.
    this.#requireOwned(commits)
    for (const { topic, partition, position, metadata } of commits) {
      this.#cluster.group.commit({ topic, partition }, { position, metadata })
    }
  }

  /** Rejects where the coordinator refuses them. */
  sendOffsets(transaction: MemoryTransaction, offsets: readonly CommitRequest[]): Promise<void> {
    const sent = this.#send(transaction, offsets)
    this.#cluster.group.expect(
      this,
      sent.catch(() => {}),
    )
    return sent
  }

  async #send(transaction: MemoryTransaction, offsets: readonly CommitRequest[]): Promise<void> {
    this.#requireOwned(offsets)
    await this.#cluster.disturbCommit()
    // The coordinator decides by what is true when they arrive.
    this.#requireOwned(offsets)
    if (transaction.isOver) throw new PyrallelError('PYR_TRANSACTION_FAILED', 'The transaction is over.')
    for (const { topic, partition, position, metadata } of offsets) {
      this.#cluster.group.commitIn(transaction, { topic, partition }, { position, metadata })
    }
  }

  foreign(partitions: readonly TopicPartition[]): readonly TopicPartition[] {
    return partitions.filter((each) => !this.#cluster.group.owns(this, each))
  }

  get group(): MemoryGroup {
    return this.#cluster.group
  }

  async askCoordinator(timeoutMs: number): Promise<void> {
    this.#requireOpen()
    if (await settlesWithin(this.#cluster.clock, this.#cluster.disturbCommit(), timeoutMs)) return
    throw new PyrallelError('PYR_KAFKA', `The group coordinator has not answered within ${timeoutMs} ms.`, {
      retriable: true,
    })
  }

  nextOffset(partition: TopicPartition): number | undefined {
    const { position, delivers } = this.#assignments.get(partitionId(partition)) ?? {}
    return delivers === true ? position : undefined
  }

  logEnd(partition: TopicPartition): number | undefined {
    return this.#assignments.get(partitionId(partition))?.log.stableEnd
  }

  logEndHeardAt(partition: TopicPartition): number | undefined {
    return this.#assignments.has(partitionId(partition)) ? this.#cluster.clock.now() : undefined
  }

  async askLogEnds(): Promise<void> {}

  membership(): GroupView {
    return this.#cluster.group.describe(this)
  }

  /** A group in memory has settled as soon as it is asked. */
  unsettledSince(): undefined {
    return undefined
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  wake(): void {
    this.#hasNews = true
    this.#wake?.()
  }

  lose(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#assignments.delete(partitionId(each))
    this.#lost.push(...partitions)
  }

  /** Its group has not heard of it for too long: its partitions go to others, which it learns at its next poll. It joins again after `forMs`. */
  expel(forMs: number): void {
    const { group, clock } = this.#cluster
    const owned = [...this.#assignments.values()].map(({ topic, partition }) => ({ topic, partition }))
    group.leave(this)
    this.lose(owned)
    clock.setTimer(forMs, () => {
      if (this.#state === 'open') group.join(this)
    })
  }

  /** Its process is gone: nothing is given back or committed, and the group knows at once. A poll that waits ends with nothing. */
  die(): void {
    this.#assignments.clear()
    this.#leaveForGood()
  }

  /** The callbacks of a real client: what was lost, what must be given up, what has come. One at a time. */
  #serveGroup(): void {
    if (this.#lost.length > 0) this.#listener.onLost(this.#lost.splice(0))
    if (this.#revoking !== undefined || !this.#hasNews) return
    this.#hasNews = false
    const { group } = this.#cluster
    const surplus =
      this.#state === 'open' ? group.surplus(this, this.#assignments.values()) : [...this.#assignments.values()]
    if (surplus.length > 0) this.#revoke(surplus.map(({ topic, partition }) => ({ topic, partition })))
    else if (this.#state === 'closing') this.#leftGroup?.()
    // What was lost must not come back while its offsets are on their way.
    else if (!group.isArriving(this)) this.#assign(group.claimable(this).filter((each) => !group.isPending(each)))
  }

  #assign(partitions: readonly TopicPartition[]): void {
    const { group } = this.#cluster
    if (partitions.length > 0 && this.#cluster.refusesLookUp()) {
      this.#options.onError?.('OTHER')
      // The next poll asks again.
      this.#hasNews = true
      return
    }
    if (this.#options.startFrom === 'latest') this.#pinNewTopics(partitions)
    const assigned: AssignedPartition[] = []
    for (const each of partitions) {
      const log = this.#cluster.log(each)
      if (log === undefined) continue
      const committed = group.committed(each)
      const { topic, partition } = each
      const { metadata = '' } = committed ?? {}
      assigned.push({ topic, partition, position: committed?.position, metadata, logEnd: log.stableEnd })
      const position = committed?.position ?? log.start
      this.#assignments.set(partitionId(each), { topic, partition, log, position, delivers: true, paused: false })
    }
    if (assigned.length === 0) return
    group.claim(this, assigned)
    this.#listener.onAssigning?.()
    this.#listener.onAssigned(assigned)
  }

  /** Whoever comes first does it for all partitions. Nothing comes between, so no two can. */
  #pinNewTopics(partitions: readonly TopicPartition[]): void {
    const { group } = this.#cluster
    for (const topic of new Set(partitions.map((each) => each.topic))) {
      if (group.hasCommitted(topic)) continue
      const isLate = this.#options.isLate?.(topic) === true
      for (const log of this.#cluster.logsOf(topic)) {
        group.commit(log, { position: isLate ? log.start : log.end, metadata: '' })
      }
    }
  }

  #revoke(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) {
      const assignment = this.#assignments.get(partitionId(each))
      if (assignment !== undefined) assignment.delivers = false
    }
    this.#revoking = Promise.resolve()
      .then(() => this.#listener.onRevoked(partitions))
      .catch((thrown: unknown) => {
        this.#failure = toError(thrown)
      })
      .then(() => this.#cluster.group.arrived(this))
      .then(() => {
        this.#revoking = undefined
        for (const each of partitions) this.#assignments.delete(partitionId(each))
        this.#cluster.group.release(this, partitions)
        this.wake()
      })
  }

  #read(maxRecords: number): readonly KafkaRecord[] {
    if (maxRecords <= 0) return []
    const ready = [...this.#assignments.values()].filter((each) => each.delivers && !each.paused)
    const records: KafkaRecord[] = []
    this.#turn++
    for (let step = 0; step < ready.length && records.length < maxRecords; step++) {
      const assignment = ready[(this.#turn + step) % ready.length]
      if (assignment !== undefined) records.push(...this.#readOne(assignment, maxRecords - records.length))
    }
    return records
  }

  #readOne(assignment: Assignment, maxRecords: number): readonly KafkaRecord[] {
    const { log } = assignment
    // Out of range, below or above: the log was cut. It goes on at the first record there is, as by `auto.offset.reset: earliest`.
    if (assignment.position < log.start || assignment.position > log.end) {
      this.#options.onError?.('OFFSET_OUT_OF_RANGE')
      assignment.position = log.start
    }
    const records = log.read(assignment.position, maxRecords)
    const last = records.at(-1)
    // Nothing left means that only holes are left up to the end.
    assignment.position = last === undefined ? Math.max(assignment.position, log.stableEnd) : last.offset + 1
    return records
  }

  #waitForNews(leftMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#cluster.clock.setTimer(leftMs, () => this.wake())
      this.#wake = () => {
        timer.cancel()
        this.#wake = undefined
        resolve()
      }
    })
  }

  #setPaused(partitions: readonly TopicPartition[], paused: boolean): void {
    for (const each of partitions) {
      const assignment = this.#assignments.get(partitionId(each))
      if (assignment !== undefined) assignment.paused = paused
    }
  }

  /** The partitions are given back by the polls that go on meanwhile; without any, they are dropped after a while. */
  async #close(): Promise<void> {
    this.#state = 'closing'
    if (this.#assignments.size > 0 || this.#revoking !== undefined) {
      await new Promise<void>((resolve) => {
        const limit = this.#cluster.clock.setTimer(CLOSE_LIMIT_MS, resolve)
        this.#leftGroup = () => {
          limit.cancel()
          resolve()
        }
        this.wake()
      })
    }
    this.#leaveForGood()
  }

  #leaveForGood(): void {
    this.#state = 'closed'
    this.#cluster.group.leave(this)
    this.#cluster.forget(this)
    this.wake()
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  #requireOwned(commits: readonly CommitRequest[]): void {
    const foreign = this.foreign(commits)
    if (foreign.length > 0) throw notOwned(foreign)
  }

  #requireOpen(): void {
    if (this.#isClosed()) throw new PyrallelError('PYR_CLIENT_CLOSED', 'The Kafka consumer is closed.')
  }
}
