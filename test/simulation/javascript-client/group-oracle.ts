/** Keeps its own books of who holds what, from what members were told, and says what must never happen. It never asks the code under test. */
import type {
  GroupPartition,
  HeartbeatRequest,
  MembershipEvent,
} from '../../../framework/kafka/javascript/membership-steps.ts'
import { Violation } from '../oracle.ts'
import { keyOf, type ModelGroup } from './model-group.ts'

/** Counted over all schedules, so that a run can show that it met what it is about. */
export const groupSeen = {
  joins: 0,
  revokes: 0,
  overdue: 0,
  fenced: 0,
  namesInUse: 0,
  namesLost: 0,
  unanswered: 0,
  storedCommits: 0,
  refusedCommits: 0,
  staleCommits: 0,
  begun: 0,
  oldStarts: 0,
  lateCommits: 0,
  waitedForOffsets: 0,
  thrownOut: 0,
  leftTold: 0,
  leftUntold: 0,
}

/** What one member has been told. */
export class MemberBooks {
  readonly #name: string
  /** With the revoke that asks for it, if any. */
  readonly #held = new Map<string, number | undefined>()
  /** Counts how often each has come. */
  readonly #assignments = new Map<string, number>()
  hasEnded = false

  constructor(name: string) {
    this.#name = name
  }

  get held(): readonly string[] {
    return [...this.#held.keys()]
  }

  holds(partition: string): boolean {
    return this.#held.has(partition)
  }

  /** Of all that this partition was assigned to it, which time this is; `undefined` when it is not its own. */
  assignmentOf(partition: string): number | undefined {
    return this.#held.has(partition) ? this.#assignments.get(partition) : undefined
  }

  get isDraining(): boolean {
    return [...this.#held.values()].some((revoke) => revoke !== undefined)
  }

  told(event: MembershipEvent): void {
    if (this.hasEnded) throw new Violation('AFTER-END', `${this.#name} is told ${event.kind} after its end`)
    if (event.kind === 'assigned') {
      groupSeen.joins += 1
      for (const key of event.partitions.map(keyOf)) {
        if (this.#held.has(key)) throw new Violation('TWICE', `${this.#name} is assigned ${key}, which it has`)
        this.#held.set(key, undefined)
        this.#assignments.set(key, (this.#assignments.get(key) ?? 0) + 1)
      }
    } else if (event.kind === 'revoke') {
      groupSeen.revokes += 1
      for (const key of event.partitions.map(keyOf)) {
        if (!this.#held.has(key) || this.#held.get(key) !== undefined) {
          throw new Violation('REVOKE', `${this.#name} is to give up ${key}, which it has not, or is giving up`)
        }
        this.#held.set(key, event.revokeId)
      }
    } else if (event.kind === 'lost') {
      if (event.why === 'overdue') groupSeen.overdue += 1
      else groupSeen.fenced += 1
      for (const key of event.partitions.map(keyOf)) {
        if (!this.#held.delete(key)) throw new Violation('LOST', `${this.#name} has lost ${key}, which it had not`)
      }
    } else if (event.kind === 'name-in-use') groupSeen.namesInUse += 1
    else if (event.kind === 'left' || event.kind === 'failed') {
      if (this.#held.size > 0) throw new Violation('LEFT', `${this.#name} has ${event.kind} with ${this.held.join()}`)
      this.hasEnded = event.kind === 'left'
      if (event.kind === 'failed') groupSeen.namesLost += 1
      else if (event.isTold) groupSeen.leftTold += 1
      else groupSeen.leftUntold += 1
    }
  }

  /** Its hook has settled: of these it may commit nothing more. */
  settled(revokeId: number): void {
    for (const [key, revoke] of this.#held) if (revoke === revokeId) this.#held.delete(key)
  }

  /** A partition is reported as given up only when its hook has settled, and as owned only while it is. */
  sends({ owned, memberEpoch }: HeartbeatRequest): void {
    if (memberEpoch < 0 && this.#held.size > 0) {
      throw new Violation('EARLY', `${this.#name} leaves before it has given up ${this.held.join()}`)
    }
    if (owned === null) return
    const said = new Set(owned.map(keyOf))
    const missing = this.held.find((key) => !said.has(key))
    if (missing !== undefined) throw new Violation('EARLY', `${this.#name} reports ${missing} as given up too early`)
    const extra = [...said].find((key) => !this.#held.has(key))
    if (extra !== undefined) throw new Violation('GHOST', `${this.#name} reports ${extra} as its own`)
  }

  /** What the code takes for its own is what it was told. */
  filtered(partition: GroupPartition, isOwned: boolean): void {
    const key = keyOf(partition)
    if (isOwned !== this.#held.has(key)) {
      throw new Violation('FILTER', `${this.#name} takes ${key} for ${isOwned ? 'its own' : 'another’s'}`)
    }
  }
}

/** A commit is stored for who the coordinator counts as the owner, or nobody: two owners would both commit. */
export function storedCommit(group: ModelGroup, memberId: string, partitions: readonly string[]): void {
  groupSeen.storedCommits += 1
  for (const key of partitions) {
    const other = group.memberIds.find((id) => id !== memberId && group.owns(id, key))
    if (other !== undefined) throw new Violation('TWO-OWNERS', `${memberId} commits ${key}, which ${other} owns`)
  }
}
