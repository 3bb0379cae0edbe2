/**
 * A member with a static name in the new protocol. The group refuses the name as long as the member that had it has not left: after a kill, until that
 * one's session is over. librdkafka takes the refusal for the end of the client, so each further try needs a new one.
 */
import { PyrallelError } from '../../model/errors.ts'
import { type GroupMember, unknownMember } from '../../model/group-member.ts'
import type { Logger } from '../../model/logger.ts'
import type { KafkaRecord, TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import { settlesWithin, sleep } from '../../time/wait.ts'
import { MAX_METADATA_LENGTH, notOwned } from '../commit-request-check.ts'
import type { CommitRequest, ConsumerOptions, KafkaClient, RebalanceListener } from '../kafka-client.ts'
import { isInstanceInUse } from './errors.ts'
import type { TransactionOffsets } from './transaction-offsets.ts'

const TRY_AGAIN_MS = 3_000
/** Beyond the session: a coordinator does not look at its timers all the time. */
const SLACK_MS = 5_000
const POLL_WAIT_MS = 20

export interface StaticMemberOptions extends ConsumerOptions {
  readonly log: Logger
  readonly clock: Clock
  readonly revokeLimitMs: number
  readonly pollIntervalMs: number
  /** After so long without a heartbeat the group forgets a member, and its name is free. */
  readonly sessionTimeoutMs: number
}

/** One that was opened, until the group has taken it in. */
type OneClient = KafkaClient & { readonly offsets: TransactionOffsets }

export class StaticMember implements KafkaClient {
  readonly maxMetadataLength = MAX_METADATA_LENGTH
  readonly group: string
  readonly revokeLimitMs: number
  readonly pollIntervalMs: number
  readonly #open: (options: ConsumerOptions) => Promise<OneClient>
  readonly #options: StaticMemberOptions
  /** Undefined while it is replaced. */
  #client: OneClient | undefined
  #subscription: { readonly topics: readonly string[]; readonly listener: RebalanceListener } | undefined
  /** The group has given it something, so the name is its own: a refusal from then on is the end. */
  #hasJoined = false
  #hasUntoldFatal = false
  #refusedSince: number | undefined
  #replacing: Promise<void> | undefined
  #failure: unknown
  #closing: Promise<void> | undefined
  #isClosed = false

  /** @param open makes one client and connects it */
  static async open(
    open: (options: ConsumerOptions) => Promise<OneClient>,
    options: StaticMemberOptions,
  ): Promise<StaticMember> {
    const member = new StaticMember(open, options)
    member.#client = await member.#openOne()
    return member
  }

  private constructor(open: (options: ConsumerOptions) => Promise<OneClient>, options: StaticMemberOptions) {
    this.#open = open
    this.#options = options
    this.group = options.group
    this.revokeLimitMs = options.revokeLimitMs
    this.pollIntervalMs = options.pollIntervalMs
  }

  async subscribe(topics: readonly string[], listener: RebalanceListener): Promise<void> {
    const onAssigned: RebalanceListener['onAssigned'] = (partitions) => {
      this.#hasJoined = true
      listener.onAssigned(partitions)
    }
    const onAssigning = () => listener.onAssigning?.()
    const { onRevoked, onLost } = listener
    this.#subscription = { topics, listener: { onAssigning, onAssigned, onRevoked, onLost } }
    await this.#client?.subscribe(topics, this.#subscription.listener)
  }

  async changeTopics(topics: readonly string[]): Promise<void> {
    // One that is replaced subscribes to what is wanted then.
    if (this.#subscription !== undefined) this.#subscription = { ...this.#subscription, topics }
    await this.#client?.changeTopics(topics)
  }

  async poll(maxRecords: number, waitMs: number): Promise<readonly KafkaRecord[]> {
    if (this.#failure !== undefined && this.#closing === undefined) throw this.#failure
    if (this.#client === undefined) {
      if (this.#isClosed) throw new PyrallelError('PYR_CLIENT_CLOSED', 'The Kafka consumer is closed.')
      await settlesWithin(this.#options.clock, this.#replacing ?? Promise.resolve(), waitMs)
      return []
    }
    try {
      return await this.#client.poll(maxRecords, waitMs)
    } catch (thrown) {
      if (this.#hasJoined || this.#closing !== undefined) throw thrown
      if (isInstanceInUse(thrown)) {
        this.#onRefused(this.#client, thrown)
        return []
      }
      if (this.#hasUntoldFatal) this.#options.onError?.('FATAL')
      this.#hasUntoldFatal = false
      throw thrown
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#client?.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#client?.resume(partitions)
  }

  async commit(commits: readonly CommitRequest[]): Promise<void> {
    if (this.#client === undefined) throw notOwned(commits)
    await this.#client.commit(commits)
  }

  get offsets(): TransactionOffsets | undefined {
    return this.#client?.offsets
  }

  async askCoordinator(timeoutMs: number): Promise<void> {
    // A coordinator that answers a member whose name it refuses has not taken it in.
    if (this.#client === undefined || this.#refusedSince !== undefined) {
      throw new PyrallelError('PYR_KAFKA', 'The group has not taken this member in yet.', { retriable: true })
    }
    await this.#client.askCoordinator(timeoutMs)
  }

  nextOffset(partition: TopicPartition): number | undefined {
    return this.#client?.nextOffset(partition)
  }

  logEnd(partition: TopicPartition): number | undefined {
    return this.#client?.logEnd(partition)
  }

  logEndHeardAt(partition: TopicPartition): number | undefined {
    return this.#client?.logEndHeardAt(partition)
  }

  async askLogEnds(partitions: readonly TopicPartition[], timeoutMs: number): Promise<void> {
    await this.#client?.askLogEnds(partitions, timeoutMs)
  }

  unsettledSince(): number | undefined {
    return this.#client?.unsettledSince()
  }

  membership(): GroupMember {
    return this.#client?.membership() ?? unknownMember
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #openOne(): Promise<OneClient> {
    const { group, startFrom, instanceId, isForeign, isLate } = this.#options
    return this.#open({
      group,
      startFrom,
      ...(isLate !== undefined && { isLate }),
      ...(instanceId !== undefined && { instanceId }),
      ...(isForeign !== undefined && { isForeign }),
      onError: (code) => {
        // The end of one client need not be the member's: told when it is.
        if (code === 'FATAL' && !this.#hasJoined) this.#hasUntoldFatal = true
        else this.#options.onError?.(code)
      },
    })
  }

  #onRefused(client: OneClient, refusal: unknown): void {
    const { clock, log, sessionTimeoutMs, instanceId, group } = this.#options
    const now = clock.now()
    if (this.#refusedSince === undefined) {
      this.#refusedSince = now
      const facts = { instanceId, limitMs: sessionTimeoutMs }
      log.warn(
        facts,
        'the static name of this member is still in use; it is free when the session of whoever had it is over',
      )
    }
    this.#hasUntoldFatal = false
    this.#options.onError?.('OTHER')
    const triedMs = now - this.#refusedSince
    if (triedMs > sessionTimeoutMs + SLACK_MS) {
      this.#failure = new PyrallelError(
        'PYR_KAFKA',
        `The Kafka consumer cannot go on: another live member of group ${group} has the instance id '${instanceId}', still after ` +
          `${Math.round(triedMs / 1_000)} s. Give each process a kafka.instanceId of its own, or none.`,
        { cause: refusal },
      )
      this.#options.onError?.('FATAL')
      return
    }
    this.#client = undefined
    this.#replacing = this.#replace(client).catch((thrown: unknown) => {
      this.#failure = thrown
    })
  }

  async #replace(refused: KafkaClient): Promise<void> {
    await closePolled(refused)
    while (this.#client === undefined) {
      await sleep(this.#options.clock, TRY_AGAIN_MS)
      if (this.#closing !== undefined) return
      this.#client = await this.#openOne().catch((thrown: unknown) => {
        // A broker that does not answer now is no reason to give up: the log has told of it.
        if (thrown instanceof PyrallelError && thrown.retriable) return undefined
        throw thrown
      })
    }
    const { topics = [], listener } = this.#subscription ?? {}
    if (listener !== undefined && this.#closing === undefined) await this.#client.subscribe(topics, listener)
  }

  async #close(): Promise<void> {
    await this.#replacing
    await this.#client?.close()
    this.#isClosed = true
  }
}

/** Its callbacks are served only while it is polled. */
async function closePolled(client: KafkaClient): Promise<void> {
  let isClosed = false
  const closing = client.close().finally(() => {
    isClosed = true
  })
  closing.catch(() => {})
  while (!isClosed) await client.poll(0, POLL_WAIT_MS).catch(() => {})
  await closing
}
