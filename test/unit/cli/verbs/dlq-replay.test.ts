/** What a replay publishes and marks, when, and what it says of an early end. Its producer is in the test's hand. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32 } from 'node:zlib'
import { reportText } from '../../../../cli/dlq/replay/replay-text.ts'
import { replayLetters } from '../../../../cli/verbs/dlq-replay.ts'
import { replayGroup } from '../../../../framework/dead-letters/replay/partition-marks.ts'
import type { ReplayOptions, ReplayReport } from '../../../../framework/dead-letters/replay/replay-report.ts'
import type { RecordPlace } from '../../../../framework/kafka/kafka-client.ts'
import { memoryCluster } from '../../../../framework/kafka/memory/client.ts'
import { partitionOfKey } from '../../../../framework/kafka/murmur2.ts'
import { PyrallelError } from '../../../../framework/model/errors.ts'
import { firstIdOf } from '../../../../framework/model/first-id.ts'
import type { OutgoingRecord } from '../../../../framework/model/record.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import {
  cluster1,
  clusterWith,
  DLQ,
  filled,
  headersOf,
  on,
  type Produce,
  planned,
  replayed,
  reportOf,
  run,
  withoutTransactions,
} from '../dlq-fixtures.ts'
import { projectFolder, testIo } from '../test-io.ts'

const place = { partition: 0, offset: 0 }
const turn = () => new Promise(setImmediate)

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await turn()
}

const manyKeys = (count: number) => Array.from({ length: count }, (_, index) => ({ key: `k${index}` }))

/** Answers each publish when the test says so. */
function heldProducer() {
  const held: {
    readonly record: OutgoingRecord
    readonly answer: () => void
    readonly refuse: (error: Error) => void
  }[] = []
  const produce: Produce = (record) =>
    new Promise<RecordPlace>((resolve, reject) => held.push({ record, answer: () => resolve(place), refuse: reject }))
  const keys = () => held.map(({ record }) => String(record.key))
  return { held, produce, keys }
}

describe('a replay that is interrupted', () => {
  it('marks what was acknowledged before a publish failed, and goes on with the one that was not', async () => {
    const cluster = await clusterWith({}, {}, {})
    const published: string[] = []
    const failsAtSecond = async ({ value }: OutgoingRecord) => {
      if (String(value) === 'v1') throw new PyrallelError('PYR_PRODUCE_FAILED', 'no leader')
      published.push(String(value))
      return place
    }
    await assert.rejects(run(cluster, failsAtSecond), { code: 'PYR_PRODUCE_FAILED' })
    assert.deepEqual(published, ['v0'])
    const takesAll = async ({ value }: OutgoingRecord) => {
      published.push(String(value))
      return place
    }
    assert.equal((await run(cluster, takesAll)).replayed, 2)
    assert.deepEqual(published, ['v0', 'v1', 'v2'])
  })

  it('stops between two records when it is told, and goes on there the next time', async () => {
    const cluster = await clusterWith({}, {}, {})
    let count = 0
    const counts = async () => {
      count += 1
      return place
    }
    const first = await run(cluster, counts, { isStopped: () => count === 1 })
    assert.deepEqual([first.replayed, first.isStopped], [1, true])
    assert.equal((await run(cluster, counts)).replayed, 2)
  })
})

