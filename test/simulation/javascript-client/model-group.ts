/**
 * A group coordinator by the rules that were probed on Apache Kafka 4.4.0 (KIP-848, ConsumerGroupHeartbeat v1 and OffsetCommit v9). It was
 * written from what the real one answers, not from what our client expects.
 */
import type {
  GroupPartition,
  HeartbeatAnswer,
  HeartbeatRequest,
} from '../../../framework/kafka/javascript/membership-steps.ts'

export const SESSION_MS = 8_000
export const INTERVAL_MS = 2_000

export const codes = {
  LOADING: 14,
  NOT_COORDINATOR: 16,
  UNKNOWN_MEMBER: 25,
  INVALID_REQUEST: 42,
  GROUP_NOT_FOUND: 69,
  FENCED_INSTANCE: 82,
  FENCED_EPOCH: 110,
  UNRELEASED_INSTANCE: 111,
  STALE_EPOCH: 113,
} as const

interface ModelMember {
  readonly id: string
  readonly instanceId: string | undefined
  /** -2: it has left, and its partitions wait for its name. */
  epoch: number
  previousEpoch: number
  /** Told to it, with the epoch at which each came. */
  assigned: Map<string, number>
  /** Wanted back and not given up. */
  pending: Set<string>
  target: Set<string>
  /** As last told, to tell only what has changed. */
  told: string
  rebalanceTimeoutMs: number
  lastHeardMs: number
  revokeUntilMs: number
}

/** Why the group counts a member out. */
export type Removal = 'session' | 'rebalance' | 'left' | 'admin'

export interface MemberId {
  readonly memberId: string
  readonly instanceId: string | undefined
}

export class ModelGroup {
  readonly #members = new Map<string, ModelMember>()
  readonly #onRemoved: (memberId: string, why: Removal, nowMs: number) => void
  #partitions: string[]
  #epoch = 0
  #exists = false

  constructor(partitions: readonly string[], onRemoved: (memberId: string, why: Removal, nowMs: number) => void) {
    this.#partitions = [...partitions]
    this.#onRemoved = onRemoved
  }

  get memberIds(): readonly string[] {
    return [...this.#members.keys()]
  }

  get partitions(): readonly string[] {
    return this.#partitions
  }

  /** Has it been told that this partition is its own, and not heard that it has given it up? */
  owns(memberId: string, partition: string): boolean {
    const member = this.#members.get(memberId)
    return member !== undefined && (member.assigned.has(partition) || member.pending.has(partition))
  }

  holderOf(instanceId: string): string | undefined {
    const holder = this.#holder(instanceId)
    return holder === undefined || holder.epoch === -2 ? undefined : holder.id
  }

  setPartitions(partitions: readonly string[]): void {
    this.#partitions = [...partitions]
    this.#newTarget()
  }

  /** What an operator does. */
  remove(memberId: string, nowMs: number): void {
    this.#remove(memberId, 'admin', nowMs)
  }

  /** The coordinator's books say another epoch than the member's: a later one, or one that it had before. */
  fence(memberId: string, isLater: boolean): void {
    const member = this.#members.get(memberId)
    if (member === undefined || member.epoch < 2) return
    if (isLater) this.#epoch += 3
    member.epoch += isLater ? 3 : -1
    member.previousEpoch = -5
  }

  wipe(nowMs: number): void {
    for (const id of this.memberIds) this.#remove(id, 'admin', nowMs)
    this.#exists = false
  }

  passTime(nowMs: number): void {
    for (const member of [...this.#members.values()]) {
      if (nowMs > member.lastHeardMs + SESSION_MS) this.#remove(member.id, 'session', nowMs)
      else if (nowMs > member.revokeUntilMs) this.#remove(member.id, 'rebalance', nowMs)
    }
  }

  /** When `passTime` removes somebody next. */
  get nextRemovalMs(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { lastHeardMs, revokeUntilMs } of this.#members.values()) {
      next = Math.min(next, lastHeardMs + SESSION_MS, revokeUntilMs)
    }
    return next + 1
  }

  heartbeat(of: MemberId, request: HeartbeatRequest, nowMs: number): HeartbeatAnswer | number {
    if (request.memberEpoch === 0) return this.#join(of, request, nowMs)
    if (!this.#exists) return codes.GROUP_NOT_FOUND
    const member = this.#find(of)
    if (typeof member === 'number') return member
    if (request.memberEpoch < 0) return this.#leave(member, request.memberEpoch, nowMs)
    const owned = request.owned?.map(keyOf)
    if (member.epoch < 0 || request.memberEpoch > member.epoch) return codes.FENCED_EPOCH
    if (request.memberEpoch < member.epoch) {
      const isHealed =
        request.memberEpoch === member.previousEpoch && owned?.every((each) => member.assigned.has(each)) === true
      if (!isHealed) return codes.FENCED_EPOCH
    }
    member.lastHeardMs = nowMs
    this.#reconcile(member, owned, nowMs)
    const isFull = request.topics !== null && request.rebalanceTimeoutMs > 0 && request.owned !== null
    return this.#answer(member, isFull)
  }

  /** @returns an error for all partitions; 0 when they are stored */
  commit({ memberId, instanceId }: MemberId, epoch: number, partitions: readonly string[]): number {
    if (!this.#exists) return codes.GROUP_NOT_FOUND
    const member = this.#find({ memberId, instanceId })
    if (typeof member === 'number') return member
    if (epoch > member.epoch) return codes.STALE_EPOCH
    if (epoch === member.epoch) return 0
    const isKept = (each: string) => (member.assigned.get(each) ?? Number.POSITIVE_INFINITY) <= epoch
    return partitions.every(isKept) ? 0 : codes.STALE_EPOCH
  }

  #join({ memberId, instanceId }: MemberId, request: HeartbeatRequest, nowMs: number): HeartbeatAnswer | number {
    if (request.topics === null || request.rebalanceTimeoutMs <= 0 || request.owned?.length !== 0) {
      return codes.INVALID_REQUEST
    }
    const holder = instanceId === undefined ? undefined : this.#holder(instanceId)
    if (holder !== undefined && holder.epoch !== -2) return codes.UNRELEASED_INSTANCE
    const member: ModelMember = {
      id: memberId,
      instanceId,
      epoch: 0,
      previousEpoch: -5,
      assigned: new Map(),
      pending: new Set(),
      target: holder?.target ?? new Set(),
      told: '',
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      lastHeardMs: nowMs,
      revokeUntilMs: Number.POSITIVE_INFINITY,
    }
    if (holder !== undefined) this.#members.delete(holder.id)
    this.#members.delete(memberId)
    this.#members.set(memberId, member)
    this.#exists = true
    this.#epoch += 1
    if (holder === undefined) this.#newTarget()
    this.#reconcile(member, [], nowMs)
    return this.#answer(member, true)
  }

  #leave(member: ModelMember, epoch: number, nowMs: number): HeartbeatAnswer | number {
    if (epoch === -2) {
      if (member.instanceId === undefined) return codes.INVALID_REQUEST
      member.epoch = -2
      // Nobody is there to give anything up.
      member.pending.clear()
      member.revokeUntilMs = Number.POSITIVE_INFINITY
    } else this.#remove(member.id, 'left', nowMs)
    return { memberEpoch: epoch, heartbeatIntervalMs: 0, assignment: null }
  }

  #find({ memberId, instanceId }: MemberId): ModelMember | number {
    if (instanceId !== undefined) {
      const holder = this.#holder(instanceId)
      if (holder === undefined) return codes.UNKNOWN_MEMBER
      return holder.id === memberId ? holder : codes.FENCED_INSTANCE
    }
    return this.#members.get(memberId) ?? codes.UNKNOWN_MEMBER
  }

