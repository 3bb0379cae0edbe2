/** Groups that grow, shrink and lose members under load, on Apache Kafka, in each of its rebalance protocols. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { skipWithout } from '../client-under-test.ts'
import { startKafka } from './kafka-harness.ts'
import { countsEachRecordOnce } from './processes-needed.suite.ts'
import { type PlanChanges, Scenario } from './scenario.ts'

const cluster = await startKafka()
after(() => cluster.stop())

// The old protocol tells a member of a rebalance in the answer to its heartbeat, every 3 s by default.
const heartbeats = { 'heartbeat.interval.ms': 250 }
const protocols: Readonly<Record<string, PlanChanges>> = {
  'the new group protocol': { groupProtocol: 'consumer' },
  'the classic cooperative protocol': { groupProtocol: 'classic', librdkafka: heartbeats },
  'the classic eager protocol': {
    groupProtocol: 'classic',
    librdkafka: { ...heartbeats, 'partition.assignment.strategy': 'range' },
  },
}
/** Some records fail at first, so that retries are caught by the rebalances too. */
const work = { takesMs: [1, 20], failures: { k3: 1, k7: 2 } } as const

describe('a group that is scaled under load', { timeout: 480_000 }, () => {
  countsEachRecordOnce(cluster)

  for (const [name, plan] of Object.entries(protocols)) {
    it(`goes from one member to three and back in ${name} and handles each record once`, {
      skip: plan.groupProtocol === 'classic' && skipWithout('the classic group protocol'),
    }, async (t) => {
      const scenario = await Scenario.open(t, cluster, { partitions: 6 }, { ...plan, behaviour: work })
      const load = scenario.load(400, 40)
      const first = await scenario.start()
      await scenario.untilProgress(200)
      const [second, third] = await Promise.all([scenario.start(), scenario.start()])
      await scenario.untilShared(6)
      await scenario.untilProgress(200, [second])
      await scenario.untilProgress(200, [third])
      await second.stop()
      await third.stop()
      await scenario.untilShared(6, [first])
      await scenario.untilProgress(200)
      await load.stop()
      const { repeats, overlaps, leftBehind } = await scenario.finish()
      assert.deepEqual({ repeats, overlaps, leftBehind }, { repeats: 0, overlaps: 0, leftBehind: 0 })
    })
  }

  it('goes from one member to eight and back on 16 partitions, and nothing is lost or runs again', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 16 }, { behaviour: { takesMs: [20, 40] } })
    const load = scenario.load(400, 200)
    const first = await scenario.start()
    await scenario.untilProgress(200)
    const others = await Promise.all(Array.from({ length: 7 }, () => scenario.start()))
    await scenario.untilShared(16)
    await scenario.untilProgress(400)
    await Promise.all(others.map((member) => member.stop()))
    await scenario.untilShared(16, [first])
    await scenario.untilProgress(200)
    await load.stop()
    const { repeats, overlaps, leftBehind } = await scenario.finish()
    assert.deepEqual({ repeats, overlaps, leftBehind }, { repeats: 0, overlaps: 0, leftBehind: 0 })
  })

  it('loses nothing when a member is killed, and what that had committed does not run again', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 6 }, { behaviour: { takesMs: [5, 30] } })
    const load = scenario.load(300, 60)
    const members = await Promise.all([scenario.start(), scenario.start(), scenario.start()])
    await scenario.untilShared(6)
    await scenario.untilProgress(200, [members[1]!])
    await members[1]!.kill()
    await scenario.untilShared(6)
    await scenario.untilProgress(200)
    await load.stop()
    const { repeats } = await scenario.finish()
    // The ledger has seen that each of these was done after the last commit; and commits had come all the while.
    assert.ok(repeats < members[1]!.count('end') / 2, `${repeats} records ran again`)
  })
})
