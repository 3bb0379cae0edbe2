/**
 * What the group gives and takes, in turn: finds where partitions begin, tells the listener, and lets go of them once its hook has settled. What is
 * lost is lost at once, whatever is under way.
 */
import { toError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import { partitionId, partitionPlace, type TopicPartition } from '../../model/record.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import type { AssignedPartition, RebalanceListener } from '../kafka-client.ts'
import type { FoundStarts } from '../starts/partition-starts.ts'
import type { FetchStart } from './fetch-steps.ts'
import { type GroupPartition, groupPartitionKey, type LossReason, type MembershipEvent } from './membership-steps.ts'
import type { TopicNames } from './topic-names.ts'

/** Between two rounds of questions about partitions whose start is not known yet. */
const ASK_AGAIN_MS = 500

export interface AssignmentsHost {
  readonly names: Pick<TopicNames, 'nameOf' | 'lookUp'>
  readonly log: Logger
  readonly clock: Clock
  findStarts(partitions: readonly TopicPartition[]): Promise<FoundStarts>
  /** Fetch these from now on. */
  fetch(starts: readonly FetchStart[]): void
  /** Hand out nothing of these any more. */
  drop(partitions: readonly GroupPartition[]): void
  revoked(revokeId: number): void
  /** Settles when no offsets are on their way into a transaction. */
  sent(): Promise<unknown>
  /** These were given up, and the member stays. */
  gone(topics: readonly string[]): void
  fail(error: Error): void
}

/** The listener knows of it. A new object for each assignment. */
interface Begun extends TopicPartition {
  readonly of: GroupPartition
}

/** What is told in the next poll. */
type Pending =
  | { readonly kind: 'assigned'; readonly partitions: Map<string, GroupPartition> }
  | { readonly kind: 'revoke'; readonly revokeId: number; readonly begun: readonly Begun[] }
  | { readonly kind: 'lost'; readonly begun: readonly Begun[]; readonly why: LossReason }

export class Assignments {
  readonly #host: AssignmentsHost
  readonly #listener: RebalanceListener
  /** Assigned, and not begun. A new object for each assignment. */
  readonly #unbegun = new Map<string, GroupPartition>()
  readonly #begun = new Map<string, Begun>()
  /** Waiting for a poll: what is told, is told inside of one. */
  #events: Pending[] = []
  #queue: Promise<void> = Promise.resolve()
  #askingAgain: Timer | undefined
  #isClosing = false

  constructor(host: AssignmentsHost, listener: RebalanceListener) {
    this.#host = host
    this.#listener = listener
  }

  /**
   * Records stop at once; the listener hears of it in the next poll. What is lost is forgotten at once, too: were the group to give it back before that
   * poll, what the listener still commits would turn back what another owner has stored in between.
   */
  take(event: MembershipEvent): void {
    if (event.kind === 'assigned') {
      const partitions = new Map(event.partitions.map((each) => [groupPartitionKey(each), each]))
      this.#events.push({ kind: 'assigned', partitions })
    } else if (event.kind === 'revoke') {
      this.#stop(event.partitions)
      // As of now: what is lost before the poll, and given back, is another assignment.
      this.#events.push({ kind: 'revoke', revokeId: event.revokeId, begun: this.#begunOf(event.partitions) })
    } else if (event.kind === 'lost') {
      this.#stop(event.partitions)
      this.#events.push({ kind: 'lost', begun: this.#forget(this.#begunOf(event.partitions)), why: event.why })
    }
  }

  /** Inside a poll. */
  serve(): void {
    for (const event of this.#events.splice(0)) {
      if (event.kind === 'assigned') this.#assigned(event.partitions)
      else if (event.kind === 'revoke') this.#inTurn(() => this.#revoke(event.revokeId, event.begun))
      else this.#lost(event.begun, event.why)
    }
  }

  /** The same object as long as it is the same assignment. */
  groupPartitionOf({ topic, partition }: TopicPartition): GroupPartition | undefined {
    return this.#begun.get(partitionId({ topic, partition }))?.of
  }

  /**
   * The assignments in which these are at this moment. Whoever asks what it returns is told which of them are over, or have never begun: what was lost and
   * given back meanwhile is another assignment, and a commit of the first would turn back what another owner has stored in between.
   * @param owns asked each time: the group counts it as this member's
   */
  claim<T extends TopicPartition>(
    partitions: readonly T[],
    owns: (partition: GroupPartition) => boolean,
  ): () => readonly T[] {
    const claimed = partitions.map((each) => this.groupPartitionOf(each))
    return () =>
      partitions.filter((each, index) => {
        const of = claimed[index]
        return of === undefined || of !== this.groupPartitionOf(each) || !owns(of)
      })
  }

  /** From now on nothing is begun any more. */
  close(): void {
    this.#isClosing = true
    this.#askingAgain?.cancel()
    this.#unbegun.clear()
  }

  /** Nothing of these is handed out, or begun, from now on; those of which the listener has not heard are not told at all. */
  #stop(partitions: readonly GroupPartition[]): void {
    this.#host.drop(partitions)
    for (const key of partitions.map(groupPartitionKey)) {
      this.#unbegun.delete(key)
      for (const event of this.#events) if (event.kind === 'assigned') event.partitions.delete(key)
    }
  }

  #assigned(partitions: ReadonlyMap<string, GroupPartition>): void {
    if (this.#isClosing) return
    for (const [key, each] of partitions) this.#unbegun.set(key, each)
    this.#inTurn(() => this.#begin())
  }

  #inTurn(task: () => Promise<void>): void {
    this.#queue = this.#queue.then(task).catch((thrown: unknown) => this.#host.fail(toError(thrown)))
  }

  async #begin(): Promise<void> {
    const asked = [...this.#unbegun.values()]
    if (asked.length === 0) return
    const { names } = this.#host
    await names.lookUp(asked).catch(() => {})
    const named = asked.filter(({ topicId }) => names.nameOf(topicId) !== '')
    const places = named.map((of) => ({ topic: names.nameOf(of.topicId), partition: of.partition }))
    if (places.length > 0) this.#listener.onAssigning?.()
    const { known } = places.length === 0 ? { known: [] } : await this.#host.findStarts(places)
    const starts = new Map(known.map((each) => [partitionId(each), each]))
    const assigned: AssignedPartition[] = []
    const fetches: FetchStart[] = []
    for (const of of named) {
      const start = starts.get(partitionId({ topic: names.nameOf(of.topicId), partition: of.partition }))
      const key = groupPartitionKey(of)
      // Without those that were taken away meanwhile, even if they have come back.
      if (start === undefined || this.#unbegun.get(key) !== of) continue
      this.#unbegun.delete(key)
      assigned.push(start)
      fetches.push({ ...of, position: start.position })
      this.#begun.set(partitionId(start), { topic: start.topic, partition: start.partition, of })
    }
    this.#askAgainLater()
    if (assigned.length === 0) return
    this.#host.fetch(fetches)
    // A record comes in a later turn, so what this pauses returns none.
    this.#listener.onAssigned(assigned)
  }

  #askAgainLater(): void {
    if (this.#unbegun.size === 0 || this.#askingAgain !== undefined || this.#isClosing) return
    this.#askingAgain = this.#host.clock.setTimer(ASK_AGAIN_MS, () => {
      this.#askingAgain = undefined
      this.#inTurn(() => this.#begin())
    })
  }

  async #revoke(revokeId: number, asked: readonly Begun[]): Promise<void> {
    const begun = asked.filter((each) => this.#begun.get(partitionId(each)) === each)
    try {
      if (begun.length > 0) await this.#listener.onRevoked(begun.map(plain))
    } finally {
      // Offsets that are on their way must not come after the answer: a broker checks the member, not what it owns, and would overwrite what the next owner has stored.
      await this.#host.sent()
      this.#forget(begun)
      this.#host.revoked(revokeId)
    }
    if (!this.#isClosing && begun.length > 0) this.#host.gone([...new Set(begun.map(({ topic }) => topic))])
  }

  #lost(begun: readonly Begun[], why: LossReason): void {
    if (begun.length === 0) return
    const facts = { partitions: begun.map(partitionPlace) }
    if (why === 'overdue') this.#host.log.error(facts, 'a revoke was answered before its drain had ended')
    else this.#host.log.warn(facts, 'the group has counted this member out; its partitions are lost')
    this.#listener.onLost(begun.map(plain))
  }

  #begunOf(partitions: readonly GroupPartition[]): readonly Begun[] {
    const wanted = new Set(partitions.map(groupPartitionKey))
    return [...this.#begun.values()].filter(({ of }) => wanted.has(groupPartitionKey(of)))
  }

  /** Those that were lost meanwhile are forgotten already, and may have begun again. */
  #forget(begun: readonly Begun[]): readonly Begun[] {
    for (const each of begun) if (this.#begun.get(partitionId(each)) === each) this.#begun.delete(partitionId(each))
    return begun
  }
}

function plain({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
