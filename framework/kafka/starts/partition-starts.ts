/** Finds where assigned partitions begin: at what the group has committed, else by `startFrom`. What is not told stays unknown: nothing is guessed. */
import type { Logger } from '../../model/logger.ts'
import { type PartitionId, partitionId, type TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import { type ClientFault, isFatal } from '../faults/codes.ts'
import type { ErrorReport } from '../faults/error-report.ts'
import type { AssignedPartition, CommitRequest } from '../kafka-client.ts'

/** How long a member without a topic's first partition waits for its owner, which may be a tool that commits nothing before it has done something. */
const FIRST_OWNER_LIMIT_MS = 60_000
/** What the group has committed for one partition. */
export interface CommittedStart {
  /** `undefined`: nothing. */
  readonly position: number | undefined
  readonly metadata: string
}

export interface LogRange {
  readonly start: number
  readonly end: number
}

/** The questions that a client answers, each within a bound. */
export interface StartsSource {
  /** In the order of `partitions`, each with what is refused for it alone. Rejects with a `ClientFault` when nothing at all was told. */
  committed(partitions: readonly TopicPartition[]): Promise<readonly (CommittedStart | ClientFault)[]>
  /** How many partitions a topic has, as the broker knows it. Rejects with a `ClientFault`. */
  partitionsOf(topic: string): Promise<number>
  /** What is not told is left out. */
  logs(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<PartitionId, LogRange>>
  /** Commits these, owned or not. Rejects with a `ClientFault`. */
  pin(commits: readonly CommitRequest[]): Promise<void>
}

export interface FoundStarts {
  readonly known: readonly AssignedPartition[]
  /** Refused, or not decided yet: to be asked for again. */
  readonly unknown: readonly TopicPartition[]
}

export interface StartsHost {
  readonly source: StartsSource
  readonly log: Logger
  readonly errors: ErrorReport
  readonly clock: Clock
  readonly startFrom: 'earliest' | 'latest'
  /** Of a topic that is new to the group: whether it was made after the group had begun. Left out: none was. */
  readonly isLate?: ((topic: string) => boolean) | undefined
  /** Of commit metadata: whether another tool has written it, so that nothing is to be assumed of it. Left out: none is. */
  readonly isForeign?: ((metadata: string) => boolean) | undefined
  /** The consumer is of no use any more. */
  fail(error: ClientFault): void
}

/** `unknown`: asked again. `beginning`: at the first record. Else positions, by partition, which the group has stored. */
type Choice = 'unknown' | 'beginning' | ReadonlyMap<number, number>

/**
 * With `latest`, a topic is new to the group while no partition of it has a commit. The owner of its partition 0 then asks for the ends of all
 * its partitions and commits them in one request, also of those that others own, which a broker accepts of any member; the others wait until
 * their own are there. Each for itself would be wrong: of two that start at once, the second would find commits of the first, take the topic
 * for an old one, and read its own partitions from their beginning. And were all to commit all, one that is late would turn back what another
 * has done since.
 */
export class PartitionStarts {
  readonly #host: StartsHost
  /** Topics of which a start was known before. */
  readonly #seen = new Set<string>()
  /** Since when the owner of a topic's first partition is waited for. */
  readonly #waitingSince = new Map<string, number>()
  /** The logs of topics that are about to begin, kept over the rounds: one round may be too short for all of a large topic. */
  readonly #logs = new Map<string, Map<PartitionId, LogRange>>()
  #isStopped = false

  constructor(host: StartsHost) {
    this.#host = host
  }

  /** One round of questions, each bounded. */
  async find(partitions: readonly TopicPartition[]): Promise<FoundStarts> {
    const committed = await this.#committed(partitions)
    if (committed === undefined) return { known: [], unknown: partitions }
    const known: AssignedPartition[] = []
    const unknown: TopicPartition[] = []
    const open = new Map<string, TopicPartition[]>()
    for (const [index, each] of partitions.entries()) {
      const found = committed[index]
      if (found === undefined || isRefused(found)) unknown.push(each)
      else if (found.position !== undefined) known.push(startAt(each, found.position, found.metadata))
      else if (this.#host.startFrom === 'earliest') known.push(startAt(each, undefined))
      else open.set(each.topic, [...(open.get(each.topic) ?? []), each])
    }
    for (const [topic, without] of open) {
      const choice = this.#isStopped ? 'unknown' : await this.#choose(topic, without)
      for (const each of without) {
        const position = typeof choice === 'string' ? undefined : choice.get(each.partition)
        if (choice === 'beginning' || position !== undefined) known.push(startAt(each, position))
        else unknown.push(each)
      }
    }
    for (const { topic } of known) this.#seen.add(topic)
    const ended = await this.#withLogEnds(known)
    const isUntold = ({ metadata, logEnd }: AssignedPartition) =>
      logEnd === undefined && this.#host.isForeign?.(metadata) === true
    return { known: ended.filter((each) => !isUntold(each)), unknown: [...unknown, ...ended.filter(isUntold)] }
  }

  /** Asks nothing more: the consumer is about to disconnect. */
  stop(): void {
    this.#isStopped = true
  }

  /** For partitions of one topic for which nothing is committed. */
  async #choose(topic: string, without: readonly TopicPartition[]): Promise<Choice> {
    const all = await this.#partitionsOf(topic, without)
    const committed = all === undefined || this.#isStopped ? undefined : await this.#committed(all)
    if (all === undefined || committed === undefined || this.#isStopped) return 'unknown'
    const hasCommit = all.filter((_, index) => isCommitted(committed[index]))
    if (hasCommit.length > 0) {
      this.#forget(topic)
      // Its owner, or that of partition 0, has committed since the first question: that is where it begins, and to be asked for anew.
      const isOurs = ({ partition }: TopicPartition) => without.some((each) => each.partition === partition)
      return hasCommit.some(isOurs) ? 'unknown' : 'beginning'
    }
    if (committed.some(isRefused)) return 'unknown'
    if (without.some(({ partition }) => partition === 0)) return this.#pin(topic, all)
    // Only our own then: whoever waits beside us must find its own partitions as they were.
    return this.#hasWaitedLong(topic) ? this.#pin(topic, without) : 'unknown'
  }

  async #pin(topic: string, partitions: readonly TopicPartition[]): Promise<Choice> {
    const { source, log, errors, isLate } = this.#host
    const logs = this.#logs.get(topic) ?? new Map<PartitionId, LogRange>()
    this.#logs.set(topic, logs)
    const missing = partitions.filter((each) => !logs.has(partitionId(each)))
    for (const [id, found] of await source.logs(missing)) logs.set(id, found)
    if (this.#isStopped) return 'unknown'
    const told = partitions.filter((each) => logs.has(partitionId(each))).length
    if (told < partitions.length) {
      const facts = { topic, asked: partitions.length, told }
      log.warn(facts, 'the ends of some logs of a new topic are not told; it begins when all are')
      return 'unknown'
    }
    const starts = new Map<number, number>()
    // A topic that this member had before was made anew: nothing of it was there before the group.
    const isYounger = this.#seen.has(topic) || isLate?.(topic) === true
    for (const each of partitions) {
      const found = logs.get(partitionId(each))
      if (found !== undefined) starts.set(each.partition, isYounger ? found.start : found.end)
    }
    try {
      await source.pin([...starts].map(([partition, position]) => ({ topic, partition, position, metadata: '' })))
    } catch (thrown) {
      errors.tell(thrown as ClientFault, 'the first positions of a topic could not be committed', { topic })
      return 'unknown'
    }
    this.#forget(topic)
    const facts = { topic, partitions: starts.size }
    if (isYounger) log.info(facts, 'a topic was made after the group had begun: it begins at its first records')
    else log.info(facts, 'a topic is new to the group: it begins at the ends of its logs')
    return starts
  }

  #forget(topic: string): void {
    this.#waitingSince.delete(topic)
    this.#logs.delete(topic)
  }

  #hasWaitedLong(topic: string): boolean {
    const { clock, log } = this.#host
    const since = this.#waitingSince.get(topic)
    if (since !== undefined) return clock.now() - since >= FIRST_OWNER_LIMIT_MS
    this.#waitingSince.set(topic, clock.now())
    log.info(
      { topic },
      'a topic is new to the group: waiting for the owner of its partition 0, which commits where all begin',
    )
    return false
  }

  /** Those that the broker knows, and these, should it be behind; undefined when it does not say. */
  async #partitionsOf(topic: string, these: readonly TopicPartition[]): Promise<readonly TopicPartition[] | undefined> {
    try {
      const found = await this.#host.source.partitionsOf(topic)
      const count = Math.max(found, ...these.map(({ partition }) => partition + 1))
      return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
    } catch (thrown) {
      this.#host.errors.tell(thrown as ClientFault, 'the partitions of a topic were not told', { topic })
      return undefined
    }
  }

  /** Undefined when nothing at all was told; an element is a fault where that one was refused. */
  async #committed(
    partitions: readonly TopicPartition[],
  ): Promise<readonly (CommittedStart | ClientFault)[] | undefined> {
    const { source, errors, fail } = this.#host
    try {
      const answer = await source.committed(partitions)
      const refused = answer.findIndex(isRefused)
      const fault = answer[refused]
      const facts = { ...partitions[refused] }
      if (fault !== undefined && isRefused(fault)) errors.tell(fault, 'a committed offset was not told', facts)
      return answer
    } catch (thrown) {
      const fault = thrown as ClientFault
      if (isFatal(fault)) fail(fault)
      else errors.tell(fault, 'the committed offsets could not be read')
      return undefined
    }
  }

  /** Of those logs of which completions above the position are stored: the log may end below them. */
  async #withLogEnds(starts: readonly AssignedPartition[]): Promise<readonly AssignedPartition[]> {
    const { source, log } = this.#host
    const marked = starts.filter(({ position, metadata }) => position !== undefined && metadata !== '')
    if (marked.length === 0 || this.#isStopped) return starts
    const logs = await source.logs(marked)
    if (logs.size < marked.length) {
      const facts = { asked: marked.length, told: logs.size }
      log.warn(facts, 'the ends of some logs were not told; what is stored as completed is believed without them')
    }
    return starts.map((start) => {
      const logEnd = logs.get(partitionId(start))?.end
      return logEnd === undefined ? start : { ...start, logEnd }
    })
  }
}

function isRefused(found: CommittedStart | ClientFault): found is ClientFault {
  return 'code' in found
}

function isCommitted(found: CommittedStart | ClientFault | undefined): boolean {
  return found !== undefined && !isRefused(found) && found.position !== undefined
}

function startAt({ topic, partition }: TopicPartition, position: number | undefined, metadata = ''): AssignedPartition {
  return { topic, partition, position, metadata }
}
