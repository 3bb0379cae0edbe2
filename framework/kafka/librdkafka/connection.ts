/** One cluster through librdkafka: finds out whether it is there, sees to its topics, and makes consumers and producers. */
import { bug, PyrallelError, toError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import type { Clock } from '../../time/clock.ts'
import { settlesWithin, stillMissing } from '../../time/wait.ts'
import { faultCodes } from '../faults/codes.ts'
import { ErrorReport } from '../faults/error-report.ts'
import type {
  ConsumerOptions,
  KafkaClient,
  KafkaConnection,
  RecordProducer,
  ViewedConnection,
} from '../kafka-client.ts'
import type { TransactionalProducer, TransactionOptions } from '../transactional-producer.ts'
import type {
  Librdkafka,
  MetadataRequest,
  NativeConfig,
  NativeConsumer,
  NativeError,
  NativeMetadata,
  NativeProducer,
  NativeTransactionalProducer,
} from './binding.ts'
import { LibrdkafkaConsumer } from './consumer.ts'
import { isAuthenticationFailure, isCredentialRefusal, nativeError, plainReason } from './errors.ts'
import { logNative } from './log.ts'
import { type DeliveryCallback, LibrdkafkaProducer } from './producer.ts'
import {
  commonConfig,
  consumerConfig,
  type KafkaConnectionOptions,
  maxRecordBytes,
  pollIntervalMs,
  producerConfig,
  revokeLimitMs,
  sessionTimeoutMs,
  transactionConfig,
} from './settings.ts'
import { StaticMember } from './static-member.ts'
import { storedOffsets } from './stored-offsets.ts'
import { LibrdkafkaTransactions } from './transactions.ts'
import { LibrdkafkaView } from './view.ts'

const CONNECT_TIMEOUT_MS = 10_000
const ADMIN_TIMEOUT_MS = 10_000
const VISIBLE_RETRY_MS = 20
const SERVE_INTERVAL_MS = 20
const COMMIT_TIMEOUT_MS = 60_000
const CLOSE_TIMEOUT_MS = 3_000

export class LibrdkafkaConnection implements ViewedConnection {
  readonly description: string
  readonly sessionTimeoutMs: number
  readonly maxRecordBytes: number
  readonly view: LibrdkafkaView
  readonly transactionalProducer?: NonNullable<KafkaConnection['transactionalProducer']>
  readonly #library: Librdkafka
  readonly #options: KafkaConnectionOptions
  readonly #log: Logger
  readonly #clock: Clock
  /** Asks about topics; made when first needed. */
  #probe: Promise<NativeProducer> | undefined
  /** By client: why it could not reach a broker last, until one has answered it. */
  readonly #failures = new WeakMap<NativeConsumer | NativeProducer, string>()

  constructor(library: Librdkafka, options: KafkaConnectionOptions, clock: Clock) {
    this.description = options.brokers
    this.sessionTimeoutMs = sessionTimeoutMs(options)
    this.maxRecordBytes = maxRecordBytes(options)
    this.#library = library
    this.#options = options
    this.#log = options.log
    this.#clock = clock
    // librdkafka's mock cluster takes transactions, drops their offsets and shows what was aborted.
    if (options.createTopicsBy !== 'metadata') {
      this.transactionalProducer = (consumer, transaction) => this.#transactions(consumer, transaction)
    }
    this.view = new LibrdkafkaView({
      library,
      client: (timeoutMs) => this.#connectedProbe(timeoutMs),
      outsider: (group, timeoutMs) => this.#connectOutsider(group, timeoutMs, 'read_uncommitted'),
      metadata: () => this.#metadata({ allTopics: true, timeout: ADMIN_TIMEOUT_MS }),
    })
  }

  async check(timeoutMs: number): Promise<void> {
    await this.#metadata({ timeout: timeoutMs })
  }

  async missingTopics(topics: readonly string[]): Promise<readonly string[]> {
    const { topics: known } = await this.#metadata({ allTopics: true, timeout: ADMIN_TIMEOUT_MS })
    const names = new Set(known.filter((each) => each.partitions.length > 0).map((each) => each.name))
    return topics.filter((each) => !names.has(each))
  }

  async createTopics(topics: readonly string[], partitions: number): Promise<void> {
    const missing = await this.missingTopics(topics)
    for (const topic of missing) {
      if (this.#options.createTopicsBy === 'metadata') await this.#metadata({ topic, timeout: ADMIN_TIMEOUT_MS })
      else await this.#createTopic(topic, partitions)
    }
    await this.#untilVisible(missing)
  }

  consumer(options: ConsumerOptions): Promise<KafkaClient> {
    const { instanceId, group } = options
    // The classic protocol gives a static name to whoever comes last.
    if (instanceId === undefined || this.#options.groupProtocol === 'classic') return this.#openConsumer(options)
    return StaticMember.open((member) => this.#openConsumer(member), {
      ...options,
      log: this.#log.child({ group }),
      clock: this.#clock,
      revokeLimitMs: revokeLimitMs(this.#options),
      pollIntervalMs: pollIntervalMs(this.#options),
      sessionTimeoutMs: this.sessionTimeoutMs,
    })
  }

  #openConsumer(options: ConsumerOptions): Promise<LibrdkafkaConsumer> {
    const { log, errors } = this.#reporting({ group: options.group }, options.onError)
    const { isForeign, group, instanceId } = options
    const books = { clientId: this.#options.clientId, members: () => this.view.members(group) }
    return LibrdkafkaConsumer.open(
      async (callbacks) => {
        const config = { ...consumerConfig(this.#options, options), ...callbacks }
        const native = build(() => new this.#library.KafkaConsumer(config))
        native.on('event.log', ({ fac, message }) => {
          if (fac === 'FAIL' && isCredentialRefusal(message)) options.onRefused?.()
        })
        await this.#connect(native, log, errors, CONNECT_TIMEOUT_MS)
        return native
      },
      {
        group: options.group,
        log,
        errors,
        clock: this.#clock,
        commitTimeoutMs: COMMIT_TIMEOUT_MS,
        revokeLimitMs: revokeLimitMs(this.#options),
        pollIntervalMs: pollIntervalMs(this.#options),
        startFrom: options.startFrom,
        isLate: options.isLate,
        foreign: isForeign && { isForeign, ask: (partitions) => this.view.wholeCommits(options.group, partitions) },
        groupProtocol: this.#options.groupProtocol,
        // What a static member leaves behind waits for its name, so it does not leave by itself.
        books: instanceId === undefined ? books : undefined,
        isExpectedBack: options.instanceId !== undefined && this.#options.groupProtocol === 'classic',
      },
    )
  }

  producer(): Promise<RecordProducer> {
    const { log, errors } = this.#reporting({ role: 'producer' })
    const connect = (dr_cb: DeliveryCallback) =>
      this.#connectProducer({ ...producerConfig(this.#options), dr_cb }, log, errors, CONNECT_TIMEOUT_MS)
    return LibrdkafkaProducer.open(connect, { log, clock: this.#clock })
  }

  #transactions(consumer: KafkaClient, options: TransactionOptions): TransactionalProducer {
    if (!(consumer instanceof LibrdkafkaConsumer || consumer instanceof StaticMember)) {
      throw bug('KafkaConnection.transactionalProducer', 'the consumer is of another connection')
    }
    const { group } = consumer
    const { log, errors } = this.#reporting({ role: 'transactions', group })
    return new LibrdkafkaTransactions({
      ...options,
      offsets: () => consumer.offsets,
      connect: (dr_cb) =>
        this.#connectProducer({ ...transactionConfig(this.#options, options), dr_cb }, log, errors, CONNECT_TIMEOUT_MS),
      stored: (partitions) =>
        storedOffsets(() => this.#connectOutsider(group, CONNECT_TIMEOUT_MS, 'read_committed'), partitions),
      log,
      clock: this.#clock,
    })
  }

  async close(): Promise<void> {
    const probe = this.#probe
    this.#probe = undefined
    if (probe === undefined) return
    const closed = probe.then(
      (native) => new Promise<void>((resolve) => native.disconnect(0, resolve)),
      () => {},
    )
    // It may be connecting still, to a broker that does not answer.
    if (!(await settlesWithin(this.#clock, closed, CLOSE_TIMEOUT_MS)))
      this.#log.warn({ waitedMs: CLOSE_TIMEOUT_MS }, 'the connection was left behind while it disconnects')
  }

  async #metadata(request: MetadataRequest): Promise<NativeMetadata> {
    const timeoutMs = request.timeout ?? ADMIN_TIMEOUT_MS
    const probe = await this.#connectedProbe(timeoutMs)
    return new Promise((resolve, reject) => {
      probe.getMetadata(request, (error, metadata) => {
        if (error) return reject(this.#unreachable(nativeError(error), this.#failures.get(probe), timeoutMs))
        this.#failures.delete(probe)
        resolve(metadata)
      })
    })
  }

  #connectedProbe(timeoutMs: number): Promise<NativeProducer> {
    this.#probe ??= this.#connectProbe(timeoutMs).catch((error: unknown) => {
      this.#probe = undefined
      throw error
    })
    return this.#probe
  }

  #connectProbe(timeoutMs: number): Promise<NativeProducer> {
    const { log, errors } = this.#reporting({ role: 'admin' })
    return this.#connectProducer(commonConfig(this.#options), log, errors, timeoutMs)
  }

  /** @param isolation `read_committed` waits for offsets of an open transaction, and sees logs end where one begins */
  async #connectOutsider(
    group: string,
    timeoutMs: number,
    isolation: 'read_committed' | 'read_uncommitted',
  ): Promise<NativeConsumer> {
    const { log, errors } = this.#reporting({ role: 'view', group })
    // As a member has it: settings that fit one group protocol are refused with the other.
    const config = {
      ...consumerConfig(this.#options, { group, startFrom: 'earliest' }),
      'isolation.level': isolation,
    }
    const native = build(() => new this.#library.KafkaConsumer(config))
    await this.#connect(native, log, errors, timeoutMs)
    return native
  }

  async #connectProducer(
    config: NativeConfig,
    log: Logger,
    errors: ErrorReport,
    timeoutMs: number,
  ): Promise<NativeTransactionalProducer> {
    const native = build(() => new this.#library.Producer(config))
    const connected = this.#connect(native, log, errors, timeoutMs)
    // Events are served by polling only, and they say why a broker cannot be reached.
    while (!(await settlesWithin(this.#clock, connected, SERVE_INTERVAL_MS))) {
      if (native.isConnected()) native.poll()
    }
    native.setPollInBackground(true)
    return native
  }

  #connect(
    native: NativeConsumer | NativeProducer,
    log: Logger,
    errors: ErrorReport,
    timeoutMs: number,
  ): Promise<NativeMetadata> {
    native.on('event.error', (error) => errors.tell(nativeError(error), 'the Kafka client reports an error'))
    native.on('event.log', (entry) => {
      // The binding cuts the text of its errors; its log has the whole reason.
      if (entry.fac === 'FAIL') this.#failures.set(native, entry.message)
      logNative(log, errors, entry)
    })
    return new Promise((resolve, reject) => {
      native.connect({ timeout: timeoutMs }, (error, metadata) => {
        const failure = this.#failures.get(native)
        this.#failures.delete(native)
        if (!error) return resolve(metadata)
        const refusal = nativeError(error)
        // Its own checks of settings that do not go together have no code, come before any broker is asked, and are no error of one.
        if (refusal.code === faultCodes.UNKNOWN && failure === undefined) return reject(settingsRefused(refusal))
        const refused = this.#unreachable(refusal, failure, timeoutMs)
        // The binding says "broker transport failure" of refused credentials, too.
        errors.count(refused.code === 'PYR_AUTH_FAILED' ? { code: faultCodes.AUTHENTICATION } : refusal)
        reject(refused)
      })
    })
  }

  #reporting(
    bindings: object,
    onError?: ConsumerOptions['onError'],
  ): { readonly log: Logger; readonly errors: ErrorReport } {
    const log = this.#log.child(bindings)
    return { log, errors: new ErrorReport(log, this.#clock, onError) }
  }

  #unreachable(error: NativeError, failure: string | undefined, timeoutMs: number): PyrallelError {
    const why = failure ?? error.message
    if (isAuthenticationFailure(why)) {
      const facts = `The connection to ${this.description} was refused: ${plainReason(why)}. Check kafka.security in pyrallel.config.ts.`
      return new PyrallelError('PYR_AUTH_FAILED', facts, { cause: error })
    }
    return new PyrallelError(
      'PYR_BROKER_UNREACHABLE',
      `No Kafka broker answered at ${this.description} within ${timeoutMs} ms (${plainReason(why)}). ` +
        (this.#options.ifUnreachable ?? 'Start one there, or correct `brokers`.'),
      { cause: error, retriable: true },
    )
  }

  async #createTopic(topic: string, partitions: number): Promise<void> {
    const admin = this.#library.AdminClient.createFrom(await this.#connectedProbe(ADMIN_TIMEOUT_MS))
    // -1: as many replicas as the broker is configured for.
    const request = { topic, num_partitions: partitions, replication_factor: -1 }
    await new Promise<void>((resolve, reject) => {
      admin.createTopic(request, ADMIN_TIMEOUT_MS, (error) => {
        if (!error || error.code === faultCodes.TOPIC_ALREADY_EXISTS) resolve()
        else {
          const facts = `Topic ${topic} could not be created: ${error.message} (${error.code}).`
          reject(new PyrallelError('PYR_KAFKA', facts, { cause: error }))
        }
      })
    })
  }

  async #untilVisible(topics: readonly string[]): Promise<void> {
    if (topics.length === 0) return
    const wait = { clock: this.#clock, limitMs: ADMIN_TIMEOUT_MS, everyMs: VISIBLE_RETRY_MS }
    const missing = await stillMissing(() => this.missingTopics(topics), wait)
    if (missing.length === 0) return
    const facts = `The broker still does not show ${missing.join(', ')}, ${ADMIN_TIMEOUT_MS} ms after creating it.`
    throw new PyrallelError('PYR_KAFKA', facts, { retriable: true })
  }
}

function settingsRefused(error: NativeError): PyrallelError {
  const facts = `librdkafka refuses the settings: ${error.message}. Correct kafka.librdkafka in pyrallel.config.ts.`
  return new PyrallelError('PYR_CONFIG_INVALID', facts, { cause: error })
}

/** librdkafka checks its configuration when a client is made. */
function build<T>(make: () => T): T {
  try {
    return make()
  } catch (thrown) {
    throw new PyrallelError('PYR_CONFIG_INVALID', `librdkafka refuses its configuration: ${toError(thrown).message}.`, {
      cause: thrown,
    })
  }
}
