/**
 * What a consumer has between its membership and its user: the real `Assignments`, with a listener and look-ups of starts that settle when the schedule
 * says so. The books are those of the oracle; the code under test is never asked what is right.
 */
import { Assignments } from '../../../framework/kafka/javascript/assignments.ts'
import type { FetchStart } from '../../../framework/kafka/javascript/fetch-steps.ts'
import type { GroupPartition, MembershipEvent } from '../../../framework/kafka/javascript/membership-steps.ts'
import type { AssignedPartition } from '../../../framework/kafka/kafka-client.ts'
import type { FoundStarts } from '../../../framework/kafka/starts/partition-starts.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import { partitionId, type TopicPartition } from '../../../framework/model/record.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { Violation } from '../oracle.ts'
import { groupSeen, type MemberBooks } from './group-oracle.ts'
import { keyOf, partitionOf } from './model-group.ts'

/** A topic that is made anew has its name again, and another id. */
const TOPIC = 'orders'

/** The group's name of a partition, and which of its assignments it is. */
interface Holding {
  readonly key: string
  readonly assignment: number
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** What a user commits, in the assignment in which it was asked for. */
export interface Claim {
  readonly partitions: readonly GroupPartition[]
  /** Asked before each sending. */
  mayBeSent(): boolean
}

export interface GroupListenerOptions {
  readonly name: string
  readonly books: MemberBooks
  readonly owns: (partition: GroupPartition) => boolean
  readonly onReleased: (revokeId: number) => void
}

export class GroupListener {
  /** Of the revoke whose hook runs. */
  hook: { readonly beganAtMs: number; settle(): void } | undefined
  readonly #options: GroupListenerOptions
  readonly #assignments: Assignments
  readonly #clock = new ManualClock(0)
  /** What the user was told, and has not been told to be over. */
  readonly #begun = new Map<string, Holding>()
  /** Those of which it was told to be over last by a hook. */
  readonly #revoked = new Set<string>()
  /** Of these records are handed out. By the group's name. */
  readonly #fetched = new Set<string>()
  /** What it had when starts were asked for last, and how that ends. */
  #asked: ReadonlyMap<string, number | undefined> = new Map()
  #answer: ((isKnown: boolean) => void) | undefined
  /** By the user's name, until the user is told. */
  readonly #beginning = new Map<string, Holding>()
  /** Offsets that are on their way into a transaction. */
  #sending: { readonly sent: Promise<void>; answer(): void } | undefined
  /** The revoke whose hook has settled, and of which the group has not heard: what goes with it, and what was on its way. */
  #giving: { readonly holdings: ReadonlyMap<string, Holding>; readonly sending: object | undefined } | undefined
  #failure: Error | undefined
  #hasEvents = false
  #hasSettled = false

  constructor(options: GroupListenerOptions) {
    this.#options = options
    this.#assignments = new Assignments(
      {
        names: { nameOf: () => TOPIC, lookUp: async () => {} },
        log: silent,
        clock: this.#clock,
        findStarts: (places) => this.#find(places),
        fetch: (starts) => this.#fetch(starts),
        drop: (partitions) => {
          for (const each of partitions) this.#fetched.delete(keyOf(each))
        },
        revoked: (revokeId) => this.#released(revokeId),
        sent: () => this.#sending?.sent ?? Promise.resolve(),
        gone: () => {},
        fail: (error) => {
          this.#failure ??= error
        },
      },
      {
        onAssigned: (partitions) => this.#onAssigned(partitions),
        onRevoked: (partitions) => this.#onRevoked(partitions),
        onLost: (partitions) => this.#onLost(partitions),
      },
    )
  }

