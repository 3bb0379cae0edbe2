/** Makes what one consumer group is of: its client, the engines of its handlers, its poller. Starts nothing. */

import type { Publish } from '../api/handler.ts'
import { isForeign } from '../control-plane/offsets/metadata-encoder.ts'
import { BrokerPoller } from '../control-plane/shell/broker-poller.ts'
import type { Keeping } from '../execution-plane/attempt/prepared-handler.ts'
import { AsyncEngine } from '../execution-plane/engines/async-engine.ts'
import type { ExecutionEngine } from '../execution-plane/execution-engine.ts'
import { SwappableEngine } from '../execution-plane/swappable-engine.ts'
import { WorkerEngine } from '../execution-plane/worker/worker-engine.ts'
import { isFramed, writtenFrame } from '../formats/value-frame.ts'
import type { KafkaClient, RecordProducer } from '../kafka/kafka-client.ts'
import { byHandler } from '../model/by-handler.ts'
import { PyrallelError } from '../model/errors.ts'
import type { EventSink } from '../model/events.ts'
import type { Logger } from '../model/logger.ts'
import type { OutgoingRecord } from '../model/record.ts'
import type { WatchPoint } from '../model/record-watch.ts'
import { eventLog } from '../observability/event-log.ts'
import type { FormatsOf } from '../publishing/topic-formats.ts'
import type { Clock } from '../time/clock.ts'
import type { Tracing } from '../tracing/tracing.ts'
import { groupTransactions } from './group-transactions.ts'
import { guardedListener } from './guarded-listener.ts'
import type { Operations } from './operations.ts'
import { RunningGroup } from './running-group.ts'
import type { ResolvedHandler, RuntimeOptions } from './runtime.ts'
import type { RuntimeSchemas } from './runtime-schemas.ts'
import { seededRandom } from './seeded-random.ts'

/** A handler that ignores its signal is given up so long after its deadline; it keeps its slot until it settles. */
const ABANDON_AFTER_MS = 5_000

export interface GroupOpenerOptions {
  readonly runtime: RuntimeOptions
  /** For lines of our own; handlers get what was given. Must not throw. */
  readonly log: Logger
  readonly producer: RecordProducer
  readonly publish: Publish
  /** With `commit.exactlyOnce`: what handlers publish is kept. */
  readonly keeping: Keeping | undefined
  readonly operations: Operations
  readonly tracing: Tracing | undefined
  readonly clock: Clock
  readonly watchPoint: WatchPoint
  readonly schemas: RuntimeSchemas
  /** What handlers read a topic with. */
  readonly formatsOf: FormatsOf
  readonly onFatal: (error: Error, group: string) => void
  /** Topics that count as made after the group had begun; undefined where none does. */
  readonly lateTopics: (
    group: string,
    handlers: readonly ResolvedHandler[],
  ) => Promise<((topic: string) => boolean) | undefined>
}

export class GroupOpener {
  readonly #options: GroupOpenerOptions

  constructor(options: GroupOpenerOptions) {
    this.#options = options
  }

