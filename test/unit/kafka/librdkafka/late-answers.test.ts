/** How a consumer goes on after an answer of its group that came too late, on a scripted native client. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RebalanceListener } from '../../../../framework/kafka/kafka-client.ts'
import { LOOK_EVERY_MS, STEADY_MS } from '../../../../framework/kafka/librdkafka/late-answer-watch.ts'
import type { DescribedMember } from '../../../../framework/kafka/librdkafka/own-assignment.ts'
import { ASSIGN, REVOKE, scripted } from '../scripted-consumer.ts'

const p = (partition: number) => ({ topic: 'orders', partition })
const LATE_LINE = {
  severity: 5,
  fac: 'REQTMOUT',
  message: 'GroupCoordinator/1: Timed out ConsumerGroupHeartbeatRequest in flight (after 5012ms, timeout #0)',
}
const REJOINED_AT_MS = LOOK_EVERY_MS + STEADY_MS
const DENIED = { message: 'Broker: Group authorization failed', code: 30 }

/** A member that holds `orders[0]`, of a group that says what the test has it say. */
async function watched() {
  const group: { members: readonly DescribedMember[]; asked: number; answer: () => Promise<void> } = {
    members: [{ clientId: 'me', assigned: [p(0)], target: [p(0)] }],
    asked: 0,
    answer: async () => {},
  }
  const members = async () => {
    group.asked += 1
    await group.answer()
    return group.members
  }
  const scene = await scripted({ books: { clientId: 'me', members } })
  await scene.rebalance(ASSIGN, [p(0)])
  const { clock, native, lines } = scene
  let isHeld = true
  native.subscriptionEnds = () => {
    if (isHeld) void scene.rebalance(REVOKE, [p(0)])
    isHeld = false
  }
  return {
    ...scene,
    group,
    late: () => native.emit('event.log', LATE_LINE),
    /** Look by look, as they would come. */
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 1_000) await clock.advanceAndSettle(Math.min(left, 1_000))
    },
    warned: () => lines.filter(({ level }) => level === 'warn').map(({ message }) => message),
    /** In the order in which librdkafka was asked, behind the first subscription. */
    asked: () =>
      native.calls
        .map(([name]) => name)
        .filter((name) => /subscribe$|Unassign$/.test(name))
        .slice(1),
  }
}

/** @returns what ends the drain */
function heldRevoke(listener: Pick<RebalanceListener, 'onRevoked'>): () => void {
  let drained = () => {}
  listener.onRevoked = () =>
    new Promise((resolve) => {
      drained = resolve
    })
  return () => drained()
}

const given = (...partitions: readonly number[]): readonly DescribedMember[] => [
  { clientId: 'me', assigned: partitions.map(p), target: partitions.map(p) },
]