  /** Of whom the user was told, by the group's names. */
  get begun(): readonly string[] {
    return [...this.#begun.values()].map(({ key }) => key)
  }

  get fetched(): readonly string[] {
    return [...this.#fetched]
  }

  take(event: MembershipEvent): void {
    this.#assignments.take(event)
    this.#hasEvents = true
    if (event.kind !== 'revoke' && event.kind !== 'lost') return
    const late = event.partitions.find((each) => this.#fetched.has(keyOf(each)))
    if (late !== undefined) this.#violated('HANDS-OUT', `hands out records of ${keyOf(late)}, which is ${event.kind}`)
  }

  poll(): void {
    if (this.#hasEvents) this.#hasSettled = true
    this.#hasEvents = false
    this.#assignments.serve()
  }

  close(): void {
    this.#assignments.close()
  }

  /** The open look-up ends. */
  answerStart(isKnown: boolean): void {
    const answer = this.#answer
    this.#answer = undefined
    if (answer === undefined) return
    this.#hasSettled = true
    answer(isKnown)
  }

  /** Of what the user has, if anything; nothing else is on its way then. */
  sendOffsets(): void {
    if (this.#sending !== undefined || this.#begun.size === 0) return
    let answer = () => {}
    const sent = new Promise<void>((resolve) => {
      answer = resolve
    })
    this.#sending = { sent, answer }
  }

  answerOffsets(): void {
    const sending = this.#sending
    if (sending === undefined) return
    this.#sending = undefined
    this.#hasSettled = true
    sending.answer()
  }

  /** Whether something has settled of which the code has not heard yet: that takes a turn of the event loop. */
  hasSettled(nowMs: number): boolean {
    const { pendingTimers } = this.#clock
    this.#clock.advance(Math.max(0, nowMs - this.#clock.now()))
    if (this.#clock.pendingTimers !== pendingTimers) this.#hasSettled = true
    return this.#hasSettled
  }

  /** A turn is over. */
  heard(): void {
    this.#hasSettled = false
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Of these, what the user may commit at this moment. The code must say the same. */
  claim(partitions: readonly GroupPartition[]): Claim | undefined {
    const { books, owns } = this.#options
    const claimed: { readonly of: GroupPartition; readonly holding: Holding }[] = []
    for (const of of partitions) {
      const place = placeOf(of)
      const holding = this.#begun.get(partitionId(place))
      const isOwned = holding !== undefined && books.assignmentOf(holding.key) === holding.assignment
      if ((this.#assignments.claim([place], owns)().length === 0) !== isOwned) {
        this.#violated('FILTER', `takes ${partitionId(place)} for ${isOwned ? 'another’s' : 'its own'}`)
      }
      if (isOwned) claimed.push({ of, holding })
    }
    if (claimed.length === 0) return undefined
    const foreign = this.#assignments.claim(
      claimed.map(({ of }) => placeOf(of)),
      owns,
    )
    return {
      partitions: claimed.map(({ holding }) => partitionOf(holding.key)),
      mayBeSent: () => {
        const late = claimed.find(({ holding }) => books.assignmentOf(holding.key) !== holding.assignment)
        if (foreign().length > 0) {
          if (late !== undefined && books.holds(late.holding.key)) groupSeen.lateCommits += 1
          return false
        }
        if (late !== undefined) this.#violated('LATE', `commits ${late.holding.key} of an assignment that is over`)
        return true
      },
    }
  }

  #find(places: readonly TopicPartition[]): Promise<FoundStarts> {
    const { books } = this.#options
    this.#asked = new Map(books.held.map((key) => [key, books.assignmentOf(key)]))
    return new Promise((resolve) => {
      this.#answer = (isKnown) => {
        const isOld = [...this.#asked].some(([key, before]) => books.holds(key) && books.assignmentOf(key) !== before)
        if (isOld) groupSeen.oldStarts += 1
        const known = places.map((place) => ({ ...place, position: 0, metadata: '' }))
        resolve(isKnown ? { known, unknown: [] } : { known: [], unknown: places })
      }
    })
  }

  #fetch(starts: readonly FetchStart[]): void {
    const { books } = this.#options
    for (const each of starts) {
      const key = keyOf(each)
      const assignment = books.assignmentOf(key)
      if (assignment === undefined) throw this.#violation('GHOST', `begins ${key}, which it has not`)
      if (this.#asked.get(key) !== assignment)
        this.#violated('OLD-START', `begins ${key} where an earlier assignment began`)
      this.#fetched.add(key)
      this.#beginning.set(partitionId(placeOf(each)), { key, assignment })
    }
  }

  #onAssigned(partitions: readonly AssignedPartition[]): void {
    for (const id of partitions.map(partitionId)) {
      const holding = this.#beginning.get(id)
      this.#beginning.delete(id)
      if (holding === undefined) throw this.#violation('GHOST', `tells of ${id}, which is not fetched`)
      if (this.#begun.has(id)) this.#violated('TWICE', `tells of ${id} again, which was neither revoked nor lost`)
      groupSeen.begun += 1
      this.#revoked.delete(id)
      this.#begun.set(id, holding)
    }
  }

  #onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    if (this.hook !== undefined) this.#violated('HOOKS', 'revokes while the hook of another revoke runs')
    const ids = partitions.map(partitionId)
    const holdings = new Map(ids.map((id) => [id, this.#begunOf(id, 'revokes')]))
    return new Promise((resolve) => {
      const settle = () => {
        this.hook = undefined
        this.#hasSettled = true
        this.#giving = { holdings, sending: this.#sending }
        resolve()
      }
      this.hook = { beganAtMs: this.#clock.now(), settle }
    })
  }

  /** The group is answered. */
  #released(revokeId: number): void {
    const { holdings = [], sending } = this.#giving ?? {}
    this.#giving = undefined
    if (sending !== undefined) groupSeen.waitedForOffsets += 1
    if (sending !== undefined && sending === this.#sending) {
      this.#violated('SENDING', 'answers a revoke while offsets are on their way')
    }
    for (const [id, holding] of holdings) {
      if (this.#begun.get(id) !== holding) continue
      this.#begun.delete(id)
      this.#revoked.add(id)
    }
    this.#options.onReleased(revokeId)
  }

  #onLost(partitions: readonly TopicPartition[]): void {
    for (const id of partitions.map(partitionId)) {
      // Its hook may have settled after the group has counted it out, and before this poll.
      if (this.#revoked.delete(id)) continue
      this.#begunOf(id, 'tells that it has lost')
      this.#begun.delete(id)
    }
  }

  #begunOf(id: string, does: string): Holding {
    const holding = this.#begun.get(id)
    if (holding === undefined) throw this.#violation('LISTENER', `${does} ${id}, of which the user was not told`)
    return holding
  }

  #violated(invariant: string, facts: string): never {
    throw this.#violation(invariant, facts)
  }

  /** It is kept: what is thrown inside a hook may be caught. */
  #violation(invariant: string, facts: string): Violation {
    const violation = new Violation(invariant, `${this.#options.name} ${facts}`)
    this.#failure ??= violation
    return violation
  }
}

function placeOf({ partition }: GroupPartition): TopicPartition {
  return { topic: TOPIC, partition }
}