describe('a replay whose marks do not fit into one commit', () => {
  const LETTERS = 1_500
  const LENGTH = 40

  /** Letters of which a random half has the error `a`. */
  async function halves() {
    let seed = 7
    const isHalf = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed / 2 ** 31 < 0.5
    }
    const cluster = await clusterWith(...Array.from({ length: LETTERS }, () => ({ error: isHalf() ? 'a' : 'b' })))
    const published = new Map<string, number>()
    const produce = async ({ value }: OutgoingRecord) => {
      const name = String(value)
      published.set(name, (published.get(name) ?? 0) + 1)
      return { partition: 0, offset: 0 }
    }
    const onlyA = { selection: ({ errorMessage }: { readonly errorMessage: string | null }) => errorMessage === 'a' }
    return { cluster, published, produce, onlyA }
  }

  it('stops before it publishes what it could not mark, and says what makes room', async () => {
    const { cluster, published, produce, onlyA } = await halves()
    await assert.rejects(run(cluster, produce, onlyA, LENGTH), (error: PyrallelError) => {
      assert.equal(error.code, 'PYR_METADATA_TOO_LARGE')
      assert.match(error.message, /marks of orders\.shop\.dlq\[0\] are full before orders\.shop\.dlq\[0\]@\d+/)
      assert.match(error.message, new RegExp(`${published.size} were published, and are marked`))
      assert.match(error.message, /`pyrallel dlq replay orders\.shop\.dlq --until \d{4}-.*Z`/)
      return true
    })
    assert.ok(published.size > 100 && published.size < LETTERS / 2)
  })

  it('publishes nothing a second time, however often it is run, with a filter or without', async () => {
    const { cluster, published, produce, onlyA } = await halves()
    for (let round = 0; round < 2; round += 1) {
      await assert.rejects(run(cluster, produce, onlyA, LENGTH), { code: 'PYR_METADATA_TOO_LARGE' })
    }
    await run(cluster, produce, { limit: 300 }, LENGTH)
    await assert.rejects(run(cluster, produce, onlyA, LENGTH), { code: 'PYR_METADATA_TOO_LARGE' })
    await run(cluster, produce, {}, LENGTH)
    assert.deepEqual([published.size, Math.max(...published.values())], [LETTERS, 1])
  })

  it('is told by a plan, which publishes nothing', async () => {
    const { cluster, published, onlyA } = await halves()
    const { full, planned: count } = await planned(cluster, onlyA, LENGTH)
    assert.equal(full?.code, 'PYR_METADATA_TOO_LARGE')
    assert.match(full.message, new RegExp(`${count} would be published`))
    assert.equal(published.size, 0)
  })
})

describe('the pace of a replay', { timeout: 60_000 }, () => {
  it('is its rate within 5 %, though each acknowledgement takes longer than the time between two records', async () => {
    const cluster = await clusterWith(...manyKeys(1_000))
    const clock = new ManualClock()
    let published = 0
    const produce: Produce = () => {
      published += 1
      return new Promise((resolve) => clock.setTimer(12, () => resolve(place)))
    }
    const running = run(cluster, produce, { rate: 200, clock })
    await until(() => published > 0)
    for (let second = 1; second <= 3; second += 1) {
      // Timers of a busy process are late.
      for (let ms = 0; ms < 994; ms += 7) {
        clock.pass(7)
        await clock.advanceAndSettle(0)
      }
      await clock.advanceAndSettle(6)
      assert.ok(Math.abs(published - second * 200) <= second * 10, `${published} after ${second} s`)
    }
    await untilDone(running, clock)
  })

  it('does not make up for a stand-still of minutes at once', async () => {
    const cluster = await clusterWith(...manyKeys(400))
    const clock = new ManualClock()
    let published = 0
    const produce: Produce = async () => {
      published += 1
      return place
    }
    const running = run(cluster, produce, { rate: 50, clock })
    await until(() => published > 0)
    clock.pass(25_000)
    await clock.advanceAndSettle(20)
    assert.ok(published <= 60, `${published} published`)
    await untilDone(running, clock)
  })
})

/** Time passes until it is done. */
async function untilDone(running: Promise<unknown>, clock: ManualClock): Promise<void> {
  let isDone = false
  const done = running.finally(() => {
    isDone = true
  })
  while (!isDone) await clock.advanceAndSettle(10)
  await done
}

