import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { GroupMetrics } from '../../../framework/model/snapshot.ts'
import { liveness, readiness } from '../../../framework/observability/health.ts'
import { aBlockingRecord, aGroup, aPartition, aSystem } from './snapshots.ts'

const STALL_MS = 60_000

describe('readiness', () => {
  it('is given with partitions, and without them where the others of the group have all', () => {
    for (const membership of ['assigned', 'idle'] as const) {
      const { isWell, why } = readiness(aSystem({ groups: [aGroup({ membership })] }), STALL_MS)
      assert.deepEqual([isWell, why], [true, []], membership)
    }
  })

  it('is not given before the group is joined, nor while it is being left', () => {
    for (const membership of ['joining', 'leaving', 'left'] as const) {
      const { isWell, why } = readiness(aSystem({ groups: [aGroup({ membership })] }), STALL_MS)
      assert.deepEqual([isWell, why], [false, [`group shop is ${membership}`]])
    }
  })

  it('is not given while the runtime does not run', () => {
    for (const state of ['new', 'starting', 'stopping', 'stopped', 'failed'] as const) {
      assert.deepEqual(readiness(aSystem({ state }), STALL_MS).why, [`the runtime is ${state}`])
    }
  })

  it('is lost when a client is not polled for longer than allowed, and not before', () => {
    const after = (sincePollMs: number | null) => readiness(aSystem({ groups: [aGroup({ sincePollMs })] }), STALL_MS)
    assert.deepEqual(after(60_001).why, ['group shop has not polled for 60 s'])
    assert.equal(after(60_000).isWell, true)
    assert.equal(after(null).isWell, true)
  })

  it('is lost by an exactly-once group with partitions that stand, and names them', () => {
    const standing = [3, 4].map((partition) => aPartition({ partition, isRefused: true }))
    const partitions = [aPartition(), ...standing]
    const transactions = { waiting: 2, waitingBytes: 9, openMs: null }
    const of = (group: Partial<GroupMetrics>) => readiness(aSystem({ groups: [aGroup(group)] }), STALL_MS)
    assert.deepEqual(of({ transactions, partitions }).why, [
      'partitions of group shop stand, as brokers refuse their transactions: orders[3], orders[4]',
    ])
    assert.equal(of({ transactions, partitions: [aPartition()] }).isWell, true)
    const many = Array.from({ length: 7 }, (_, partition) => aPartition({ partition, isRefused: true }))
    assert.match(of({ transactions, partitions: many }).why.join(), /orders\[4\], and 2 more$/)
  })

  it('needs every group, and names those that are not ready', () => {
    const groups = [aGroup(), aGroup({ group: 'audit', membership: 'joining' })]
    assert.deepEqual(readiness(aSystem({ groups }), STALL_MS).why, ['group audit is joining'])
  })
})

describe('readiness by what the coordinator says', () => {
  it('is lost when it has not answered for two thirds of the session, and names the time', () => {
    const group = aGroup({ sinceAnswerMs: 31_000, isCutOff: true })
    const why = ['the coordinator of group shop has not answered for 31 s']
    assert.deepEqual(readiness(aSystem({ groups: [group] }), STALL_MS), { isWell: false, why })
    assert.equal(readiness(aSystem({ groups: [{ ...group, membership: 'idle' }] }), STALL_MS).isWell, false)
    assert.equal(readiness(aSystem({ groups: [aGroup({ sinceAnswerMs: 29_000 })] }), STALL_MS).isWell, true)
  })
})

describe('liveness', () => {
  it('is lost when brokers have refused the credentials for 5 minutes, and not because nobody answers', () => {
    const after = (refusedMs: number | null) =>
      liveness(aSystem({ groups: [aGroup({ refusedMs, isCutOff: true, sinceAnswerMs: 3_600_000 })] }))
    assert.deepEqual(after(300_000).why, ['the brokers have refused the credentials of group shop for 5 minutes'])
    assert.deepEqual([after(299_999).isWell, after(null).isWell], [true, true])
  })

  it('is lost when a member has hung in a rebalance for longer than twice the poll interval, and not a moment before', () => {
    const after = (unsettledMs: number | null) =>
      liveness(aSystem({ groups: [aGroup(), aGroup({ group: 'audit', unsettledMs, unsettledLimitMs: 600_000 })] }))
    assert.deepEqual(after(600_001).why, ['the member of group audit has hung in a rebalance for 600 s'])
    assert.deepEqual([after(600_000).isWell, after(null).isWell], [true, true])
  })

  it('is kept by a process that a record blocks, that takes nothing in, or whose work nobody commits', () => {
    const blocking = aBlockingRecord({ ageMs: 86_400_000, attempt: 4_000 })
    const partitions = [aPartition({ blocking, openBreakers: 9, trueLag: 1_000_000 })]
    const group = aGroup({ partitions, intake: 'paused', intakeReason: 'records', stoppedBecause: 'uncommitted' })
    assert.equal(liveness(aSystem({ groups: [group] })).isWell, true)
    assert.equal(liveness(aSystem({ state: 'stopping', groups: [{ ...group, membership: 'leaving' }] })).isWell, true)
  })

  it('is lost only when a consumer cannot go on', () => {
    for (const state of ['new', 'starting', 'running', 'stopping', 'stopped'] as const) {
      assert.equal(liveness(aSystem({ state })).isWell, true, state)
    }
    assert.equal(liveness(aSystem({ state: 'failed' })).isWell, false)
  })
})