describe('an answer of the group that came too late', () => {
  it('has the member look, and do nothing where it holds what the group says', async () => {
    const { group, late, pass, warned, asked, clock, consumer } = await watched()
    late()
    await pass(10 * LOOK_EVERY_MS)
    assert.deepEqual([group.asked, asked()], [2, []])
    assert.deepEqual(warned(), ['the group has answered a heartbeat too late: it is asked what this member has'])
    assert.equal(clock.pendingTimers, 0)
    await consumer.close()
  })

  it('has nobody asked as long as none came', async () => {
    const { group, pass, clock } = await watched()
    await pass(10 * LOOK_EVERY_MS)
    assert.deepEqual([group.asked, clock.pendingTimers], [0, 0])
  })

  it('has a member that does not read what it was given leave in order, and join again', async () => {
    const { group, late, pass, warned, asked, told, lines, native, consumer } = await watched()
    group.members = given(0, 1)
    late()
    await pass(REJOINED_AT_MS - 1_000)
    assert.deepEqual(asked(), [])
    await pass(2_000)
    assert.deepEqual(asked(), ['unsubscribe', 'incrementalUnassign', 'subscribe'])
    assert.deepEqual(native.named('subscribe'), [[['orders']], [['orders']]])
    assert.deepEqual(told.slice(1), [['revoked', p(0)]])
    assert.equal(warned().at(-1), 'this member and its group do not agree: it leaves the group and joins again')
    assert.deepEqual(lines.find(({ message }) => message.startsWith('this member and its group'))?.fields, {
      why: 'does not read what the group has given it: orders[1]',
    })
    assert.equal(lines.at(-1)?.message, 'this member has left its group, and joins it again')
    assert.equal(consumer.unsettledSince(), undefined)
    await pass(10 * LOOK_EVERY_MS)
    assert.equal(group.asked, 3)
  })

  it('does not join again before what it holds is given up, and reads then what it is to read by then', async () => {
    const { group, late, pass, asked, native, listener, consumer, settle } = await watched()
    group.members = given(0, 1)
    const drained = heldRevoke(listener)
    late()
    await pass(REJOINED_AT_MS + 20_000)
    assert.deepEqual(asked(), ['unsubscribe'])
    assert.notEqual(consumer.unsettledSince(), undefined)
    await consumer.changeTopics(['orders', 'invoices'])
    assert.deepEqual(asked(), ['unsubscribe'])
    drained()
    await settle()
    await settle()
    assert.deepEqual(asked(), ['unsubscribe', 'incrementalUnassign', 'subscribe'])
    assert.deepEqual(native.named('subscribe').at(-1), [['orders', 'invoices']])
  })

  it('does not have a member join again that is closed meanwhile', async () => {
    const { group, late, pass, asked, listener, consumer, clock, settle } = await watched()
    group.members = given(0, 1)
    const drained = heldRevoke(listener)
    late()
    await pass(REJOINED_AT_MS)
    const closed = consumer.close()
    drained()
    for (let turn = 0; turn < 10; turn++) await settle()
    await closed
    assert.deepEqual(asked(), ['unsubscribe', 'unsubscribe', 'incrementalUnassign'])
    assert.equal(clock.pendingTimers, 0)
  })

  it('is looked at no more by a member that is closed', async () => {
    const { group, late, pass, consumer, clock, asked } = await watched()
    group.members = given(0, 1)
    late()
    await consumer.close()
    await pass(10 * LOOK_EVERY_MS)
    late()
    assert.deepEqual([group.asked, clock.pendingTimers, asked()], [0, 0, ['unsubscribe', 'incrementalUnassign']])
  })

  it('keeps a close waiting for a question that is under way', async () => {
    const { group, late, pass, native, consumer, settle } = await watched()
    let answer = () => {}
    group.answer = () =>
      new Promise((resolve) => {
        answer = resolve
      })
    late()
    await pass(LOOK_EVERY_MS)
    assert.equal(group.asked, 1)
    const closed = consumer.close()
    for (let turn = 0; turn < 10; turn++) await settle()
    assert.deepEqual(native.named('disconnect'), [])
    answer()
    await closed
    assert.equal(native.named('disconnect').length, 1)
  })

  it('is not judged while what the member holds changes', async () => {
    const { group, late, pass, asked, listener, rebalance } = await watched()
    group.members = given()
    listener.onRevoked = () => new Promise(() => {})
    late()
    await rebalance(REVOKE, [p(0)])
    await pass(10 * LOOK_EVERY_MS)
    assert.deepEqual([group.asked, asked()], [0, []])
  })

  it('is not judged by what the group has said before a change', async () => {
    const { group, late, pass, asked, rebalance } = await watched()
    group.members = given(1)
    let turn = 0
    // Each time one partition more.
    group.answer = () => rebalance(ASSIGN, [p(++turn + 1)])
    late()
    await pass(5 * LOOK_EVERY_MS)
    assert.deepEqual([group.asked, asked()], [5, []])
  })

  it('is asked about again where nobody answers', async () => {
    const { group, late, pass, asked, warned } = await watched()
    group.members = given(0, 1)
    group.answer = () => Promise.reject(Object.assign(new Error('Local: Timed out'), { code: -185 }))
    late()
    await pass(5 * LOOK_EVERY_MS)
    assert.deepEqual([group.asked, asked(), warned().length], [5, [], 1])
    group.answer = async () => {}
    await pass(STEADY_MS + LOOK_EVERY_MS)
    assert.deepEqual(asked(), ['unsubscribe', 'incrementalUnassign', 'subscribe'])
  })

  it('is only told, once for all, where the group may not be asked', async () => {
    const { group, late, pass, asked, lines } = await watched()
    group.members = given(0, 1)
    group.answer = () => Promise.reject(DENIED)
    const refusals = () => lines.filter(({ message }) => message.startsWith('the group does not say what'))
    for (const times of [1, 2]) {
      late()
      await pass(5 * LOOK_EVERY_MS)
      assert.deepEqual([group.asked, refusals().length], [times, 1])
    }
    assert.deepEqual(refusals()[0]?.fields, { code: 30, why: DENIED.message })
    assert.deepEqual(asked(), [])
  })

  it('ends a member that cannot join again, in words', async () => {
    const { group, late, pass, native, consumer } = await watched()
    group.members = given(0, 1)
    native.throwing.set('subscribe', new Error('Local: Erroneous state'))
    late()
    await pass(REJOINED_AT_MS + 1_000)
    await assert.rejects(consumer.poll(1, 0), /Erroneous state/)
  })

  it('is only told for a member whose group is not asked, as one with a static name', async () => {
    const { native, lines, clock } = await scripted()
    native.emit('event.log', LATE_LINE)
    assert.deepEqual(
      lines.map(({ level, message, fields }) => [level, message, fields]),
      [
        [
          'warn',
          'the group has answered a heartbeat too late: if a partition stands from now on, start this member again',
          { why: LATE_LINE.message },
        ],
      ],
    )
    assert.equal(clock.pendingTimers, 0)
  })
})
