/** Answers librdkafka's rebalance callbacks, one after the other, always: one that stays unanswered hangs the process for good. */

import { toError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import { type PartitionId, partitionId, partitionPlace, type TopicPartition } from '../../model/record.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import { settlesWithin, sleep } from '../../time/wait.ts'
import { faultCodes } from '../faults/codes.ts'
import type { ErrorReport } from '../faults/error-report.ts'
import type { AssignedPartition, CommitRequest, RebalanceListener } from '../kafka-client.ts'
import type { OwnedPartitions } from '../owned-partitions.ts'
import { PartitionStarts } from '../starts/partition-starts.ts'
import type { NativeConsumer, NativeError, NativePartition } from './binding.ts'
import { nativeError } from './errors.ts'
import { type ForeignCommits, NativeStartsSource } from './starts-source.ts'

/** Between two rounds of questions about partitions whose start is not known yet. */
const ASK_AGAIN_MS = 500
/** librdkafka's name for the first record that there is. */
const BEGINNING = -2

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
  /** Of a topic without one: whether it was made after the group had begun. */
  readonly isLate?: ((topic: string) => boolean) | undefined
  /** What other tools have committed. Left out: it is not looked at. */
  readonly foreign?: ForeignCommits | undefined
  /** Commits these, owned or not. Rejects with what the coordinator says. */
  pin(commits: readonly CommitRequest[]): Promise<void>
  /** Settles when no `consume` call runs that began before. */
  settled(): Promise<void>
  /** Settles when no offsets are on their way into a transaction. */
  sent(): Promise<void>
  /** Records of these partitions that were received and not returned must never be returned. */
  forget(partitions: readonly TopicPartition[]): void
  /** Told before librdkafka fetches these. */
  begins(partitions: readonly TopicPartition[]): void
  /** These were given up, and the member stays. */
  gone(partitions: readonly TopicPartition[]): void
  /** The consumer is of no use any more; the next poll says so. */
  fail(error: Error): void
}

export class Membership {
  readonly #host: MembershipHost
  readonly #starts: PartitionStarts
  #listener: RebalanceListener | undefined
  /** What librdkafka was told to fetch. Not the same as what is owned: an assignment that came too late was answered with nothing. */
  readonly #fetched = new Set<PartitionId>()
  /** Assigned by the group and not begun: their start is not known. */
  readonly #unbegun = new Map<PartitionId, TopicPartition>()
  #askingAgain: Timer | undefined
  #queue: Promise<void> = Promise.resolve()
  /** Callbacks that wait for their answer, and since when there is one. */
  #unanswered = { count: 0, since: 0 }
  #isEager = false
  #isClosing = false
  #isLeaving = false

  constructor(host: MembershipHost) {
    this.#host = host
    const source = new NativeStartsSource(host.native, host.clock, (commits) => host.pin(commits), host.foreign)
    const isForeign = host.foreign?.isForeign
    this.#starts = new PartitionStarts({ ...host, isForeign, source, fail: (error) => host.fail(toError(error)) })
  }

  listen(listener: RebalanceListener): void {
    this.#listener = listener
  }

  /** True while partitions are held or a callback waits for its answer. */
  get isActive(): boolean {
    return this.#unanswered.count > 0 || this.#host.owned.size > 0
  }

  /** Settles when the callbacks that have come so far are answered. */
  get answered(): Promise<void> {
    return this.#queue
  }

  get hasUnanswered(): boolean {
    return this.#unanswered.count > 0
  }

  get unansweredSince(): number | undefined {
    return this.hasUnanswered ? this.#unanswered.since : undefined
  }

