/**
 * Sends for the membership: heartbeats when they are due, commits, and look-ups of what is committed, to the coordinator as last found.
 * What has happened is told by events; nothing of a user's runs in here.
 */
import type { Clock, Timer } from '../../time/clock.ts'
import { settlesWithin, sleep } from '../../time/wait.ts'
import { faultCodes } from '../faults/codes.ts'
import type { Brokers } from './brokers.ts'
import type { ApiCall } from './call.ts'
import { answeredFault, KafkaFault, toFault } from './errors.ts'
import {
  type CommittedPosition,
  commitCall,
  heartbeatCall,
  type OffsetReply,
  type OffsetsOf,
  offsetsCall,
  type PartitionReply,
  type TopicPartitions,
} from './group-calls.ts'
import type { BrokerLink } from './link.ts'
import { GroupMembership } from './membership.ts'
import type {
  CommitGrant,
  GroupPartition,
  HeartbeatRequest,
  MembershipEvent,
  MembershipOptions,
} from './membership-steps.ts'
import type { TransactionMember } from './transaction-calls.ts'

/** Before a refused commit is sent again. */
const RETRY_MS = 50

export interface GroupSessionOptions extends MembershipOptions {
  readonly group: string
  readonly memberId: string
  readonly instanceId: string | null
  /** Where this member runs; the group's assignor may look at it. */
  readonly rack: string | null
  readonly brokers: Brokers
  readonly clock: Clock
  /** Called in the order of the events, at once. Must not throw. */
  readonly onEvent: (event: MembershipEvent) => void
}

/** How long a request is tried. */
interface GrantLimits {
  readonly untilMs: number
  /** Where it may have been done. Default: `repeat`, which does no harm to what is the same each time. */
  readonly ifUnanswered?: 'repeat' | 'give up'
}

export class GroupSession {
  readonly #options: GroupSessionOptions
  readonly #membership: GroupMembership
  #coordinator: BrokerLink | undefined
  #timer: Timer | undefined
  /** Resolved at each answer to a heartbeat. */
  #beat = Promise.resolve()
  #onBeat: () => void = () => {}
  /** One commit after the other: a late repeat would turn back what a later one has stored. */
  #turn: Promise<void> = Promise.resolve()
  #isStopped = false
  #unsettledSince: number | undefined

  constructor(options: GroupSessionOptions) {
    this.#options = options
    this.#membership = new GroupMembership(options)
    this.#awaitBeat()
  }

  /** Joins the group. */
  start(): void {
    this.#step()
  }

  /** Reads these from now on. */
  changeTopics(topics: readonly string[]): void {
    this.#membership.changeTopics(topics, this.#now)
    this.#step()
  }

  /** Whoever used the partitions of this revoke has let them go. */
  revoked(revokeId: number): void {
    this.#membership.revoked(revokeId, this.#now)
    this.#step()
  }

  /** Asks for everything back, then leaves: `left` is the last event. */
  leave(): void {
    this.#membership.leave(this.#now)
    this.#step()
  }

  /** Says nothing more to anybody. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  /** Since when it has been joining, or giving up what the group wants back. */
  get unsettledSince(): number | undefined {
    return this.#isStopped ? undefined : this.#unsettledSince
  }

  /** What the group has told this member of itself; null before it has taken it in, and afterwards. */
  get memberEpoch(): number | null {
    return this.#isStopped ? null : (this.#membership.grant?.memberEpoch ?? null)
  }

  /** It may be committed at this moment: the broker would store what others own, too. */
  owns(partition: GroupPartition): boolean {
    return this.#membership.owned([partition]).length > 0
  }

  /**
   * Settles when the coordinator has stored it. Rejects with a `KafkaFault` otherwise, also when the group has counted this member out since the call:
   * another owner may have committed by then.
   * @param stillOwned asked before each sending; throws where a partition is not owned any more
   */
  commit(topics: readonly OffsetsOf<CommittedPosition>[], limitMs: number, stillOwned: () => void): Promise<void> {
    const joined = this.#membership.grant?.session
    const committed = this.#turn.then(() => this.#commit(topics, joined, this.#now + limitMs, stillOwned))
    this.#turn = committed.catch(() => {})
    return committed
  }

