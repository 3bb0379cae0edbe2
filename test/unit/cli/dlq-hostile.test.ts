/** Headers are written by whoever writes records: what `pyrallel dlq` believes of them, and where it publishes because of them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { letterBlock, letterJson, letterLine } from '../../../cli/dlq/letter-text.ts'
import { allowedTargets } from '../../../cli/dlq/replay/replay-targets.ts'
import { reportText } from '../../../cli/dlq/replay/replay-text.ts'
import { list, show } from '../../../cli/verbs/dlq.ts'
import { replayLetters } from '../../../cli/verbs/dlq-replay.ts'
import { deadLetterRecord } from '../../../framework/control-plane/failures/dead-letter-record.ts'
import { readDeadLetter } from '../../../framework/dead-letters/dead-letter.ts'
import { whilePolling } from '../../../framework/dead-letters/read-topic.ts'
import { replayGroup } from '../../../framework/dead-letters/replay/partition-marks.ts'
import type { ReplayReport } from '../../../framework/dead-letters/replay/replay-report.ts'
import { type MemoryCluster, memoryCluster } from '../../../framework/kafka/memory/client.ts'
import type { KafkaRecord, RecordHeader } from '../../../framework/model/record.ts'
import type { Epoch } from '../../../framework/model/work.ts'
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { cluster1, DLQ, on, replayed, reportOf } from './dlq-fixtures.ts'
import { projectFolder, testIo } from './test-io.ts'

type Texts = Readonly<Record<string, string>>

function clusterOf(...letters: readonly Texts[]): MemoryCluster {
  const cluster = memoryCluster()
  for (const topic of ['orders', 'payments', 'orders.created', DLQ]) cluster.createTopic(topic, 1)
  for (const headers of letters)
    cluster.append({ topic: DLQ, key: Buffer.from('k'), value: Buffer.from('v'), headers: headersOf(headers) })
  return cluster
}

const headersOf = (texts: Texts): RecordHeader[] =>
  Object.entries(texts).map(([name, value]) => [name, Buffer.from(value)])
const countIn = (cluster: MemoryCluster, topic: string) => cluster.log(topic, 0).records.length

const spring = { 'kafka_dlt-original-topic': 'orders', 'kafka_dlt-original-partition': '0' }
const connect = { '__connect.errors.topic': 'orders', '__connect.errors.partition': '0' }
const streams = { '__streams.errors.topic': 'orders' }
const ours = { 'pyrallel-topic': 'orders', 'pyrallel-partition': '0', 'pyrallel-offset': '7' }

describe('headers of several tools in one dead letter', () => {
  for (const [what, headers] of [
    ["ours, added to Spring's", { ...spring, 'pyrallel-topic': 'payments' }],
    ["Spring's, added to Kafka Connect's", { ...connect, 'kafka_dlt-original-topic': 'payments' }],
    ["Kafka Connect's, added to Kafka Streams'", { ...streams, '__connect.errors.topic': 'payments' }],
    ["a share group's beside Spring's that say the same", { ...spring, '__dlq.errors.topic': 'orders' }],
    ["Spring's beside ours that name another partition", { ...ours, ...spring, 'kafka_dlt-original-partition': '1' }],
    [
      "the Python predecessor's beside Kafka Connect's",
      { ...connect, 'x-error-reason': 'x', 'source-topic': 'payments' },
    ],
  ] as const) {
    it(`${what}: none is believed, and nothing is published unless --to says where`, async () => {
      const cluster = clusterOf(headers)
      const report = await replayed(cluster)
      assert.deepEqual([report.replayed, report.contradictory, report.notReplayable], [0, 1, 1])
      assert.deepEqual([countIn(cluster, 'orders'), countIn(cluster, 'payments')], [0, 0])
      assert.equal((await replayed(cluster, { to: 'orders' })).replayed, 1)
    })
  }

  it('are told, and the way out of it', async () => {
    const cluster = clusterOf({ ...spring, 'pyrallel-topic': 'payments' })
    const io = testIo(projectFolder())
    await replayLetters(DLQ, cluster1, io, on(cluster))
    assert.match(io.out(), /1 with headers of several tools, of which none is believed \(--to names a topic/)
    const shown = testIo(projectFolder())
    await show(DLQ, '0/0', cluster1, shown, on(cluster))
    assert.match(shown.out(), /headers of +several tools, which contradict each other/)
    assert.doesNotMatch(shown.out(), /payments/)
  })

  it('are ours where they are as we write them', () => {
    const record = { topic: 'orders', partition: 3, offset: 9, key: null, value: null, headers: [], timestamp: 0 }
    const failure = { reason: 'invalid', name: 'E', message: 'm', retryable: true } as const
    const request = {
      id: 1,
      handlerId: 'pay',
      record,
      epoch: 1 as Epoch,
      failure,
      attempt: 1,
      durationMs: 1,
      topic: DLQ,
      payload: 'full' as const,
    }
    const { headers } = deadLetterRecord(request, { group: 'shop', payload: 'full', now: 0 })
    const { family, topic, partition, offset } = readDeadLetter({ ...record, topic: DLQ, headers })
    assert.deepEqual(
      { family, topic, partition, offset },
      { family: 'pyrallel', topic: 'orders', partition: 3, offset: 9 },
    )
  })
})

describe('a topic that only headers name', () => {
  const evil = { 'pyrallel-topic': 'payments', 'pyrallel-partition': '0' }

  it('stops the replay before its first publish, with a list; --allow-target lets it through', async () => {
    const cluster = clusterOf(ours, evil, evil)
    const refused = replayLetters(DLQ, cluster1, testIo(projectFolder()), on(cluster))
    await assert.rejects(refused, {
      code: 'PYR_REPLAY_TARGET',
      message: /orders\.shop\.dlq:\n {2}payments \(2\)\n.*--allow-target payments/,
    })
    await assert.rejects(replayLetters(DLQ, { ...cluster1, dryRun: true }, testIo(projectFolder()), on(cluster)), {
      code: 'PYR_REPLAY_TARGET',
    })
    assert.deepEqual([countIn(cluster, 'orders'), countIn(cluster, 'payments')], [0, 0])
    assert.equal(cluster.group(replayGroup(DLQ)).committed({ topic: DLQ, partition: 0 }), undefined)
    assert.deepEqual((await replayed(cluster, { allowTarget: ['payments'] })).targets, { orders: 1, payments: 2 })
  })

  it('does not matter where another is named, or where no such letter is selected', async () => {
    const cluster = clusterOf(ours, evil)
    assert.equal((await replayed(cluster, { at: '0/0' })).replayed, 1)
    assert.deepEqual((await replayed(cluster, { to: 'orders.created' })).targets, { 'orders.created': 1 })
    assert.equal(countIn(cluster, 'payments'), 0)
  })

  it('is fine where generated/manifest.json has it', async () => {
    const root = projectFolder({ 'generated/manifest.json': JSON.stringify({ topics: [{ name: 'payments' }] }) })
    const io = testIo(root)
    assert.equal(await replayLetters(DLQ, { ...cluster1, json: true }, io, on(clusterOf(evil))), 0)
    assert.deepEqual(JSON.parse(io.out()).targets, { payments: 1 })
  })

  for (const [name, groups, expected] of [
    ['orders.created.shop.dlq', [], ['orders.created']],
    ['orders.created.shop.dlq', ['billing'], ['orders.created']],
    ['orders.created.shop.eu.dlq', ['shop.eu'], ['orders.created']],
    ['orders.created.shop.eu.dlq', [], ['orders.created.shop']],
    ['orders-dlt', ['shop'], []],
    ['.shop.dlq', ['shop'], []],
  ] as const) {
    it(`is ${expected[0] ?? 'none'} by the name ${name}, with the groups [${groups.join()}]`, () => {
      assert.deepEqual([...allowedTargets(name, { topics: [], groups }, [])], expected)
    })
  }
})

describe('what headers claim', () => {
  const names = [
    'pyrallel-topic',
    'pyrallel-partition',
    'pyrallel-offset',
    'pyrallel-attempts',
    'pyrallel-payload',
    'pyrallel-replay-count',
    'pyrallel-replay-id',
    'pyrallel-record-id',
    'pyrallel-first-failed-at',
    'pyrallel-error-message',
    'kafka_dlt-original-topic',
    'kafka_dlt-original-partition',
    'kafka_dlt-exception-stacktrace',
    '__connect.errors.topic',
    '__streams.errors.topic',
    '__dlq.errors.topic',
    'x-error-reason',
    'source-topic',
    '__proto__',
    'constructor',
  ]
  const values = [
    Buffer.alloc(0),
    Buffer.from('-1'),
    Buffer.from('1e999'),
    Buffer.from('NaN'),
    Buffer.from('99999999999999999999'),
    Buffer.from([255, 255, 255, 255]),
    Buffer.from([127, 255, 255, 255, 255, 255, 255, 255]),
    Buffer.alloc(200_000, 'x'),
    Buffer.from('orders'),
    Buffer.from('payments'),
    Buffer.from('../orders'),
    Buffer.from('a\u001b[31m\u0000b'),
    Buffer.from('2026-13-45T99:99:99Z'),
    null,
  ]

  it('is bounded, checked and harmless, whatever stands there, and never publishes where it should not', async () => {
    const random = seededRandom(7)
    const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T
    const cluster = clusterOf()
    for (let number = 0; number < 1_000; number += 1) {
      const headers = Array.from(
        { length: 1 + Math.floor(random() * 6) },
        (): RecordHeader => [pick(names), pick(values)],
      )
      cluster.append({ topic: DLQ, key: null, value: Buffer.from('v'), headers })
    }
    for (const record of cluster.log(DLQ, 0).records) {
      const letter = readDeadLetter(record)
      const { partition, offset, attempts, replays, topic } = letter
      for (const number of [partition, offset, attempts, replays])
        assert.ok(number === null || (Number.isSafeInteger(number) && number >= 0))
      assert.ok((partition ?? 0) < 2 ** 31 && replays < 1_000_000)
      assert.match(topic ?? 'none', /^[\w.-]+$/)
      const plain = (_style: unknown, text: string) => text
      for (const text of [letterLine(letter, plain), letterBlock(letter, plain).replaceAll('\n', '')])
        assert.doesNotMatch(text, /\p{Cc}/u)
      assert.ok(JSON.stringify(letterJson(letter, false)).length < 50_000)
    }
    await assert.rejects(replayed(cluster), { code: 'PYR_REPLAY_TARGET' })
    assert.equal(countIn(cluster, 'payments') + countIn(cluster, 'orders'), 0)
    const { targets } = await replayed(cluster, { to: 'orders' })
    assert.deepEqual(Object.keys(targets as object), ['orders'])
    assert.equal(countIn(cluster, 'payments'), 0)
    for (const { headers } of cluster.log('orders', 0).records) {
      const bytes = headers
        .filter(([name]) => name.startsWith('pyrallel-'))
        .reduce((sum, [, value]) => sum + (value?.length ?? 0), 0)
      assert.ok(bytes < 1_000, `${bytes} bytes of history`)
    }
  })
})

describe('dead letters of share groups', () => {
  const headers = headersOf({
    '__dlq.errors.topic': 'orders',
    '__dlq.errors.partition': '0',
    '__dlq.errors.offset': '7',
    '__dlq.errors.group': 'shares',
  })
  const empty = { topic: DLQ, key: null, value: null, headers }

  it('are not published where Kafka has left the record out, and the way to it is told', async () => {
    const cluster = clusterOf()
    cluster.append(empty)
    cluster.append({ ...empty, key: Buffer.from('k'), value: Buffer.from('copied') })
    const io = testIo(projectFolder())
    await replayLetters(DLQ, cluster1, io, on(cluster))
    assert.match(
      io.out(),
      /1 published again[\s\S]*1 without their record, which share groups leave out by default: `pyrallel dlq show/,
    )
    assert.deepEqual(
      cluster.log('orders', 0).records.map(({ value }) => String(value)),
      ['copied'],
    )
  })

  it('are no tombstones: what is shown is where the record is, and how it would come along', async () => {
    const cluster = clusterOf()
    cluster.append(empty)
    const io = testIo(projectFolder())
    await show(DLQ, '0/0', cluster1, io, on(cluster))
    assert.match(
      io.out(),
      /the record was left out.*pyrallel dlq show orders 0\/7\n.*errors\.deadletterqueue\.copy\.record\.enable=true/,
    )
    assert.doesNotMatch(io.out(), /tombstone/)
    const letter = readDeadLetter(cluster.log(DLQ, 0).records[0] as KafkaRecord)
    assert.match(
      letterLine(letter, (_style, text) => text),
      /, without the record$/,
    )
    // Of any other tool, it is one.
    assert.equal(readDeadLetter({ ...letter.record, headers: headersOf(ours) }).hasPayload, true)
  })
})

describe('dead letters that have the time of their record', () => {
  const old = { topic: DLQ, key: null, value: Buffer.from('v'), timestamp: Date.parse('2024-01-01') }

  for (const [tool, headers] of [
    ['Kafka Connect', { ...connect, '__connect.errors.connector.name': 'sink' }],
    ['Kafka Streams', streams],
  ] as const) {
    it(`are selected by it, and it is said: ${tool} tells no time of failure`, async () => {
      const cluster = clusterOf()
      cluster.append({ ...old, headers: headersOf(headers) })
      const told = /1 tells no time of failure .*--since and --until mean the time of the record itself/
      const listed = async (options: object) => {
        const io = testIo(projectFolder())
        await list(DLQ, { ...cluster1, limit: 5, ...options }, io, on(cluster))
        return io.out()
      }
      assert.match(await listed({ since: '1h' }), /: 0 of 1 dead letter\n.*/)
      assert.match(await listed({ since: '1h' }), told)
      assert.match(await listed({ since: '2023-12-31', until: '2024-01-02' }), /: 1 dead letter\n/)
      assert.doesNotMatch(await listed({}), told)
      const io = testIo(projectFolder())
      await replayLetters(DLQ, { ...cluster1, since: '1h' }, io, on(cluster))
      assert.match(io.out(), told)
      const shown = testIo(projectFolder())
      await show(DLQ, '0/0', cluster1, shown, on(cluster))
      assert.match(shown.out(), /source time +2024-01-01/)
    })
  }

  it("say the connector's name where Kafka Connect tells it, which is no group", async () => {
    const cluster = clusterOf({ ...connect, '__connect.errors.connector.name': 'sink' })
    const io = testIo(projectFolder())
    await show(DLQ, '0/0', cluster1, io, on(cluster))
    assert.match(io.out(), /connector +sink/)
    assert.doesNotMatch(io.out(), /group/)
  })
})

