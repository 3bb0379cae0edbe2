/** The producer in JavaScript on three brokers of Apache Kafka, while one of them is killed: nothing is lost, written twice or out of order. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connectJavascript } from '../../framework/kafka/javascript/client.ts'
import type { RecordPlace } from '../../framework/kafka/kafka-client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { startKafka } from './kafka-harness.ts'
import { readAll } from './raw-records.ts'

const external = process.env.PYRALLEL_TEST_BROKERS !== undefined
const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const RECORDS = 3_000

describe('a producer in JavaScript', { skip: external && 'a broker is killed', timeout: 180_000 }, () => {
  it('writes each record once and in order over the death of the broker that leads, and tells where each one is', async (t) => {
    const cluster = await startKafka({ brokers: 3 })
    after(() => cluster.stop())
    await cluster.admin.createTopic('numbers', { replication: 3, configs: { 'min.insync.replicas': '2' } })
    const connection = await connectJavascript({ brokers: cluster.brokers, clientId: 'producer', log: quiet })
    const producer = await connection.producer()
    after(async () => {
      await producer.close(1_000)
      await connection.close()
    })
    const places: Promise<RecordPlace>[] = []
    let killedAt = 0
    for (let sequence = 0; sequence < RECORDS; sequence++) {
      places.push(producer.produce({ topic: 'numbers', key: null, value: Buffer.from(String(sequence)), headers: [] }))
      if (sequence === RECORDS / 3) {
        killedAt = performance.now()
        await cluster.kill(await cluster.admin.leaderOf('numbers', 0))
      }
      if (sequence % 10 === 0) await delay(2)
    }
    t.diagnostic(`all were acknowledged ${Math.round(performance.now() - killedAt)} ms after the death`)
    assert.deepEqual(
      (await Promise.all(places)).map(({ offset }) => offset),
      [...places.keys()],
    )
    assert.deepEqual(
      await readAll(cluster.brokers, 'numbers', RECORDS),
      places.map((_, sequence) => String(sequence)),
    )
  })
})
