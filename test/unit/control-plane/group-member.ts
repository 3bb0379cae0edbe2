/** One group member as the poller makes it, on the in-memory cluster, with handlers and time in the hands of the test. Not a test itself. */
import { BrokerPoller, type BrokerPollerOptions } from '../../../framework/control-plane/shell/broker-poller.ts'
import type { KafkaClient } from '../../../framework/kafka/kafka-client.ts'
import { type MemoryCluster, memoryCluster } from '../../../framework/kafka/memory/client.ts'
import type { TransactionalProducer } from '../../../framework/kafka/transactional-producer.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import type { KafkaRecord } from '../../../framework/model/record.ts'
import type { Limits, Route } from '../../../framework/model/settings.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../kafka/recorded-log.ts'
import { aRoute, HANDLER, someLimits, TOPIC } from './builders.ts'
import { FakeEngine } from './fake-engine.ts'

const STEP_MS = 5
const GROUP = 'billing'

export interface MemberOptions
  extends Partial<Pick<BrokerPollerOptions, 'shutdown' | 'commit' | 'onEvent' | 'engines' | 'sessionTimeoutMs'>> {
  readonly route?: Partial<Route>
  readonly limits?: Partial<Limits>
  readonly capacity?: number
  /** What the poller is to see of the client. */
  readonly around?: (client: KafkaClient) => KafkaClient
  /** Of an exactly-once group: the id of its transactions. */
  readonly transactionalId?: string
  /** What the poller is to see of the transactions. */
  readonly aroundTransactions?: (producer: TransactionalProducer) => TransactionalProducer
}

export class World {
  readonly clock = new ManualClock(0)
  readonly cluster: MemoryCluster

  constructor(partitions = 1) {
    this.cluster = memoryCluster({ clock: this.clock })
    this.cluster.createTopic(TOPIC, partitions)
    this.cluster.createTopic('orders.dlq', 1)
  }

  put(key: string | null, partition = 0): KafkaRecord {
    const bytes = key === null ? null : Buffer.from(key)
    return this.cluster.append({ topic: TOPIC, partition, key: bytes, value: null, headers: [] })
  }

  committed(partition = 0): number | undefined {
    return this.cluster.group(GROUP).committed({ topic: TOPIC, partition })?.position
  }

  lose(...partitions: readonly number[]): void {
    this.cluster.group(GROUP).lose(partitions.map((partition) => ({ topic: TOPIC, partition })))
  }

  async member(options: MemberOptions = {}) {
    const { route, limits, capacity, around = (client) => client, onEvent, ...others } = options
    const { transactionalId: id, aroundTransactions = (producer) => producer, ...rest } = others
    const connection = this.cluster.connection()
    const own = await connection.consumer({ group: GROUP, startFrom: 'earliest' })
    const client = around(own)
    const transactions =
      id === undefined ? undefined : connection.transactionalProducer?.(own, { id, timeoutMs: 15_000 })
    const engine = new FakeEngine(capacity)
    const events: RuntimeEvent[] = []
    const fatal: Error[] = []
    const { log, lines } = recordedLog()
    const poller = new BrokerPoller({
      group: GROUP,
      client,
      producer: await connection.producer(),
      transactions: transactions === undefined ? undefined : aroundTransactions(transactions),
      routes: [aRoute(route)],
      engines: new Map([[HANDLER, engine]]),
      limits: someLimits(limits),
      commit: { minIntervalMs: 100, recovery: 'metadata' },
      shutdown: { revokeGraceMs: 5_000, drainMs: 30_000 },
      sessionTimeoutMs: 45_000,
      clock: this.clock,
      log,
      random: () => 0.5,
      onFatal: (error) => fatal.push(error),
      onEvent: (event) => {
        events.push(event)
        onEvent?.(event)
      },
      ...rest,
    })
    const owned = () => poller.manager.assigned().map(({ partition }) => partition)
    return { poller, client, engine, events, fatal, lines, owned }
  }

  /** Time passes in small steps, and all that waits for it runs. */
  async pass(ms: number, stepMs = STEP_MS): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) await this.clock.advanceAndSettle(stepMs)
  }

  /** Time passes until it is so. */
  async until(isSo: () => boolean, limitMs = 10_000): Promise<void> {
    for (let passed = 0; passed < limitMs; passed += STEP_MS) {
      if (isSo()) return
      await this.clock.advanceAndSettle(STEP_MS)
    }
    if (!isSo()) throw new Error(`it was not so within ${limitMs} ms: ${isSo}`)
  }

  /** Time passes until the promise has settled. */
  async settled<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let isSettled = false
    const settle = () => {
      isSettled = true
    }
    promise.then(settle, settle)
    await this.until(() => isSettled, limitMs)
    return promise
  }
}

/** The client, with some of its verbs done otherwise. */
export function instead(client: KafkaClient, own: Partial<KafkaClient>): KafkaClient {
  return new Proxy(client, {
    get: (of, name) => {
      const value: unknown = Reflect.get(own, name) ?? Reflect.get(of, name)
      return typeof value === 'function' ? value.bind(of) : value
    },
  })
}

export type Member = Awaited<ReturnType<World['member']>>
