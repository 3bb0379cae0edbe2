/** One member of one consumer group on librdkafka. Delivers, pauses, commits; how rebalances are answered is the membership's business. */
import { bug, PyrallelError } from '../../model/errors.ts'
import { type GroupMember, unknownMember } from '../../model/group-member.ts'
import type { Logger } from '../../model/logger.ts'
import { type KafkaRecord, partitionId, type TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import { settlesWithin } from '../../time/wait.ts'
import { checkCommits, MAX_METADATA_LENGTH, notOwned } from '../commit-request-check.ts'
import { commitError } from '../faults/codes.ts'
import type { ErrorReport } from '../faults/error-report.ts'
import type { CommitRequest, ConsumerOptions, KafkaClient, RebalanceListener } from '../kafka-client.ts'
import { OwnedPartitions } from '../owned-partitions.ts'
import type { NativeConsumer } from './binding.ts'
import { PendingCommits } from './commits.ts'
import { nativeError } from './errors.ts'
import { FatalFault } from './fault.ts'
import { FlowControl } from './flow.ts'
import type { GroupBooks } from './late-answers.ts'
import { LogPlaces } from './log-places.ts'
import { Membership } from './membership.ts'
import { MissingTopics } from './missing-topics.ts'
import { Questions } from './questions.ts'
import { Receiver, type ReceiverState } from './receiver.ts'
import type { ForeignCommits } from './starts-source.ts'
import { Subscription } from './subscription.ts'
import { TransactionOffsets } from './transaction-offsets.ts'

/** How long `close` waits for the disconnect. */
const CLOSE_STEP_MS = 10_000
/** librdkafka gives up by itself what it could not send for its session time-out of 45 s. */
const PUT_OFF_MS = 50_000

export interface LibrdkafkaConsumerOptions {
  readonly group: string
  readonly log: Logger
  readonly clock: Clock
  readonly commitTimeoutMs: number
  readonly revokeLimitMs: number
  readonly pollIntervalMs: number
  readonly startFrom: 'earliest' | 'latest'
  readonly isLate?: ConsumerOptions['isLate']
  readonly foreign?: ForeignCommits | undefined
  /** A static member of the classic protocol, whose partitions wait for it: unsubscribing would tell the group that it is gone for good. */
  readonly isExpectedBack: boolean
  readonly groupProtocol: 'consumer' | 'classic'
  readonly errors: ErrorReport
  /** How the group is asked what its members have, after an answer that came too late. Left out: it is not asked. */
  readonly books?: GroupBooks | undefined
}

/** librdkafka's callbacks, as they stand in a consumer's configuration. */
export interface ConsumerCallbacks {
  readonly rebalance_cb: Membership['onRebalance']
  readonly offset_commit_cb: PendingCommits['onAnswer']
}

export class LibrdkafkaConsumer implements KafkaClient {
  readonly maxMetadataLength = MAX_METADATA_LENGTH
  readonly group: string
  /** How its offsets get into a transaction. */
  readonly offsets: TransactionOffsets
  readonly revokeLimitMs: number
  readonly pollIntervalMs: number
  readonly #options: LibrdkafkaConsumerOptions
  readonly #native: NativeConsumer
  readonly #owned = new OwnedPartitions()
  readonly #commits: PendingCommits
  readonly #membership: Membership
  readonly #subscription: Subscription
  #state: ReceiverState = 'open'
  readonly #receiver: Receiver
  readonly #flow: FlowControl
  readonly #fault: FatalFault
  readonly #missingTopics: MissingTopics
  #closing: Promise<void> | undefined
  readonly #questions: Questions
  readonly #places: LogPlaces

  /**
   * @param connect makes and connects the native consumer. Its configuration must have the callbacks, so it cannot exist before them; none
   * of them is called before `subscribe`.
   */
  static async open(
    connect: (callbacks: ConsumerCallbacks) => Promise<NativeConsumer>,
    options: LibrdkafkaConsumerOptions,
  ): Promise<LibrdkafkaConsumer> {
    let target: ConsumerCallbacks | undefined
    const native = await connect({
      rebalance_cb: (event, partitions) => target?.rebalance_cb(event, partitions),
      offset_commit_cb: (error, partitions) => target?.offset_commit_cb(error, partitions),
    })
    const consumer = new LibrdkafkaConsumer(native, options)
    target = {
      rebalance_cb: (event, partitions) => consumer.#membership.onRebalance(event, partitions),
      offset_commit_cb: (error, partitions) => consumer.#commits.onAnswer(error, partitions),
    }
    return consumer
  }

  private constructor(native: NativeConsumer, options: LibrdkafkaConsumerOptions) {
    this.#options = options
    this.group = options.group
    this.revokeLimitMs = options.revokeLimitMs
    this.pollIntervalMs = options.pollIntervalMs
    this.#native = native
    this.#commits = new PendingCommits(this.#native, options.clock, options.commitTimeoutMs)
    this.#flow = new FlowControl(this.#native, this.#owned)
    this.#fault = new FatalFault(this.#native, options.group, options.errors)
    this.#receiver = new Receiver({
      ...options,
      native: this.#native,
      owned: this.#owned,
      flow: this.#flow,
      fault: this.#fault,
      state: () => this.#state,
    })
    this.offsets = new TransactionOffsets({
      clock: options.clock,
      native: this.#native,
      owned: this.#owned,
      mayAsk: () => this.#state === 'open' || this.#state === 'closing',
    })
    this.#questions = new Questions(this.#native, options.clock)
    this.#places = new LogPlaces(this.#native, options.clock)
    this.#missingTopics = new MissingTopics(this.#native, options.log, options.errors)
    this.#membership = new Membership({
      ...options,
      native: this.#native,
      owned: this.#owned,
      pin: (commits) => this.#commits.pin(commits),
      settled: () => this.#receiver.settled.then(() => {}),
      sent: () => this.offsets.answered.then(() => {}),
      forget: (partitions) => this.#receiver.forget(partitions),
      begins: (partitions) => this.#places.begin(partitions),
      gone: (partitions) => this.#missingTopics.look(partitions),
      fail: (error) => this.#fault.set(error),
    })
    this.#subscription = new Subscription({
      ...options,
      native: this.#native,
      membership: this.#membership,
      fail: (error) => this.#fault.set(error),
    })
  }

  async subscribe(topics: readonly string[], listener: RebalanceListener): Promise<void> {
    this.#requireOpen()
    this.#membership.listen(listener)
    this.#subscription.change(topics)
  }

  async changeTopics(topics: readonly string[]): Promise<void> {
    this.#requireOpen()
    // In a leave that goes on, it would take the place of the unsubscribing.
    if (this.#state === 'open') this.#subscription.change(topics)
  }

  async poll(maxRecords: number, waitMs: number): Promise<readonly KafkaRecord[]> {
    if (this.#receiver.isPolling) throw bug('KafkaClient.poll', 'it was called while another poll runs')
    if (this.#state === 'closed') throw closedError()
    return this.#receiver.poll(maxRecords, waitMs)
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#requireOpen()
    this.#flow.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#requireOpen()
    this.#flow.resume(partitions)
  }

  async commit(commits: readonly CommitRequest[]): Promise<void> {
    this.#requireOpen()
    checkCommits(commits)
    const foreign = this.offsets.foreign(commits)
    if (foreign.length > 0) throw notOwned(foreign)
    if (commits.length === 0) return
    try {
      await this.#commits.send(commits)
    } catch (error) {
      if (error instanceof PyrallelError) throw error
      this.#fault.note(nativeError(error))
      throw commitError(nativeError(error), commits, (each) => this.#owned.has(each))
    }
  }

  async askCoordinator(timeoutMs: number): Promise<void> {
    this.#requireOpen()
    const { topic } = this.#subscription
    if (topic === undefined) throw closedError()
    await this.#questions.askCoordinator(topic, timeoutMs)
  }

  nextOffset(of: TopicPartition): number | undefined {
    // What a call that runs has taken, or the stash holds, nobody was given yet.
    if (this.#receiver.isPolling || this.#owned.get(of.topic, of.partition)?.delivers !== true) return undefined
    return this.#receiver.holds(of) ? undefined : this.#places.nextOffset(of, this.#receiver.isDry)
  }

  logEnd(of: TopicPartition): number | undefined {
    return this.#owned.has(of) ? this.#places.logEnd(of)?.offset : undefined
  }

  logEndHeardAt(of: TopicPartition): number | undefined {
    return this.#owned.has(of) ? this.#places.logEnd(of)?.heardAt : undefined
  }

  async askLogEnds(partitions: readonly TopicPartition[], timeoutMs: number): Promise<void> {
    this.#requireOpen()
    const owned = partitions.filter((each) => this.#owned.has(each))
    if (owned.length === 0) return
    const heard = this.#questions.logEnds(owned).then((found) => {
      for (const each of owned) {
        const end = found.get(partitionId(each))?.highOffset ?? -1
        if (end >= 0) this.#places.heard(each, end)
      }
    })
    await settlesWithin(this.#options.clock, heard, timeoutMs)
  }

  /** Whether one that was given nothing yet has joined, librdkafka does not say. */
  unsettledSince(): number | undefined {
    if (this.#state !== 'open') return undefined
    return this.#subscription.rejoiningSince ?? this.#membership.unansweredSince
  }

  /** librdkafka tells neither the id of its member nor a generation. */
  membership(): GroupMember {
    return { ...unknownMember, protocol: this.#options.groupProtocol }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#state = 'closing'
    this.#membership.stopAssigning()
    this.#questions.stop()
    this.#subscription.stop()
    // After a fatal error the group takes nothing back any more, so there is nothing to wait for.
    if (this.#options.isExpectedBack || this.#fault.error !== undefined) await this.#membership.giveUpUnasked()
    else await this.#subscription.leave()
    this.#state = 'silent'
    this.#membership.leave()
    this.#missingTopics.stop()
    this.#flow.stop()
    const { answered } = this.#subscription
    const underWay = Promise.all([this.#receiver.settled, this.#questions.answered, answered, this.offsets.ended])
    await this.#disconnect(await settlesWithin(this.#options.clock, underWay, CLOSE_STEP_MS / 2))
    this.#state = 'closed'
    this.#commits.failAll(closedError())
  }

  /**
   * After a disconnect, the answer of a call that is under way would end the process; and with a commit that nobody answers, librdkafka takes its session
   * time-out of 45 s to disconnect, holds one of libuv's threads meanwhile, and an exit of the process waits for those. So then it is left alone for as long:
   * whoever exits is not kept, and whoever lives on leaves no client behind.
   */
  async #disconnect(isAnswered: boolean): Promise<void> {
    const { clock, log } = this.#options
    if (this.#commits.hasUnanswered || !isAnswered) {
      log.warn(
        { waitMs: PUT_OFF_MS },
        'the consumer is left behind with a request that is not answered; it disconnects later',
      )
      clock.setTimer(PUT_OFF_MS, () => void this.offsets.ended.then(() => this.#native.disconnect(() => {})))
      return
    }
    const disconnected = new Promise<void>((resolve) => this.#native.disconnect(resolve))
    if (!(await settlesWithin(clock, disconnected, CLOSE_STEP_MS)))
      log.warn({ waitedMs: CLOSE_STEP_MS }, 'the consumer was left behind while it disconnects')
  }

  #requireOpen(): void {
    if (this.#state === 'silent' || this.#state === 'closed') throw closedError()
  }
}

function closedError(): PyrallelError {
  return new PyrallelError('PYR_CLIENT_CLOSED', 'The Kafka consumer is closed.')
}
