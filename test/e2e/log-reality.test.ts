/** Logs as they really are: cut, compacted, full of transaction markers, grown by partitions. On Apache Kafka, with a member process. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import { startKafka } from './kafka-harness.ts'
import { eventually } from './member-process.ts'
import { offsetsIn, writeInTransactions } from './raw-log.ts'
import { Scenario } from './scenario.ts'

const cluster = await startKafka()
after(() => cluster.stop())

const { limits } = configDefaults
const outside = 'a position is outside its log: reading goes on at the first record that there is'

describe('a member', { concurrency: 2, timeout: 480_000 }, () => {
  it('goes on behind what was cut off its log, below and beyond its position', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 1 })
    // Offsets 0 to 9, 10 to 109 and 110 to 149.
    await scenario.produceMany(10, 5)
    // More than a client holds of a partition that is paused: what it has fetched by then is handed out, whatever is cut off behind it.
    await scenario.produceLarge('blocked', 100, 100_000)
    await scenario.produceMany(40, 5)
    const member = await scenario.start({
      limits: { ...limits, maxRecordsPerPartition: 20 },
      behaviour: { blockedKeys: ['blocked'] },
    })
    await member.until('its partition is full and paused', () => member.events('partitions.paused').length > 0)
    await scenario.untilCommitted(new Map([[0, 10]]))
    await cluster.admin.deleteRecords(scenario.topic, 0, 5)
    await cluster.admin.deleteRecords(scenario.topic, 0, 90)
    member.release('blocked')
    await scenario.untilCommitted(new Map([[0, 150]]))
    const unread = scenario.ledger.missing(scenario.members)
    for (const name of unread) {
      const sequence = Number(name.replace('blocked#', ''))
      assert.ok(sequence <= 80, `${name} was not cut off, and is missing`)
      scenario.ledger.strike('blocked', sequence)
    }
    assert.ok(unread.length >= 20, `only ${unread.length} records were cut off before they were read`)
    assert.equal(member.logged(outside)[0]?.level, 'warn')
    const { repeats } = await scenario.finish()
    assert.equal(repeats, 0)
  })

  it('does not wait for a record that was cut off, and still knows what was done above it', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 1 })
    await scenario.produce(['blocked'])
    await scenario.produceMany(100, 10)
    const first = await scenario.start({ behaviour: { blockedKeys: ['blocked'] } })
    await first.until('all others are done', () => first.count('done') === 100)
    await scenario.untilQuiet(first)
    await first.kill()
    await cluster.admin.deleteRecords(scenario.topic, 0, 50)
    scenario.ledger.strike('blocked', 1)
    await scenario.produceMany(10, 10)
    const second = await scenario.start()
    await second.until('it has done the new ones', () => second.count('done') === 10)
    await scenario.untilCommitted(new Map([[0, 111]]))
    assert.equal(second.count('start'), 10)
    assert.equal(second.logged(outside).length, 1)
    await scenario.finish()
  })

  it('handles what compaction has left, and moves on when the record it waited for was compacted away', async (t) => {
    const configs = {
      'cleanup.policy': 'compact',
      'segment.ms': '200',
      'min.cleanable.dirty.ratio': '0.01',
      'max.compaction.lag.ms': '500',
    }
    const scenario = await Scenario.open(t, cluster, { partitions: 1, configs })
    await scenario.produce(['blocked'])
    await scenario.produceMany(300, 10)
    const first = await scenario.start({ behaviour: { blockedKeys: ['blocked'] } })
    await first.until('all others are done', () => first.count('done') === 300)
    await scenario.untilQuiet(first)
    await first.kill()
    const [committed] = await cluster.admin.committed(scenario.group, scenario.topic)
    assert.equal(committed?.offset, 0)

    // Newer values of every key, in new segments, until the cleaner has been there.
    await scenario.produce(['blocked'])
    await scenario.produceMany(20, 10)
    let surviving: readonly number[] = []
    await eventually(
      () => `the log is compacted; it has ${surviving.length} records`,
      async () => {
        await scenario.produce(['roller'])
        surviving = await offsetsIn(cluster.brokers, scenario.topic, 0)
        return surviving[0] !== 0 && surviving.length < 200
      },
    )
    const second = await scenario.start()
    const doneOffsets = () => new Set(second.lines.flatMap((line) => (line.kind === 'done' ? [line.offset] : [])))
    // The last one may be done before others, which wait behind their own keys. What is compacted away before it is read is not waited for.
    let missing: readonly number[] = []
    await eventually(
      () => `it has done all that compaction has left; missing ${missing.slice(0, 10)}`,
      async () => {
        const left = await offsetsIn(cluster.brokers, scenario.topic, 0)
        const done = doneOffsets()
        missing = left.filter((offset) => offset > 300 && !done.has(offset))
        return missing.length === 0
      },
    )
    const done = doneOffsets()
    assert.ok(
      [...done].every((offset) => offset > 300),
      'a completed record ran again',
    )
    await scenario.untilCommitted(new Map([[0, (surviving.at(-1) ?? 0) + 1]]))
    for (const name of scenario.ledger.missing(scenario.members)) {
      const [key = '', sequence] = name.split('#')
      scenario.ledger.strike(key, Number(sequence))
    }
    const { repeats } = await scenario.finish()
    assert.equal(repeats, 0)
  })

  it("passes a transactional producer's markers and its aborted records", async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 1 })
    const records = (key: string, first: number, count: number) =>
      Array.from({ length: count }, (_, index) => {
        return { key, value: JSON.stringify({ sequence: first + index }) }
      })
    const member = await scenario.start()
    // Offsets: 0 to 9 and a marker, 11 to 30 aborted and a marker, 32 to 41 and a marker: the log ends at 43.
    await writeInTransactions(cluster.brokers, scenario.topic, [
      { commits: true, records: records('kept', 1, 10) },
      { commits: false, records: records('aborted', 1, 20) },
      { commits: true, records: records('kept', 11, 10) },
    ])
    for (let sequence = 1; sequence <= 20; sequence++) scenario.ledger.acknowledge('kept', sequence)
    await scenario.untilAllHandled()
    await scenario.untilCommitted(new Map([[0, 43]]))
    await scenario.produceMany(5, 5)
    await scenario.untilAllHandled()
    await scenario.untilCommitted(new Map([[0, 48]]))
    assert.equal(member.count('start'), 25)
    const { repeats } = await scenario.finish()
    assert.equal(repeats, 0)
  })

  it('comes to the end of a log that ends with an aborted transaction, also after a restart, and of one of which retention has left nothing', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 1 })
    const records = (key: string, first: number, count: number) =>
      Array.from({ length: count }, (_, index) => ({ key, value: JSON.stringify({ sequence: first + index }) }))
    const aborted = { commits: false, records: records('aborted', 1, 4) }
    // Offsets: 0 to 2 and a marker, 4 and 5 and a marker, 7 to 10 aborted and a marker: the log ends at 12.
    const committed = [records('kept', 1, 3), records('kept', 4, 2)].map((of) => ({ commits: true, records: of }))
    await writeInTransactions(cluster.brokers, scenario.topic, [...committed, aborted])
    for (let sequence = 1; sequence <= 5; sequence++) scenario.ledger.acknowledge('kept', sequence)
    const first = await scenario.start()
    await scenario.untilAllHandled()
    await scenario.untilCommitted(new Map([[0, 12]]))
    await first.stop()
    await writeInTransactions(cluster.brokers, scenario.topic, [aborted])
    const second = await scenario.start()
    await scenario.untilCommitted(new Map([[0, 17]]))
    await second.stop()
    await writeInTransactions(cluster.brokers, scenario.topic, [aborted])
    await cluster.admin.deleteRecords(scenario.topic, 0, 22)
    await scenario.start()
    await scenario.untilCommitted(new Map([[0, 22]]))
    await scenario.produceMany(5, 5)
    await scenario.untilAllHandled()
    await scenario.untilCommitted(new Map([[0, 27]]))
    const { repeats } = await scenario.finish()
    assert.equal(repeats, 0)
  })

  it('takes over the partitions that are added to its topic under load', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 2 }, { behaviour: { takesMs: [1, 10] } })
    const load = scenario.load(200, 20)
    const [first, second] = await Promise.all([scenario.start(), scenario.start()])
    await scenario.untilShared(2)
    await cluster.admin.addPartitions(scenario.topic, 5)
    await scenario.untilShared(5)
    await load.stop()
    await scenario.produceEverywhere(5, 'added')
    await scenario.untilAllHandled()
    assert.equal(first.partitions.length + second.partitions.length, 5)
    const { repeats } = await scenario.finish()
    assert.equal(repeats, 0)
  })
})
