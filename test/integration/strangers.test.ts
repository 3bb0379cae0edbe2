/** Strangers write records, headers and commit metadata, and reach the port: the process is up, its memory flat, nothing is where it should not be, no secret in any output. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errorBlock } from '../../cli/terminal/failure.ts'
import { list } from '../../cli/verbs/dlq.ts'
import { replayLetters } from '../../cli/verbs/dlq-replay.ts'
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { RecordHeader } from '../../framework/model/record.ts'
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
    const logs = (topic: string) => [0, 1].map((partition) => app.cluster.log(topic, partition))
    const countIn = (topic: string) => logs(topic).reduce((sum, { end }) => sum + end, 0)
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
        assert.equal(app.handled() + countIn('orders.shop.dlq'), sent + 1_000, 'each is handled, or a dead letter')
        assertNoSecret(app.lines.join(''), 'the log')
        for (const { records } of logs('orders.shop.dlq'))
          for (const record of records) assertNoSecret(ownHeaders(record.headers), 'the headers of a dead letter')
        app.forgetLines()
        // As retention does: what is left in memory then is the app's.
        for (const log of [...logs('orders'), ...logs('orders.shop.dlq')]) log.truncateBelow(log.end)
        heaps.push(liveHeap())
      }
      const dead = countIn('orders.shop.dlq')
      assert.ok(dead > 3_000 && dead < 10_000, `${dead} dead letters`)
      assert.deepEqual([countIn('orders'), countIn('payments'), countIn('constructor')], [10_000, 0, 0])
      const there = (await app.cluster.connection().view.topics()).map(({ name }) => name)
      assert.deepEqual(there.sort(), [...topics].sort(), 'no topic was made')
      assert.equal(app.runtime.snapshot().state, 'running')
      for (const path of ['livez', 'readyz', 'snapshot', 'metrics']) {
        assertNoSecret(await (await fetch(`${app.url()}/${path}`)).text(), path)
      }
      // The first thousands warm the code up. A kilobyte that each record left behind would be 8 MiB more.
      const [, early = 0] = heaps
      assert.ok((heaps.at(-1) ?? 0) - early < 6, `not flat: ${heaps.map((heap) => heap.toFixed(1)).join()} MiB`)
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
    const root = projectFolder()
    const published = () => topics.map((topic) => cluster.log(topic, 0).records.length)
    const before = liveHeap()
    const refused = testIo(root)
    const refusal = await replayLetters('orders.shop.dlq', cluster1, refused, on(cluster)).catch((thrown: unknown) =>
      errorBlock(thrown, (_style, text) => text, true),
    )
    assert.match(String(refusal), /PYR_REPLAY_TARGET/)
    assertNoSecret(refused.out() + refused.err() + String(refusal), 'what the command says')
    assert.deepEqual(published(), [0, 1_000, 0, 0])
    const listing = testIo(root)
    await list('orders.shop.dlq', { ...cluster1, limit: 1_000 }, listing, on(cluster))
    const [, letters, others] = /: (\d+) dead letters?, and (\d+) records? without/.exec(listing.out()) ?? []
    assert.equal(Number(letters) + Number(others), 1_000, listing.out().slice(0, 200))
    assertNoSecret(listing.out() + listing.err(), 'the list')
    // Who says where gets all of them there, and none anywhere else, whatever their headers say.
    const io = testIo(root)
    assert.equal(await replayLetters('orders.shop.dlq', { ...cluster1, to: 'orders' }, io, on(cluster)), 0)
    assert.deepEqual(published(), [1_000, 1_000, 0, 0])
    assertNoSecret(io.out() + io.err(), 'what the command says')
    const grown = liveHeap() - before
    // What was published is in the log: the headers of a thousand records.
    assert.ok(grown < 40, `${grown} MiB more`)
  })

  it('who write 1,000 hostile metadata texts cost neither time nor memory, and skip nothing that a member could not have stored', () => {
    const stranger = new Stranger(seededRandom(seed))
    stranger.worstMetadata(1_000)
    const texts = Array.from({ length: 1_000 }, () => stranger.metadata(1_000))
    const driver = new Driver()
    const before = liveHeap()
    const startedAt = performance.now()
    let believed = 0
    for (const { text, isWhole } of texts) {
      driver.assign(0, 1_000, text)
      const restored = driver.eventsOf('partition.assigned').at(-1)?.restored ?? 0
      assert.equal(restored > 0, isWhole, JSON.stringify(text.slice(0, 40)))
      if (isWhole) believed += 1
      else assert.equal(driver.eventsOf('metadata.dropped').length, text === '' ? 0 : 1)
      assert.equal(driver.manager.assigned().length, 1)
      driver.manager.onLost([of(0)])
      driver.events.splice(0)
    }
    assert.ok(believed > 150 && believed < 400, `${believed} are whole`)
    const tookMs = performance.now() - startedAt
    assert.ok(tookMs < 20_000, `${tookMs} ms`)
    const grown = liveHeap() - before
    assert.ok(grown < 10, `${grown} MiB more`)
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
      let [answered, refused, waitedSince, longestMs] = [0, 0, startedAt, 0]
      while (performance.now() - startedAt < seconds * 1_000) {
        const response = await fetch(`${app.url()}/livez`, { headers: { connection: 'close' } }).catch(() => undefined)
        await response?.text()
        if (response?.status !== 200) {
          refused += 1
          continue
        }
        answered += 1
        longestMs = Math.max(longestMs, performance.now() - waitedSince)
        waitedSince = performance.now()
      }
      // A hundred a second and more where nothing else runs; a probe gives up after some seconds.
      assert.ok(answered > 5 * seconds, `${answered} answers`)
      assert.ok(refused * 10 < answered, `${refused} of ${answered} were refused`)
      assert.ok(longestMs < 5_000, `${longestMs} ms without an answer`)
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

/** Those of a dead letter that the app has made: what the record has brought goes along. */
function ownHeaders(headers: readonly RecordHeader[]): string {
  const own = headers.filter(([name]) => /^(pyrallel-|kafka_dlt-|__connect)/.test(name))
  return own.map(([name, value]) => `${name}=${value?.toString('latin1')}`).join('\n')
}
