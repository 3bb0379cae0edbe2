/** Where a group begins that starts from `latest`: what comes after it has come is never skipped, whatever had been committed by then. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { skipWithout } from '../client-under-test.ts'
import { startKafka } from './kafka-harness.ts'
import type { MemberProcess } from './member-process.ts'
import { Scenario } from './scenario.ts'

// Long enough for two members of a classic group to join it at once.
const cluster = await startKafka({ config: { 'group.initial.rebalance.delay.ms': 1_000 } })
after(() => cluster.stop())

const times = (count: number, key: string) => Array.from({ length: count }, () => key)
/** How long added partitions may stay unnoticed. */
const NOTICED_WITHIN_MS = 10_000

/** Records that were there before the group, in each partition: never to be handled. */
async function produceOld(scenario: Scenario, partitions: number): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) {
    await scenario.produce(times(5, `old${partition}`), partition)
    for (let sequence = 1; sequence <= 5; sequence++) scenario.ledger.strike(`old${partition}`, sequence)
  }
}

function oldOnes(members: readonly MemberProcess[]): number {
  const started = members.flatMap(({ lines }) => lines.filter((line) => line.kind === 'start'))
  return started.filter((line) => line.kind === 'start' && line.key.startsWith('old')).length
}

for (const groupProtocol of ['consumer', 'classic'] as const) {
  describe(`a group that starts from 'latest', group protocol ${groupProtocol}`, {
    skip: groupProtocol === 'classic' && skipWithout('the classic group protocol'),
    concurrency: 2,
    timeout: 480_000,
  }, () => {
    it('handles all that comes while it is away, and all of partitions that are added', async (t) => {
      const scenario = await Scenario.open(t, cluster, { partitions: 4 }, { startFrom: 'latest', groupProtocol })
      await produceOld(scenario, 4)
      const first = await scenario.start()
      await scenario.untilShared(4)
      await scenario.produce(times(20, 'a'), 0)
      await scenario.untilAllHandled()
      await first.stop()
      for (let partition = 0; partition < 4; partition++) await scenario.produce(times(25, `b${partition}`), partition)
      await scenario.start()
      await scenario.untilAllHandled()
      await cluster.admin.addPartitions(scenario.topic, 8)
      const addedAt = performance.now()
      await scenario.produceEverywhere(8, 'c')
      await scenario.untilAllHandled()
      const tookMs = Math.round(performance.now() - addedAt)
      t.diagnostic(`records of the added partitions were handled ${tookMs} ms after these`)
      assert.ok(tookMs < NOTICED_WITHIN_MS, `${tookMs} ms`)
      const { repeats } = await scenario.finish()
      assert.deepEqual([repeats, oldOnes(scenario.members)], [0, 0])
    })

    it('handles nothing older than itself when two members join it at once', async (t) => {
      const scenario = await Scenario.open(t, cluster, { partitions: 4 }, { startFrom: 'latest', groupProtocol })
      await produceOld(scenario, 4)
      await Promise.all([scenario.start(), scenario.start()])
      await scenario.untilBalanced(4, scenario.alive)
      await scenario.produceMany(40, 16)
      const { repeats } = await scenario.finish()
      assert.deepEqual([repeats, oldOnes(scenario.members)], [0, 0])
    })
  })
}
