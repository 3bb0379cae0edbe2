/** The programs of docs/migrating.md: what the other library has begun, a project of Pyrallel ends in the same group. Nothing is lost, and what runs twice is what the document says. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connectUnderTest } from '../client-under-test.ts'
import { startKafka } from './kafka-harness.ts'
import { migrateLive } from './live-migration.ts'
import { aboveThePositions, type Migrated, type Migration, migrate, partitions, produceOrders } from './migration.ts'
import { MigrationProject, type OldProgram } from './migration-project.ts'
import { parallelConsumerProgram, pyrallelConsumerCommand } from './predecessors/install.mjs'
import { namedByPyrallelConsumer } from './predecessors/pyrallel-consumer-metadata.ts'
import { quietLog } from './scenario.ts'

const cluster = await startKafka()
const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'load', log: quietLog })
const { view } = connection
const producer = await connection.producer()
after(async () => {
  await producer.close(5_000)
  await connection.close()
  await cluster.stop()
})

const command = [process.execPath, 'consumer.js']
const compiler = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url))
/** All groups read the same topic. */
const topic = `orders-${process.pid}`
await cluster.admin.createTopic(topic, { partitions })
await produceOrders(producer, topic)

describe('a group of kafkajs', { timeout: 240_000, concurrency: 3 }, () => {
  it('is taken over live: ours joins beside the old members, and they leave one by one', async (t) => {
    const [live, group] = [`${topic}-live`, `billing-live-${process.pid}`]
    await cluster.admin.createTopic(live, { partitions })
    const project = new MigrationProject({
      program: 'kafkajs-each-message',
      instead: namesOf('billing', live),
      packages: ['kafkajs'],
    })
    const { saved, orders, again } = await migrateLive({ cluster, project, command, topic: live, group }, producer)
    t.diagnostic(`${orders} orders, saved by ${new Set(saved.map(({ by }) => by)).size} members, ${again} again`)
    // What an old member is at in each partition, when that moves.
    assert.ok(again <= partitions * 3, `${again} ran twice`)
  })

  const groups = { 'kafkajs-each-message': 'billing', 'kafkajs-each-batch': 'warehouse' } as const
  for (const [program, written] of Object.entries(groups)) {
    const project = new MigrationProject({ program, instead: namesOf(written, topic), packages: ['kafkajs'] })
    const common = { cluster, view, project, command, topic }

    it(`is taken over from ${program} with nothing twice when it was stopped in order`, async (t) => {
      const migrated = await migrate({ ...common, group: `${written}-${process.pid}`, ends: 'in order' })
      t.diagnostic(told(migrated))
      assert.equal(migrated.twice.size, 0)
    })

    it(`is taken over from ${program} with what is above the committed positions twice when it was killed`, async (t) => {
      const migrated = await migrate({ ...common, group: `${written}-killed-${process.pid}`, ends: 'by a kill' })
      t.diagnostic(told(migrated))
      assert.deepEqual(migrated.twice, aboveThePositions(migrated))
      assert.ok(migrated.committed.some(({ position }) => position > 0))
    })
  }
})

describe('a group of the Kafka transport of Nest', { timeout: 240_000, concurrency: 2 }, () => {
  const sources = ['src/main.ts', '--outDir', 'src', '--target', 'es2023', '--module', 'nodenext', '--types', 'node']
  const project = new MigrationProject({
    program: 'nest',
    instead: namesOf('billing', topic),
    packages: ['kafkajs', '@nestjs', 'reflect-metadata', 'rxjs', '@types'],
    // As `nest build` does.
    compile: [
      process.execPath,
      compiler,
      ...sources,
      '--experimentalDecorators',
      '--emitDecoratorMetadata',
      '--strict',
    ],
  })
  const migrateNest = (group: string, ends: Migration['ends']) =>
    migrate({
      ...{ cluster, view, project, command: [process.execPath, 'src/main.js'], topic, group, ends },
      groupOfKafka: `${group}-server`,
      // Nest ends by the signal that it was told to end with.
      exitCode: null,
    })

  it('is taken over with nothing twice when it was stopped in order', async (t) => {
    const migrated = await migrateNest(`nest-${process.pid}`, 'in order')
    t.diagnostic(told(migrated))
    assert.equal(migrated.twice.size, 0)
  })

  it('is taken over with what is above the committed positions twice when it was killed', async (t) => {
    const migrated = await migrateNest(`nest-killed-${process.pid}`, 'by a kill')
    t.diagnostic(told(migrated))
    assert.deepEqual(migrated.twice, aboveThePositions(migrated))
    assert.ok(migrated.committed.some(({ position }) => position > 0))
  })
})