  /** @param kept settles with the client once it is known that it is wanted still */
  async open(
    group: string,
    handlers: readonly ResolvedHandler[],
    kept: (opening: Promise<KafkaClient>) => Promise<KafkaClient>,
  ): Promise<RunningGroup> {
    const { producer, clock, watchPoint, onFatal } = this.#options
    const { connection, startFrom, instanceId, limits, commit, shutdown, seed } = this.#options.runtime
    const log = this.#options.log.child({ group })
    const { sink, tellsDone } = this.#sinkFor(group, log)
    let poller: BrokerPoller | undefined
    const isLate = await this.#options.lateTopics(group, handlers)
    const opening = connection.consumer({
      group,
      startFrom,
      ...(isLate === undefined ? {} : { isLate }),
      ...(instanceId === undefined ? {} : { instanceId }),
      ...((commit.takeOver ?? 'none') === 'none' ? {} : { isForeign }),
      onError: (code) => sink({ kind: 'client.error', code }),
      onRefused: () => poller?.onCredentialsRefused(),
    })
    const client = await kept(opening)
    const members = [...byHandler(handlers, ({ route }) => route.handlerId).values()].map((own) => ({
      handlers: own,
      engine: new SwappableEngine(this.engineFor(own[0])),
    }))
    poller = new BrokerPoller({
      group,
      client,
      producer,
      transactions: commit.exactlyOnce === true ? groupTransactions(connection, client, group, instanceId) : undefined,
      engines: new Map(
        members.map(({ handlers: [{ route }], engine }) => [route.handlerId, this.#faulty(route.handlerId, engine)]),
      ),
      limits,
      commit,
      shutdown,
      sessionTimeoutMs: connection.sessionTimeoutMs,
      log,
      onEvent: sink,
      tellsDone,
      watchedBy: watchPoint.of(group),
      routes: handlers.map(({ route }) => route),
      clock,
      random: seededRandom(seed ?? randomSeed()),
      onFatal: (error) => onFatal(error, group),
    })
    return new RunningGroup(group, poller, members)
  }

  /** One for all topics of the handler: any of its entries will do. */
  engineFor({ route, definition, timeoutMs, group, worker }: ResolvedHandler): ExecutionEngine {
    const { producer, publish, keeping, tracing, clock, watchPoint } = this.#options
    const schemas = this.#options.schemas.of(definition)
    const { log, strayFaults, services } = this.#options.runtime
    const { handlerId, concurrency } = route
    const common = { handlerId, concurrency, timeoutMs, abandonAfterMs: ABANDON_AFTER_MS, schemas, log, clock }
    if (worker !== undefined) {
      // The threads check, encode and trace what they publish; only what has a Kafka client can produce it.
      const produce = async (record: OutgoingRecord) => producer.produce(this.#inFormat(record))
      const checkReceived = (record: OutgoingRecord) => void this.#inFormat(record)
      const outputs = keeping && { ...keeping.rules, checkReceived }
      return new WorkerEngine({ ...common, ...worker, group, outputs, produce })
    }
    return new AsyncEngine({
      ...common,
      definition,
      publish,
      keeping,
      services,
      trace: tracing?.attemptTracer({ handlerId, group }),
      attribution: strayFaults?.attribution,
      watchedBy: watchPoint.of(group),
    })
  }

  /** A thread knows the formats of its own topics only. By another's mere name it has written JSON, which no reader of that topic could read. */
  #inFormat(record: OutgoingRecord): OutgoingRecord {
    const { format, keyFormat } = this.#options.formatsOf(record.topic) ?? {}
    for (const [part, written] of [['value', format] as const, ['key', keyFormat] as const]) {
      if (written === undefined || isFramed(record, writtenFrame(written, part), part)) continue
      const facts = `The ${part} published to ${record.topic} is not in its format, with schema ${written.schema.subject}`
      throw new PyrallelError('PYR_SCHEMA', `${facts}. Publish to the topic's definition, not to its name.`)
    }
    return record
  }

  #faulty(handlerId: string, engine: ExecutionEngine): ExecutionEngine {
    return this.#options.runtime.faults?.around(handlerId, engine) ?? engine
  }

  #sinkFor(group: string, log: Logger): { readonly sink: EventSink; readonly tellsDone: boolean } {
    const { operations, clock } = this.#options
    const { logEvents, onGroupEvent } = this.#options.runtime
    const onEvent = guardedListener(this.#options.runtime.onEvent, log, clock)
    const written = logEvents === false ? undefined : eventLog(log, clock)
    const counted = operations.sinkFor(group)
    const watched = operations.watcherFor(group)
    return {
      sink: (event) => {
        written?.(event)
        counted?.(event)
        onEvent?.(event)
        if (event.kind === 'record.done' || event.kind === 'records.left-out') return
        watched?.(event)
        onGroupEvent?.(group, event)
      },
      tellsDone: counted !== undefined || onEvent !== undefined || log.isLevelEnabled?.('debug') !== false,
    }
  }
}

function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 32)
}
