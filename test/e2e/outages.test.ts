/** Brokers that go away and come back under load, on Apache Kafka: the group waits, goes on, and loses nothing. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { clientUnderTest } from '../test-client.ts'
import { startKafka } from './kafka-harness.ts'
import { monotonicMs } from './member-log.ts'
import { eventually, type MemberProcess } from './member-process.ts'
import { Scenario } from './scenario.ts'

const external = process.env.PYRALLEL_TEST_BROKERS !== undefined

/** A revoke waits for a commit that was under way when its coordinator died, and librdkafka's disconnect for its session time-out of 45 s. */
const stopWithinMs = 90_000

async function cluster(t: TestContext, brokers: 1 | 3) {
  const started = await startKafka({ brokers })
  t.after(() => started.stop())
  return started
}

describe('a group under load', { skip: external, timeout: 480_000 }, () => {
  it('outlives a stop and a new start of its only broker', async (t) => {
    const kafka = await cluster(t, 1)
    const scenario = await Scenario.open(
      t,
      kafka,
      { partitions: 4 },
      { behaviour: { takesMs: [1, 20] }, metrics: true },
    )
    const load = scenario.load(200, 40)
    const members = await Promise.all([scenario.start(), scenario.start()])
    await scenario.untilShared(4)
    await scenario.untilProgress(200)
    await kafka.stopBroker(1)
    // What was read before goes on, and commits fail meanwhile.
    for (const member of members) {
      await member.until('it notices', () => member.lines.some((line) => line.kind === 'log' && line.level === 'warn'))
    }
    // As what they are, by the consumer's count, and in the lines of both: transport failures, and that all brokers are down. librdkafka tells the second
    // only when the last of its connections goes down as such, so that one member may not hear of it.
    const areNamed = (member: MemberProcess, role?: string) => {
      const reports = member.logged('the Kafka client reports an error').filter(({ fields }) => fields.role === role)
      const codes = reports.map(({ fields }) => fields.code)
      return [-195, -187].every((code) => codes.includes(code))
    }
    // A producer in JavaScript that has nothing to send has no connection that could fail.
    const hasProducerTold = (member: MemberProcess) => clientUnderTest === 'javascript' || areNamed(member, 'producer')
    const told = () => members.find((member) => areNamed(member) && hasProducerTold(member))
    await eventually('consumer and producer of a member have told', () => told() !== undefined)
    const counted = (code: string) =>
      told()?.metric(`pyrallel_client_errors_total{group="${scenario.group}",code="${code}"}`) ?? assert.fail()
    assert.ok((await counted('NETWORK_EXCEPTION')) > 0)
    assert.equal(await counted('OTHER'), 0)
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

  it('starts nothing beside a new owner while its broker is frozen, says that it is not ready, and is ready again when it answers', async (t) => {
    const kafka = await cluster(t, 1)
    const scenario = await Scenario.open(
      t,
      kafka,
      { partitions: 2 },
      { behaviour: { takesMs: [100, 200] }, metrics: true },
    )
    // More than is handled before the members stop to start, so that there is always something that could.
    await scenario.produceMany(700, 20)
    const members = await Promise.all([scenario.start({ concurrency: 5 }), scenario.start({ concurrency: 5 })])
    await scenario.untilShared(2)
    await scenario.untilProgress(50)
    const ready = (member: (typeof members)[number]) => member.status('/readyz')
    await eventually('both are ready', async () => (await Promise.all(members.map(ready))).every((is) => is === 200))
    const frozenAt = monotonicMs()
    await kafka.freeze(1)
    await eventually('both say that they are not ready', async () =>
      (await Promise.all(members.map(ready))).every((is) => is === 503),
    )
    for (const member of members) {
      await member.until('it has stopped to start', () => member.events('starts.stopped').length > 0)
      const last = member.lines.findLast((line) => line.kind === 'start')
      // Two thirds of the session, from the last commit that was acknowledged before the freeze.
      assert.ok(
        (last?.at ?? 0) - frozenAt < 4_500,
        `${member.name} started ${(last?.at ?? 0) - frozenAt} ms after the freeze`,
      )
    }
    await kafka.thaw(1)
    await eventually('both are ready again', async () =>
      (await Promise.all(members.map(ready))).every((is) => is === 200),
    )
    await scenario.untilProgress(100)
    const { repeats, overlaps } = await scenario.finish({ stopWithinMs })
    t.diagnostic(`records that ran again after the freeze: ${repeats}; at one key with another member: ${overlaps}`)
    assert.equal(overlaps, 0)
  })
})
