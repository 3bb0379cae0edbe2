/** One cluster in JavaScript: finds out whether it is there, sees to its topics, and makes consumers and producers. */
import { randomUUID } from 'node:crypto'
import { bug, PyrallelError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import type { Clock } from '../../time/clock.ts'
import { stillMissing } from '../../time/wait.ts'
import { faultCodes } from '../faults/codes.ts'
import { ErrorReport } from '../faults/error-report.ts'
import type {
  ClusterView,
  ConsumerOptions,
  KafkaClient,
  KafkaConnection,
  RecordProducer,
  ViewedConnection,
} from '../kafka-client.ts'
import type { TransactionalProducer, TransactionOptions } from '../transactional-producer.ts'
import type { JavascriptLibrary } from './binding.ts'
import { Brokers, type Purpose } from './brokers.ts'
import { createTopicsCall, metadataCall } from './cluster-calls.ts'
import { compressionOf } from './compression.ts'
import { JavascriptConsumer } from './consumer.ts'
import { answeredFault, type KafkaFault, toFault } from './errors.ts'
import { BrokerLink } from './link.ts'
import { OauthTokens } from './oauth-tokens.ts'
import { JavascriptProducer, MAX_RECORD_BYTES } from './producer.ts'
import { saslOptions, tlsOptions } from './security.ts'
import { DEFAULT_SESSION_TIMEOUT_MS, type JavascriptConnectionOptions, requestTimeoutMs } from './settings.ts'
import { storedOffsets } from './stored-offsets.ts'
import { TransactionCoordinator } from './transaction-coordinator.ts'
import { TransactionOutputs } from './transaction-outputs.ts'
import { JavascriptTransactions } from './transactions.ts'
import { JavascriptView } from './view.ts'

const CONNECT_TIMEOUT_MS = 10_000
/** More wait inside the library, without a clock. */
const MAX_IN_FLIGHT = 1_000
const ADMIN_LIMIT_MS = 10_000
const VISIBLE_RETRY_MS = 20
/** All that is known where the other side has hung up. */
const CLOSED = 'Connection closed'

export class JavascriptConnection implements ViewedConnection {
  readonly description: string
  readonly sessionTimeoutMs: number
  readonly maxRecordBytes = MAX_RECORD_BYTES
  readonly view: ClusterView
  readonly transactionalProducer?: NonNullable<KafkaConnection['transactionalProducer']>
  readonly #library: JavascriptLibrary
  readonly #options: JavascriptConnectionOptions
  readonly #clock: Clock
  readonly #tls: Readonly<Record<string, unknown>> | undefined
  readonly #tokens: OauthTokens | undefined
  /** Asks about topics. */
  readonly #probe: Brokers

  constructor(library: JavascriptLibrary, options: JavascriptConnectionOptions, clock: Clock) {
    const { brokers, security, sessionTimeoutMs = DEFAULT_SESSION_TIMEOUT_MS } = options
    this.description = brokers
    this.sessionTimeoutMs = sessionTimeoutMs
    this.#library = library
    this.#options = options
    this.#clock = clock
    this.#tls = tlsOptions(security)
    this.#tokens = security?.sasl.mechanism === 'OAUTHBEARER' ? new OauthTokens(security.sasl, clock) : undefined
    this.#probe = this.#brokers(this.#reporting({ role: 'admin' }).errors)
    this.view = new JavascriptView(this.#probe)
    // librdkafka's mock cluster takes transactions, drops their offsets and shows what was aborted.
    if (options.createTopicsBy !== 'metadata') {
      this.transactionalProducer = (consumer, transaction) => this.#transactions(consumer, transaction)
    }
  }

  async check(timeoutMs: number): Promise<void> {
    await this.#metadata([], timeoutMs)
  }

  async missingTopics(topics: readonly string[]): Promise<readonly string[]> {
    if (topics.length === 0) return []
    const { topics: known } = await this.#metadata(topics, ADMIN_LIMIT_MS)
    const names = new Set(known.filter((each) => each.partitions.length > 0).map((each) => each.name))
    return topics.filter((each) => !names.has(each))
  }

  async createTopics(topics: readonly string[], partitions: number): Promise<void> {
    const missing = await this.missingTopics(topics)
    if (missing.length === 0) return
    if (this.#options.createTopicsBy === 'metadata') {
      const asked = metadataCall(
        missing.map((name) => ({ id: null, name })),
        true,
      )
      await this.#probe.retried(ADMIN_LIMIT_MS, () => this.#probe.askAny(asked))
      return this.#untilVisible(missing)
    }
    const call = createTopicsCall(missing, partitions, ADMIN_LIMIT_MS)
    const created = await this.#probe
      .retried(ADMIN_LIMIT_MS, () => this.#probe.askAny(call))
      .catch((thrown: unknown) => {
        throw notCreated(missing.join(', '), toFault(thrown))
      })
    const refused = created.find(({ code }) => code !== 0 && code !== faultCodes.TOPIC_ALREADY_EXISTS)
    if (refused !== undefined) throw notCreated(refused.name, answeredFault(refused.code, refused.message))
    await this.#untilVisible(missing)
  }

  async producer(): Promise<RecordProducer> {
    const { log, errors } = this.#reporting({ role: 'producer' })
    const brokers = this.#brokers(errors)
    const { crc32c } = this.#library
    const compression = compressionOf(this.#library, this.#options.compression)
    return new JavascriptProducer({ brokers, crc32c, compression, clock: this.#clock, log, errors })
  }

  async consumer(options: ConsumerOptions): Promise<KafkaClient> {
    const { log, errors } = this.#reporting({ group: options.group }, options.onError)
    const brokers = this.#brokers(errors, options.onRefused)
    // As with librdkafka, whoever makes a consumer hears at once that there is no broker.
    await this.#reached(brokers, CONNECT_TIMEOUT_MS).catch((thrown: unknown) => {
      brokers.close()
      throw thrown
    })
    const { sessionTimeoutMs } = this
    const { fetch = {}, rack } = this.#options
    return new JavascriptConsumer({
      ...options,
      memberId: randomUUID(),
      brokers,
      library: this.#library,
      clock: this.#clock,
      log,
      errors,
      sessionTimeoutMs,
      fetch,
      rack,
    })
  }

  #transactions(consumer: KafkaClient, options: TransactionOptions): TransactionalProducer {
    if (!(consumer instanceof JavascriptConsumer)) {
      throw bug('KafkaConnection.transactionalProducer', 'the consumer is of another connection')
    }
    const { group, offsets } = consumer
    const { log, errors } = this.#reporting({ role: 'transactions', group })
    const [brokers, clock] = [this.#brokers(errors), this.#clock]
    const compression = compressionOf(this.#library, this.#options.compression)
    return new JavascriptTransactions({
      ...options,
      group,
      coordinator: new TransactionCoordinator({ ...options, brokers, clock }),
      outputs: new TransactionOutputs({ brokers, clock, crc32c: this.#library.crc32c, compression }),
      offsets,
      stored: (partitions) => storedOffsets(brokers, group, partitions),
      notLetIn: (fault) => this.#unreachable(fault, CONNECT_TIMEOUT_MS),
      disconnect: () => brokers.close(),
      log,
      clock,
    })
  }

  async close(): Promise<void> {
    this.#probe.close()
  }

  /** With connections of their own. */
  #brokers(errors: ErrorReport, onRefused?: () => void): Brokers {
    const onFault = (fault: KafkaFault) => {
      if (fault.isCredentialRefusal) onRefused?.()
      errors.tell(fault, 'the Kafka client reports an error')
    }
    return new Brokers({
      bootstrap: this.#options.brokers.split(',').map((each) => each.trim()),
      clock: this.#clock,
      link: (host, port, purpose) => this.#link(host, port, purpose, onFault),
      onAllDown: onFault,
    })
  }

  #link(host: string, port: number, purpose: Purpose, onFault: (fault: KafkaFault) => void): BrokerLink {
    const { clientId, security, connectTimeoutMs = CONNECT_TIMEOUT_MS, keepAlive } = this.#options
    const [library, tls, tokens] = [this.#library, this.#tls, this.#tokens]
    return new BrokerLink(host, port, {
      library,
      clientId,
      clock: this.#clock,
      onFault,
      ...(keepAlive !== undefined && { keepAlive }),
      connection: {
        connectTimeout: connectTimeoutMs,
        requestTimeout: requestTimeoutMs(purpose, this.#options),
        maxInflights: MAX_IN_FLIGHT,
        ...(tls !== undefined && { tls }),
        // By the name that was asked for, for brokers behind one address. An address is no name.
        ...(tls !== undefined && !/^[\d.]+$|:/.test(host) && { tlsServerName: true }),
      },
      ...(security !== undefined && {
        sasl: (onSession) => saslOptions(library, security, tokens, onSession),
      }),
    })
  }

  #reporting(
    bindings: object,
    onError?: ConsumerOptions['onError'],
  ): { readonly log: Logger; readonly errors: ErrorReport } {
    const log = this.#options.log.child(bindings)
    return { log, errors: new ErrorReport(log, this.#clock, onError) }
  }

  async #reached(brokers: Brokers, limitMs: number): Promise<void> {
    await brokers
      .retried(limitMs, () => brokers.metadata([]))
      .catch((thrown: unknown) => {
        throw this.#unreachable(toFault(thrown), limitMs)
      })
  }

  #metadata(topics: readonly string[], limitMs: number): ReturnType<Brokers['metadata']> {
    return this.#probe
      .retried(limitMs, () => this.#probe.metadata(topics))
      .catch((thrown: unknown) => {
        throw this.#unreachable(toFault(thrown), limitMs)
      })
  }

  #unreachable(fault: KafkaFault, limitMs: number): PyrallelError {
    if (fault.isAuthentication) {
      const facts = `The connection to ${this.description} was refused: ${fault.message}. Check kafka.security in pyrallel.config.ts.`
      return new PyrallelError('PYR_AUTH_FAILED', facts, { cause: fault })
    }
    if (fault.code === faultCodes.UNSUPPORTED_VERSION) {
      return new PyrallelError('PYR_KAFKA', `${fault.message}.`, { cause: fault })
    }
    const isPlain = this.#options.security === undefined && fault.message.endsWith(CLOSED)
    return new PyrallelError(
      'PYR_BROKER_UNREACHABLE',
      `No Kafka broker answered at ${this.description} within ${limitMs} ms (${fault.message}). ` +
        (isPlain ? 'A listener that wants TLS or SASL closes such a connection: then set kafka.security. ' : '') +
        (this.#options.ifUnreachable ?? 'Start one there, or correct `brokers`.'),
      { cause: fault, retriable: true },
    )
  }

  async #untilVisible(topics: readonly string[]): Promise<void> {
    const wait = { clock: this.#clock, limitMs: ADMIN_LIMIT_MS, everyMs: VISIBLE_RETRY_MS }
    const missing = await stillMissing(() => this.missingTopics(topics), wait)
    if (missing.length === 0) return
    const facts = `The broker still does not show ${missing.join(', ')}, ${ADMIN_LIMIT_MS} ms after creating it.`
    throw new PyrallelError('PYR_KAFKA', facts, { retriable: true })
  }
}

function notCreated(topic: string, fault: KafkaFault): PyrallelError {
  const facts = `Topic ${topic} could not be created: ${fault.message} (${fault.code}).`
  return new PyrallelError('PYR_KAFKA', facts, { cause: fault })
}
