/**
 * A broker whose disk is full, on Apache Kafka. The limit on the size of its files stands for the disk, as it needs no rights: to Kafka both are a
 * write that fails, by which it gives the log directory up.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startKafka } from './kafka-harness.ts'
import { eventually } from './member-process.ts'
import { Scenario } from './scenario.ts'

const external = process.env.PYRALLEL_TEST_BROKERS !== undefined
const fullAtBytes = 12 * 1_048_576
const ballastBytes = 900_000

describe('a group whose only broker has a full disk', { skip: external }, () => {
  it('waits as for a dead broker, says so, and goes on without a loss once there is room again', async (t) => {
    const kafka = await startKafka({ fullAtBytes })
    t.after(() => kafka.stop())
    const common = { behaviour: { takesMs: [1, 20] }, metrics: true } as const
    const scenario = await Scenario.open(t, kafka, { partitions: 4 }, common)
    await kafka.admin.createTopic('ballast', { partitions: 1 })
    const load = scenario.load(200, 40)
    const member = await scenario.start()
    await scenario.untilShared(4)
    await scenario.untilProgress(200)

    const ballast = { topic: 'ballast', key: null, value: randomBytes(ballastBytes), headers: [] }
    let acknowledged = 0
    let isOver = false
    const fill = async (): Promise<void> => {
      while (!isOver) {
        await scenario.producer.produce(ballast)
        acknowledged++
      }
    }
    const filled = fill()
    // Where the test ends before, closing the producer ends this.
    filled.catch(() => {})
    await kafka.ended(1)
    assert.match(readFileSync(join(kafka.directory ?? '', 'broker-1.log'), 'utf8'), /all log dirs in .* have failed/)
    // What did not fit was not acknowledged.
    assert.ok(acknowledged * ballastBytes < fullAtBytes)
    isOver = true

    const isReady = (status: number) => async () => (await member.status('/readyz')) === status
    await eventually('it says that it is not ready', isReady(503))
    assert.ok(member.logged('the Kafka client reports an error').length > 0)
    const code = `pyrallel_client_errors_total{group="${scenario.group}",code="NETWORK_EXCEPTION"}`
    assert.ok((await member.metric(code)) > 0)
    assert.equal(await member.status('/livez'), 200)

    // The second start of the broker is without the limit.
    await kafka.startBroker(1)
    await eventually('it is ready again', isReady(200))
    await scenario.untilProgress(200)
    await Promise.all([load.stop(), filled])
    await scenario.untilAllHandled()
    // All is committed, so a stop would show nothing more; it would wait for an answer that the dead broker owes, see outages.test.ts.
    await scenario.untilQuiet(member)
    await member.kill()
    const { repeats } = await scenario.finish()
    t.diagnostic(`records that ran again: ${repeats}`)
  })
})
