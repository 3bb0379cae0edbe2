/** The client in JavaScript on three brokers of Apache Kafka: a thousand partitions, the death of a broker, and a log that an election has cut. */
import assert from 'node:assert/strict'
import { after, describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connectJavascript } from '../../framework/kafka/javascript/client.ts'
import type { RecordPlace } from '../../framework/kafka/kafka-client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { startKafka } from './kafka-harness.ts'
import { eventually } from './member-process.ts'
import { PolledReader } from './polled-reader.ts'
import { readAll, writeAll } from './raw-records.ts'

const external = process.env.PYRALLEL_TEST_BROKERS !== undefined
/** Lets a client that says where it runs read from a replica there. */
const selector = 'org.apache.kafka.common.replica.RackAwareReplicaSelector'
/** Brokers die here, and a member that is slow to find its next coordinator must not begin anew at its commit. */
const sessionMs = 30_000
const cluster = await startKafka({
  brokers: 3,
  config: { 'replica.selector.class': selector, 'group.consumer.session.timeout.ms': sessionMs },
})
const { brokers } = cluster
after(() => cluster.stop())

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => String(from + index))

async function connected(t: TestContext, rack?: string) {
  const lines: string[] = []
  const write = (fields: object, message: string) => lines.push(`${message} ${JSON.stringify(fields)}`)
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
  const connection = await connectJavascript({ brokers, clientId: 'cluster', rack, log })
  t.after(() => connection.close())
  return { connection, lines }
}