describe('what a replay has on its way', () => {
  it('is 100 records at most, one of a key at a time, in the order of the log', async () => {
    const cluster = await clusterWith(
      ...Array.from({ length: 300 }, (_, index) => ({ key: `k${Math.floor(index / 2)}` })),
    )
    const { held, produce, keys } = heldProducer()
    const running = run(cluster, produce)
    await until(() => held.length === 100)
    for (let turns = 0; turns < 20; turns += 1) await turn()
    assert.equal(held.length, 100)
    assert.equal(new Set(keys()).size, 100)
    for (let answered = 0; answered < 300; answered += 1) {
      await until(() => held.length > answered)
      const open = keys().slice(answered)
      assert.equal(new Set(open).size, open.length, 'two of one key at once')
      held[answered]?.answer()
      await turn()
    }
    assert.equal((await running).replayed, 300)
    const values = held.filter(({ record }) => String(record.key) === 'k7').map(({ record }) => String(record.value))
    assert.deepEqual(values, ['v14', 'v15'])
  })

  it('counts until a commit has marked it, so that a kill has no more than 100 published twice', async () => {
    const clock = new ManualClock()
    const slow = await filled(memoryCluster({ clock }), manyKeys(500))
    slow.delayCommits(1_000)
    let published = 0
    let worst = 0
    const produce: Produce = async () => {
      published += 1
      const position = slow.group(replayGroup(DLQ)).committed({ topic: DLQ, partition: 0 })?.position ?? 0
      worst = Math.max(worst, published - position)
      return place
    }
    await untilDone(run(slow, produce, { clock }), clock)
    assert.equal(published, 500)
    assert.ok(worst > 50 && worst <= 100, `${worst} published and not marked`)
  })
})

describe('where a replay publishes', () => {
  const letterFrom = (partition: number, key: string, over: Record<string, string> = {}) => ({
    topic: DLQ,
    key: Buffer.from(key),
    value: Buffer.from(key),
    headers: Object.entries({
      'pyrallel-topic': 'orders',
      'pyrallel-partition': String(partition),
      'pyrallel-offset': '7',
      ...over,
    }).map(([name, value]) => [name, Buffer.from(value)] as const),
  })

  function fourPartitions() {
    const cluster = memoryCluster()
    for (const topic of ['orders', 'repaired', DLQ]) cluster.createTopic(topic, 4)
    return cluster
  }

  const keysIn = (cluster: ReturnType<typeof memoryCluster>, topic: string) =>
    Array.from({ length: 4 }, (_, partition) =>
      cluster
        .log(topic, partition)
        .records.map(({ key }) => String(key))
        .sort(),
    )

  it("is the partition that the record came from, for it is its producer's choice: here, that of librdkafka", async () => {
    const cluster = fourPartitions()
    const keys = Array.from({ length: 40 }, (_, index) => `k${index}`)
    for (const key of keys) cluster.append(letterFrom(crc32(key) % 4, key))
    assert.ok(keys.some((key) => crc32(key) % 4 !== partitionOfKey(Buffer.from(key), 4)))
    const report = await replayed(cluster)
    assert.deepEqual([report.replayed, report.movedKeys], [40, {}])
    const expected = Array.from({ length: 4 }, (_, partition) =>
      keys.filter((key) => crc32(key) % 4 === partition).sort(),
    )
    assert.deepEqual(keysIn(cluster, 'orders'), expected)
  })

  for (const [tool, headers] of [
    ['Spring', { 'kafka_dlt-original-topic': 'orders', 'kafka_dlt-original-partition': '3' }],
    ['Kafka Connect', { '__connect.errors.topic': 'orders', '__connect.errors.partition': '3' }],
    ['Kafka Streams', { '__streams.errors.topic': 'orders', '__streams.errors.partition': '3' }],
  ] as const) {
    it(`is the partition that ${tool} has written`, async () => {
      const cluster = fourPartitions()
      const all = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)] as const)
      for (const key of ['a', 'b', 'c', 'd']) {
        cluster.append({ topic: DLQ, key: Buffer.from(key), value: Buffer.from(key), headers: all })
      }
      assert.equal((await replayed(cluster)).replayed, 4)
      assert.deepEqual(keysIn(cluster, 'orders')[3], ['a', 'b', 'c', 'd'])
    })
  }

  it('is chosen by the key in another topic', async () => {
    const cluster = fourPartitions()
    for (const key of ['a', 'b', 'c', 'd', 'e']) cluster.append(letterFrom(0, key))
    assert.equal((await replayed(cluster, { to: 'repaired' })).replayed, 5)
    const expected = Array.from({ length: 4 }, (_, partition) =>
      ['a', 'b', 'c', 'd', 'e'].filter((key) => partitionOfKey(Buffer.from(key), 4) === partition),
    )
    assert.deepEqual(keysIn(cluster, 'repaired'), expected)
  })

  it('is told where the topic has grown since: newer records of these keys may be elsewhere', async () => {
    const cluster = fourPartitions()
    for (let index = 0; index < 40; index += 1)
      cluster.append(letterFrom(partitionOfKey(Buffer.from(`k${index}`), 2), `k${index}`))
    const dry = await replayed(cluster, { dryRun: true })
    const { orders: moved } = dry.movedKeys as Record<string, number>
    assert.ok(moved !== undefined && moved > 5, `${moved}`)
    const io = testIo(projectFolder())
    await replayLetters(DLQ, cluster1, io, on(cluster))
    assert.match(io.out(), new RegExp(`${moved} go back to partitions of orders .*Where it has grown since`))
    assert.deepEqual(keysIn(cluster, 'orders').slice(2), [[], []])
  })

  it('is chosen by the key, and told, where the partition is not there any more', async () => {
    const cluster = fourPartitions()
    cluster.append(letterFrom(9, 'a'))
    const report = await replayed(cluster)
    assert.deepEqual([report.replayed, report.withoutPartition], [1, 1])
  })
})

