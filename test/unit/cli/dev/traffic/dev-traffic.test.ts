/** How the traffic of a session begins and ends, beside what it sends: the session may end while it is still being opened. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { DevOptions } from '../../../../../cli/dev/broker/dev-options.ts'
import { TopicMaker } from '../../../../../cli/dev/broker/topic-maker.ts'
import { DevTraffic } from '../../../../../cli/dev/traffic/dev-traffic.ts'
import type { TrafficRecord } from '../../../../../framework/api/traffic.ts'
import { resolveConfig } from '../../../../../framework/config/resolve-config.ts'
import type { KafkaConnection, RecordProducer } from '../../../../../framework/kafka/kafka-client.ts'
import { memoryCluster } from '../../../../../framework/kafka/memory/client.ts'
import { ManualClock } from '../../../../../framework/testing/manual-clock.ts'

const project = {
  root: '/',
  config: resolveConfig({ group: 'shop' }, 'x'),
  places: new Map(),
  declaredGroup: 'shop',
  warnings: [],
}

it('sends nothing, and leaves no producer behind, when the session ends while its producer is being opened', async () => {
  function* traffic(): Generator<TrafficRecord> {
    for (let number = 1; ; number++) yield { topic: 'orders', key: null, value: { number } }
  }
  const app = { project, handlers: [], traffic, isFresh: false, generatedMs: 0, warnings: [] }
  const did: string[] = []
  const producer: RecordProducer = {
    produce: async () => {
      did.push('produced')
      return { partition: 0, offset: 0 }
    },
    close: async () => void did.push('closed'),
  }
  let open = (_producer: RecordProducer) => {}
  let isAsked = () => {}
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve
  })
  const connection: KafkaConnection = {
    ...memoryCluster().connection(),
    producer: () => {
      isAsked()
      return new Promise((resolve) => {
        open = resolve
      })
    },
  }
  const options: DevOptions = { broker: 'memory', seed: 1 }
  const onMistake = (mistake: Error) => assert.fail(mistake)
  const parts = { options, clock: new ManualClock(), topics: new TopicMaker(), file: 'traffic.ts', onMistake }
  const session = new DevTraffic(parts, app)
  const run = session.run(connection)
  await asked
  await session.stop()
  open(producer)
  await Promise.race([run, new Promise((resolve) => setImmediate(resolve))])
  assert.deepEqual(did, ['closed'])
  assert.equal(session.verdict(), undefined)
})
