/** One member of one consumer group in JavaScript. Delivers, pauses, commits; the parts that it is made of talk to the brokers. */
import { bug, PyrallelError } from '../../model/errors.ts'
import type { GroupMember } from '../../model/group-member.ts'
import type { Logger } from '../../model/logger.ts'
import type { KafkaRecord, TopicPartition } from '../../model/record.ts'
import type { FetchSettings } from '../../model/settings.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import { checkCommits, MAX_METADATA_LENGTH, notOwned } from '../commit-request-check.ts'
import { clientErrorCode, commitError, faultCodes } from '../faults/codes.ts'
import type { ErrorReport } from '../faults/error-report.ts'
import { missingRight } from '../faults/missing-rights.ts'
import type { CommitRequest, ConsumerOptions, KafkaClient, RebalanceListener } from '../kafka-client.ts'
import { PartitionStarts } from '../starts/partition-starts.ts'
import { Assignments } from './assignments.ts'
import type { JavascriptLibrary } from './binding.ts'
import type { Brokers } from './brokers.ts'
import { answeredFault, KafkaFault, toFault } from './errors.ts'
import { Fetcher } from './fetcher.ts'
import { GroupSession } from './group-session.ts'
import { memberEnd } from './member-end.ts'
import type { GroupPartition, MembershipEvent } from './membership-steps.ts'
import { revokeLimitMs } from './revoke-limit.ts'
import { BrokerStartsSource, commitTopics } from './starts-source.ts'
import { TopicNames } from './topic-names.ts'
import { TransactionOffsets } from './transaction-offsets.ts'

/** As librdkafka's `max.poll.interval.ms`: who has not given partitions back by then is thrown out of the group. */
const REBALANCE_TIMEOUT_MS = 300_000
const COMMIT_LIMIT_MS = 60_000
/** Beyond the session of whoever has the static name: a coordinator does not look at its timers all the time. */
const NAME_SLACK_MS = 5_000

export interface JavascriptConsumerOptions extends ConsumerOptions {
  readonly memberId: string
  readonly brokers: Brokers
  readonly library: JavascriptLibrary
  readonly clock: Clock
  readonly log: Logger
  readonly errors: ErrorReport
  readonly sessionTimeoutMs: number
  readonly fetch?: Partial<FetchSettings>
  readonly rack?: string | undefined
}

/** What a subscription has made. */
interface Joined {
  readonly session: GroupSession
  readonly assignments: Assignments
  readonly starts: PartitionStarts
}