describe('a replay beside a member that keeps a partition', () => {
  /** Two letters, one in each partition; the replay's group has another member, and time is the test's. */
  async function besideAnother() {
    const clock = new ManualClock(0)
    const cluster = memoryCluster({ clock })
    cluster.createTopic('orders', 1)
    cluster.createTopic(DLQ, 2)
    for (const partition of [0, 1])
      cluster.append({ topic: DLQ, partition, key: null, value: Buffer.from('v'), headers: headersOf(ours) })
    const other = await cluster.connection().consumer({ group: replayGroup(DLQ), startFrom: 'earliest' })
    await other.subscribe([DLQ], { onAssigned() {}, async onRevoked() {}, onLost() {} })
    let isLeaving = false
    const polling = (async () => {
      while (!isLeaving) await other.poll(0, 10)
      await whilePolling(other, other.close())
    })()
    const leave = () => {
      isLeaving = true
    }
    const told: number[] = []
    const onWaiting = () => void told.push(clock.now())
    let end: ReplayReport | undefined
    const running = reportOf(cluster, async () => ({ partition: 0, offset: 0 }), { clock, onWaiting })
    void running.then((report) => {
      end = report
    })
    const pass = async (untilMs: number) => {
      while (end === undefined && clock.now() < untilMs) await clock.advanceAndSettle(20)
      return end
    }
    const isGone = polling.then(() => true)
    const gone = async () => {
      leave()
      while (!(await Promise.race([isGone, clock.advanceAndSettle(20).then(() => false)]))) {
        // Time passes by the condition.
      }
    }
    return { clock, told, pass, leave, gone }
  }

  it('waits for it as for one that was killed, says so, and reads it when it comes', async () => {
    const { clock, told, pass, leave, gone } = await besideAnother()
    assert.equal(await pass(30_000), undefined)
    assert.equal(told.length, 1)
    assert.ok((told[0] ?? 0) < 10_000, `${told}`)
    leave()
    const report = await pass(60_000)
    await gone()
    assert.deepEqual([report?.replayed, report?.unread, clock.now() < 40_000], [2, [], true])
  })

  it('ends when a session is over, and says which it has not read', async () => {
    const { clock, pass, gone } = await besideAnother()
    const report = await pass(90_000)
    const tookMs = clock.now()
    await gone()
    assert.ok(report !== undefined && tookMs > 45_000 && tookMs < 60_000, `${tookMs}`)
    assert.deepEqual([report.replayed, report.unread], [1, [{ partition: 0, from: 0, end: 1 }]])
    const lines = reportText(DLQ, { ...report, publishable: 2 }, new Map([['orders', 1]]), {}, (_, text) => text)
    assert.match(
      lines.join('\n'),
      /✗ .*1 published again[\s\S]*1 of 2 were not published[\s\S]*\[0\] is another replay's: from offset 0 up to 1/,
    )
  })
})
