/** `pyrallel dlq replay` on a real Kafka: killed, at its rate and without one, beside another, and with the broker dying under it. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { readToEnd } from '../../framework/dead-letters/read-topic.ts'
import type { ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { KafkaRecord } from '../../framework/model/record.ts'
import { clientVariables, connectUnderTest } from '../client-under-test.ts'
import { aProject, type CommandProcess, type CommandResult, command } from '../integration/command-process.ts'
import { clientUnderTest } from '../test-client.ts'
import { startKafka } from './kafka-harness.ts'

const PARTITIONS = 4
const LETTERS = 800
const RATE = 400
const KILLS = 3

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const cluster = await startKafka()
after(() => cluster.stop())

interface Letters {
  readonly topic: string
  readonly dlq: string
  readonly connection: ViewedConnection
}

/** Dead letters of a topic that librdkafka's clients have written: the partition of a key is that of its CRC-32. */
async function withLetters(name: string, count: number, use: (letters: Letters) => Promise<void>): Promise<void> {
  const [topic, dlq] = [name, `${name}.shop.dlq`]
  for (const each of [topic, dlq]) await cluster.admin.createTopic(each, { partitions: PARTITIONS })
  const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'dlq', log: quiet })
  try {
    const producer = await connection.producer()
    const text = (value: string | number) => Buffer.from(String(value))
    const produced = Array.from({ length: count }, (_, index) => {
      const key = `k${index % Math.ceil(count / 2)}`
      const headers = [
        ['pyrallel-topic', text(topic)],
        ['pyrallel-partition', text(crc32(key) % PARTITIONS)],
        ['pyrallel-offset', text(index)],
      ] as const
      return producer.produce({ topic: dlq, key: text(key), value: text(index), headers })
    })
    await Promise.all(produced)
    await producer.close(10_000)
    await use({ topic, dlq, connection })
  } finally {
    await connection.close()
  }
}

async function recordsIn(connection: ViewedConnection, topic: string): Promise<readonly KafkaRecord[]> {
  const records: KafkaRecord[] = []
  const client = await connection.consumer({ group: `${topic}-reader`, startFrom: 'earliest' })
  const logs = () => connection.view.logs(topic)
  let isClosed = false
  try {
    const onRecord = (record: KafkaRecord) => {
      records.push(record)
      return true
    }
    await readToEnd(client, { topic, bounds: await logs(), logs, onRecord })
  } finally {
    const closing = client.close().finally(() => {
      isClosed = true
    })
    while (!isClosed) await client.poll(0, 20).catch(() => nextTurn())
    await closing
  }
  return records
}

/** Settles once so many are there; rejects when the replay ends before. */
async function published({ connection, topic }: Letters, wanted: number, replay: CommandProcess): Promise<void> {
  let end: CommandResult | undefined
  void replay.ended.then((ended) => {
    end = ended
  })
  for (;;) {
    const logs = await connection.view.logs(topic)
    if (logs.reduce((sum, { logEnd }) => sum + logEnd, 0) >= wanted) return
    if (end !== undefined)
      throw new Error(`the replay ended with ${end.end} before ${wanted} were published\n${end.err}`)
    await sleep(20)
  }
}

function replayOf({ dlq }: Letters, ...argv: readonly string[]) {
  return command(aProject({}), ['dlq', 'replay', dlq, '--brokers', cluster.brokers, '--json', ...argv], {
    // One that was killed keeps its partitions for so long.
    env: { ...clientVariables, PYRALLEL_KAFKA_SESSION_TIMEOUT: '6s' },
  })
}

function headerOf({ headers }: KafkaRecord, name: string): string {
  return String(headers.findLast(([each]) => each === name)?.[1])
}

describe('dlq replay on a real Kafka', { timeout: 300_000 }, () => {
  it('publishes none twice over kills, and leaves each record its partition', async (t) => {
    await withLetters('killed', LETTERS, async (letters) => {
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const replay = replayOf(letters, '--rate', String(RATE))
        await published(letters, (LETTERS * kill) / (KILLS + 1), replay)
        replay.signal('SIGKILL')
        await replay.ended
      }
      const last = await replayOf(letters).ended
      assert.equal(last.end, 0, last.err)
      const copies = await recordsIn(letters.connection, letters.topic)
      const twice = copies.length - LETTERS
      t.diagnostic(`${KILLS} kills at ${RATE} a second: ${twice} of ${LETTERS} letters were published twice`)
      assert.equal(new Set(copies.map(({ value }) => String(value))).size, LETTERS)
      assert.equal(twice, 0)
      assert.equal(new Set(copies.map((copy) => headerOf(copy, 'pyrallel-replay-id'))).size, LETTERS)
      for (const { key, partition } of copies) assert.equal(partition, crc32(String(key)) % PARTITIONS)
    })
  })

  it('keeps to its rate, and publishes more than that without one', async (t) => {
    await withLetters('paced', 20_000, async (letters) => {
      const timed = async (...argv: readonly string[]) => {
        const before = await recordsIn(letters.connection, letters.topic)
        const { end, err } = await replayOf(letters, ...argv).ended
        assert.equal(end, 0, err)
        const times = (await recordsIn(letters.connection, letters.topic))
          .map(({ timestamp }) => timestamp)
          .sort((a, b) => a - b)
        const fresh = times.slice(before.length)
        const tookMs = (fresh.at(-1) ?? 0) - (fresh[0] ?? 0)
        return ((fresh.length - 1) / tookMs) * 1_000
      }
      const paced = await timed('--rate', '200', '--limit', '600')
      const free = await timed()
      t.diagnostic(`a second: ${paced.toFixed(1)} with --rate 200, ${Math.round(free)} without`)
      // A busy machine may be slower; what it does alone stands in docs/benchmarks.md.
      assert.ok(paced <= 210, `${paced}`)
      assert.ok(free > 2 * paced, `${free}`)
    })
  })
})

describe('a broker that dies under dlq replay', { timeout: 300_000, skip: !cluster.controllable }, () => {
  it('ends it, with what was published, what was not, and what nobody knows', async () => {
    await withLetters('cut', LETTERS, async (letters) => {
      const replay = replayOf(letters, '--rate', '200')
      // Markers of transactions count, too.
      await published(letters, 200, replay)
      await cluster.kill(1)
      const { end, out, err } = await replay.ended
      await cluster.startBroker(1)
      // Killed where librdkafka still waits for the coordinator, which an exit waits for.
      assert.ok(end === 1 || (end === 'SIGKILL' && clientUnderTest === 'librdkafka'), `${end}`)
      const { replayed, notMarked, failure } = JSON.parse(out)
      assert.ok(replayed >= 50 && replayed < LETTERS, out)
      assert.equal(notMarked, 0, out)
      const again = await replayOf(letters).ended
      assert.equal(again.end, 0, again.err)
      const copies = await recordsIn(letters.connection, letters.topic)
      assert.equal(new Set(copies.map(({ value }) => String(value))).size, LETTERS)
      assert.equal(copies.length, LETTERS)
      assert.equal(failure.code, JSON.parse(err.trim().split('\n').at(-1) ?? '').error.code)
    })
  })
})
