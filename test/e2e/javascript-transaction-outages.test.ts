/** Transactions of the client in JavaScript while each of three brokers is killed in turn: what is told of each is what a read-committed reader sees, once. */
import assert from 'node:assert/strict'
import { after, describe, it, type TestContext } from 'node:test'
import { connectJavascript } from '../../framework/kafka/javascript/client.ts'
import type { StoredOffset } from '../../framework/kafka/transactional-producer.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { startKafka } from './kafka-harness.ts'
import { eventually } from './member-process.ts'
import { PolledReader } from './polled-reader.ts'
import { readAll, writeAll } from './raw-records.ts'

const external = process.env.PYRALLEL_TEST_BROKERS !== undefined
const cluster = await startKafka({ brokers: 3, config: { 'group.consumer.session.timeout.ms': 30_000 } })
after(() => cluster.stop())
const { brokers } = cluster

const RECORDS = 20_000
/** So many are in between two outages, and while a broker is gone. */
const STEP = 30
const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

class Progress {
  done = 0
  isOver = false
  readonly told = { committed: 0, aborted: 0, unknown: 0 }
  /** Why something was aborted, and how often. */
  readonly reasons = new Map<string, number>()
  failure: Error | undefined

  async gets(more: number): Promise<void> {
    const wanted = this.done + more
    const what = () => `${wanted} are done: ${JSON.stringify({ ...this, reasons: [...this.reasons] })}`
    await eventually(what, () => this.failure !== undefined || this.done >= wanted, 90_000)
    if (this.failure !== undefined) throw this.failure
  }
}

/** One output and one offset each, one after the other, until it is over. */
async function transactAll(t: TestContext, progress: Progress, source: string, output: string): Promise<void> {
  const connection = await connectJavascript({ brokers, clientId: 'outages', log: quiet })
  t.after(() => connection.close())
  const { client } = await PolledReader.join(t, connection, source)
  const producer = connection.transactionalProducer?.(client, { id: 'outages', timeoutMs: 15_000 })
  assert.ok(producer)
  t.after(() => producer.close(5_000))
  const polled = async <T>(work: Promise<T>): Promise<T> => {
    let isSettled = false
    const onSettled = () => {
      isSettled = true
    }
    work.then(onSettled, onSettled)
    while (!isSettled) await client.poll(0, 5)
    return work
  }
  let before: StoredOffset | undefined
  while (!progress.isOver && progress.done < RECORDS) {
    const stored = { position: progress.done + 1, metadata: `of ${progress.done}` }
    const outcome = await polled(
      producer.transact({
        outputs: [{ topic: output, partition: 0, key: null, value: Buffer.from(`${progress.done}`), headers: [] }],
        offsets: [{ topic: source, partition: 0, ...stored, before }],
      }),
    )
    progress.told[outcome.kind] += 1
    if (outcome.kind === 'aborted') {
      const { message } = outcome.error
      progress.reasons.set(message, (progress.reasons.get(message) ?? 0) + 1)
      assert.notEqual(outcome.blame.kind, 'fenced', message)
    }
    const end = outcome.kind === 'unknown' ? await polled(producer.settle()) : outcome.kind
    assert.notEqual(end, 'overwritten')
    if (end !== 'committed') continue
    progress.done += 1
    before = stored
  }
}

describe('transactions of the client in JavaScript on three brokers', { skip: external, timeout: 480_000 }, () => {
  it('are told as they are, over the death of each broker, and are there once', async (t) => {
    const [source, output] = ['source', 'output']
    for (const topic of [source, output]) {
      await cluster.admin.createTopic(topic, { replication: 3, configs: { 'min.insync.replicas': '2' } })
    }
    const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index))
    await writeAll(brokers, source, numbers(RECORDS))
    const progress = new Progress()
    const running = transactAll(t, progress, source, output).catch((thrown) => {
      progress.failure = thrown
    })
    for (const node of [1, 2, 3]) {
      await progress.gets(STEP)
      await cluster.kill(node)
      await progress.gets(STEP)
      await cluster.startBroker(node)
    }
    await progress.gets(STEP)
    progress.isOver = true
    await running
    assert.equal(progress.failure, undefined)
    t.diagnostic(`${progress.done} done: ${JSON.stringify(progress.told)}`)
    assert.deepEqual(await readAll(brokers, output, progress.done), numbers(progress.done))
    const committed = await cluster.admin.committed(`${source}-group`, source)
    assert.deepEqual(
      committed.map(({ offset }) => offset),
      [progress.done],
    )
  })
})
