/** Strangers write records, headers and commit metadata, and reach the port: the process is up, its memory flat, nothing is where it should not be, no secret in any output. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { replayLetters } from '../../cli/verbs/dlq-replay.ts'
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import { seededRandom } from '../../framework/runtime/seeded-random.ts'
import { cluster1, on } from '../unit/cli/dlq-fixtures.ts'
import { projectFolder, testIo } from '../unit/cli/test-io.ts'
import { Driver, of } from '../unit/control-plane/builders.ts'
import { until } from './observed-runtime.ts'
import { assertNoSecret, BadClients, hostApp, liveHeap, Stranger, secretNames, topics } from './strangers.ts'

const seed = Number(process.env.PYRALLEL_FUZZ_SEED ?? 7)

/** How long clients misbehave: PYRALLEL_STRANGERS_SECONDS=600 for ten minutes. */
const seconds = Number(process.env.PYRALLEL_STRANGERS_SECONDS ?? 2)

describe('strangers', { timeout: 120_000 + seconds * 1_000 }, () => {
  it('who write 10,000 hostile records find each of them handled or in the dead-letter topic, and nothing else', async () => {
    const app = await hostApp()
    const stranger = new Stranger(seededRandom(seed))
    const headers = () => stranger.headers(topics)
    try {
      const heaps: number[] = []
      for (let sent = 0; sent < 10_000; sent += 1_000) {
        for (let n = 0; n < 1_000; n++) {
          app.cluster.append({
            topic: 'orders',
            key: Buffer.from(stranger.name()),
            value: stranger.value(),
            headers: headers(),
          })
        }
        const isThrough = (): boolean => {
          const partitions = app.runtime.snapshot().groups[0]?.partitions ?? []
          return partitions.reduce((sum, { position }) => sum + (position ?? 0), 0) === sent + 1_000
        }
        await until(app.runtime, isThrough)
        assertNoSecret(app.lines.join(''), 'the log')
        app.forgetLines()
        heaps.push(liveHeap())
      }
      const counts = topics.map((topic) =>
        [0, 1].reduce((sum, partition) => sum + app.cluster.log(topic, partition).records.length, 0),
      )
      const [orders = 0, dead = 0, payments, other] = counts
      assert.deepEqual([orders, payments, other], [10_000, 0, 0])
      assert.ok(dead > 3_000 && dead < 10_000, `${dead} dead letters`)
      assert.equal(app.runtime.snapshot().state, 'running')
      for (const path of ['livez', 'readyz', 'snapshot', 'metrics']) {
        assertNoSecret(await (await fetch(`${app.url()}/${path}`)).text(), path)
      }
      // The log in memory holds the records themselves: some 15 kB each, twice. What grows beyond that is a leak.
      const held = topics.reduce(
        (sum, topic) => sum + [0, 1].reduce((bytes, p) => bytes + bytesOf(app.cluster.log(topic, p).records), 0),
        0,
      )
      const grown = (heaps.at(-1) ?? 0) - (heaps[0] ?? 0)
      assert.ok(
        grown < (held / 1_048_576) * 1.5 + 30,
        `${grown} MiB more, and the log holds ${held / 1_048_576}: ${heaps.join()}`,
      )
    } finally {
      await app.stop()
    }
  })

  it('who write 1,000 hostile headers have no dead letter published by them to a topic of their choice', async () => {
    const stranger = new Stranger(seededRandom(seed))
    const cluster = memoryCluster()
    for (const topic of topics) cluster.createTopic(topic, 1)
    for (let n = 0; n < 1_000; n++) {
      cluster.append({
        topic: 'orders.shop.dlq',
        key: null,
        value: Buffer.from('{}'),
        headers: stranger.headers(topics),
      })
    }
    const io = testIo(projectFolder())
    await replayLetters('orders.shop.dlq', cluster1, io, on(cluster)).catch(() => 1)
    for (const topic of ['payments', 'constructor']) assert.equal(cluster.log(topic, 0).records.length, 0, topic)
    assertNoSecret(io.out() + io.err(), 'what the command says')
  })

  it('who write 1,000 hostile metadata texts cost neither time nor memory, and skip nothing that a member could not have stored', () => {
    const stranger = new Stranger(seededRandom(seed))
    stranger.metadata(1_000)
    const texts = Array.from({ length: 1_000 }, () => stranger.metadata(1_000))
    const driver = new Driver()
    const before = liveHeap()
    const startedAt = performance.now()
    let restored = 0
    for (const text of texts) {
      driver.assign(0, 1_000, text)
      restored = Math.max(restored, driver.eventsOf('partition.assigned').at(-1)?.restored ?? 0)
      assert.equal(driver.manager.assigned().length, 1)
      driver.manager.onLost([of(0)])
      driver.events.splice(0)
    }
    assert.ok(performance.now() - startedAt < 20_000)
    assert.ok(liveHeap() - before < 30)
    assert.ok(restored <= 1_000_000)
  })

  it('who write metadata of a million gaps for 1,000 partitions at once cost eight bytes for each range that is restored', () => {
    const stranger = new Stranger(seededRandom(seed))
    const text = stranger.worstMetadata(5_000_000_000)
    assert.equal(text.length, 141)
    const driver = new Driver()
    driver.assign(0, 5_000_000_000, text)
    const before = liveHeap()
    for (let partition = 1; partition <= 1_000; partition++) driver.assign(partition, 5_000_000_000, text)
    const grown = liveHeap() - before
    assert.equal(driver.eventsOf('partition.assigned').at(-1)?.restored, 10_000)
    // 80,000 bytes each are 76 MiB. An object for each range would take ten times as much.
    assert.ok(grown < 100, `${grown} MiB more`)
  })

  it('who reach the port and do not read shut nobody out and take no memory', async () => {
    const app = await hostApp()
    const clients = new BadClients(app.url())
    try {
      const before = liveHeap()
      clients.send(150)
      const startedAt = performance.now()
      let asked = 0
      while (performance.now() - startedAt < seconds * 1_000) {
        const response = await fetch(`${app.url()}/livez`, { headers: { connection: 'close' } }).catch(() => undefined)
        if (response?.status === 200) asked += 1
        await response?.text()
      }
      assert.ok(asked > 20, `${asked} answers`)
      assert.match(app.lines.join(''), /a connection to the pages for operators was cut/)
      app.forgetLines()
      await clients.callBack()
      const grown = liveHeap() - before
      assert.ok(grown < 30, `${grown} MiB more`)
      assert.equal(app.runtime.snapshot().state, 'running')
    } finally {
      await clients.callBack()
      await app.stop()
    }
  })
})

it('the list of secrets has thirty spellings', () => {
  assert.equal(new Set(secretNames).size, 30)
})

function bytesOf(
  records: readonly {
    readonly value: Buffer | null
    readonly headers: readonly (readonly [string, Buffer | null])[]
  }[],
): number {
  return records.reduce(
    (sum, { value, headers }) =>
      sum +
      (value?.length ?? 0) +
      headers.reduce((each, [name, bytes]) => each + name.length * 2 + (bytes?.length ?? 0), 500),
    0,
  )
}
