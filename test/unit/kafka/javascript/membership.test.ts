import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GroupMembership } from '../../../../framework/kafka/javascript/membership.ts'
import type {
  GroupPartition,
  HeartbeatRequest,
  MembershipEvent,
} from '../../../../framework/kafka/javascript/membership-steps.ts'

const TOPIC = 'a3c5f4b0-0000-4000-8000-000000000001'
const INTERVAL_MS = 5_000
const REBALANCE_MS = 60_000

const parts = (...partitions: number[]): GroupPartition[] =>
  partitions.map((partition) => ({ topicId: TOPIC, partition }))

/** A membership with a clock, and the coordinator's answers said by hand. */
class Desk {
  readonly membership: GroupMembership
  now = 0
  events: MembershipEvent[] = []

  constructor({ isStatic = false } = {}) {
    const nameLimitMs = isStatic ? 45_000 : undefined
    this.membership = new GroupMembership({ topics: ['orders'], rebalanceTimeoutMs: REBALANCE_MS, nameLimitMs })
  }

  /** What is sent now, if anything. */
  step(): HeartbeatRequest | undefined {
    const { events, request } = this.membership.step(this.now)
    this.events.push(...events)
    return request
  }

  sent(): HeartbeatRequest {
    const request = this.step()
    assert.ok(request !== undefined, 'nothing is sent')
    return request
  }

  answer(memberEpoch: number, assignment: readonly GroupPartition[] | null, request = this.sent()): HeartbeatRequest {
    this.membership.answered(request.id, { memberEpoch, heartbeatIntervalMs: INTERVAL_MS, assignment }, this.now)
    return request
  }

  refuse(code: number, request = this.sent()): HeartbeatRequest {
    this.membership.refused(request.id, code, this.now)
    return request
  }

  take(): MembershipEvent[] {
    const request = this.step()
    // What is sent meanwhile stays unanswered, so that the next step says nothing.
    if (request !== undefined) this.membership.unanswered(request.id, this.now)
    return this.events.splice(0)
  }

  kinds(): string[] {
    return this.events.splice(0).map(({ kind }) => kind)
  }

  /** Joined, with these, and all that has to be said is said. */
  static joined(partitions: readonly GroupPartition[], options = {}): Desk {
    const desk = new Desk(options)
    desk.answer(2, partitions)
    if (partitions.length > 0) desk.answer(2, partitions)
    assert.equal(desk.step(), undefined)
    desk.events = []
    return desk
  }
}

