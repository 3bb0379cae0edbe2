/** What one member in JavaScript commits and begins when the group counts it out and takes it in again: nothing of what it had before. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ErrorReport } from '../../../../framework/kafka/faults/error-report.ts'
import type { JavascriptLibrary } from '../../../../framework/kafka/javascript/binding.ts'
import { JavascriptConsumer } from '../../../../framework/kafka/javascript/consumer.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../recorded-log.ts'
import { ScriptedGroup, TOPIC_ID, UNKNOWN_MEMBER } from './scripted-group.ts'

const all = [{ topicId: TOPIC_ID, partition: 0 }]
const commitOf = (position: number) => [{ topic: 'orders', partition: 0, position, metadata: '' }]

async function aMember(t: TestContext) {
  const clock = new ManualClock()
  const { log } = recordedLog()
  const group = new ScriptedGroup()
  const told: string[] = []
  const consumer = new JavascriptConsumer({
    group: 'g',
    startFrom: 'earliest',
    memberId: 'm',
    brokers: group.brokers,
    library: {} as JavascriptLibrary,
    clock,
    log,
    errors: new ErrorReport(log, clock),
    sessionTimeoutMs: 45_000,
  })
  group.beats.push({ memberEpoch: 1, assignment: all })
  await consumer.subscribe(['orders'], {
    onAssigned: () => told.push('assigned'),
    onRevoked: async () => void told.push('revoked'),
    onLost: () => told.push('lost'),
  })
  /** Polls until so much was told. */
  const until = async (count: number) => {
    while (told.length < count) {
      await consumer.poll(1, 0)
      await nextTurn()
    }
  }
  const settle = async () => {
    for (let turn = 0; turn < 10; turn += 1) await nextTurn()
  }
  await until(1)
  // It tells the group what it has got.
  clock.advance(0)
  await settle()
  group.heartbeats.splice(0)
  t.after(async () => {
    group.beats.splice(0, group.beats.length, { code: UNKNOWN_MEMBER })
    const closed = consumer.close()
    await settle()
    clock.advance(1_000_000)
    await closed
  })
  /** The group counts it out, another owner commits, and the group takes it in again with the same partition. */
  const countOut = () => {
    group.beats.splice(0, 1, { code: UNKNOWN_MEMBER }, { memberEpoch: 7, assignment: all })
    group.committed = 9
  }
  return { clock, group, consumer, countOut, told, until, settle }
}

describe('a member in JavaScript', { timeout: 20_000 }, () => {
  it('commits nothing of a lost assignment, though the group has given it the partition again before its next poll', async (t) => {
    const { clock, group, consumer, countOut, told, until, settle } = await aMember(t)
    countOut()
    clock.advance(1_000)
    await settle()
    clock.advance(0)
    await settle()
    assert.deepEqual(group.heartbeats.slice(0, 2), [1, 0], 'it has joined again')
    await assert.rejects(consumer.commit(commitOf(5)), { code: 'PYR_NOT_OWNED' })
    assert.deepEqual(group.stored, [])
    await until(3)
    assert.deepEqual(told, ['assigned', 'lost', 'assigned'])
    await consumer.commit(commitOf(10))
    assert.deepEqual(group.stored, [{ memberEpoch: 7, position: 10 }])
  })

  it('does not repeat a commit that was not answered, once the partition was lost and given to it again', async (t) => {
    const { clock, group, consumer, countOut, until, settle } = await aMember(t)
    // The next heartbeat is due before the repeat.
    clock.advance(980)
    group.unansweredCommits = 1
    const refused = assert.rejects(consumer.commit(commitOf(5)), { code: 'PYR_NOT_OWNED' })
    await settle()
    countOut()
    clock.advance(20)
    await settle()
    clock.advance(0)
    await until(3)
    clock.advance(1_000)
    await refused
    assert.deepEqual(group.stored, [{ memberEpoch: 1, position: 5 }])
  })

  const ends = [
    ['lost', { code: UNKNOWN_MEMBER }],
    ['revoked', { memberEpoch: 7, assignment: [] }],
  ] as const
  for (const [end, beat] of ends) {
    it(`begins no partition that was ${end} before the poll in which it would have heard of it`, async (t) => {
      const { clock, group, consumer, told, settle } = await aMember(t)
      // Lost, given back, and gone again.
      const given = { memberEpoch: 7, assignment: all }
      group.beats.splice(0, 1, { code: UNKNOWN_MEMBER }, given, beat, { memberEpoch: 8, assignment: [] })
      for (let beats = 0; beats < 6; beats += 1) {
        clock.advance(1_000)
        await settle()
      }
      for (let polls = 0; polls < 10; polls += 1) {
        await consumer.poll(1, 0)
        await settle()
      }
      assert.deepEqual(told, ['assigned', 'lost'])
      await assert.rejects(consumer.commit(commitOf(5)), { code: 'PYR_NOT_OWNED' })
    })
  }

  for (const beat of ['before', 'behind'] as const) {
    it(`whose process stood still until its session was over commits nothing, with its first heartbeat ${beat} the commit`, async (t) => {
      const { clock, group, consumer, countOut, told, until, settle } = await aMember(t)
      countOut()
      group.refusesCommits = UNKNOWN_MEMBER
      // No timer fires meanwhile: all that is late comes at once.
      clock.pass(120_000)
      if (beat === 'before') clock.advance(0)
      const refused = assert.rejects(consumer.commit(commitOf(5)), { code: 'PYR_NOT_OWNED', retriable: false })
      clock.advance(0)
      await settle()
      group.refusesCommits = 0
      clock.advance(0)
      await settle()
      await refused
      await until(3)
      assert.deepEqual(told, ['assigned', 'lost', 'assigned'])
      await consumer.commit(commitOf(10))
      assert.deepEqual(group.stored, [{ memberEpoch: 7, position: 10 }])
    })
  }

  for (const [what, code] of [
    ['its topic was deleted', 100],
    ['its topic was deleted, by a broker that knows it by its name', 3],
    ['its topic may not be read any more', 29],
  ] as const) {
    it(`says of a refused commit that it is about its partition, so that others go on: ${what}`, async (t) => {
      const { group, consumer } = await aMember(t)
      group.refusesCommits = code
      await assert.rejects(consumer.commit(commitOf(5)), { code: 'PYR_COMMIT_REFUSED', retriable: false })
    })
  }

  it('has not settled from when the group counts it out until it takes it in again, however long that is answered with no epoch', async (t) => {
    const { clock, group, consumer, settle } = await aMember(t)
    assert.equal(consumer.unsettledSince(), undefined)
    group.beats.splice(0, group.beats.length, { code: UNKNOWN_MEMBER }, { memberEpoch: 0, assignment: null })
    clock.advance(1_000)
    await settle()
    const since = consumer.unsettledSince()
    assert.ok(since !== undefined)
    for (let minute = 0; minute < 15; minute += 1) {
      clock.advance(60_000)
      await settle()
    }
    assert.equal(consumer.unsettledSince(), since)
    group.beats.splice(0, group.beats.length, { memberEpoch: 7, assignment: all })
    clock.advance(60_000)
    await settle()
    assert.equal(consumer.unsettledSince(), undefined)
  })
})