  /** What the group has given, begun or not; `undefined` while that changes. */
  get granted(): readonly TopicPartition[] | undefined {
    return this.hasUnanswered ? undefined : [...[...this.#host.owned].map(plain), ...this.#unbegun.values()]
  }

  /** From now on nothing is taken any more; what is owned is still given up in order. */
  stopAssigning(): void {
    this.#isClosing = true
    this.#starts.stop()
    this.#unbegun.clear()
    this.#askingAgain?.cancel()
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
    const isRevoke = event?.code === faultCodes.REVOKE_PARTITIONS
    // Read now: later it may speak of another rebalance, and after the disconnect it crashes the process.
    const isLost = isRevoke && !this.#isLeaving && this.#host.native.assignmentLost()
    if (isRevoke) this.#stopDelivery(partitions)
    this.#inTurn(() => (isRevoke ? this.#revoke(partitions, isLost) : this.#assign(partitions)))
  }

  #inTurn(task: () => Promise<void>): void {
    if (this.#unanswered.count === 0) this.#unanswered.since = this.#host.clock.now()
    this.#unanswered.count++
    this.#queue = this.#queue
      .then(task)
      .catch((thrown: unknown) => this.#host.fail(toError(thrown)))
      .finally(() => {
        this.#unanswered.count--
      })
  }

  #stopDelivery(partitions: readonly NativePartition[]): void {
    for (const { topic, partition } of partitions) {
      const owned = this.#host.owned.get(topic, partition)
      if (owned !== undefined) owned.delivers = false
      this.#unbegun.delete(partitionId({ topic, partition }))
    }
    this.#host.forget(partitions)
  }

  async #assign(partitions: readonly NativePartition[]): Promise<void> {
    // After the disconnect, the question would crash the process.
    if (!this.#isLeaving) this.#isEager = this.#host.native.rebalanceProtocol() === 'EAGER'
    for (const each of partitions.map(plain)) if (!this.#isClosing) this.#unbegun.set(partitionId(each), each)
    if (this.#unbegun.size > 0) this.#listener?.onAssigning?.()
    let known = await this.#findStarts()
    // An eager group takes one assignment, and only whole. librdkafka waits with it, and keeps us in the group meanwhile.
    while (this.#isEager && this.#unbegun.size > 0) {
      await sleep(this.#host.clock, ASK_AGAIN_MS)
      known = [...known, ...(await this.#findStarts())]
    }
    this.#begin(this.#isClosing ? [] : known)
  }

  /**
   * One round of questions about what has not begun. Those that have found their start have begun with it; the others are asked for again: a topic
   * that may not be looked at does not keep the others waiting.
   */
  async #findStarts(): Promise<readonly AssignedPartition[]> {
    if (this.#unbegun.size === 0) return []
    const { known } = await this.#starts.find([...this.#unbegun.values()])
    // Without those that were taken away meanwhile.
    const found = known.filter((each) => this.#unbegun.delete(partitionId(each)))
    if (!this.#isEager) this.#askAgainLater()
    return found
  }

  #askAgainLater(): void {
    if (this.#unbegun.size === 0 || this.#askingAgain !== undefined) return
    this.#askingAgain = this.#host.clock.setTimer(ASK_AGAIN_MS, () => {
      this.#askingAgain = undefined
      // In turn with the callbacks: while a topic's first positions are being committed, its partition 0 must not go to somebody else.
      this.#inTurn(async () => {
        const known = await this.#findStarts()
        if (known.length > 0) this.#begin(known)
      })
    })
  }

  #begin(assigned: readonly AssignedPartition[]): void {
    // First our own books, then librdkafka: its first record may come in the same tick.
    this.#host.owned.add(assigned)
    this.#host.begins(assigned)
    try {
      if (assigned.length > 0) this.#listener?.onAssigned(assigned)
    } finally {
      this.#answerAssign(assigned)
    }
  }

  #answerAssign(assigned: readonly AssignedPartition[]): void {
    const { native, log, owned } = this.#host
    const positions = assigned.map(({ position = BEGINNING, ...each }) => ({ ...plain(each), offset: position }))
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
      log.warn(
        { errorMessage: nativeError(thrown).message, partitions: assigned.map(partitionPlace) },
        'an assignment came too late to be taken',
      )
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
      // Brokers check the member, not what it owns: offsets that arrived after the answer could overwrite those of the next owner.
      await this.#host.sent()
    }
  }

  async #drain(partitions: readonly TopicPartition[]): Promise<void> {
    const { clock, log, revokeLimitMs } = this.#host
    const drained = Promise.resolve(this.#listener?.onRevoked(partitions))
    if (await settlesWithin(clock, drained, revokeLimitMs)) return
    log.error(
      { partitions: partitions.map(partitionPlace), limitMs: revokeLimitMs },
      'a revoke was answered before its drain had ended',
    )
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
      log.warn(
        { errorMessage: nativeError(thrown).message, partitions: asked.map(partitionPlace) },
        'a revoke could not be answered',
      )
    }
  }
}

function plain({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
