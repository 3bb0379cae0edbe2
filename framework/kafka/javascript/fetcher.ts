/** Sends what the fetch plan asks for: fetches, questions about logs, and who leads what. Hands out what has come. */
import type { Logger } from '../../model/logger.ts'
import { type KafkaRecord, partitionId } from '../../model/record.ts'
import type { FetchSettings } from '../../model/settings.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import { faultCodes } from '../faults/codes.ts'
import type { ErrorReport } from '../faults/error-report.ts'
import { missingRight } from '../faults/missing-rights.ts'
import type { JavascriptLibrary } from './binding.ts'
import { BlockMemory } from './block-memory.ts'
import type { Brokers } from './brokers.ts'
import { logsCall } from './cluster-calls.ts'
import { answeredFault, toFault } from './errors.ts'
import { fetchCall } from './fetch-call.ts'
import type { FetchLimits } from './fetch-limits.ts'
import { FetchPlan } from './fetch-plan.ts'
import type { BoundsLookUp, FetchEvent, FetchRequest, FetchStart, PartitionLeader } from './fetch-steps.ts'
import { type GroupPartition, groupPartitionKey } from './membership-steps.ts'
import type { TopicNames } from './topic-names.ts'

const KILOBYTE = 1_024
/**
 * Shares of 64 kB to 1 MB in responses of 1 MB: with 8 full partitions, some 3 million records of 100 bytes a second, and a pause of 3 ms for each.
 * Up to a megabyte of each partition waits in memory, so that the next request is out while the last answer is handed out.
 */
const LIMITS: FetchLimits = {
  maxBytes: 1_024 * KILOBYTE,
  minShareBytes: 64 * KILOBYTE,
  maxShareBytes: 1_024 * KILOBYTE,
  partitionBufferBytes: 1_024 * KILOBYTE,
  totalBufferBytes: 64 * 1_024 * KILOBYTE,
  minWaitMs: 100,
  maxWaitMs: 500,
  shortWaitMs: 20,
}

/** With few partitions. */
const SHORTER = 5

/** What the options say of them. Where a broker answers at the first byte, it waits only while there is nothing: then shorter costs requests, and no record. */
function limitsOf({ minBytes = 1, maxWaitMs = LIMITS.maxWaitMs, ...own }: Partial<FetchSettings>): FetchLimits {
  const maxShareBytes = own.maxBytesPerPartition ?? LIMITS.maxShareBytes
  return {
    ...LIMITS,
    minWaitMs: minBytes > 1 ? maxWaitMs : Math.ceil(maxWaitMs / SHORTER),
    maxWaitMs,
    shortWaitMs: Math.min(maxWaitMs, LIMITS.shortWaitMs),
    maxBytes: own.maxBytes ?? LIMITS.maxBytes,
    minShareBytes: Math.min(LIMITS.minShareBytes, maxShareBytes),
    maxShareBytes,
  }
}

export interface FetcherOptions {
  readonly brokers: Brokers
  readonly names: TopicNames
  readonly library: JavascriptLibrary
  readonly clock: Clock
  readonly log: Logger
  readonly errors: ErrorReport
  readonly fetch?: Partial<FetchSettings>
  readonly rack?: string | undefined
  /** Called when there may be records to hand out. */
  readonly onRecords: () => void
}

export class Fetcher {
  readonly #options: FetcherOptions
  readonly #memory = new BlockMemory()
  readonly #plan: FetchPlan<KafkaRecord>
  readonly #assigned = new Map<string, GroupPartition>()
  #timer: Timer | undefined
  #isStopped = false

  constructor(options: FetcherOptions) {
    this.#options = options
    this.#plan = new FetchPlan<KafkaRecord>(limitsOf(options.fetch ?? {}))
  }

  /** Not paused. */
  assign(starts: readonly FetchStart[]): void {
    this.#plan.assign(starts)
    for (const each of starts) this.#assigned.set(groupPartitionKey(each), each)
    this.#step()
  }

  /** Nothing of these is handed out from now on. */
  drop(partitions: readonly GroupPartition[]): void {
    this.#plan.drop(partitions)
    for (const each of partitions) this.#assigned.delete(groupPartitionKey(each))
    this.#step()
  }

  pause(partitions: readonly GroupPartition[]): void {
    this.#plan.pause(partitions)
    this.#step()
  }

  resume(partitions: readonly GroupPartition[]): void {
    this.#plan.resume(partitions)
    this.#step()
  }

  /** At most `max` records. @throws PyrallelError PYR_KAFKA for a batch that this process cannot read */
  take(max: number): readonly KafkaRecord[] {
    const records = this.#plan.handOut(max, this.#now)
    // Also for none: what is damaged is found out here, and has to be fetched again.
    this.#step()
    return records
  }

  nextOffset(partition: GroupPartition): number | undefined {
    return this.#plan.nextOffset(partition)
  }

  logEnd(partition: GroupPartition): { readonly offset: number; readonly heardAtMs: number } | undefined {
    return this.#plan.logEnd(partition)
  }