  #holder(instanceId: string): ModelMember | undefined {
    return [...this.#members.values()].find((each) => each.instanceId === instanceId)
  }

  /** What a member has now, on its way to what it is to have. */
  #reconcile(member: ModelMember, owned: readonly string[] | undefined, nowMs: number): void {
    if (member.pending.size > 0) {
      // A drain that has begun ends, whatever the target is by now.
      if (owned === undefined || owned.some((each) => member.pending.has(each))) return
      member.pending.clear()
      member.revokeUntilMs = Number.POSITIVE_INFINITY
    } else if (member.epoch === this.#epoch) {
      this.#giveFree(member)
      return
    }
    const unwanted = [...member.assigned.keys()].filter((each) => !member.target.has(each))
    for (const each of unwanted) member.assigned.delete(each)
    const unreleased = owned === undefined ? unwanted : unwanted.filter((each) => owned.includes(each))
    if (unreleased.length > 0) {
      for (const each of unwanted) member.pending.add(each)
      member.revokeUntilMs = nowMs + member.rebalanceTimeoutMs
      return
    }
    if (member.epoch !== this.#epoch) {
      member.previousEpoch = member.epoch
      member.epoch = this.#epoch
    }
    this.#giveFree(member)
  }

  #giveFree(member: ModelMember): void {
    for (const each of member.target) {
      if (member.assigned.has(each)) continue
      const isHeld = [...this.#members.values()].some(
        ({ assigned, pending }) => assigned.has(each) || pending.has(each),
      )
      if (!isHeld) member.assigned.set(each, member.epoch)
    }
  }

  #answer(member: ModelMember, isFull: boolean): HeartbeatAnswer {
    const list = [...member.assigned.keys()].sort()
    const isNews = isFull || list.join() !== member.told
    member.told = list.join()
    return {
      memberEpoch: member.epoch,
      heartbeatIntervalMs: INTERVAL_MS,
      assignment: isNews ? list.map(partitionOf) : null,
    }
  }

  #remove(id: string, why: Removal, nowMs: number): void {
    if (!this.#members.delete(id)) return
    this.#newTarget()
    this.#onRemoved(id, why, nowMs)
  }

  /** Equal shares; each keeps what it may. */
  #newTarget(): void {
    this.#epoch += 1
    const members = [...this.#members.values()]
    if (members.length === 0) return
    const left = new Set(this.#partitions)
    const most = Math.ceil(this.#partitions.length / members.length)
    for (const member of members) {
      const kept = [...member.target].filter((each) => left.has(each)).slice(0, most)
      member.target = new Set(kept)
      for (const each of kept) left.delete(each)
    }
    for (const each of left) {
      const [smallest] = [...members].sort((a, b) => a.target.size - b.target.size)
      smallest?.target.add(each)
    }
  }
}

export function keyOf({ topicId, partition }: GroupPartition): string {
  return `${topicId}/${partition}`
}

export function partitionOf(key: string): GroupPartition {
  const [topicId = '', partition] = key.split('/')
  return { topicId, partition: Number(partition) }
}
