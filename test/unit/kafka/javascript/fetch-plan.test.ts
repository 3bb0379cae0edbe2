import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FetchLimits } from '../../../../framework/kafka/javascript/fetch-limits.ts'
import { FetchPlan } from '../../../../framework/kafka/javascript/fetch-plan.ts'
import type {
  FetchedBlock,
  FetchedPartition,
  FetchRequest,
} from '../../../../framework/kafka/javascript/fetch-steps.ts'
import type { GroupPartition } from '../../../../framework/kafka/javascript/membership-steps.ts'

const TOPIC = 'a3c5f4b0-0000-4000-8000-000000000001'
const limits: FetchLimits = {
  maxBytes: 1_000_000,
  minShareBytes: 64_000,
  maxShareBytes: 128_000,
  partitionBufferBytes: 500_000,
  totalBufferBytes: 2_000_000,
  minWaitMs: 100,
  maxWaitMs: 500,
  shortWaitMs: 20,
}
const at = (partition: number): GroupPartition => ({ topicId: TOPIC, partition })

/** A block of records that are their partition and offset. */
function block(partition: number, from: number, end: number, bytes = 1_000): FetchedBlock<string> {
  const read = (first: number, max: number, into: string[]): number => {
    const until = Math.min(end, Math.max(first, from) + max)
    for (let offset = Math.max(first, from); offset < until; offset += 1) into.push(`${partition}@${offset}`)
    return until
  }
  return { bytes, end, leaderEpoch: 1, corruptAt: undefined, read }
}

/** A plan that knows its leaders: partition n is led by broker n modulo `brokers`, at epoch 5. */
function planOf(partitions: number, brokers = 1, of: Partial<FetchLimits> = {}): FetchPlan<string> {
  const plan = new FetchPlan<string>({ ...limits, ...of })
  const all = Array.from({ length: partitions }, (_, partition) => at(partition))
  plan.assign(all.map((each) => ({ ...each, position: 0 })))
  assert.equal(plan.step(0).asksLeaders, true)
  plan.leadersTold(
    all.map((each) => ({ ...each, leaderId: each.partition % brokers, leaderEpoch: 5 })),
    0,
  )
  return plan
}

function only(plan: FetchPlan<string>, nowMs = 0): FetchRequest {
  const { requests } = plan.step(nowMs)
  assert.equal(requests.length, 1)
  return requests[0] as FetchRequest
}

function answer(plan: FetchPlan<string>, id: number, ...partitions: Partial<FetchedPartition<string>>[]): void {
  const whole = partitions.map((each) => ({ ...at(0), errorCode: 0, lastStableOffset: 9, ...each }))
  plan.answered(id, { errorCode: 0, partitions: whole }, 0)
}

const order = ({ partitions }: FetchRequest) => partitions.map(({ partition }) => partition)

