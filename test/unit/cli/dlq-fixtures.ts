/** Dead letters on the in-memory cluster, and replays of them: as the command, and with a producer that a test holds in its hand. */
import assert from 'node:assert/strict'
import type { Connect } from '../../../cli/cluster/connect.ts'
import { replayLetters } from '../../../cli/verbs/dlq-replay.ts'
import { whilePolling } from '../../../framework/dead-letters/read-topic.ts'
import { replayGroup } from '../../../framework/dead-letters/replay/partition-marks.ts'
import { type PlanOptions, planReplay } from '../../../framework/dead-letters/replay/plan-replay.ts'
import { replay } from '../../../framework/dead-letters/replay/replay.ts'
import type { ReplayOptions, ReplayReport } from '../../../framework/dead-letters/replay/replay-report.ts'
import type { KafkaClient, RecordProducer } from '../../../framework/kafka/kafka-client.ts'
import { type MemoryCluster, memoryCluster } from '../../../framework/kafka/memory/client.ts'
import type { KafkaRecord } from '../../../framework/model/record.ts'
import { systemClock } from '../../../framework/time/clock.ts'
import { projectFolder, testIo } from './test-io.ts'

export const DLQ = 'orders.shop.dlq'
export const cluster1 = { brokers: 'memory:1' }

export interface Letter {
  readonly key?: string
  readonly error?: string
  readonly handler?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One partition of dead letters, so that their places are known: 0/0, 0/1, ... */
export function clusterWith(...letters: readonly Letter[]): Promise<MemoryCluster> {
  return filled(memoryCluster(), letters)
}

export async function filled(cluster: MemoryCluster, letters: readonly Letter[]): Promise<MemoryCluster> {
  cluster.createTopic('orders', 1)
  cluster.createTopic(DLQ, 1)
  const producer = await cluster.connection().producer()
  for (const [index, { key = 'k', error = 'boom', handler = 'pay', headers = {} }] of letters.entries()) {
    const all = {
      trace: `t${index}`,
      'pyrallel-topic': 'orders',
      'pyrallel-partition': '0',
      'pyrallel-offset': String(index),
      'pyrallel-handler': handler,
      'pyrallel-error-name': 'Error',
      'pyrallel-error-message': error,
      'pyrallel-first-failed-at': '2026-01-02T00:00:00.000Z',
      'kafka_dlt-original-topic': 'orders',
      ...headers,
    }
    await producer.produce({
      topic: DLQ,
      key: Buffer.from(key),
      value: Buffer.from(`v${index}`),
      headers: Object.entries(all).map(([name, value]) => [name, Buffer.from(value)]),
    })
  }
  return cluster
}

export const on =
  (cluster: MemoryCluster): Connect =>
  async () =>
    cluster.connection()

/** As on a cluster, or with a client, that has none. */
export const withoutTransactions =
  (cluster: MemoryCluster): Connect =>
  async () => {
    const { transactionalProducer: _, ...connection } = cluster.connection()
    return connection
  }

export function valuesIn(cluster: MemoryCluster, topic = 'orders'): readonly string[] {
  return cluster.log(topic, 0).records.map(({ value }) => String(value))
}

export function headersOf({ headers }: KafkaRecord): Record<string, string> {
  return Object.fromEntries(headers.map(([name, value]) => [name, String(value)]))
}

export async function replayed(cluster: MemoryCluster, options: object = {}): Promise<Record<string, unknown>> {
  const io = testIo(projectFolder())
  assert.equal(await replayLetters(DLQ, { ...cluster1, json: true, ...options }, io, on(cluster)), 0)
  return JSON.parse(io.out())
}

/** What both phases of a replay are asked for. */
async function whatOf(cluster: MemoryCluster): Promise<PlanOptions & ReplayOptions> {
  const { view } = cluster.connection()
  const logs = () => view.logs(DLQ)
  const nothing = () => {}
  return {
    topic: DLQ,
    selection: () => true,
    to: undefined,
    limit: Number.POSITIVE_INFINITY,
    maxReplays: 3,
    rate: undefined,
    allowed: new Set(['orders']),
    partitions: new Map((await view.topics()).map(({ name, partitions }) => [name, partitions])),
    bounds: await logs(),
    logs,
    committed: await view.groupOffsets(replayGroup(DLQ)),
    clock: systemClock(),
    sessionTimeoutMs: 45_000,
    isStopped: () => false,
    onPlanned: nothing,
    onReplay: nothing,
    onWaiting: nothing,
  }
}

async function withClient<T>(
  cluster: MemoryCluster,
  group: string,
  maxMetadataLength: number | undefined,
  use: (client: KafkaClient) => Promise<T>,
): Promise<T> {
  const client = await cluster.connection().consumer({ group, startFrom: 'earliest' })
  if (maxMetadataLength !== undefined) Object.defineProperty(client, 'maxMetadataLength', { value: maxMetadataLength })
  try {
    return await use(client)
  } finally {
    await whilePolling(client, client.close())
  }
}

export type Produce = RecordProducer['produce']

/** The replay itself. */
export async function reportOf(
  cluster: MemoryCluster,
  produce: Produce,
  over: Partial<ReplayOptions> = {},
  maxMetadataLength?: number,
): Promise<ReplayReport> {
  const options = { ...(await whatOf(cluster)), ...over }
  return withClient(cluster, replayGroup(DLQ), maxMetadataLength, (client) =>
    replay(client, { produce, close: async () => {} }, options),
  )
}

/** The same; rejects with what has ended it early. */
export async function run(...parameters: Parameters<typeof reportOf>): Promise<ReplayReport> {
  const report = await reportOf(...parameters)
  if (report.failure !== undefined) throw report.failure
  return report
}

export async function planned(cluster: MemoryCluster, over: Partial<PlanOptions> = {}, maxMetadataLength?: number) {
  const options = { ...(await whatOf(cluster)), ...over }
  return withClient(cluster, 'a-browser', maxMetadataLength, (client) => planReplay(client, options))
}