  /** One question to each leader. */
  async askLogEnds(partitions: readonly GroupPartition[], timeoutMs: number): Promise<void> {
    const byLeader = new Map<number, GroupPartition[]>()
    for (const each of partitions) {
      const leader = this.#plan.leaderOf(each)?.id
      if (leader !== undefined) byLeader.set(leader, [...(byLeader.get(leader) ?? []), each])
    }
    await Promise.all([...byLeader].map(([leader, of]) => this.#askLogEnds(leader, of, timeoutMs)))
    this.#step()
  }

  /** Asks and tells nothing more. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  get #now(): number {
    return this.#options.clock.now()
  }

  #step(): void {
    if (this.#isStopped) return
    const { events, requests, lookUps, asksLeaders } = this.#plan.step(this.#now)
    for (const event of events) this.#tell(event)
    for (const request of requests) void this.#fetch(request)
    for (const lookUp of lookUps) void this.#askBounds(lookUp)
    if (asksLeaders) void this.#askLeaders()
    this.#timer?.cancel()
    this.#timer = undefined
    const { wakeAtMs } = this.#plan
    if (Number.isFinite(wakeAtMs)) {
      this.#timer = this.#options.clock.setTimer(Math.max(1, wakeAtMs - this.#now), () => this.#step())
    }
  }

  async #fetch(request: FetchRequest): Promise<void> {
    const { brokers, names, library, fetch, rack } = this.#options
    try {
      const wire = { minBytes: fetch?.minBytes, rack }
      const call = fetchCall(request, (id) => names.nameOf(id), library, this.#memory, wire)
      const { answer, nodes } = await brokers.node(request.brokerId, 'data').call(call)
      for (const { node, host, port } of nodes) brokers.learnAddress(node, host, port)
      this.#plan.answered(request.id, answer, this.#now)
      this.#options.onRecords()
    } catch {
      // The link has told of it.
      this.#plan.failed(request.id, this.#now)
    }
    this.#step()
  }

  async #askBounds({ id, brokerId, currentLeaderEpoch, topicId, partition }: BoundsLookUp): Promise<void> {
    const { brokers, names } = this.#options
    const topic = names.nameOf(topicId)
    const ask = async (edge: 'start' | 'end') => {
      const question = { topic, partition, edge, leaderEpoch: currentLeaderEpoch }
      const [answer] = await brokers.node(brokerId, 'control').call(logsCall([question], false))
      if (answer === undefined || answer.code !== 0) throw answeredFault(answer?.code ?? faultCodes.UNKNOWN)
      return answer.offset
    }
    try {
      const [logStart, logEnd] = await Promise.all([ask('start'), ask('end')])
      this.#plan.boundsTold(id, { logStart, logEnd }, this.#now)
    } catch (thrown) {
      const { code } = toFault(thrown)
      this.#plan.boundsRefused(id, code > 0 ? code : undefined, this.#now)
    }
    this.#step()
  }

  async #askLogEnds(leader: number, partitions: readonly GroupPartition[], timeoutMs: number): Promise<void> {
    const { brokers, names } = this.#options
    const questions = partitions.map((each) => {
      const leaderEpoch = this.#plan.leaderOf(each)?.epoch ?? -1
      return { topic: names.nameOf(each.topicId), partition: each.partition, edge: 'end', leaderEpoch } as const
    })
    try {
      const answers = await brokers.inTime(brokers.node(leader, 'control').call(logsCall(questions, true)), timeoutMs)
      const ends = new Map(answers.map((each) => [partitionId(each), each]))
      for (const each of partitions) {
        const end = ends.get(partitionId({ topic: names.nameOf(each.topicId), partition: each.partition }))
        if (end?.code === 0) this.#plan.logEndTold(each, end.offset, this.#now)
        else this.#plan.logEndRefused()
      }
    } catch {
      // The link has told of it.
      this.#plan.logEndRefused()
    }
  }

  async #askLeaders(): Promise<void> {
    const { brokers } = this.#options
    try {
      const topics = await brokers.topicsById([...new Set([...this.#assigned.values()].map(({ topicId }) => topicId))])
      const leaders: PartitionLeader[] = topics.flatMap(({ id: topicId, partitions }) =>
        partitions.map(({ partition, leader, leaderEpoch }) => ({
          topicId,
          partition,
          leaderId: leader >= 0 ? leader : undefined,
          leaderEpoch,
        })),
      )
      this.#plan.leadersTold(leaders, this.#now)
    } catch {
      this.#plan.leadersNotTold(this.#now)
    }
    this.#step()
  }

  #tell(event: FetchEvent): void {
    const { log, errors, names } = this.#options
    if (event.kind === 'broker-refused') {
      errors.tell(answeredFault(event.code), 'records could not be fetched', { brokerId: event.brokerId })
      return
    }
    const place = { topic: names.nameOf(event.topicId), partition: event.partition }
    if (event.kind === 'refused') {
      // An id that nobody has is a topic that is gone.
      const code = event.code === faultCodes.UNKNOWN_TOPIC_ID ? faultCodes.UNKNOWN_TOPIC_OR_PART : event.code
      const fault = answeredFault(code)
      const right = missingRight(fault, { operation: 'Read', topic: place.topic })
      errors.tell(fault, 'records could not be fetched', right === undefined ? place : { ...place, right })
    } else if (event.kind === 'out-of-range') {
      const facts = { ...place, from: event.from, position: event.position }
      log.warn(facts, 'a position is outside its log: reading goes on at the first record that there is')
      errors.count({ code: faultCodes.OFFSET_OUT_OF_RANGE })
    } else if (event.kind === 'corrupt') {
      const facts = { ...place, position: event.position }
      errors.tell(answeredFault(faultCodes.CORRUPT_MESSAGE), 'a batch is damaged; it is fetched again', facts)
    } else {
      const facts = { ...place, from: event.from, position: event.position }
      log.warn(facts, 'the log was cut by an election; the partition goes on at its new end')
    }
  }
}