describe('the fetch plan', () => {
  it('asks each broker for the partitions that it leads, with one fetch at a time and the leader’s epoch', () => {
    const plan = planOf(3, 2)
    const { requests } = plan.step(0)
    assert.deepEqual(
      requests.map((request) => [request.brokerId, order(request)]),
      [
        [0, [0, 2]],
        [1, [1]],
      ],
    )
    const [asked] = requests[1]?.partitions ?? []
    const where = { fetchOffset: 0, currentLeaderEpoch: 5, lastFetchedEpoch: -1, partitionMaxBytes: 128_000 }
    assert.deepEqual(asked, { ...at(1), ...where })
    assert.deepEqual(plan.step(0).requests, [])
    answer(plan, requests[1]?.id ?? 0, { ...at(1), block: block(1, 0, 7) })
    const next = only(plan)
    assert.deepEqual([next.partitions[0]?.fetchOffset, next.partitions[0]?.lastFetchedEpoch], [7, 1])
  })

  it('divides a response in equal shares, within its limits', () => {
    const shareOf = (partitions: number) => only(planOf(partitions)).partitions[0]?.partitionMaxBytes
    assert.deepEqual([1, 10, 100].map(shareOf), [128_000, 100_000, 64_000])
  })

  it('lets a broker that has nothing wait for a tenth of a second, as what is assigned meanwhile waits for that, and longer only for many', () => {
    const waitOf = (partitions: number) => only(planOf(partitions)).maxWaitMs
    assert.deepEqual([1, 100, 250, 1_000].map(waitOf), [100, 100, 250, 500])
  })

  it('puts whoever has just had data at the end, so that each is once the first', () => {
    const plan = planOf(3)
    const first = only(plan)
    assert.deepEqual(order(first), [0, 1, 2])
    answer(plan, first.id, { block: block(0, 0, 5) }, { ...at(1), block: 'partial' }, at(2))
    assert.deepEqual(order(only(plan)), [1, 2, 0])
  })

  it('asks who leads when a broker is silent for three seconds beyond its wait, follows, and leaves what that broker answers later', () => {
    const plan = planOf(2, 2)
    const { requests } = plan.step(0)
    const frozen = requests.find(({ brokerId }) => brokerId === 1)
    assert.ok(frozen !== undefined)
    assert.equal(plan.wakeAtMs, 3_100)
    assert.equal(plan.step(3_099).asksLeaders, false)
    assert.equal(plan.step(3_100).asksLeaders, true)
    // It is led as before, so it is asked for again some time later.
    plan.leadersTold([{ ...at(1), leaderId: 1, leaderEpoch: 5 }], 3_100)
    assert.equal(plan.step(6_099).asksLeaders, false)
    assert.equal(plan.step(6_100).asksLeaders, true)
    answer(plan, requests.find(({ brokerId }) => brokerId === 0)?.id ?? 0)
    plan.leadersTold([{ ...at(1), leaderId: 0, leaderEpoch: 6 }], 6_100)
    assert.deepEqual(order(only(plan, 6_100)), [0, 1])
    answer(plan, frozen.id, { ...at(1), block: block(1, 0, 5) })
    assert.deepEqual(plan.handOut(10, 6_100), [])
  })

  it('does not ask at once again where a whole response has brought a part of a batch only', () => {
    const plan = planOf(1)
    answer(plan, only(plan).id, { block: 'partial' })
    assert.deepEqual(plan.step(0).requests, [])
    assert.equal(plan.wakeAtMs, 100)
    assert.deepEqual(order(only(plan, 100)), [0])
  })

  it('leaves paused and full partitions out, and has the broker wait short meanwhile', () => {
    const plan = planOf(3)
    const first = only(plan)
    assert.equal(first.maxWaitMs, limits.minWaitMs)
    plan.pause([at(1)])
    answer(plan, first.id, { block: block(0, 0, 5, limits.partitionBufferBytes) })
    const second = only(plan)
    assert.deepEqual([order(second), second.maxWaitMs], [[2], limits.shortWaitMs])
    plan.resume([at(1)])
    assert.equal(plan.handOut(10, 0).length, 5)
    answer(plan, second.id)
    const third = only(plan)
    assert.deepEqual([order(third), third.maxWaitMs], [[1, 2, 0], limits.minWaitMs])
  })

  it('counts blocks whole until their last record is handed out', () => {
    const plan = planOf(1)
    answer(plan, only(plan).id, { block: block(0, 0, 5, limits.partitionBufferBytes) })
    assert.equal(plan.handOut(4, 0).length, 4)
    assert.deepEqual(plan.step(0).requests, [])
    assert.equal(plan.handOut(4, 0).length, 1)
    assert.equal(only(plan).partitions[0]?.fetchOffset, 5)
  })

  it('goes on with the others when paused partitions hold as much as all together may', () => {
    const plan = planOf(3, 1, { partitionBufferBytes: 3_000_000 })
    answer(plan, only(plan).id, { block: block(0, 0, 5, limits.totalBufferBytes) })
    assert.deepEqual(plan.step(0).requests, [])
    plan.pause([at(0)])
    const next = only(plan)
    assert.deepEqual(order(next), [1, 2])
    answer(plan, next.id, { ...at(1), block: block(1, 0, 5) })
    assert.deepEqual(plan.step(0).requests, [])
    assert.equal(plan.handOut(10, 0).length, 5)
    assert.deepEqual(order(only(plan)), [2, 1])
  })

  it('hands out an equal share of each partition, then what is left of the others’', () => {
    const plan = planOf(3)
    const blocks = [block(0, 0, 50), block(1, 0, 2), block(2, 0, 50)]
    answer(plan, only(plan).id, ...blocks.map((each, partition) => ({ ...at(partition), block: each })))
    const records = plan.handOut(12, 0)
    assert.equal(records.length, 12)
    assert.deepEqual(records.slice(0, 6), ['0@0', '0@1', '0@2', '0@3', '1@0', '1@1'])
    assert.equal(records.filter((record) => record.startsWith('2')).length >= 5, true)
  })

  it('loses nothing of the others to a block that cannot be read, and meets it again', () => {
    const plan = planOf(2)
    const read = (): number => {
      throw new Error('compressed in another way')
    }
    const bad = { ...block(0, 0, 5), read }
    answer(plan, only(plan).id, { ...at(1), block: block(1, 0, 3) }, { block: bad })
    assert.deepEqual(plan.handOut(10, 0), ['1@0', '1@1', '1@2'])
    assert.throws(() => plan.handOut(10, 0), /another way/)
    assert.throws(() => plan.handOut(10, 0), /another way/)
  })

  it('follows a leader that is named with the refusal, without asking, and asks where none is named', () => {
    const plan = planOf(1)
    const currentLeader = { leaderId: 3, leaderEpoch: 6 }
    answer(plan, only(plan).id, { errorCode: 74, lastStableOffset: -1, currentLeader })
    const step = plan.step(0)
    assert.deepEqual([step.asksLeaders, step.events], [false, []])
    const [request] = step.requests
    assert.deepEqual([request?.brokerId, request?.partitions[0]?.currentLeaderEpoch], [3, 6])
    answer(plan, request?.id ?? 0, { errorCode: 75, lastStableOffset: -1 })
    const later = plan.step(200)
    assert.deepEqual([later.asksLeaders, later.requests.length], [true, 1])
  })

  it('does not follow leaders of an older epoch, as a broker tells that is behind', () => {
    const plan = planOf(1)
    plan.leadersTold([{ ...at(0), leaderId: 8, leaderEpoch: 4 }], 0)
    assert.equal(only(plan).brokerId, 0)
  })

  it('asks the new leader while a fetch is out at the old one, whose answer then counts no more', () => {
    const plan = planOf(1)
    const old = only(plan)
    plan.leadersTold([{ ...at(0), leaderId: 1, leaderEpoch: 6 }], 0)
    const now = only(plan)
    assert.equal(now.brokerId, 1)
    answer(plan, old.id, { block: block(0, 0, 5) })
    assert.deepEqual(plan.handOut(10, 0), [])
    answer(plan, now.id, { block: block(0, 0, 5) })
    assert.equal(plan.handOut(10, 0).length, 5)
  })

  it('goes to the first record from a position outside, keeps what retention has overtaken, and stays where it is inside after all', () => {
    const table = [
      { bounds: { logStart: 7, logEnd: 20 }, handedOut: 5, next: 7 },
      { bounds: { logStart: 0, logEnd: 2 }, handedOut: 0, next: 0 },
      { bounds: { logStart: 0, logEnd: 20 }, handedOut: 5, next: 5 },
    ]
    for (const { bounds, handedOut, next } of table) {
      const plan = planOf(1)
      answer(plan, only(plan).id, { block: block(0, 0, 5) })
      answer(plan, only(plan).id, { errorCode: 1, lastStableOffset: -1 })
      const { lookUps, requests } = plan.step(0)
      assert.equal(requests.length, 0)
      const [lookUp] = lookUps
      assert.ok(lookUp !== undefined)
      assert.deepEqual([lookUp.brokerId, lookUp.currentLeaderEpoch], [0, 5])
      plan.boundsTold(lookUp.id, bounds, 0)
      const { requests: again, events } = plan.step(100)
      assert.deepEqual(events, next === 5 ? [] : [{ kind: 'out-of-range', ...at(0), from: 5, position: next }])
      assert.equal(again[0]?.partitions[0]?.fetchOffset, next)
      assert.equal(plan.handOut(10, 0).length, handedOut)
    }
  })

  it('begins a partition without a position at the first record, and tells nothing', () => {
    const plan = new FetchPlan<string>(limits)
    plan.assign([{ ...at(0), position: undefined }])
    plan.step(0)
    plan.leadersTold([{ ...at(0), leaderId: 0, leaderEpoch: 0 }], 0)
    const [lookUp] = plan.step(0).lookUps
    plan.boundsTold(lookUp?.id ?? 0, { logStart: 30, logEnd: 40 }, 0)
    const { events, requests } = plan.step(0)
    assert.deepEqual([events, requests[0]?.partitions[0]?.fetchOffset], [[], 30])
  })

  it('goes back to where a log was cut, and hands out nothing that was fetched of the old one', () => {
    const plan = planOf(1)
    answer(plan, only(plan).id, { block: block(0, 0, 8) })
    assert.equal(plan.handOut(5, 0).length, 5)
    answer(plan, only(plan).id, { divergingEpoch: { epoch: 0, endOffset: 6 } })
    const step = plan.step(0)
    assert.deepEqual(step.events, [{ kind: 'truncated', ...at(0), from: 8, position: 5 }])
    const [asked] = step.requests[0]?.partitions ?? []
    assert.deepEqual([asked?.fetchOffset, asked?.lastFetchedEpoch], [5, 0])
    assert.deepEqual(plan.handOut(10, 0), [])
  })

  it('fetches a damaged batch again, and hands out nothing behind it', () => {
    const plan = planOf(1)
    const damaged: FetchedBlock<string> = {
      ...block(0, 0, 9),
      corruptAt: 4,
      read: (from, _max, into) => {
        for (let offset = from; offset < 4; offset += 1) into.push(`0@${offset}`)
        return 4
      },
    }
    answer(plan, only(plan).id, { block: damaged })
    assert.equal(plan.handOut(50, 0).length, 4)
    const { events, requests } = plan.step(0)
    assert.deepEqual([events, requests], [[{ kind: 'corrupt', ...at(0), position: 4 }], []])
    assert.equal(only(plan, 100).partitions[0]?.fetchOffset, 4)
  })

  it('tells of what a broker refuses and tries it again later, of whole responses too', () => {
    const plan = planOf(1)
    answer(plan, only(plan).id, { errorCode: 29, lastStableOffset: -1 })
    assert.deepEqual(plan.step(0).events, [{ kind: 'refused', ...at(0), code: 29 }])
    const again = only(plan, 100)
    plan.answered(again.id, { errorCode: 35, partitions: [] }, 100)
    const { events, requests } = plan.step(100)
    assert.deepEqual([events, requests], [[{ kind: 'broker-refused', brokerId: 0, code: 35 }], []])
    assert.equal(plan.wakeAtMs, 200)
  })

  it('knows where the log of a partition ends, as last heard', () => {
    const plan = planOf(1)
    assert.equal(plan.logEnd(at(0)), undefined)
    answer(plan, only(plan).id, { lastStableOffset: 42 })
    assert.equal(plan.logEnd(at(0))?.offset, 42)
  })
})