describe('the id of a copy', () => {
  it("is its letter's place, the same for a second one, and its record's id that of the first place", async () => {
    const cluster = await clusterWith({ key: 'c1' })
    const copies: OutgoingRecord[] = []
    const twice: Produce = async (record) => {
      copies.push(record)
      throw new PyrallelError('PYR_PRODUCE_FAILED', 'nobody knows')
    }
    for (let round = 0; round < 2; round += 1) await assert.rejects(run(cluster, twice), { code: 'PYR_PRODUCE_FAILED' })
    const ids = copies.map(({ headers }) => String(headers.find(([name]) => name === 'pyrallel-replay-id')?.[1]))
    assert.deepEqual(ids, [`${DLQ}/0/0`, `${DLQ}/0/0`])
    assert.deepEqual(copies.map(firstIdOf), ['orders/0/0', 'orders/0/0'])
  })

  it('stays when the copy fails and is replayed again, to its topic or another', async () => {
    const cluster = await clusterWith({ key: 'c1' })
    cluster.createTopic('repaired', 1)
    await replayed(cluster)
    const [copy] = cluster.log('orders', 0).records
    assert.ok(copy !== undefined)
    const failedAgain = {
      ...headersOf(copy),
      'pyrallel-topic': 'orders',
      'pyrallel-partition': '0',
      'pyrallel-offset': '55',
    }
    cluster.append({
      ...copy,
      topic: DLQ,
      headers: Object.entries(failedAgain).map(([name, value]) => [name, Buffer.from(value)]),
    })
    assert.equal((await replayed(cluster, { to: 'repaired' })).replayed, 1)
    const [second] = cluster.log('repaired', 0).records
    assert.ok(second !== undefined)
    assert.equal(firstIdOf(second), 'orders/0/0')
    assert.equal(headersOf(second)['pyrallel-replay-count'], '2')
    assert.equal(headersOf(second)['pyrallel-replay-id'], `${DLQ}/0/1`)
  })
})

