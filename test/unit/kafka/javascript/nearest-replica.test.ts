/** Reading from a replica that is nearer than the leader: how the fetch plan goes there, and how it comes back. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KafkaWriter } from '../../../../framework/kafka/javascript/binding.ts'
import { FetchPlan } from '../../../../framework/kafka/javascript/fetch-plan.ts'
import type { FetchedPartition, FetchRequest } from '../../../../framework/kafka/javascript/fetch-steps.ts'
import { heartbeatCall } from '../../../../framework/kafka/javascript/group-calls.ts'

const of = { topicId: 'a3c5f4b0-0000-4000-8000-000000000001', partition: 0 }
const LEADER = 1
const NEAREST = 2
const OUT_OF_RANGE = 1

/** A plan whose one partition has been sent to a replica that is nearer. */
function sentToNearest() {
  const plan = new FetchPlan<string>({
    ...{ maxBytes: 1_000_000, minShareBytes: 64_000, maxShareBytes: 128_000 },
    ...{ partitionBufferBytes: 500_000, totalBufferBytes: 2_000_000, minWaitMs: 100, maxWaitMs: 500, shortWaitMs: 20 },
  })
  plan.assign([{ ...of, position: 7 }])
  plan.step(0)
  plan.leadersTold([{ ...of, leaderId: LEADER, leaderEpoch: 5 }], 0)
  const request = (nowMs: number): FetchRequest => {
    const { requests } = plan.step(nowMs)
    assert.equal(requests.length, 1)
    return requests[0] as FetchRequest
  }
  const answer = ({ id }: FetchRequest, partition: Partial<FetchedPartition<string>>, nowMs: number) =>
    plan.answered(id, { errorCode: 0, partitions: [{ ...of, errorCode: 0, lastStableOffset: 9, ...partition }] }, nowMs)
  const first = request(0)
  assert.deepEqual([first.brokerId, first.asksNearest], [LEADER, true])
  answer(first, { preferredReplica: NEAREST }, 0)
  return { plan, request, answer }
}

/** Broker and position of a request, and whether a nearer replica may be named. */
const facts = ({ brokerId, asksNearest, partitions }: FetchRequest) => [
  brokerId,
  asksNearest,
  partitions[0]?.fetchOffset,
]

describe('the fetch plan, where the leader of a partition has named a nearer replica', () => {
  it('reads from that at once, and from the same position', () => {
    const { request } = sentToNearest()
    assert.deepEqual(facts(request(0)), [NEAREST, true, 7])
  })

  for (const [what, partition] of [
    ['is behind the position', { errorCode: OUT_OF_RANGE }],
    ['has another past', { divergingEpoch: { epoch: 4, endOffset: 3 } }],
  ] as const) {
    it(`goes back to the leader with its position where that replica ${what}, and is not sent there again for a minute`, () => {
      const { plan, request, answer } = sentToNearest()
      answer(request(0), partition, 10)
      const again = request(10)
      assert.deepEqual(facts(again), [LEADER, false, 7])
      assert.deepEqual(plan.step(10).events, [])
      answer(again, {}, 20)
      assert.deepEqual(facts(request(61_000)), [LEADER, true, 7])
    })
  }

  it('goes back to the leader where that replica does not answer', () => {
    const { plan, request } = sentToNearest()
    plan.failed(request(0).id, 10)
    assert.deepEqual(facts(request(10)), [LEADER, false, 7])
  })

  it('asks the leader again after five minutes, as another replica may be nearer by then', () => {
    const { request, answer } = sentToNearest()
    answer(request(0), {}, 299_000)
    const last = request(299_000)
    assert.equal(last.brokerId, NEAREST)
    answer(last, {}, 301_000)
    assert.deepEqual(facts(request(301_000)), [LEADER, true, 7])
  })

  it('asks a new leader first', () => {
    const { plan, request } = sentToNearest()
    plan.leadersTold([{ ...of, leaderId: 3, leaderEpoch: 6 }], 0)
    assert.deepEqual(facts(request(0)), [3, true, 7])
  })
})

describe('a heartbeat', () => {
  it('says where its member runs', () => {
    const texts: unknown[] = []
    const writer = new Proxy({} as KafkaWriter, {
      get: (_target, method) => (value: unknown) => {
        if (method === 'appendString') texts.push(value)
        return writer
      },
    })
    const member = { group: 'g', memberId: 'm', instanceId: null, rack: 'eu-1a', memberEpoch: 0 }
    heartbeatCall({ ...member, rebalanceTimeoutMs: 1, topics: [], owned: null }).write(writer, 1)
    assert.deepEqual(texts.slice(0, 4), ['g', 'm', null, 'eu-1a'])
  })
})
