/** Brokers that go away and come back under load, on Apache Kafka: the group waits, goes on, and loses nothing. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { startKafka } from './kafka-harness.ts'
import { eventually } from './member-process.ts'
import { Scenario } from './scenario.ts'

const external = process.env.PYRALLEL_TEST_BROKERS !== undefined

/**
 * A commit that was under way when its coordinator died can be put aside by librdkafka, which answers it after its session time-out only (45 s);
 * and its disconnect waits for that. Our own stop does not, but the process goes on until then.
 */
const stopWithinMs = 90_000

async function cluster(t: TestContext, brokers: 1 | 3) {
  const started = await startKafka({ brokers })
  t.after(() => started.stop())
  return started
}

describe('a group under load', { skip: external }, () => {
  it('outlives a stop and a new start of its only broker', async (t) => {
    const kafka = await cluster(t, 1)
    const scenario = await Scenario.open(t, kafka, { partitions: 4 }, { behaviour: { takesMs: [1, 20] } })
    const load = scenario.load(200, 40)
    const members = await Promise.all([scenario.start(), scenario.start()])
    await scenario.untilShared(4)
    await scenario.untilProgress(200)
    await kafka.stopBroker(1)
    // What was read before goes on, and commits fail meanwhile.
    for (const member of members) {
      await member.until('it notices', () => member.lines.some((line) => line.kind === 'log' && line.level === 'warn'))
    }
    await kafka.startBroker(1)
    await scenario.untilProgress(200)
    await load.stop()
    const { repeats } = await scenario.finish({ stopWithinMs })
    t.diagnostic(`records that ran again after the broker's restart: ${repeats}`)
  })

  it('goes on when the broker that leads its partitions and its group is killed, one of three', async (t) => {
    const kafka = await cluster(t, 3)
    const topic = { partitions: 6, replication: 3, configs: { 'min.insync.replicas': '2' } }
    const scenario = await Scenario.open(t, kafka, topic, { behaviour: { takesMs: [1, 20] } })
    const load = scenario.load(200, 40)
    await Promise.all([scenario.start(), scenario.start()])
    await scenario.untilShared(6)
    await scenario.untilProgress(200)
    const coordinator = await kafka.admin.coordinatorOf(scenario.group)
    await kafka.kill(coordinator)
    await scenario.untilProgress(400)
    await eventually('another broker coordinates the group', async () => {
      // There is none for a moment.
      const present = await kafka.admin.coordinatorOf(scenario.group).catch(() => coordinator)
      return present !== coordinator
    })
    await scenario.untilProgress(200)
    await kafka.startBroker(coordinator)
    await scenario.untilProgress(200)
    await load.stop()
    const { repeats } = await scenario.finish({ stopWithinMs })
    t.diagnostic(`records that ran again after the coordinator's death: ${repeats}`)
    assert.equal(scenario.alive.length, 0)
  })
})
