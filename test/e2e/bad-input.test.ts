/**
 * What others do to a group: their metadata, positions outside the log, members of theirs, a deleted topic, rights taken away. A clear line, a metric,
 * no crash, and nothing lost.
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { encodeCompleted } from '../../framework/control-plane/offsets/metadata-encoder.ts'
import { skipWithout } from '../client-under-test.ts'
import { aclBrokerConfig, allowReading, denyReading } from './kafka-acls.ts'
import { startKafka } from './kafka-harness.ts'
import type { MemberProcess } from './member-process.ts'
import { commitAsAnother, joinAsAnother } from './raw-log.ts'
import { Scenario } from './scenario.ts'

const external = process.env.PYRALLEL_TEST_BROKERS !== undefined
const cluster = await startKafka({ config: aclBrokerConfig })
after(() => cluster.stop())

const position = 5
const records = 20
const ours = encodeCompleted(position, [{ start: 7, end: 9 }], 4_095).text
const elsewhere = encodeCompleted(position + 1, [{ start: 8, end: 15 }], 4_095).text

/** What stands in the commit, and what the log says of it. */
const foreign: readonly (readonly [metadata: string, why: RegExp])[] = [
  ['bAAAAAAABAg==', /Confluent Parallel Consumer/],
  ['AgAAAZNxw2Y4', /Kafka Streams/],
  ['B16:00ff', /Pyrallel-Consumer \(Python\)/],
  ['{"checkpoint":"2026-11-23","lag":0}', /not in a format that Pyrallel knows/],
  ['  \t\u{1F600}\u202e\uffff', /not in a format that Pyrallel knows/],
  ['x'.repeat(4_095), /not in a format that Pyrallel knows/],
  ['P7 from the future', /in a format of Pyrallel that this version does not know/],
  [elsewhere, /cut, padded, altered, or was written for another position/],
  [ours.slice(0, -1), /cut, padded, altered/],
  [`${ours.slice(0, 4)}㐀${ours.slice(5)}`, /cut, padded, altered/],
  [`${ours}㐀`, /cut, padded, altered/],
]

function warned(member: MemberProcess, pattern: RegExp): boolean {
  return member.lines.some(
    (line) =>
      line.kind === 'log' &&
      ['warn', 'error'].includes(line.level) &&
      pattern.test(JSON.stringify([line.message, line.fields])),
  )
}

const outside = 'a position is outside its log: reading goes on at the first record that there is'
const metrics = true

function errorsOf({ group }: Scenario, member: MemberProcess, code: string): Promise<number> {
  return member.metric(`pyrallel_client_errors_total{group="${group}",code="${code}"}`)
}