describe('the end of a replay', { timeout: 60_000 }, () => {
  it('is fixed before the first publish: letters that die again are left for the next one', async () => {
    const cluster = await clusterWith(...manyKeys(300))
    let published = 0
    const diesAgain: Produce = async ({ key, value, headers }) => {
      published += 1
      // So that more is read before all is published.
      for (let turns = 0; turns < 5; turns += 1) await turn()
      const failed = [...headers, ['pyrallel-topic', Buffer.from('orders')] as const]
      cluster.append({ topic: DLQ, key, value, headers: failed })
      return place
    }
    const report = await run(cluster, diesAgain)
    assert.deepEqual([report.replayed, published, report.unread], [300, 300, []])
    assert.equal((await run(cluster, async () => place)).replayed, 300)
  })

  it('is known for a log whose last offsets hold no record', async () => {
    const cluster = await clusterWith({}, {}, {})
    cluster.log(DLQ, 0).skip(2)
    const report = await run(cluster, async () => place)
    assert.deepEqual([report.replayed, report.unread], [3, []])
  })

  it('is no end where the broker has gone silent: it fails, and says what it has done', async () => {
    const cluster = await clusterWith({}, {}, {})
    cluster.log(DLQ, 0).skip(2)
    const logs = async () => {
      throw new PyrallelError('PYR_KAFKA', 'the log could not be looked at')
    }
    const report = await reportOf(cluster, async () => place, { logs })
    assert.deepEqual([report.replayed, report.notMarked, report.failure?.code], [3, 0, 'PYR_KAFKA'])
  })

  it('says what was done, what was not, and what nobody knows, where the broker takes no more', async () => {
    const cluster = await clusterWith(...manyKeys(10))
    const { held, produce } = heldProducer()
    const running = reportOf(cluster, produce)
    await until(() => held.length === 10)
    for (const { answer } of held.slice(0, 4)) answer()
    held[4]?.refuse(new PyrallelError('PYR_PRODUCE_FAILED', 'no leader'))
    held[5]?.refuse(new PyrallelError('PYR_RECORD_TOO_LARGE', 'too large'))
    for (const { answer } of held.slice(6, 8)) answer()
    for (const { refuse } of held.slice(8)) refuse(new PyrallelError('PYR_PRODUCE_FAILED', 'no leader'))
    const { replayed: done, onTheirWay, notMarked, failure } = await running
    assert.deepEqual([done, onTheirWay, notMarked, failure?.message], [6, 3, 0, 'no leader'])
    assert.equal((await run(cluster, async () => place)).replayed, 4)
  })

  it('comes within 30 s where nothing is acknowledged any more', async () => {
    const clock = new ManualClock()
    const cluster = await filled(memoryCluster({ clock }), manyKeys(3))
    const { held, produce } = heldProducer()
    const running = reportOf(cluster, produce, { clock })
    while (held.length < 3) await clock.advanceAndSettle(1)
    held[0]?.answer()
    await turn()
    let report: Awaited<typeof running> | undefined
    void running.then((ended) => {
      report = ended
    })
    let passed = 0
    for (; report === undefined && passed < 120_000; passed += 100) await clock.advanceAndSettle(100)
    assert.ok(passed >= 30_000 && passed <= 45_000, `${passed} ms`)
    assert.deepEqual([report?.replayed, report?.onTheirWay, report?.failure?.code], [1, 2, 'PYR_PRODUCE_FAILED'])
  })

  it('tells how many could not be marked, and the text says what to make of it', async () => {
    const cluster = await clusterWith(...manyKeys(5))
    cluster.failCommits(1_000, new PyrallelError('PYR_COMMIT_FAILED', 'no right to the group'))
    const { replayed: done, notMarked, failure } = await reportOf(cluster, async () => place)
    assert.deepEqual([done, notMarked, failure?.code], [5, 5, 'PYR_COMMIT_FAILED'])
    const io = testIo(projectFolder())
    await assert.rejects(replayLetters(DLQ, cluster1, io, withoutTransactions(cluster)), {
      code: 'PYR_COMMIT_FAILED',
    })
    assert.match(
      io.out(),
      /✗ .*5 published again and acknowledged[\s\S]*5 of them could not be marked[\s\S]*same pyrallel-replay-id/,
    )
  })

  it('goes on over commits that are refused for a moment', async () => {
    const cluster = await clusterWith(...manyKeys(60))
    cluster.failCommits(2)
    const report = await run(cluster, async () => place)
    assert.deepEqual([report.replayed, report.notMarked], [60, 0])
    assert.equal((await run(cluster, async () => place)).replayed, 0)
  })

  it('tells where a replay was stopped how many are left', async () => {
    const cluster = await clusterWith(...manyKeys(5))
    const io = testIo(projectFolder())
    await replayLetters(DLQ, { ...cluster1, limit: 2 }, io, on(cluster))
    assert.match(
      io.out(),
      /2 published again and acknowledged \(2 to orders\)\n {2}3 of 5 were not published by this replay/,
    )
  })
})

