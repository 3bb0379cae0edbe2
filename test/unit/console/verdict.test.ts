import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Throughput } from '../../../framework/console/throughput.ts'
import { type KnownRates, verdictOf } from '../../../framework/console/verdict.ts'
import type { SystemMetrics } from '../../../framework/model/snapshot.ts'
import { aBlockingRecord, aGroup, aHandlerState, aPartition, aSystem } from '../observability/snapshots.ts'

const calm: KnownRates = { rate: 10, shrinking: 0, fenced: new Map() }
const failing = aBlockingRecord({ offset: 19, key: 'c9', state: 'waiting', attempt: 3, ageMs: 12_000 })
const withPartition = (over: Parameters<typeof aPartition>[0]) =>
  aSystem({ groups: [aGroup({ partitions: [aPartition(over)] })] })
const kindOf = (metrics: SystemMetrics, known = calm) => verdictOf(metrics, known).kind

describe('the verdict', () => {
  it('is healthy when everything is done, and when the backlog is no more than some seconds of work', () => {
    assert.equal(kindOf(aSystem()), 'healthy')
    assert.equal(kindOf(withPartition({ trueLag: 50 })), 'healthy')
  })

  it('is catching up, with the seconds that are left, when the backlog is more than that', () => {
    const metrics = withPartition({ trueLag: 900 })
    const verdict = verdictOf(metrics, { ...calm, rate: 100, shrinking: 30 })
    assert.deepEqual([verdict.kind, verdict.backlog, verdict.rate, verdict.secondsLeft], ['catching-up', 900, 100, 30])
    assert.equal(verdictOf(metrics, { ...calm, rate: 100, shrinking: -1 }).secondsLeft, null)
  })

  it('does not count as backlog what is done above a gap', () => {
    const metrics = withPartition({ trueLag: 900, gaps: { offsets: 890, stretches: 1, span: 900 } })
    assert.deepEqual([verdictOf(metrics, calm).kind, verdictOf(metrics, calm).backlog], ['healthy', 10])
  })

  it('names the record that blocks for longest, its key and since when', () => {
    const partitions = [
      aPartition({ partition: 1, blocking: failing }),
      aPartition({ partition: 2, blocking: { ...failing, ageMs: 30_000, unpausedMs: 30_000 } }),
    ]
    const metrics = aSystem({ groups: [aGroup({ partitions })] })
    const verdict = verdictOf(metrics, calm)
    assert.equal(verdict.kind, 'blocked')
    assert.deepEqual(verdict.place, { topic: 'orders', partition: 2, offset: 19 })
    assert.deepEqual([verdict.key, verdict.group], ['c9', 'shop'])
    assert.equal(verdict.sinceAt, metrics.takenAt - 30_000)
  })

  it('takes a parked record for blocked as soon as one that waits', () => {
    assert.equal(kindOf(withPartition({ blocking: { ...failing, state: 'parked' } })), 'blocked')
  })

  it('takes a record that runs for blocked after a minute only, and one of a paused handler never', () => {
    const running = { ...failing, state: 'in-flight' as const }
    assert.equal(kindOf(withPartition({ blocking: running })), 'healthy')
    assert.equal(kindOf(withPartition({ blocking: { ...running, unpausedMs: 60_000 } })), 'blocked')
    assert.equal(kindOf(withPartition({ blocking: { ...failing, ageMs: 90_000, unpausedMs: 0 } })), 'healthy')
  })

  it('says paused with the handlers, and blocked before paused', () => {
    const handlers = [aHandlerState({ isPaused: true }), aHandlerState({ handlerId: 'audit', isPaused: true })]
    const paused = aSystem({ groups: [aGroup({ handlers })] })
    assert.deepEqual(verdictOf(paused, calm).handlerIds, ['audit', 'bill'])
    assert.equal(kindOf(paused), 'paused')
    const both = aSystem({ groups: [aGroup({ handlers, partitions: [aPartition({ blocking: failing })] })] })
    assert.equal(kindOf(both), 'blocked')
  })

  it('says rebalancing while a group has no partitions yet, or gives some up', () => {
    assert.equal(kindOf(aSystem({ groups: [aGroup({ membership: 'joining' })] })), 'rebalancing')
    assert.equal(kindOf(withPartition({ isDraining: true })), 'rebalancing')
    assert.equal(kindOf(aSystem({ groups: [aGroup({ membership: 'idle' })] })), 'healthy')
  })

  it('says fenced of a group that joins again after its partitions were taken away', () => {
    const joining = aSystem({ groups: [aGroup({ membership: 'joining' })] })
    const verdict = verdictOf(joining, { ...calm, fenced: new Map([['shop', 5]]) })
    assert.deepEqual([verdict.kind, verdict.group, verdict.sinceAt], ['fenced', 'shop', 5])
  })

  it('says cut off, before all that follows from it', () => {
    const partitions = [aPartition({ blocking: failing })]
    const metrics = aSystem({ groups: [aGroup({ isCutOff: true, sinceAnswerMs: 40_000, partitions })] })
    const verdict = verdictOf(metrics, calm)
    assert.deepEqual([verdict.kind, verdict.sinceAt], ['cut-off', metrics.takenAt - 40_000])
    assert.equal(kindOf(aSystem({ groups: [aGroup({ stoppedBecause: 'uncommitted' })] })), 'cut-off')
  })

  it('says that a transaction has been open for five seconds, and since when', () => {
    const open = (openMs: number | null) =>
      aSystem({ groups: [aGroup({ transactions: { waiting: 3, waitingBytes: 900, openMs } })] })
    for (const openMs of [null, 40, 4_999]) assert.equal(kindOf(open(openMs)), 'healthy')
    const verdict = verdictOf(open(5_000), calm)
    assert.deepEqual([verdict.kind, verdict.group], ['transaction-open', 'shop'])
    assert.equal(verdict.sinceAt, open(5_000).takenAt - 5_000)
  })

  it('says that nothing starts as outputs wait to become visible, and does not take it for a cut-off', () => {
    const groups = [
      aGroup({ stoppedBecause: 'outputs', transactions: { waiting: 3, waitingBytes: 7e7, openMs: 9_000 } }),
    ]
    assert.equal(kindOf(aSystem({ groups })), 'outputs-full')
  })

  it('says that partitions stand as what they commit is refused, before what follows from it', () => {
    const partitions = [aPartition({ blocking: failing }), aPartition({ partition: 1, isRefused: true })]
    const groups = [aGroup({ stoppedBecause: 'outputs', partitions })]
    const verdict = verdictOf(aSystem({ groups }), calm)
    assert.deepEqual([verdict.kind, verdict.group, verdict.place], ['refused', 'shop', null])
    assert.equal(kindOf(aSystem({ groups: [aGroup({ isCutOff: true, partitions })] })), 'cut-off')
  })

  it('says what the process does when it does not run', () => {
    assert.equal(kindOf(aSystem({ state: 'starting' })), 'starting')
    assert.equal(kindOf(aSystem({ state: 'stopping' })), 'stopping')
    assert.equal(kindOf(aSystem({ state: 'failed' })), 'failed')
  })
})