describe('a member', { concurrency: 2, timeout: 480_000 }, () => {
  it('believes no metadata that is not its own, says so, goes on from the position, and replaces it', async (t) => {
    const partitions = foreign.length
    const scenario = await Scenario.open(t, cluster, { partitions }, { metrics })
    for (let partition = 0; partition < partitions; partition++) {
      await scenario.produce(
        Array.from({ length: records }, () => `k${partition}`),
        partition,
      )
      // Whoever committed has handled these.
      for (let sequence = 1; sequence <= position; sequence++) scenario.ledger.strike(`k${partition}`, sequence)
    }
    const commits = foreign.map(([metadata], partition) => ({ partition, offset: position, metadata }))
    await commitAsAnother(cluster.brokers, scenario.group, scenario.topic, commits)
    const member = await scenario.start()
    await scenario.untilAllHandled()
    await scenario.untilCommitted(new Map(foreign.map((_, partition) => [partition, records])))
    assert.equal(member.count('start'), partitions * (records - position))
    const said = member.logged(
      'the commit metadata of a partition is not believed; what it may have said is done runs again',
    )
    for (const [partition, [, why]] of foreign.entries()) {
      const line = said.find(({ fields }) => fields.topic === scenario.topic && fields.partition === partition)
      assert.equal(line?.level, 'warn', `partition ${partition}`)
      assert.match(String(line?.fields.why), why)
    }
    assert.equal(await member.metric(`pyrallel_metadata_dropped_total{group="${scenario.group}"}`), partitions)
    await scenario.finish()
  })

  for (const startFrom of ['earliest', 'latest'] as const) {
    it(`with startFrom '${startFrom}' loses nothing when the committed position is above or below its log, and says so`, async (t) => {
      const scenario = await Scenario.open(t, cluster, { partitions: 2 }, { startFrom, metrics })
      await scenario.produce(
        Array.from({ length: 50 }, () => 'above'),
        0,
      )
      await scenario.produce(
        Array.from({ length: 50 }, () => 'below'),
        1,
      )
      await commitAsAnother(cluster.brokers, scenario.group, scenario.topic, [
        { partition: 0, offset: 1_000 },
        { partition: 1, offset: 5 },
      ])
      await cluster.admin.deleteRecords(scenario.topic, 1, 20)
      for (let sequence = 1; sequence <= 20; sequence++) scenario.ledger.strike('below', sequence)
      const member = await scenario.start()
      await scenario.untilAllHandled()
      await scenario.untilCommitted(
        new Map([
          [0, 50],
          [1, 50],
        ]),
      )
      // librdkafka names the place in a sentence of its own.
      const places = member
        .logged(outside)
        .map(({ fields: { why, topic, partition } }) => String(why ?? `${topic} [${partition}]`))
      assert.deepEqual(
        [0, 1].map((partition) => places.some((place) => place.includes(`${scenario.topic} [${partition}]`))),
        [true, true],
      )
      assert.equal(await errorsOf(scenario, member, 'OFFSET_OUT_OF_RANGE'), 2)
      const { repeats } = await scenario.finish()
      assert.equal(repeats, 0)
    })
  }

  it('waits while members of another tool hold its group, says so, and takes over what they leave undone', {
    skip: skipWithout('the classic group protocol'),
  }, async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 2 }, { groupProtocol: 'classic', metrics })
    await scenario.produceMany(40, 8)
    const { brokers } = cluster
    const leave = await joinAsAnother(brokers, scenario.group, scenario.topic)
    // Should the test fail before it does.
    t.after(leave)
    const member = await scenario.start()
    await member.until('it says so', () => warned(member, /inconsistent group protocol/i))
    assert.ok((await errorsOf(scenario, member, 'INCONSISTENT_GROUP_PROTOCOL')) > 0)
    assert.deepEqual([member.count('assigned'), member.count('failed')], [0, 0])
    await leave()
    const { repeats } = await scenario.finish()
    assert.equal(repeats, 0)
  })

  it('survives that its topic is deleted, says so, and handles it anew when it comes back', async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 2 }, { metrics })
    await scenario.produceMany(40, 8)
    const member = await scenario.start()
    await scenario.untilAllHandled()
    await cluster.admin.deleteTopic(scenario.topic)
    await member.until('it says that the topic is gone', () => warned(member, /a topic does not exist any more/))
    assert.ok((await errorsOf(scenario, member, 'UNKNOWN_TOPIC_OR_PARTITION')) > 0)
    await cluster.admin.createTopic(scenario.topic, { partitions: 2 })
    await scenario.produceEverywhere(2, 'new')
    await scenario.untilAllHandled()
    assert.equal(member.count('failed'), 0)
    await scenario.finish({ offsetsBeginAnew: true })
  })

  it('waits while it may not read its topic, says so, and goes on when it may again', { skip: external }, async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 2 }, { behaviour: { takesMs: [1, 10] }, metrics })
    const load = scenario.load(100, 20)
    const member = await scenario.start()
    await scenario.untilProgress(50)
    const rights = { on: 'topic', name: scenario.topic } as const
    await denyReading(cluster.brokers, rights)
    await member.until('it says so', () => warned(member, /records could not be fetched.*topic authorization failed/i))
    assert.ok((await errorsOf(scenario, member, 'TOPIC_AUTHORIZATION_FAILED')) > 0)
    await load.stop()
    // Written while reading is denied, so these are missing whatever had been fetched before.
    await scenario.produceMany(20, 5)
    assert.ok(scenario.ledger.missing(scenario.members).length > 0)
    await allowReading(cluster.brokers, rights)
    await scenario.untilAllHandled()
    const { repeats } = await scenario.finish()
    assert.equal(repeats, 0)
  })

  it('a member that may not be in its group any more ends with a clear error, loses nothing, and its successor goes on', {
    skip: external,
  }, async (t) => {
    const scenario = await Scenario.open(t, cluster, { partitions: 2 }, { behaviour: { takesMs: [1, 10] }, metrics })
    const load = scenario.load(100, 20)
    const member = await scenario.start()
    await scenario.untilProgress(50)
    const rights = { on: 'group', name: scenario.group } as const
    await denyReading(cluster.brokers, rights)
    await member.until('it gives up', () => member.count('failed') === 1)
    assert.ok(warned(member, /the consumer cannot go on.*group authorization failed/i), member.describe())
    assert.equal(await errorsOf(scenario, member, 'FATAL'), 1)
    await load.stop()
    await member.stop()
    await allowReading(cluster.brokers, rights)
    const successor = await scenario.start()
    await scenario.untilAllHandled()
    await successor.stop()
    t.diagnostic(JSON.stringify(scenario.ledger.check(scenario.members)))
  })
})