describe('two replays of one topic at once', () => {
  /** Two partitions of letters, and one replay that has published some of both and goes on as the clock moves. */
  async function aSlowOne(over: Partial<ReplayOptions> = {}) {
    const cluster = memoryCluster()
    cluster.createTopic('orders', 1)
    cluster.createTopic(DLQ, 2)
    const headers = [['pyrallel-topic', Buffer.from('orders')]] as const
    for (let index = 0; index < 400; index += 1) {
      const value = Buffer.from(`v${index}`)
      cluster.append({ topic: DLQ, partition: index % 2, key: Buffer.from(`k${index}`), value, headers })
    }
    const published: string[] = []
    const produce: Produce = async ({ value }) => {
      published.push(String(value))
      return place
    }
    const clock = new ManualClock()
    const first = reportOf(cluster, produce, { rate: 100, clock, ...over })
    while (published.length < 50) await clock.advanceAndSettle(10)
    return { cluster, published, produce, clock, first }
  }

  it('publish every letter once, and the one that has lost a partition says which, and from where on it has done nothing', async () => {
    const { cluster, published, clock, first } = await aSlowOne()
    // Of both partitions, something is published that is not marked yet.
    cluster.failCommits(1)
    while (published.length < 54) await clock.advanceAndSettle(10)
    const { held, produce } = heldProducer()
    const second = reportOf(cluster, produce)
    await until(() => held.length > 0)
    await untilDone(first, clock)
    const lost = await first
    assert.deepEqual(
      lost.unread.map(({ partition, end }) => [partition, end]),
      [[1, 200]],
    )
    assert.equal(lost.notMarked, 0)
    let answered = 0
    for (let isOver = false; !isOver; ) {
      for (; answered < held.length; answered += 1) held[answered]?.answer()
      isOver = await Promise.race([second.then(() => true), turn().then(() => false)])
    }
    const taken = held.map(({ record }) => String(record.value))
    assert.equal(new Set([...published, ...taken]).size, 400)
    assert.equal(published.length + taken.length, 400)
    assert.equal(lost.replayed, published.length)
    // Partition 1 has the odd numbers. The first that is another's is the first that the other has published.
    assert.equal(`v${(lost.unread[0]?.from ?? 0) * 2 + 1}`, taken[0])
    assert.deepEqual((await second).unread, [])
  })

  it('are no trouble where the other is through first: what it had comes back, all of it marked', async () => {
    const { cluster, published, produce, clock, first } = await aSlowOne()
    // The other waits for what the first has taken on, 50 s long, by a clock of its own: the first stands still meanwhile.
    const clockOfOther = new ManualClock()
    const through = reportOf(cluster, produce, { clock: clockOfOther })
    await untilDone(through, clockOfOther)
    const other = await through
    await untilDone(first, clock)
    const { replayed: done, unread } = await first
    assert.ok(other.replayed > 0)
    assert.deepEqual([done + other.replayed, new Set(published).size, published.length], [400, 400, 400])
    assert.deepEqual(unread, [])
  })

  it('leave each other alone where one of them only looks', async () => {
    const { cluster, published, clock, first } = await aSlowOne()
    assert.equal((await planned(cluster)).planned, 350)
    await untilDone(first, clock)
    const { replayed: done, unread } = await first
    assert.deepEqual([done, unread, published.length], [400, [], 400])
  })

  it('are told in words: what the one that lost a partition has not done', () => {
    const { paint, counts } = { paint: (_style: unknown, text: string) => text, counts: anUnreadReport }
    const lines = reportText(DLQ, { ...counts, publishable: 400 }, new Map([['orders', 250]]), {}, paint)
    assert.deepEqual(lines, [
      `✗ ${DLQ}: 250 published again and acknowledged (250 to orders)`,
      '  150 of 400 were not published by this replay',
      `  ${DLQ}[1] is another replay's: from offset 50 up to 200, this one has done nothing`,
    ])
  })
})

const anUnreadReport: ReplayReport = {
  replayed: 250,
  notMarked: 0,
  onTheirWay: 0,
  isTransactional: false,
  isStopped: false,
  unread: [{ partition: 1, from: 50, end: 200 }],
  failure: undefined,
  alreadyReplayed: 0,
  notSelected: 0,
  notReplayable: 0,
  replayedTooOften: 0,
  withoutValue: 0,
  withoutRecord: 0,
  contradictory: 0,
  withoutTopic: 0,
  withSourceTime: 0,
  movedKeys: new Map(),
  withoutPartition: 0,
}
