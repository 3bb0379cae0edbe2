import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type KafkaCluster, startKafka } from './kafka-harness.ts'
import { readAll, writeAll } from './raw-records.ts'

const external = process.env.PYRALLEL_TEST_BROKERS !== undefined

/** Polls a condition that no event announces (another process's end), at most `withinMs`. */
async function eventually(what: string, condition: () => boolean, withinMs = 15_000): Promise<void> {
  const end = Date.now() + withinMs
  while (!condition()) {
    if (Date.now() > end) assert.fail(`not within ${withinMs} ms: ${what}`)
    await delay(50)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function started(t: TestContext, brokers: 1 | 3 = 1): Promise<KafkaCluster> {
  const cluster = await startKafka({ brokers })
  t.after(() => cluster.stop())
  return cluster
}

let topics = 0
async function newTopic(cluster: KafkaCluster, partitions = 1, replication = 1): Promise<string> {
  const name = `harness-${process.pid}-${++topics}`
  await cluster.admin.createTopic(name, { partitions, replication })
  return name
}

describe('the real-Kafka harness', { timeout: 480_000 }, () => {
  it('gives back a record that was produced, and leaves neither process nor directory behind', async (t) => {
    const cluster = await started(t)
    const topic = await newTopic(cluster)
    await writeAll(cluster.brokers, topic, ['hello'])
    assert.deepEqual(await readAll(cluster.brokers, topic, 1), ['hello'])
    await cluster.admin.deleteTopic(topic)

    await cluster.stop()
    if (cluster.directory === undefined || cluster.supervisorPid === undefined) return assert.ok(external)
    assert.equal(existsSync(cluster.directory), false)
    assert.equal(isAlive(cluster.supervisorPid), false)
    await cluster.stop()
  })

  it('keeps the data over a kill and over an orderly stop', { skip: external }, async (t) => {
    const cluster = await started(t)
    const topic = await newTopic(cluster)
    await writeAll(cluster.brokers, topic, ['before the kill'])
    await cluster.kill(1)
    await cluster.startBroker(1)
    await writeAll(cluster.brokers, topic, ['before the stop'])
    await cluster.stopBroker(1)
    await cluster.startBroker(1)
    assert.deepEqual(await readAll(cluster.brokers, topic, 2), ['before the kill', 'before the stop'])
  })

  it('adds partitions and cuts logs', async (t) => {
    const cluster = await started(t)
    const topic = await newTopic(cluster)
    await writeAll(cluster.brokers, topic, ['0', '1', '2'])
    await cluster.admin.deleteRecords(topic, 0, 2)
    assert.deepEqual(await readAll(cluster.brokers, topic, 1), ['2'])
    const cut = cluster.admin.deleteRecords(topic, 0, 4)
    await writeAll(cluster.brokers, topic, ['3', '4'])
    await cut
    assert.deepEqual(await readAll(cluster.brokers, topic, 1), ['4'])
    await cluster.admin.addPartitions(topic, 3)
    await writeAll(cluster.brokers, topic, ['in the new partition'], 2)
    assert.deepEqual((await readAll(cluster.brokers, topic, 2)).sort(), ['4', 'in the new partition'])
    await cluster.admin.deleteTopic(topic)
  })

  it('serves on with one broker of three killed', { skip: external }, async (t) => {
    const cluster = await started(t, 3)
    const topic = await newTopic(cluster, 3, 3)
    await writeAll(cluster.brokers, topic, ['a'], 0)
    await cluster.kill(2)
    for (const partition of [0, 1, 2]) await writeAll(cluster.brokers, topic, ['b'], partition)
    assert.deepEqual((await readAll(cluster.brokers, topic, 4)).sort(), ['a', 'b', 'b', 'b'])
    await cluster.startBroker(2)
  })

  it('ends the brokers and removes their directory when the test process is killed', { skip: external }, async () => {
    const script = fileURLToPath(new URL('kafka-forgotten.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    const { directory, supervisorPid } = JSON.parse(String(line)) as { directory: string; supervisorPid: number }
    assert.ok(existsSync(directory) && isAlive(supervisorPid))
    child.kill('SIGKILL')
    await eventually('the supervisor has ended', () => !isAlive(supervisorPid))
    assert.equal(existsSync(directory), false)
  })

  it('says what is wrong when a broker does not start, and cleans up', { skip: external }, async () => {
    await assert.rejects(startKafka({ config: { 'process.roles': 'teapot' } }), /broker 1 failed[\s\S]*teapot/)
  })
})
