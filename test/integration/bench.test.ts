/** One tiny cell of the benchmark on the embedded broker: peers are bundled, started, heard, checked and ended. Says nothing about speed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import { bundlePeers } from '../bench/matrix/bundle-peers.ts'
import { Progress } from '../bench/matrix/progress.ts'
import { runMatrix } from '../bench/matrix/run-matrix.ts'
import { selectSystems } from '../bench/matrix/systems.ts'
import { TopicFiller } from '../bench/matrix/topic-filler.ts'
import { type Workload, workloads } from '../bench/matrix/workloads.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { clientUnderTest } from '../test-client.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'

const ours = clientUnderTest === 'librdkafka' ? 'ours' : 'ours-javascript'

function tiny(id: string): Workload {
  const workload = workloads.find((each) => each.id === id)
  assert(workload)
  // The embedded broker has four partitions, always.
  return { ...workload, partitions: 4 }
}

describe('the benchmark', { timeout: 240_000 }, () => {
  it('measures Pyrallel beside the bare loop, each with its bound, and leaves nothing behind', async () => {
    const { log } = recordedLog()
    const broker = await startEmbeddedBroker({ log })
    const bundle = await bundlePeers()
    const filler = await TopicFiller.open(broker.brokers)
    const connection = await connectUnderTest({ ...broker.connection, clientId: 'bench', log })
    const steps: string[] = []
    try {
      const stage = {
        brokers: broker.brokers,
        createTopic: (name: string, partitions: number) => connection.createTopics([name], partitions),
        deleteTopic: async () => {},
        filler,
        pacedProducer: bundle.command('paced-producer'),
        cores: 2,
        windowMs: 100,
        warmUpMs: 50,
        librdkafka: { 'fetch.wait.max.ms': 10 },
      }
      const plan = {
        systems: selectSystems([ours, 'bare']),
        workloads: [tiny('a-8p'), tiny('b')],
        repetitions: 1,
        quick: true,
        profile: false,
        topicPrefix: 'bench-smoke',
      }
      const progress = new Progress(
        4,
        (text) => steps.push(text),
        () => 0,
      )
      const { systems, cells } = await runMatrix(plan, stage, bundle, progress)

      assert.deepEqual(
        systems.map(({ name, unavailable }) => [name, unavailable]),
        [
          [ours, undefined],
          ['bare', undefined],
        ],
      )
      assert.deepEqual(
        cells.map(({ workload, system, state, why }) => [workload, system, state, why]),
        [
          ['a-8p', ours, 'measured', undefined],
          ['a-8p', 'bare', 'measured', undefined],
          ['b', ours, 'measured', undefined],
          ['b', 'bare', 'measured', undefined],
        ],
      )
      for (const { rate, fraction } of cells) {
        assert(rate !== undefined && rate.median > 0)
        assert(fraction !== undefined && fraction > 0)
      }
      assert.equal(cells[1]?.fraction, 1, 'the bare loop is its own bound when nothing is done')
      assert.deepEqual(cells[0]?.bound?.by, 'client')
      assert.equal(
        steps.length,
        9,
        'two systems and two workloads by their titles, the broker is warmed up, four cells',
      )
    } finally {
      await connection.close()
      await filler.close()
      bundle.remove()
      await broker.stop()
    }
  })
})