export class JavascriptConsumer implements KafkaClient {
  readonly maxMetadataLength = MAX_METADATA_LENGTH
  readonly revokeLimitMs = revokeLimitMs(REBALANCE_TIMEOUT_MS)
  readonly pollIntervalMs = REBALANCE_TIMEOUT_MS
  readonly group: string
  /** How its offsets get into a transaction. */
  readonly offsets = new TransactionOffsets(() => this.#joined)
  readonly #options: JavascriptConsumerOptions
  readonly #names: TopicNames
  readonly #fetcher: Fetcher
  #joined: Joined | undefined
  #isPolling = false
  /** Ends the wait of the poll that runs. */
  #wake: (() => void) | undefined
  #fault: Error | undefined
  #closing: Promise<void> | undefined
  #isClosed = false
  #onLeft: () => void = () => {}

  constructor(options: JavascriptConsumerOptions) {
    this.#options = options
    this.group = options.group
    this.#names = new TopicNames(options.brokers)
    this.#fetcher = new Fetcher({ ...options, names: this.#names, onRecords: () => this.#wake?.() })
  }

  async subscribe(topics: readonly string[], listener: RebalanceListener): Promise<void> {
    this.#requireOpen()
    const { brokers, group, memberId, instanceId, rack, clock, errors, sessionTimeoutMs } = this.#options
    const session = new GroupSession({
      group,
      memberId,
      instanceId: instanceId ?? null,
      rack: rack ?? null,
      brokers,
      clock,
      topics,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      nameLimitMs: instanceId === undefined ? undefined : sessionTimeoutMs + NAME_SLACK_MS,
      onEvent: (event) => this.#onEvent(event),
    })
    const source = new BrokerStartsSource(brokers, this.#names, () => session)
    const fail = (thrown: { readonly message: string }) => this.#fail(toFault(thrown))
    const starts = new PartitionStarts({ ...this.#options, source, fail })
    const host = {
      ...this.#options,
      names: this.#names,
      findStarts: (partitions: readonly TopicPartition[]) => starts.find(partitions),
      fetch: (positions: Parameters<Fetcher['assign']>[0]) => this.#fetcher.assign(positions),
      drop: (partitions: readonly GroupPartition[]) => this.#fetcher.drop(partitions),
      revoked: (revokeId: number) => session.revoked(revokeId),
      sent: () => this.offsets.answered,
      gone: (gone: readonly string[]) =>
        void this.#lookForTopics(gone).catch((thrown) =>
          errors.tell(toFault(thrown), 'the topics could not be looked at'),
        ),
      fail: (error: Error) => {
        this.#fault ??= error
      },
    }
    this.#joined = { session, assignments: new Assignments(host, listener), starts }
    session.start()
  }

  async changeTopics(topics: readonly string[]): Promise<void> {
    this.#requireOpen()
    this.#joined?.session.changeTopics(topics)
  }

  async poll(maxRecords: number, waitMs: number): Promise<readonly KafkaRecord[]> {
    if (this.#isPolling) throw bug('KafkaClient.poll', 'it was called while another poll runs')
    if (this.#isClosed) throw closedError()
    this.#isPolling = true
    try {
      return await this.#poll(maxRecords, waitMs)
    } finally {
      this.#isPolling = false
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#requireOpen()
    this.#fetcher.pause(partitions.flatMap((each) => this.#groupPartitionOf(each) ?? []))
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#requireOpen()
    this.#fetcher.resume(partitions.flatMap((each) => this.#groupPartitionOf(each) ?? []))
    this.#wake?.()
  }

  async commit(commits: readonly CommitRequest[]): Promise<void> {
    this.#requireOpen()
    checkCommits(commits)
    if (commits.length === 0) return
    const { assignments, session } = this.#joined ?? {}
    if (assignments === undefined || session === undefined) throw notOwned(commits)
    const foreign = assignments.claim(commits, (of) => session.owns(of))
    const stillOwned = () => {
      const found = foreign()
      if (found.length > 0) throw notOwned(found)
    }
    stillOwned()
    try {
      await session.commit(commitTopics(commits, this.#names), COMMIT_LIMIT_MS, stillOwned)
    } catch (thrown) {
      if (!(thrown instanceof KafkaFault)) throw thrown
      const gone = new Set<TopicPartition>(foreign())
      throw this.#isClosed ? closedError() : commitError(thrown, commits, (each) => !gone.has(each))
    }
  }

  async askCoordinator(timeoutMs: number): Promise<void> {
    this.#requireOpen()
    if (this.#joined === undefined) throw closedError()
    await this.#joined.session.askCoordinator(timeoutMs).catch((thrown: unknown) => {
      const { message, code } = toFault(thrown)
      const facts = `The group coordinator has not answered: ${message} (${code}).`
      throw new PyrallelError('PYR_KAFKA', facts, { retriable: true, cause: thrown })
    })
  }

  nextOffset(partition: TopicPartition): number | undefined {
    const of = this.#groupPartitionOf(partition)
    return of === undefined ? undefined : this.#fetcher.nextOffset(of)
  }

  logEnd(partition: TopicPartition): number | undefined {
    const of = this.#groupPartitionOf(partition)
    return of === undefined ? undefined : this.#fetcher.logEnd(of)?.offset
  }

  logEndHeardAt(partition: TopicPartition): number | undefined {
    const of = this.#groupPartitionOf(partition)
    return of === undefined ? undefined : this.#fetcher.logEnd(of)?.heardAtMs
  }

  async askLogEnds(partitions: readonly TopicPartition[], timeoutMs: number): Promise<void> {
    this.#requireOpen()
    const known = partitions.flatMap((each) => this.#groupPartitionOf(each) ?? [])
    await this.#fetcher.askLogEnds(known, timeoutMs)
  }

  /** The group tells a member of this protocol nothing of the others. */
  membership(): GroupMember {
    const generation = this.#joined?.session.memberEpoch ?? null
    return {
      memberId: generation === null ? null : this.#options.memberId,
      generation,
      protocol: 'consumer',
      members: null,
    }
  }

  unsettledSince(): number | undefined {
    return this.#joined?.session.unsettledSince
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #poll(maxRecords: number, waitMs: number): Promise<readonly KafkaRecord[]> {
    const { clock } = this.#options
    const untilMs = clock.now() + waitMs
    // Answers are read between two turns: a poll that always finds something must not keep them from it.
    await new Promise<void>((resolve) => clock.atTurnEnd(resolve))
    for (;;) {
      this.#joined?.assignments.serve()
      if (this.#fault !== undefined && this.#closing === undefined) throw this.#fault
      const records = maxRecords > 0 ? this.#fetcher.take(maxRecords) : []
      const leftMs = untilMs - clock.now()
      if (records.length > 0 || leftMs <= 0 || this.#isClosed) return records
      await this.#wakeOrTime(leftMs)
    }
  }

  #wakeOrTime(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | undefined
      const wake = () => {
        timer?.cancel()
        this.#wake = undefined
        resolve()
      }
      timer = this.#options.clock.setTimer(limitMs, wake)
      this.#wake = wake
    })
  }

  #groupPartitionOf(partition: TopicPartition): GroupPartition | undefined {
    return this.#joined?.assignments.groupPartitionOf(partition)
  }

  #onEvent(event: MembershipEvent): void {
    const { errors, log, group, instanceId, sessionTimeoutMs } = this.#options
    this.#joined?.assignments.take(event)
    if (event.kind === 'refused' && !isOnItsWay(event.code)) {
      const fault = answeredFault(event.code)
      const right = missingRight(fault, { operation: 'Read', group })
      errors.tell(fault, 'the group has refused a request of this member', right === undefined ? {} : { right })
    } else if (event.kind === 'failed') this.#fail(answeredFault(event.code))
    else if (event.kind === 'left') this.#onLeft()
    else if (event.kind === 'name-in-use') {
      const facts = { instanceId, limitMs: sessionTimeoutMs }
      log.warn(
        facts,
        'the static name of this member is still in use; it is free when the session of whoever had it is over',
      )
    }
    this.#wake?.()
  }

  #fail(fault: KafkaFault): void {
    const { errors, group, instanceId, sessionTimeoutMs } = this.#options
    if (this.#fault !== undefined) return
    if (clientErrorCode(fault) !== 'FATAL') errors.count({ code: faultCodes.FATAL })
    else errors.count(fault)
    this.#fault = memberEnd(fault, { group, instanceId, nameLimitMs: sessionTimeoutMs + NAME_SLACK_MS })
    this.#wake?.()
  }

  /** The group takes the partitions of a deleted topic away without a word. */
  async #lookForTopics(names: readonly string[]): Promise<void> {
    const { topics } = await this.#options.brokers.metadata(names)
    for (const { name, code } of topics) {
      if (code !== faultCodes.UNKNOWN_TOPIC_OR_PART || this.#closing !== undefined) continue
      this.#options.log.warn(
        { topic: name },
        'a topic does not exist any more; nothing is read from it until it is back',
      )
      this.#options.errors.count({ code })
    }
  }

  /** Bounded by the membership: the limit of a revoke, and some seconds. */
  async #close(): Promise<void> {
    const joined = this.#joined
    if (joined !== undefined) {
      const left = new Promise<void>((resolve) => {
        this.#onLeft = resolve
      })
      joined.assignments.close()
      joined.starts.stop()
      joined.session.leave()
      await left
      // What was lost was not waited for.
      await this.offsets.answered
      joined.session.stop()
    }
    this.#fetcher.stop()
    this.#isClosed = true
    this.#options.brokers.close()
    this.#wake?.()
  }

  #requireOpen(): void {
    if (this.#isClosed) throw closedError()
  }
}

/** The coordinator moves, or has just come: no fault of anybody, and over in a moment. */
function isOnItsWay(code: number): boolean {
  return (
    code === faultCodes.COORDINATOR_LOAD_IN_PROGRESS ||
    code === faultCodes.COORDINATOR_NOT_AVAILABLE ||
    code === faultCodes.NOT_COORDINATOR
  )
}

function closedError(): PyrallelError {
  return new PyrallelError('PYR_CLIENT_CLOSED', 'The Kafka consumer is closed.')
}
