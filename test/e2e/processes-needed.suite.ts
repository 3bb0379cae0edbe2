/** What two processes of a group say of scaling out, on Apache Kafka. Run by scaling.test.ts, on its broker. */
import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { handler } from '../../framework/api/handler.ts'
import { type Pyrallel, startPyrallel } from '../../framework/runtime/start-pyrallel.ts'
import { connectUnderTest } from '../client-under-test.ts'
import type { KafkaCluster } from './kafka-harness.ts'
import { quietLog } from './scenario.ts'

const PARTITIONS = 4
const RECORDS = 400

async function aProcess(t: TestContext, brokers: string): Promise<Pyrallel> {
  const bill = handler('scaled', () => setTimeout(5))
  const process = await startPyrallel({
    config: { group: 'scaled', handlers: { concurrency: 2 } },
    routes: [{ id: 'bill', file: 'handlers/bill.ts', topic: 'scaled', group: null, handler: bill }],
    connection: await connectUnderTest({ brokers, clientId: 'scaled', log: quietLog }),
    log: quietLog,
    env: {},
  })
  t.after(() => process.stop())
  return process
}

/** Each record is in the books of one process, and of none once it is done; also of partitions in which nothing ever was. */
export function countsEachRecordOnce(cluster: KafkaCluster): void {
  it('has each record in the figures of one process, and in none once all is done', { timeout: 60_000 }, async (t) => {
    await cluster.admin.createTopic('scaled', { partitions: PARTITIONS })
    await cluster.admin.createTopic('scaled.scaled.dlq')
    const processes: Pyrallel[] = []
    const scales = () => processes.flatMap((each) => each.snapshot().scale ?? [])
    const backlogs = () => scales().map(({ backlog }) => backlog)
    const total = () => scales().reduce((sum, { backlog }) => sum + (backlog ?? Number.NaN), 0)
    const until = async (isSo: () => boolean) => {
      while (!isSo()) await setTimeout(20)
    }
    processes.push(await aProcess(t, cluster.brokers))
    await until(() => scales()[0]?.partitions === PARTITIONS && total() === 0)
    processes.push(await aProcess(t, cluster.brokers))
    await until(() => scales().every(({ partitions }) => partitions === PARTITIONS / 2) && total() === 0)
    for (const each of processes) each.pause()
    const [first] = processes
    for (let sent = 0; sent < RECORDS; sent += 1) first?.publish('scaled', sent, { key: `k${sent}` }).catch(() => {})
    await until(() => total() === RECORDS)
    assert.ok(backlogs().every((backlog) => (backlog ?? 0) > 0 && (backlog ?? 0) < RECORDS))
    // Paused by hand: more processes would run nothing of it either.
    assert.deepEqual(
      scales().map(({ processesNeeded }) => processesNeeded),
      [0.001, 0.001],
    )
    for (const each of processes) each.resume()
    await until(() => total() === 0)
  })
}
