/** A consumer group's coordinator in memory: who should own what, who does, and what was committed. Cooperative: only what moves is revoked. */
import type { GroupMember as GroupView } from '../../model/group-member.ts'
import { type PartitionId, partitionId, type TopicPartition } from '../../model/record.ts'

/** One member, as its coordinator sees it. */
export interface GroupMember {
  /** Unique in the process. */
  readonly id: string
  readonly topics: ReadonlySet<string>
  /** Something may have changed for it: the next poll looks. */
  wake(): void
  /** Taken away without being asked. */
  lose(partitions: readonly TopicPartition[]): void
}

export interface CommittedOffset {
  readonly position: number
  readonly metadata: string
}

export class MemoryGroup {
  /** In the order of joining, which decides who gets what. */
  readonly #members: GroupMember[] = []
  readonly #owners = new Map<PartitionId, GroupMember>()
  readonly #committed = new Map<PartitionId, CommittedOffset>()
  /** Offsets on their way into a transaction. */
  readonly #arriving = new Map<GroupMember, Promise<unknown>>()
  /** Of transactions that are open. */
  readonly #pending = new Map<object, Map<PartitionId, CommittedOffset>>()
  readonly #partitionsOf: (topic: string) => readonly TopicPartition[]
  #target: ReadonlyMap<PartitionId, GroupMember> = new Map()
  /** Grows with every rebalance. */
  #generation = 0

  constructor(partitionsOf: (topic: string) => readonly TopicPartition[]) {
    this.#partitionsOf = partitionsOf
  }

  /** Nothing happens to one that is a member. */
  join(member: GroupMember): void {
    if (this.#members.includes(member)) return
    this.#members.push(member)
    this.rebalance()
  }

  /** Whatever the member still owns is free at once. */
  leave(member: GroupMember): void {
    const index = this.#members.indexOf(member)
    if (index !== -1) this.#members.splice(index, 1)
    for (const [id, owner] of this.#owners) if (owner === member) this.#owners.delete(id)
    this.rebalance()
  }

  /** Computes anew who should own what. Members find out at their next poll. */
  rebalance(): void {
    this.#generation += 1
    const target = new Map<PartitionId, GroupMember>()
    const topics = new Set(this.#members.flatMap((member) => [...member.topics]))
    for (const topic of topics) this.#share(topic, target)
    this.#target = target
    for (const member of this.#members) member.wake()
  }

  /** As the group sees the member; without an id and a generation for one that is not in it. */
  describe(member: GroupMember): GroupView {
    const isIn = this.#members.includes(member)
    const countOf = (each: GroupMember) => [...this.#owners.values()].filter((owner) => owner === each).length
    return {
      memberId: isIn ? member.id : null,
      generation: isIn ? this.#generation : null,
      protocol: 'memory',
      members: this.#members.map((each) => ({ memberId: each.id, partitions: countOf(each) })),
    }
  }

  /** What the member should have and nobody owns. */
  claimable(member: GroupMember): readonly TopicPartition[] {
    return this.#ofMember(member).filter((each) => !this.#owners.has(partitionId(each)))
  }

  claim(member: GroupMember, partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#owners.set(partitionId(each), member)
  }

  /** Those of `owned` that the member should give up. */
  surplus(member: GroupMember, owned: Iterable<TopicPartition>): readonly TopicPartition[] {
    return [...owned].filter((each) => this.#target.get(partitionId(each)) !== member)
  }

  /** Given up in order: whoever waits for these may have them now. */
  release(member: GroupMember, partitions: readonly TopicPartition[]): void {
    for (const each of partitions) {
      if (this.owns(member, each)) this.#owners.delete(partitionId(each))
    }
    for (const other of this.#members) other.wake()
  }

  owns(member: GroupMember, partition: TopicPartition): boolean {
    return this.#owners.get(partitionId(partition)) === member
  }

  /** Takes partitions away from whoever owns them, as a group does with a member that it has not heard of for too long. */
  lose(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) {
      const owner = this.#owners.get(partitionId(each))
      this.#owners.delete(partitionId(each))
      owner?.lose([each])
    }
    for (const member of this.#members) member.wake()
  }

  commit(partition: TopicPartition, committed: CommittedOffset): void {
    this.#committed.set(partitionId(partition), committed)
  }

  /** @param arriving must not reject */
  expect(member: GroupMember, arriving: Promise<unknown>): void {
    const arrived = arriving.then(() => {
      if (this.#arriving.get(member) === arrived) this.#arriving.delete(member)
      member.wake()
    })
    this.#arriving.set(member, arrived)
  }

  /** Settles when the member's offsets have arrived: it gives nothing up before, and takes nothing. */
  async arrived(member: GroupMember): Promise<void> {
    await this.#arriving.get(member)
  }

  isArriving(member: GroupMember): boolean {
    return this.#arriving.has(member)
  }

  commitIn(transaction: object, partition: TopicPartition, committed: CommittedOffset): void {
    const pending = this.#pending.get(transaction) ?? new Map<PartitionId, CommittedOffset>()
    this.#pending.set(transaction, pending)
    pending.set(partitionId(partition), committed)
  }

  endTransaction(transaction: object, end: 'commit' | 'abort'): void {
    const pending = this.#pending.get(transaction) ?? []
    this.#pending.delete(transaction)
    if (end === 'commit') for (const [id, committed] of pending) this.#committed.set(id, committed)
    for (const member of this.#members) member.wake()
  }

  /** An open transaction may change what is committed for it: nobody is told before it has ended. */
  isPending(partition: TopicPartition): boolean {
    return [...this.#pending.values()].some((each) => each.has(partitionId(partition)))
  }

  committed(partition: TopicPartition): CommittedOffset | undefined {
    return this.#committed.get(partitionId(partition))
  }

  hasCommitted(topic: string): boolean {
    return this.#partitionsOf(topic).some((each) => this.#committed.has(partitionId(each)))
  }

  #ofMember(member: GroupMember): readonly TopicPartition[] {
    return [...member.topics]
      .flatMap((topic) => this.#partitionsOf(topic))
      .filter((each) => this.#target.get(partitionId(each)) === member)
  }

  /** Every member gets its even share; it keeps what it has of that, and the rest goes round. */
  #share(topic: string, target: Map<PartitionId, GroupMember>): void {
    const members = this.#members.filter((member) => member.topics.has(topic))
    const partitions = this.#partitionsOf(topic)
    const quota = new Map(members.map((member, index) => [member, evenShare(partitions.length, members.length, index)]))
    const take = (partition: TopicPartition, member: GroupMember | undefined): boolean => {
      const left = member === undefined ? 0 : (quota.get(member) ?? 0)
      if (member === undefined || left === 0) return false
      quota.set(member, left - 1)
      target.set(partitionId(partition), member)
      return true
    }
    const free = partitions.filter((each) => !take(each, this.#owners.get(partitionId(each))))
    for (const partition of free) members.some((member) => take(partition, member))
  }
}

function evenShare(partitions: number, members: number, index: number): number {
  return Math.floor(partitions / members) + (index < partitions % members ? 1 : 0)
}