describe('the client in JavaScript on three brokers', { skip: external, timeout: 180_000 }, () => {
  it('writes, reads and commits a thousand partitions, each in its order, and goes on from each', async (t) => {
    const [topic, partitions, each] = ['thousand', 1_000, 10]
    const { connection } = await connected(t)
    const startedAt = performance.now()
    const passed = () => Math.round(performance.now() - startedAt)
    await connection.createTopics([topic], partitions)
    t.diagnostic(`made after ${passed()} ms`)
    const producer = await connection.producer()
    t.after(() => producer.close(1_000))
    const write = (values: readonly string[]) =>
      values.flatMap((value) =>
        Array.from({ length: partitions }, (_, partition) =>
          producer.produce({ topic, partition, key: null, value: Buffer.from(value), headers: [] }),
        ),
      )
    await Promise.all(write(numbers(0, each)))
    t.diagnostic(`written after ${passed()} ms`)
    const first = await PolledReader.join(t, connection, topic)
    await first.until('all are there', () => first.records.length >= partitions * each)
    t.diagnostic(`read after ${passed()} ms`)
    assertInOrder(first, partitions, numbers(0, each))
    const commits = Array.from({ length: partitions }, (_, partition) => ({
      topic,
      partition,
      position: each,
      metadata: `metadata of ${partition}`,
    }))
    await first.during(first.client.commit(commits))
    t.diagnostic(`committed after ${passed()} ms`)
    await first.close()
    const second = await PolledReader.join(t, connection, topic)
    await Promise.all(write([String(each)]))
    await second.until('the rest is there', () => second.records.length >= partitions)
    t.diagnostic(`gone on after ${passed()} ms`)
    assertInOrder(second, partitions, [String(each)])
    assert.deepEqual([...first.errors, ...second.errors], [])
  })

  it('reads from a replica in its own zone as from the leader, and from the leader when that replica dies', async (t) => {
    const topic = 'zones'
    await cluster.admin.createTopic(topic, { replication: 3, configs: { 'min.insync.replicas': '1' } })
    await writeAll(brokers, topic, numbers(0, 50))
    const leader = await cluster.admin.leaderOf(topic, 0)
    const near = leader === 1 ? 2 : 1
    const { connection } = await connected(t, `zone-${near}`)
    const reader = await PolledReader.join(t, connection, topic)
    await reader.until('all are there', () => reader.records.length === 50)
    await reader.during(writeAll(brokers, topic, numbers(50, 100)))
    await reader.until('what came meanwhile is there', () => reader.records.length === 100)
    t.after(() => cluster.startBroker(near))
    await cluster.kill(near)
    await reader.during(writeAll(brokers, topic, numbers(100, 150)))
    await reader.until('the rest is there', () => reader.records.length === 150)
    assertInOrder(reader, 1, numbers(0, 150))
  })

  it('goes on with the new leader of a partition whose broker stands still, before any request to that broker is given up', async (t) => {
    const topic = 'frozen'
    await cluster.admin.createTopic(topic, { replication: 3, configs: { 'min.insync.replicas': '1' } })
    await writeAll(brokers, topic, numbers(0, 50))
    const { connection, lines } = await connected(t)
    const reader = await PolledReader.join(t, connection, topic)
    await reader.until('all are there', () => reader.records.length === 50)
    const leader = await cluster.admin.leaderOf(topic, 0)
    t.after(() => cluster.thaw(leader))
    await cluster.freeze(leader)
    const frozenAt = performance.now()
    const others = brokers.split(',').filter((_, index) => index !== leader - 1)
    const isLed = async () => ![-1, leader].includes(await cluster.admin.leaderToldBy(others[0] ?? '', topic, 0))
    await reader.during(eventually('another one leads it', isLed))
    t.diagnostic(`another one leads after ${Math.round(performance.now() - frozenAt)} ms`)
    await reader.during(writeAll(others.join(), topic, numbers(50, 100)))
    await reader.until('what came meanwhile is there', () => reader.records.length === 100)
    t.diagnostic(`read after ${Math.round(performance.now() - frozenAt)} ms`)
    assertInOrder(reader, 1, numbers(0, 100))
    assert.doesNotMatch(lines.join('\n'), /no answer in time/)
  })

  it('writes each record once and in order over the death of the broker that leads, and tells where each one is', async (t) => {
    const [topic, count] = ['numbers', 3_000]
    await cluster.admin.createTopic(topic, { replication: 3, configs: { 'min.insync.replicas': '2' } })
    const { connection } = await connected(t)
    const producer = await connection.producer()
    t.after(() => producer.close(1_000))
    const leader = await cluster.admin.leaderOf(topic, 0)
    const places: Promise<RecordPlace>[] = []
    let killedAt = 0
    for (let sequence = 0; sequence < count; sequence++) {
      places.push(producer.produce({ topic, key: null, value: Buffer.from(String(sequence)), headers: [] }))
      if (sequence === count / 3) {
        killedAt = performance.now()
        await cluster.kill(leader)
        t.after(() => cluster.startBroker(leader))
      }
      if (sequence % 10 === 0) await delay(2)
    }
    t.diagnostic(`all were acknowledged ${Math.round(performance.now() - killedAt)} ms after the death`)
    assert.deepEqual(
      (await Promise.all(places)).map(({ offset }) => offset),
      [...places.keys()],
    )
    assert.deepEqual(
      await readAll(brokers, topic, count),
      places.map((_, sequence) => String(sequence)),
    )
  })

  it('goes back to where an election has cut a log, reads what was written there since, and skips nothing', async (t) => {
    const topic = 'cut'
    await cluster.admin.createTopic(topic, { replication: 2, configs: { 'unclean.leader.election.enable': 'true' } })
    const { connection, lines } = await connected(t)
    await writeAll(brokers, topic, numbers(0, 5))
    const leader = await cluster.admin.leaderOf(topic, 0)
    const reader = await PolledReader.join(t, connection, topic)
    t.after(() => {
      for (const line of [...lines, `its partitions were ${reader.story.join(', ')}`]) t.diagnostic(line)
    })
    await reader.until('the first are there', () => reader.records.length === 5)
    const startedAt = performance.now()
    const passed = () => Math.round(performance.now() - startedAt)
    // It will lack what follows.
    const follower = (await cluster.admin.replicasOf(topic, 0)).find((node) => node !== leader) ?? 0
    await cluster.kill(follower)
    await reader.during(writeAll(brokers, topic, numbers(5, 10)))
    await reader.until('all of the old log are there', () => reader.records.length === 10)
    t.diagnostic(`written without the follower after ${passed()} ms`)
    await cluster.kill(leader)
    await reader.during(cluster.startBroker(follower))
    t.diagnostic(`the follower is back after ${passed()} ms`)
    await reader.during(
      eventually(
        'the follower leads',
        async () => (await cluster.admin.leaderOf(topic, 0).catch(() => 0)) === follower,
      ),
    )
    t.diagnostic(`it leads after ${passed()} ms`)
    await reader.during(writeAll(brokers, topic, ['new 5', 'new 6']))
    await reader.until('what was written there since', () => reader.records.length >= 12)
    t.diagnostic(`read after ${passed()} ms`)
    assert.deepEqual(
      reader.records.map(({ offset, value }) => [offset, String(value)]),
      [...numbers(0, 10).map((value) => [Number(value), value]), [5, 'new 5'], [6, 'new 6']],
    )
    assert.match(
      lines.join('\n'),
      /the log was cut by an election; the partition goes on at its new end.*"from":10,"position":5/,
    )
  })
})

function assertInOrder(reader: PolledReader, partitions: number, values: readonly string[]): void {
  const found = new Map<number, string[]>()
  for (const { partition, value } of reader.records) {
    const of = found.get(partition)
    if (of === undefined) found.set(partition, [String(value)])
    else of.push(String(value))
  }
  assert.equal(found.size, partitions)
  for (const [partition, of] of found) assert.deepEqual(of, values, `partition ${partition}`)
}