describe('the membership of a group', () => {
  it('joins at epoch 0 with topics, rebalance time-out and an empty list, then says nothing more than that it is there', () => {
    const desk = new Desk()
    const join = desk.answer(1, [])
    const full = { memberEpoch: 0, topics: ['orders'], rebalanceTimeoutMs: REBALANCE_MS, owned: [] }
    assert.deepEqual(join, { id: 1, ...full, findsCoordinator: true })
    assert.equal(desk.step(), undefined)
    assert.equal(desk.membership.wakeAtMs, INTERVAL_MS)
    desk.now = INTERVAL_MS
    const unchanged = { memberEpoch: 1, topics: null, rebalanceTimeoutMs: -1, owned: null, findsCoordinator: false }
    assert.deepEqual(desk.answer(1, null), { id: 2, ...unchanged })
  })

  it('keeps the interval that it had when the coordinator names 0', () => {
    const desk = Desk.joined([])
    desk.now = INTERVAL_MS
    const { id } = desk.sent()
    desk.membership.answered(id, { memberEpoch: 2, heartbeatIntervalMs: 0, assignment: null }, desk.now)
    assert.equal(desk.membership.wakeAtMs, 2 * INTERVAL_MS)
  })

  it('reports partitions as given up when their revoke has settled, and not before', () => {
    const desk = Desk.joined(parts(0, 1))
    desk.now = INTERVAL_MS
    desk.answer(2, parts(0))
    assert.equal(desk.step(), undefined)
    assert.deepEqual(desk.events, [{ kind: 'revoke', revokeId: 1, partitions: parts(1) }])
    assert.deepEqual(desk.membership.owned(parts(0, 1)), parts(0, 1))
    desk.now = 2 * INTERVAL_MS
    assert.equal(desk.answer(2, null).owned, null)
    desk.membership.revoked(1, desk.now)
    assert.deepEqual(desk.membership.owned(parts(0, 1)), parts(0))
    assert.deepEqual(desk.answer(3, parts(0)).owned, parts(0))
    assert.equal(desk.membership.grant?.memberEpoch, 3)
  })

  it('gives partitions up by itself before the rebalance time-out that the group counts from an answer that was lost', () => {
    const desk = Desk.joined(parts(0))
    desk.now = INTERVAL_MS
    desk.membership.unanswered(desk.sent().id, INTERVAL_MS + 20_000)
    desk.now = INTERVAL_MS + 30_000
    assert.deepEqual(desk.answer(2, []).owned, parts(0))
    assert.deepEqual(
      desk.take().map(({ kind }) => kind),
      ['revoke'],
    )
    assert.equal(desk.membership.wakeAtMs <= INTERVAL_MS + 0.8 * REBALANCE_MS, true)
    desk.now = INTERVAL_MS + 0.8 * REBALANCE_MS
    const report = desk.sent()
    assert.deepEqual(report.owned, [])
    assert.deepEqual(desk.events, [{ kind: 'lost', partitions: parts(0), why: 'overdue' }])
  })

  it('lets a revoke that was overdue take nothing away when it settles after the partition has come back', () => {
    const desk = Desk.joined(parts(0))
    desk.now = INTERVAL_MS
    desk.answer(2, [])
    desk.now += 0.8 * REBALANCE_MS
    desk.answer(3, [])
    desk.now += INTERVAL_MS
    desk.answer(4, parts(0))
    desk.membership.revoked(1, desk.now)
    assert.deepEqual(desk.membership.owned(parts(0)), parts(0))
  })

  it('says everything after a heartbeat that was not answered, to the coordinator as it is then found', () => {
    const desk = Desk.joined(parts(0))
    desk.now = INTERVAL_MS
    desk.membership.unanswered(desk.sent().id, desk.now)
    assert.equal(desk.step(), undefined)
    desk.now = desk.membership.wakeAtMs
    const full = { memberEpoch: 2, topics: ['orders'], rebalanceTimeoutMs: REBALANCE_MS, owned: parts(0) }
    assert.deepEqual(desk.sent(), { id: 4, ...full, findsCoordinator: true })
  })

  it('has lost everything and joins anew when the group has forgotten it', () => {
    for (const code of [25, 69]) {
      const desk = Desk.joined(parts(0))
      desk.now = INTERVAL_MS
      desk.refuse(code)
      assert.deepEqual(desk.membership.owned(parts(0)), [])
      assert.equal(desk.membership.grant, undefined)
      const join = desk.sent()
      assert.deepEqual([join.memberEpoch, join.owned], [0, []])
      assert.deepEqual(desk.kinds(), ['refused', 'lost'])
    }
  })

  it('gives a static name back before it joins anew after a fence, as the group would refuse the join', () => {
    const desk = Desk.joined(parts(0), { isStatic: true })
    desk.now = INTERVAL_MS
    desk.refuse(110)
    assert.equal(desk.answer(-2, null).memberEpoch, -2)
    assert.equal(desk.answer(5, parts(0)).memberEpoch, 0)
    assert.deepEqual(desk.kinds(), ['refused', 'lost'])
  })

  it('gives a static name back that a join without an answer may have taken, and waits for one that is another’s', () => {
    const desk = new Desk({ isStatic: true })
    desk.membership.unanswered(desk.sent().id, 0)
    desk.now = desk.membership.wakeAtMs
    assert.equal(desk.refuse(111).memberEpoch, 0)
    assert.equal(desk.refuse(82).memberEpoch, -2)
    desk.now = desk.membership.wakeAtMs
    assert.equal(desk.refuse(111).memberEpoch, 0)
    assert.equal(desk.kinds().filter((kind) => kind === 'name-in-use').length, 1)
    while (desk.membership.wakeAtMs < Number.POSITIVE_INFINITY) {
      desk.now = desk.membership.wakeAtMs
      const request = desk.step()
      if (request !== undefined) desk.refuse(111, request)
    }
    desk.step()
    assert.deepEqual(desk.events.at(-1), { kind: 'failed', code: 111 })
  })

  it('ends for good when its static name is another’s, or when the same request would be refused for ever', () => {
    for (const code of [82, 23, 24, 30, 35, 42, 81, 112, 128]) {
      const desk = Desk.joined(parts(0), { isStatic: true })
      desk.now = INTERVAL_MS
      desk.refuse(code)
      assert.equal(desk.step(), undefined)
      assert.deepEqual(desk.kinds(), ['refused', 'lost', 'failed'])
      assert.equal(desk.membership.wakeAtMs, Number.POSITIVE_INFINITY)
    }
  })

  it('takes the coordinator for another one after 15 and 16, waits for the same after 14, and tells of every refusal', () => {
    for (const [code, findsCoordinator] of [
      [15, true],
      [16, true],
      [14, false],
      [-1, false],
    ] as const) {
      const desk = Desk.joined(parts(0))
      desk.now = INTERVAL_MS
      desk.refuse(code)
      assert.equal(desk.step(), undefined)
      assert.deepEqual(desk.events, [{ kind: 'refused', code, isJoin: false }])
      desk.now = desk.membership.wakeAtMs
      assert.equal(desk.now, INTERVAL_MS + 100)
      const again = desk.sent()
      assert.deepEqual([again.memberEpoch, again.owned, again.findsCoordinator], [2, parts(0), findsCoordinator])
    }
  })

  it('joins again at the interval where a join is answered with epoch 0, as the mock broker does', () => {
    const desk = new Desk()
    desk.answer(0, [])
    assert.equal(desk.step(), undefined)
    assert.equal(desk.membership.grant, undefined)
    desk.now = INTERVAL_MS
    assert.equal(desk.answer(1, parts(0)).memberEpoch, 0)
    assert.deepEqual(desk.membership.owned(parts(0)), parts(0))
  })

  it('joins anew when its leave before that is answered by a fence, or by a group that does not know it', () => {
    for (const code of [110, 25]) {
      const desk = Desk.joined(parts(0), { isStatic: true })
      desk.now = INTERVAL_MS
      desk.refuse(110)
      assert.equal(desk.refuse(code).memberEpoch, -2)
      assert.equal(desk.sent().memberEpoch, 0)
    }
  })

  it('has left when the group does not know it any more, and when it has never joined', () => {
    const known = Desk.joined([])
    known.membership.leave(0)
    assert.equal(known.refuse(25).memberEpoch, -1)
    known.step()
    assert.deepEqual(known.events.at(-1), { kind: 'left', isTold: true })
    const unknown = new Desk()
    unknown.membership.leave(0)
    assert.equal(unknown.step(), undefined)
    assert.deepEqual(unknown.kinds(), ['left'])
  })

  it('takes a group that it cannot join for one of another kind', () => {
    const desk = new Desk()
    desk.refuse(69)
    desk.step()
    assert.deepEqual(desk.events.at(-1), { kind: 'failed', code: 69 })
  })

  it('leaves when all that it owns is let go, and at last without the coordinator’s word', () => {
    const desk = Desk.joined(parts(0))
    desk.membership.leave(0)
    assert.deepEqual(desk.answer(2, null).memberEpoch, 2)
    assert.deepEqual(desk.kinds(), ['revoke'])
    desk.membership.revoked(1, 0)
    const leave = desk.sent()
    assert.equal(leave.memberEpoch, -1)
    desk.now = desk.membership.wakeAtMs
    assert.equal(desk.now, 5_000)
    desk.step()
    assert.deepEqual(desk.events, [{ kind: 'left', isTold: false }])
    desk.membership.leave(desk.now)
    assert.equal(desk.step(), undefined)
  })

  it('gives up in time while it leaves what the group wants back, too', () => {
    const desk = Desk.joined(parts(0, 1))
    desk.now = INTERVAL_MS
    const heartbeat = desk.sent()
    desk.now = INTERVAL_MS + 10_000
    desk.membership.leave(desk.now)
    desk.answer(2, parts(0), heartbeat)
    desk.now = INTERVAL_MS + 0.8 * REBALANCE_MS
    desk.step()
    const lost = { kind: 'lost', partitions: parts(0, 1), why: 'overdue' }
    assert.deepEqual(desk.events.at(-1), lost)
  })

  it('answers for what a refused commit means: filtered and sent again now, after a heartbeat, or not at all', () => {
    const desk = Desk.joined(parts(0))
    const early = desk.membership.grant
    assert.ok(early !== undefined)
    assert.equal(desk.membership.commitRefused(16, early, 0), 'retry')
    assert.equal(desk.membership.commitRefused(12, early, 0), 'final')
    assert.equal(desk.membership.commitRefused(113, early, 0), 'later')
    assert.deepEqual(desk.answer(3, parts(0)).owned, parts(0))
    assert.equal(desk.membership.commitRefused(113, early, 0), 'again')
    const late = desk.membership.grant
    assert.ok(late !== undefined)
    assert.equal(desk.membership.commitRefused(25, late, 0), 'lost')
    desk.answer(4, parts(0))
    // Of the session before: this one goes on.
    assert.equal(desk.membership.commitRefused(25, late, 0), 'lost')
    assert.deepEqual(desk.membership.owned(parts(0)), parts(0))
  })

  it('ignores an answer to anything but the heartbeat that is out', () => {
    const desk = Desk.joined(parts(0))
    desk.now = INTERVAL_MS
    const request = desk.sent()
    desk.membership.unanswered(request.id, desk.now)
    desk.answer(9, [], request)
    assert.equal(desk.membership.grant?.memberEpoch, 2)
    assert.deepEqual(desk.membership.owned(parts(0)), parts(0))
  })
})

