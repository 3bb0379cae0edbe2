/** Which broker is asked what any of them could answer, and for how long one that says nothing is waited for. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Brokers } from '../../../../framework/kafka/javascript/brokers.ts'
import type { ClusterMetadata } from '../../../../framework/kafka/javascript/cluster-calls.ts'
import { KafkaFault } from '../../../../framework/kafka/javascript/errors.ts'
import type { BrokerLink } from '../../../../framework/kafka/javascript/link.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'

const TRANSPORT = -195
const cluster: ClusterMetadata = { brokers: [], topics: [] }
const silent = () => new Promise<never>(() => {})
const answers = () => Promise.resolve(cluster)
const refuses = () => Promise.reject(new KafkaFault(TRANSPORT, 'refused'))

/** Brokers `a:1`, `b:1` and so on, each with what it does when it is asked. */
function brokersThat(...do_: (() => Promise<ClusterMetadata>)[]) {
  const clock = new ManualClock()
  const asked: string[] = []
  let allDown = 0
  const hosts = do_.map((_, index) => 'abc'.charAt(index))
  const link = (host: string) =>
    ({
      call: () => {
        asked.push(host)
        return do_[hosts.indexOf(host)]?.()
      },
      close() {},
    }) as unknown as BrokerLink
  const onAllDown = () => {
    allDown += 1
  }
  const brokers = new Brokers({ bootstrap: hosts.map((host) => `${host}:1`), clock, link, onAllDown })
  return { brokers, clock, asked, allDown: () => allDown }
}

describe('the brokers of a cluster', { timeout: 10_000 }, () => {
  it('are asked one after the other where one refuses, without a pause', async () => {
    const { brokers, asked, clock, allDown } = brokersThat(refuses, answers)
    await brokers.metadata([])
    assert.deepEqual(asked, ['a', 'b'])
    assert.deepEqual([clock.pendingTimers, allDown()], [0, 0])
  })

  it('are asked beside one that says nothing for a second, and the one that has answered is asked first from then on', async () => {
    const { brokers, asked, clock } = brokersThat(silent, answers, answers)
    const told = brokers.metadata([])
    await nextTurn()
    clock.advance(999)
    assert.deepEqual(asked, ['a'])
    clock.advance(1)
    await told
    assert.deepEqual(asked, ['a', 'b'])
    assert.equal(clock.pendingTimers, 0)
    await brokers.metadata([])
    assert.deepEqual(asked, ['a', 'b', 'b'])
  })

  it('are waited for as long as one of them may still answer', async () => {
    let answer: (told: ClusterMetadata) => void = () => {}
    const late = () =>
      new Promise<ClusterMetadata>((resolve) => {
        answer = resolve
      })
    const { brokers, asked, clock, allDown } = brokersThat(late, refuses)
    const told = brokers.metadata([])
    await nextTurn()
    clock.advance(1_000)
    await nextTurn()
    assert.deepEqual(asked, ['a', 'b'])
    answer(cluster)
    assert.equal(await told, cluster)
    assert.deepEqual([clock.pendingTimers, allDown()], [0, 0])
  })

  it('are told to be down, once, when all of them refuse', async () => {
    const { brokers, clock, allDown } = brokersThat(refuses, refuses)
    await assert.rejects(brokers.metadata([]), { code: TRANSPORT, message: 'refused' })
    await assert.rejects(brokers.metadata([]), { code: TRANSPORT })
    assert.deepEqual([clock.pendingTimers, allDown()], [0, 1])
  })
})