  /**
   * Settles when the coordinator has taken the offsets into a transaction. Rejects with a `KafkaFault` otherwise, also where nobody has answered: they are in it
   * or not, and that transaction must not be committed, nor may a later one have its epoch.
   * @param callOf the request, with the member as it is then
   * @param stillOwned asked before each sending; throws where a partition is not owned any more
   */
  async sendOffsets(
    callOf: (member: TransactionMember) => ApiCall<readonly PartitionReply[]>,
    limitMs: number,
    stillOwned: () => void,
  ): Promise<void> {
    const { group, memberId, instanceId } = this.#options
    const mayBeSent = () => {
      stillOwned()
      return true
    }
    const limits = { untilMs: this.#now + limitMs, ifUnanswered: 'give up' } as const
    await this.#granted(limits, mayBeSent, async ({ memberEpoch }, leftMs) => {
      refuseFirst(await this.#ask(callOf({ group, memberId, memberEpoch, instanceId }), leftMs))
    })
  }

  /** What is committed, as a member. Rejects with a `KafkaFault` when nothing was told within `limitMs`. */
  async offsets(topics: readonly OffsetsOf<number>[], limitMs: number): Promise<readonly OffsetReply[]> {
    const { group, memberId } = this.#options
    const always = () => true
    return this.#granted({ untilMs: this.#now + limitMs }, always, async (grant, leftMs) => {
      const fields = { group, memberId, memberEpoch: grant.memberEpoch, topics, isStableOnly: true }
      const { code, partitions } = await this.#ask(offsetsCall(fields), leftMs)
      if (code !== 0) throw answeredFault(code)
      return partitions
    })
  }

  /** Rejects with a `KafkaFault` when the coordinator has not answered anything within `limitMs`. */
  async askCoordinator(limitMs: number): Promise<void> {
    const { group, brokers } = this.#options
    const fields = { group, memberId: null, memberEpoch: -1, topics: [], isStableOnly: false }
    await brokers.retried(limitMs, async () => {
      const { code } = await this.#ask(offsetsCall(fields), limitMs)
      if (code === faultCodes.COORDINATOR_LOAD_IN_PROGRESS || code === faultCodes.NOT_COORDINATOR) {
        this.#lostCoordinator()
        throw answeredFault(code)
      }
    })
  }

  get #now(): number {
    return this.#options.clock.now()
  }

  #step(): void {
    if (this.#isStopped) return
    const { events, request } = this.#membership.step(this.#now)
    this.#unsettledSince = this.#membership.isSettled ? undefined : (this.#unsettledSince ?? this.#now)
    for (const event of events) this.#options.onEvent(event)
    if (request !== undefined) void this.#send(request)
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#isStopped || !Number.isFinite(this.#membership.wakeAtMs)) return
    this.#timer = this.#options.clock.setTimer(Math.max(0, this.#membership.wakeAtMs - this.#now), () => this.#step())
  }

  async #send(request: HeartbeatRequest): Promise<void> {
    const { group, memberId, instanceId, rack } = this.#options
    if (request.findsCoordinator) this.#lostCoordinator()
    const call = heartbeatCall({ ...request, group, memberId, instanceId, rack, owned: byTopic(request.owned) })
    try {
      const coordinator = await this.#found()
      const reply = await coordinator.call(call)
      if (reply.code !== 0) this.#membership.refused(request.id, reply.code, this.#now)
      else {
        const assignment = reply.assignment?.flatMap(partitionsOf) ?? null
        this.#membership.answered(request.id, { ...reply, assignment }, this.#now)
        this.#onBeat()
        this.#awaitBeat()
      }
    } catch (thrown) {
      const { code } = toFault(thrown)
      // Whoever answers with a code of Kafka's has answered; but this request was not sent.
      if (code > 0 && code !== faultCodes.UNSUPPORTED_VERSION) this.#membership.coordinatorMoved()
      if (code === faultCodes.UNSUPPORTED_VERSION || code === faultCodes.GROUP_AUTHORIZATION_FAILED) {
        this.#membership.refused(request.id, code, this.#now)
      } else this.#membership.unanswered(request.id, this.#now)
    }
    this.#step()
  }

  async #found(): Promise<BrokerLink> {
    this.#coordinator ??= await this.#options.brokers.coordinator(this.#options.group)
    return this.#coordinator
  }

  #lostCoordinator(): void {
    this.#coordinator = undefined
  }

  #awaitBeat(): void {
    this.#beat = new Promise((resolve) => {
      this.#onBeat = resolve
    })
  }

  async #commit(
    topics: readonly OffsetsOf<CommittedPosition>[],
    joined: number | undefined,
    untilMs: number,
    stillOwned: () => void,
  ): Promise<void> {
    const { group, memberId, instanceId } = this.#options
    const mayBeSent = (grant: CommitGrant) => {
      stillOwned()
      return grant.session === joined
    }
    await this.#granted({ untilMs }, mayBeSent, async (grant, leftMs) => {
      const fields = { group, memberId, instanceId, memberEpoch: grant.memberEpoch, topics }
      refuseFirst(await this.#ask(commitCall(fields), leftMs))
    })
  }

  /** Sends with the membership as it is, and again when that has changed in between, until the time is over. */
  async #granted<T>(
    { untilMs, ifUnanswered = 'repeat' }: GrantLimits,
    mayBeSent: (grant: CommitGrant) => boolean,
    send: (grant: CommitGrant, leftMs: number) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const leftMs = untilMs - this.#now
      const { grant } = this.#membership
      if (grant === undefined || !mayBeSent(grant)) throw answeredFault(faultCodes.UNKNOWN_MEMBER_ID)
      try {
        return await send(grant, leftMs)
      } catch (thrown) {
        const fault = toFault(thrown)
        if (!(thrown instanceof KafkaFault)) throw thrown
        const verdict = this.#verdict(fault, grant)
        if (fault.isUnanswered && ifUnanswered === 'give up') throw fault
        if (verdict === 'lost' || verdict === 'final' || this.#isStopped || this.#now + RETRY_MS >= untilMs) throw fault
        if (verdict === 'later') await settlesWithin(this.#options.clock, this.#beat, untilMs - this.#now)
        else if (verdict === 'retry') await sleep(this.#options.clock, RETRY_MS)
      }
    }
  }

  #verdict(fault: KafkaFault, grant: CommitGrant): ReturnType<GroupMembership['commitRefused']> {
    if (fault.isAuthentication || fault.code === faultCodes.UNSUPPORTED_VERSION) return 'final'
    if (fault.code === faultCodes.CONCURRENT_TRANSACTIONS) return 'retry'
    if (fault.isUnanswered) {
      // It may be done or not; the same again does no harm.
      this.#lostCoordinator()
      this.#membership.coordinatorMoved()
      return 'retry'
    }
    const verdict = this.#membership.commitRefused(fault.code, grant, this.#now)
    if (verdict === 'retry') this.#lostCoordinator()
    this.#step()
    return verdict
  }

  /** An answer that comes after `limitMs` is dropped, and its connection is left as it is: others may be under way. */
  async #ask<A>(call: ApiCall<A>, limitMs: number): Promise<A> {
    return this.#options.brokers.inTime(
      this.#found().then((coordinator) => coordinator.call(call)),
      limitMs,
    )
  }
}

/** @throws KafkaFault */
function refuseFirst(replies: readonly PartitionReply[]): void {
  const refused = replies.find(({ code }) => code !== 0)
  if (refused !== undefined) throw answeredFault(refused.code)
}

function byTopic(partitions: readonly GroupPartition[] | null): readonly TopicPartitions[] | null {
  if (partitions === null) return null
  const topics = new Map<string, number[]>()
  for (const { topicId, partition } of partitions) topics.set(topicId, [...(topics.get(topicId) ?? []), partition])
  return [...topics].map(([topicId, of]) => ({ topicId, partitions: of }))
}

function partitionsOf({ topicId, partitions }: TopicPartitions): readonly GroupPartition[] {
  return partitions.map((partition) => ({ topicId, partition }))
}