describe('throughput out of snapshots', () => {
  const at = (seconds: number, over: Parameters<typeof aPartition>[0]) => ({
    ...withPartition(over),
    takenAt: seconds * 1_000,
  })

  it('counts what is done below and above the position, and by how much the backlog shrinks', () => {
    const throughput = new Throughput()
    assert.equal(throughput.rate, null)
    throughput.look(at(0, { position: 10, trueLag: 100 }))
    assert.equal(throughput.rate, null)
    throughput.look(at(2, { position: 20, trueLag: 90, gaps: { offsets: 10, stretches: 1, span: 11 } }))
    assert.equal(throughput.rate, 10)
    assert.equal(throughput.rateOf('shop', 'orders'), 10)
    assert.equal(throughput.rateOf('shop', 'other'), 0)
    assert.equal(throughput.shrinking, 10)
    assert.equal(throughput.total, 20)
  })

  it('takes the progress of another assignment for nobody’s work', () => {
    const throughput = new Throughput()
    throughput.look(at(0, { position: 10, epoch: 1 }))
    throughput.look(at(1, { position: 5_000, epoch: 2 }))
    assert.equal(throughput.rate, 0)
    throughput.look(at(2, { position: 5_001, epoch: 2 }))
    assert.equal(throughput.total, 1)
  })

  it('forgets what is older than ten seconds', () => {
    const throughput = new Throughput()
    throughput.look(at(0, { position: 0 }))
    throughput.look(at(10, { position: 1_000 }))
    for (const seconds of [20, 30]) throughput.look(at(seconds, { position: 1_000 }))
    assert.equal(throughput.rate, 0)
  })
})
