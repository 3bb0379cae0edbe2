import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { liveness, readiness } from '../../../framework/observability/health.ts'
import { aGroup, aSystem } from './snapshots.ts'

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

  it('needs every group, and names those that are not ready', () => {
    const groups = [aGroup(), aGroup({ group: 'audit', membership: 'joining' })]
    assert.deepEqual(readiness(aSystem({ groups }), STALL_MS).why, ['group audit is joining'])
  })
})

describe('liveness', () => {
  it('is lost only when a consumer cannot go on', () => {
    for (const state of ['new', 'starting', 'running', 'stopping', 'stopped'] as const) {
      assert.equal(liveness(aSystem({ state })).isWell, true, state)
    }
    assert.equal(liveness(aSystem({ state: 'failed' })).isWell, false)
  })
})
