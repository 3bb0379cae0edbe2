/** The partitions that a member owns, those of a revoke that is not settled included. Keeps the books; decides nothing. */
import { type GroupPartition, groupPartitionKey } from './membership-steps.ts'

interface Revoke {
  readonly id: number
  deadlineMs: number
}

interface Entry {
  readonly partition: GroupPartition
  /** Whoever uses it was asked to let it go. */
  revoke: Revoke | undefined
}

export class MemberPartitions {
  readonly #entries = new Map<string, Entry>()
  readonly #revokes = new Map<number, Revoke>()
  #lastRevoke = 0
  #version = 0

  get size(): number {
    return this.#entries.size
  }

  /** Changes with each partition that comes or goes. */
  get version(): number {
    return this.#version
  }

  get all(): readonly GroupPartition[] {
    return [...this.#entries.values()].map(({ partition }) => partition)
  }

  has(partition: GroupPartition): boolean {
    return this.#entries.has(groupPartitionKey(partition))
  }

  /** @returns those that are new */
  add(partitions: readonly GroupPartition[]): readonly GroupPartition[] {
    const added = partitions.filter((each) => !this.has(each))
    for (const each of added) this.#entries.set(groupPartitionKey(each), { partition: each, revoke: undefined })
    if (added.length > 0) this.#version += 1
    return added
  }

  /** Those that are owned, not being revoked, and not among these. */
  without(partitions: readonly GroupPartition[]): readonly GroupPartition[] {
    const kept = new Set(partitions.map(groupPartitionKey))
    return [...this.#entries]
      .filter(([key, { revoke }]) => revoke === undefined && !kept.has(key))
      .map(([, { partition }]) => partition)
  }

  /** They stay owned until `settle` or `takeOverdue`. */
  beginRevoke(partitions: readonly GroupPartition[], deadlineMs: number): number {
    this.#lastRevoke += 1
    const revoke = { id: this.#lastRevoke, deadlineMs }
    this.#revokes.set(revoke.id, revoke)
    for (const each of partitions) {
      const entry = this.#entries.get(groupPartitionKey(each))
      if (entry !== undefined) entry.revoke = revoke
    }
    return revoke.id
  }

  /** Of those that are not among these, what is being revoked has no longer time than that. */
  hasten(partitions: readonly GroupPartition[], deadlineMs: number): void {
    const kept = new Set(partitions.map(groupPartitionKey))
    for (const [key, { revoke }] of this.#entries) {
      if (revoke !== undefined && !kept.has(key)) revoke.deadlineMs = Math.min(revoke.deadlineMs, deadlineMs)
    }
  }

  /**
   * By id, not by partition: one that was overdue may have come back meanwhile, and its old revoke must not take it away again.
   * @returns whether anything was let go by it
   */
  settle(revokeId: number): boolean {
    const revoke = this.#revokes.get(revokeId)
    return revoke !== undefined && this.#drop(revoke).length > 0
  }

  /** Lets go what should have been settled by now. */
  takeOverdue(nowMs: number): readonly GroupPartition[] {
    const overdue = [...this.#revokes.values()].filter(({ deadlineMs }) => deadlineMs <= nowMs)
    return overdue.flatMap((revoke) => this.#drop(revoke))
  }

  takeAll(): readonly GroupPartition[] {
    const taken = this.all
    this.#entries.clear()
    this.#revokes.clear()
    if (taken.length > 0) this.#version += 1
    return taken
  }

  /** Infinity when nothing is being revoked. */
  get nextDeadlineMs(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { deadlineMs } of this.#revokes.values()) next = Math.min(next, deadlineMs)
    return next
  }

  #drop(revoke: Revoke): readonly GroupPartition[] {
    this.#revokes.delete(revoke.id)
    const dropped = [...this.#entries.values()]
      .filter((entry) => entry.revoke === revoke)
      .map(({ partition }) => partition)
    for (const each of dropped) this.#entries.delete(groupPartitionKey(each))
    if (dropped.length > 0) this.#version += 1
    return dropped
  }
}
