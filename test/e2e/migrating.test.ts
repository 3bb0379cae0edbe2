/** The programs of docs/migrating.md: what the other library has begun, a project of Pyrallel ends in the same group. Nothing is lost, and what runs twice is what the document says. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { connectUnderTest } from '../client-under-test.ts'
import { startKafka } from './kafka-harness.ts'
import { aboveThePositions, type Migrated, migrate, partitions, produceOrders } from './migration.ts'
import { MigrationProject } from './migration-project.ts'
import { quietLog } from './scenario.ts'

const cluster = await startKafka()
const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'load', log: quietLog })
const producer = await connection.producer()
after(async () => {
  await producer.close(5_000)
  await connection.close()
  await cluster.stop()
})

/** All groups read the same topic. */
const topic = `orders-${process.pid}`
await cluster.admin.createTopic(topic, { partitions })
await produceOrders(producer, topic)

describe('a group of kafkajs', { timeout: 240_000, concurrency: 2 }, () => {
  const groups = { 'kafkajs-each-message': 'billing', 'kafkajs-each-batch': 'warehouse' } as const
  for (const [program, written] of Object.entries(groups)) {
    // A session that ends as soon as the tests' brokers allow: one test waits for it.
    const names = {
      "'orders'": `'${topic}'`,
      [`groupId: '${written}'`]: 'groupId: process.env.GROUP, sessionTimeout: 6_000',
      [`group: '${written}'`]: "group: process.env.GROUP ?? ''",
    }
    const project = new MigrationProject(program, names, ['kafkajs'])
    const common = { cluster, project, command: [process.execPath, 'consumer.js'], topic }

    it(`is taken over from ${program} with nothing twice when it was stopped in order`, async (t) => {
      const migrated = await migrate({ ...common, group: `${written}-${process.pid}`, ends: 'in order' })
      t.diagnostic(told(migrated))
      assert.equal(migrated.twice.size, 0)
    })

    it(`is taken over from ${program} with what is above the committed positions twice when it was killed`, async (t) => {
      const migrated = await migrate({ ...common, group: `${written}-killed-${process.pid}`, ends: 'by a kill' })
      t.diagnostic(told(migrated))
      assert.deepEqual(migrated.twice, aboveThePositions(migrated))
      assert.ok(migrated.committed.some(({ offset }) => offset > 0))
    })
  }
})

function told({ before, after, twice, committed }: Migrated): string {
  const positions = committed.map(({ offset }) => offset).join(', ')
  return `${before.length} before, ${after.length} after, ${twice.size} twice; positions ${positions}`
}