describe('topics that change', () => {
  it('are said at once, with all that is owned, and nothing is given up for them', () => {
    const desk = new Desk()
    desk.answer(1, parts(0, 1))
    desk.answer(1, null)
    desk.events = []
    desk.membership.changeTopics(['orders', 'payments'], desk.now)
    const said = desk.answer(2, parts(0, 1, 2))
    assert.deepEqual([said.topics, said.owned], [['orders', 'payments'], parts(0, 1)])
    assert.deepEqual(desk.take(), [{ kind: 'assigned', partitions: parts(2) }])
  })

  it('are said again where a heartbeat with those of before was under way', () => {
    const desk = new Desk()
    const join = desk.sent()
    desk.membership.changeTopics(['payments'], desk.now)
    desk.answer(1, null, join)
    assert.deepEqual(desk.sent().topics, ['payments'])
  })

  it('may be none: nobody is asked for anything before there is one', () => {
    const membership = new GroupMembership({ topics: [], rebalanceTimeoutMs: REBALANCE_MS, nameLimitMs: undefined })
    assert.equal(membership.step(0).request, undefined)
    assert.deepEqual([membership.wakeAtMs, membership.isSettled], [Number.POSITIVE_INFINITY, true])
    membership.changeTopics(['orders'], 5)
    assert.deepEqual(membership.step(5).request?.topics, ['orders'])
  })
})