describe('a group of a consumer that stores what is done above its positions', { timeout: 240_000 }, () => {
  const ofJava = parallelConsumerProgram(['SaveOrders.java', 'Store.java'], 'SaveOrders')
  const ofPython = pyrallelConsumerCommand('consumer.py')

  it('is taken over from Parallel Consumer with nothing twice when it was stopped in order', {
    skip: notInstalled(ofJava, 'Parallel Consumer'),
  }, async (t) => {
    const migrated = await migrateManyAtOnce({
      program: 'parallel-consumer',
      instead: { '"group.id", "billing"': '"group.id", System.getenv("GROUP")' },
      ...ofJava,
      // As Java does after SIGTERM.
      exitCode: 143,
    })
    t.diagnostic(told(migrated))
    assert.deepEqual(migrated.twice, new Set())
  })

  it('is taken over from Pyrallel-Consumer with what is in no commit of it twice when it was stopped in order', {
    skip: notInstalled(ofPython, 'Pyrallel-Consumer'),
  }, async (t) => {
    const migrated = await migrateManyAtOnce({
      program: 'pyrallel-consumer',
      instead: { 'CONSUMER_GROUP="billing"': 'CONSUMER_GROUP=os.environ["GROUP"]' },
      ...(ofPython && { command: ofPython }),
    })
    t.diagnostic(told(migrated))
    const named = migrated.committed.flatMap(({ partition, metadata }) =>
      namedByPyrallelConsumer(metadata).map((offset) => `${partition}-${offset}`),
    )
    const inNoCommit = new Set(aboveThePositions(migrated))
    for (const id of named) inNoCommit.delete(id)
    assert.deepEqual(migrated.twice, inNoCommit)
  })

  interface ManyAtOnce extends OldProgram {
    readonly command?: readonly string[]
    readonly exitCode?: number
  }

  /** One that is caught half-way, with much that is done above its positions. */
  async function migrateManyAtOnce({ command = [], exitCode = 0, ...old }: ManyAtOnce): Promise<Migrated> {
    const instead = { ...namesOf('billing', topic), '"orders"': `"${topic}"`, ...old.instead }
    const project = new MigrationProject({ ...old, instead })
    const group = `${old.program}-${process.pid}`
    const migrated = await migrate({
      ...{ cluster, view, project, command, topic, group, exitCode },
      ends: 'in order',
      saveMs: 40,
    })
    assert.ok(aboveThePositions(migrated).size > 100)
    return migrated
  }
})

function notInstalled(found: unknown, name: string): string | false {
  return found === undefined && `${name} is not installed (node .ci/setup.mjs --with-kafka says why)`
}

/** Names that are of this run alone; and a session that ends as soon as the tests' brokers allow, for whoever waits for it. */
function namesOf(group: string, of: string): Readonly<Record<string, string>> {
  return {
    "'orders'": `'${of}'`,
    [`groupId: '${group}'`]: "groupId: process.env.GROUP ?? '', sessionTimeout: 6_000",
    [`group: '${group}'`]: "group: process.env.GROUP ?? ''",
    [`group: '${group}-server'`]: "group: process.env.GROUP ?? ''",
  }
}

function told({ before, after, twice, committed }: Migrated): string {
  const positions = committed.map(({ position }) => position).join(', ')
  return `${before.length} before, ${after.length} after, ${twice.size} twice; positions ${positions}`
}
