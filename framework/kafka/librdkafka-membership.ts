/** Answers librdkafka's rebalance callbacks, one after the other, always: one that stays unanswered hangs the process for good. */
import { toError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { type PartitionId, partitionId, type TopicPartition } from '../model/record.ts'
import type { Clock } from '../runtime/clock.ts'
import type { AssignedPartition, RebalanceListener } from './kafka-client.ts'
import type { NativeConsumer, NativeError, NativePartition } from './librdkafka-binding.ts'
import type { ErrorReport } from './librdkafka-error-report.ts'
import { isFatal, nativeCodes, nativeError } from './librdkafka-errors.ts'
import { askLogEnds } from './librdkafka-log-ends.ts'
import type { OwnedPartitions } from './owned-partitions.ts'
import { settlesWithin, sleep } from './wait.ts'

/** How long one look-up of committed offsets may take. It holds a thread of libuv's pool meanwhile. */
const COMMITTED_TIMEOUT_MS = 5_000
const COMMITTED_RETRY_MS = 500
/** A partition whose committed offset the coordinator keeps refusing (deleted topic, say) starts without one after so many tries. */
const REFUSED_PARTITION_TRIES = 3

/** What the membership needs of the consumer that it belongs to. */
export interface MembershipHost {
  readonly native: NativeConsumer
  readonly owned: OwnedPartitions
  readonly log: Logger
  readonly errors: ErrorReport
  readonly clock: Clock
  readonly revokeLimitMs: number
  /** Where a partition without a committed position starts. */
  readonly startFrom: 'earliest' | 'latest'
  /** Settles when no `consume` call runs that began before. */
  settled(): Promise<void>
  /** Records of these partitions that were received and not returned must never be returned. */
  forget(partitions: readonly TopicPartition[]): void
  /** These were given up, and the member stays. */
  gone(partitions: readonly TopicPartition[]): void
  /** The consumer is of no use any more; the next poll says so. */
  fail(error: Error): void
}

export class Membership {
  readonly #host: MembershipHost
  #listener: RebalanceListener | undefined
  /** What librdkafka was told to fetch. Not the same as what is owned: an assignment that came too late was answered with nothing. */
  readonly #fetched = new Set<PartitionId>()
  #queue: Promise<void> = Promise.resolve()
  #unanswered = 0
  #isEager = false
  #isClosing = false
  #isLeaving = false

  constructor(host: MembershipHost) {
    this.#host = host
  }

  listen(listener: RebalanceListener): void {
    this.#listener = listener
  }

  /** True while partitions are held or a callback waits for its answer. */
  get isActive(): boolean {
    return this.#unanswered > 0 || this.#host.owned.size > 0
  }

  /** Settles when the callbacks that have come so far are answered. */
  get answered(): Promise<void> {
    return this.#queue
  }

  get hasUnanswered(): boolean {
    return this.#unanswered > 0
  }

  /** From now on nothing is taken any more; what is owned is still given up in order. */
  stopAssigning(): void {
    this.#isClosing = true
  }

  /** From now on nothing waits for the broker any more: the consumer is about to disconnect. */
  leave(): void {
    this.#isLeaving = true
  }

  /**
   * Gives up everything as for a revoke, though nobody has asked for it, and leaves the group's books as they are. Commits are accepted until
   * it has settled, and the revoke that comes with the disconnect finds nothing left to do.
   */
  giveUpUnasked(): Promise<void> {
    const partitions = [...this.#host.owned].map(plain)
    this.#stopDelivery(partitions)
    this.#queue = this.#queue
      .then(() => this.#giveUp(partitions, false))
      .catch((thrown: unknown) => this.#host.fail(toError(thrown)))
    return this.#queue
  }

  /** librdkafka's `rebalance_cb`. Must not throw. */
  onRebalance(event: NativeError | undefined, partitions: readonly NativePartition[]): void {
    const isRevoke = event?.code === nativeCodes.REVOKE_PARTITIONS
    // Read now: later it may speak of another rebalance, and after the disconnect it crashes the process.
    const isLost = isRevoke && !this.#isLeaving && this.#host.native.assignmentLost()
    if (isRevoke) this.#stopDelivery(partitions)
    this.#unanswered++
    this.#queue = this.#queue
      .then(() => (isRevoke ? this.#revoke(partitions, isLost) : this.#assign(partitions)))
      .catch((thrown: unknown) => this.#host.fail(toError(thrown)))
      .finally(() => {
        this.#unanswered--
      })
  }

  #stopDelivery(partitions: readonly NativePartition[]): void {
    for (const { topic, partition } of partitions) {
      const owned = this.#host.owned.get(topic, partition)
      if (owned !== undefined) owned.delivers = false
    }
    this.#host.forget(partitions)
  }

  async #assign(partitions: readonly NativePartition[]): Promise<void> {
    // After the disconnect, the question would crash the process.
    if (!this.#isLeaving) this.#isEager = this.#host.native.rebalanceProtocol() === 'EAGER'
    const starts = partitions.length === 0 || this.#isClosing ? [] : await this.#readStarts(partitions)
    const assigned = starts.map((start) => start.assigned)
    // First our own books, then librdkafka: its first record may come in the same tick.
    this.#host.owned.add(assigned)
    try {
      if (assigned.length > 0) this.#listener?.onAssigned(assigned)
    } finally {
      this.#answerAssign(starts)
    }
  }

  #answerAssign(starts: readonly PartitionStart[]): void {
    const { native, log, owned } = this.#host
    const assigned = starts.map((start) => start.assigned)
    const positions = starts.map((start) => start.fetchFrom)
    try {
      if (this.#isEager) native.assign(positions)
      else native.incrementalAssign(positions)
      for (const each of assigned) this.#fetched.add(partitionId(each))
      // librdkafka remembers a pause over a revoke, and we promise that a new assignment is not paused.
      if (assigned.length > 0) native.resume(assigned.map(plain))
      // Unless that has just been asked for, by `onAssigned`: resumed, its records would flow into memory for as long as nobody may take them.
      const paused = assigned.filter(({ topic, partition }) => owned.get(topic, partition)?.paused === true)
      if (paused.length > 0) native.pause(paused.map(plain))
    } catch (thrown) {
      log.warn({ error: nativeError(thrown).message, partitions: positions }, 'an assignment came too late to be taken')
      owned.drop(assigned)
      if (assigned.length > 0) this.#listener?.onLost(assigned.map(plain))
      // A disconnect takes no assignment, and still waits for an answer.
      if (this.#isLeaving) this.#giveBack([], assigned.map(plain))
    }
  }

  async #revoke(revoked: readonly NativePartition[], isLost: boolean): Promise<void> {
    const partitions = revoked.map(plain)
    try {
      await this.#giveUp(partitions, isLost)
    } finally {
      this.#answerRevoke(partitions)
    }
    if (!this.#isClosing) this.#host.gone(partitions)
  }

  async #giveUp(partitions: readonly TopicPartition[], isLost: boolean): Promise<void> {
    try {
      // A record that a running `consume` brings after the answer could belong to the next assignment of the same partition.
      await this.#host.settled()
      const held = partitions.filter((each) => this.#host.owned.has(each))
      if (held.length === 0) return
      if (isLost) this.#listener?.onLost(held)
      else await this.#drain(held)
    } finally {
      this.#host.owned.drop(partitions)
    }
  }

  async #drain(partitions: readonly TopicPartition[]): Promise<void> {
    const { clock, log, revokeLimitMs } = this.#host
    const drained = Promise.resolve(this.#listener?.onRevoked(partitions))
    if (await settlesWithin(clock, drained, revokeLimitMs)) return
    log.error({ partitions, limitMs: revokeLimitMs }, 'a revoke was answered before its drain had ended')
    // The partitions may come back while the drain still runs: what it has to do with them ends here.
    this.#listener?.onLost(partitions)
  }

  #answerRevoke(partitions: readonly TopicPartition[]): void {
    // It refuses a list with a partition that it does not fetch, and a revoke without an answer hangs the process.
    this.#giveBack(
      partitions.filter((each) => this.#fetched.delete(partitionId(each))),
      partitions,
    )
  }

  /**
   * A disconnect takes any of the two as the answer, once librdkafka has begun with it on a thread of its own. Until then it refuses the one that is
   * not of the group's protocol; and a member that joins while it disconnects has never been told the protocol.
   */
  #giveBack(fetched: readonly TopicPartition[], asked: readonly TopicPartition[]): void {
    const { native, log } = this.#host
    const whole = () => native.unassign()
    const part = () => native.incrementalUnassign(fetched)
    const [first, second] = this.#isEager ? [whole, part] : [part, whole]
    try {
      try {
        first()
      } catch {
        second()
      }
    } catch (thrown) {
      log.warn({ error: nativeError(thrown).message, partitions: asked }, 'a revoke could not be answered')
    }
  }

  /** The committed positions, and the ends of those logs of which completions above the position are stored: the log may end below them. */
  async #readStarts(partitions: readonly NativePartition[]): Promise<readonly PartitionStart[]> {
    const { native, clock, log } = this.#host
    const starts = await this.#readCommitted(partitions)
    const marked = starts.filter(({ assigned }) => assigned.position !== undefined && assigned.metadata !== '')
    const ends = await askLogEnds(
      native,
      clock,
      marked.map(({ assigned }) => assigned),
    )
    if (ends.size < marked.length) {
      const facts = { asked: marked.length, told: ends.size }
      log.warn(facts, 'the ends of some logs were not told; what is stored as completed is believed without them')
    }
    if (this.#isClosing) return []
    return starts.map((start) => {
      const logEnd = ends.get(partitionId(start.assigned))
      return logEnd === undefined ? start : { ...start, assigned: { ...start.assigned, logEnd } }
    })
  }

  /**
   * Asks until the coordinator answers: librdkafka waits with the assignment, and keeps us in the group meanwhile. Nothing when we are closing
   * or can go no further: the assignment is then answered without partitions.
   */
  async #readCommitted(partitions: readonly NativePartition[]): Promise<readonly PartitionStart[]> {
    const { log, errors, startFrom } = this.#host
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#askCommitted(partitions)
      if (this.#isClosing) return []
      if (Array.isArray(answer)) {
        const refused = answer.findIndex((each) => each instanceof Error)
        if (refused === -1 || attempt >= REFUSED_PARTITION_TRIES) return merge(partitions, answer, startFrom)
        errors.count(nativeError(answer[refused]))
        log.warn({ error: String(answer[refused]), partition: partitions[refused] }, 'a committed offset was not told')
      } else {
        const error = answer as NativeError
        errors.count(error)
        if (isFatal(error)) {
          this.#host.fail(toError(error))
          return []
        }
        log.warn({ error: error.message, code: error.code, attempt }, 'the committed offsets could not be read')
      }
      await sleep(this.#host.clock, COMMITTED_RETRY_MS)
    }
  }

  #askCommitted(partitions: readonly NativePartition[]): Promise<readonly (NativePartition | Error)[] | NativeError> {
    return new Promise((resolve) => {
      try {
        this.#host.native.committed(partitions.map(plain), COMMITTED_TIMEOUT_MS, (error, found) =>
          resolve(error ? nativeError(error) : found),
        )
      } catch (thrown) {
        resolve(nativeError(thrown))
      }
    })
  }
}

function plain({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}

interface PartitionStart {
  readonly assigned: AssignedPartition
  /** What librdkafka is told. Without an offset it asks for the committed one itself. */
  readonly fetchFrom: NativePartition
}

/** librdkafka's names for the two ends of a log. */
const logicalOffsets = { earliest: -2, latest: -1 } as const

function merge(
  partitions: readonly NativePartition[],
  found: readonly (NativePartition | Error)[],
  startFrom: 'earliest' | 'latest',
): readonly PartitionStart[] {
  return partitions.map(({ topic, partition }, index) => {
    const committed = found[index]
    if (committed === undefined || committed instanceof Error) {
      return { assigned: { topic, partition, position: undefined, metadata: '' }, fetchFrom: { topic, partition } }
    }
    const { offset, metadata } = committed
    const position = offset !== undefined && offset >= 0 ? offset : undefined
    return {
      assigned: { topic, partition, position, metadata: metadata ?? '' },
      fetchFrom: { topic, partition, offset: position ?? logicalOffsets[startFrom] },
    }
  })
}
