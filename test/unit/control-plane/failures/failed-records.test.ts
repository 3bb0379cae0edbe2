/** What has failed is kept once, comes out once, and goes with its partition. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FailedRecords } from '../../../../framework/control-plane/failures/failed-records.ts'
import type { IncompleteRecord } from '../../../../framework/control-plane/failures/incomplete-record.ts'
import { RangeList } from '../../../../framework/control-plane/offsets/range-list.ts'
import { emptyTally } from '../../../../framework/control-plane/partition/handler-tally.ts'
import { PartitionState } from '../../../../framework/control-plane/partition/partition-state.ts'
import { nextEpoch } from '../../../../framework/control-plane/partition/partition-table.ts'
import { aFailure, aRecord, aRoute, of } from '../builders.ts'

function stateOf(partition: number): PartitionState {
  const start = { position: 0, metadata: '', restored: RangeList.empty }
  const settings = { maxMetadataLength: 0, maxOffsetSpan: 1_000 }
  return new PartitionState(of(partition), nextEpoch(), aRoute(), start, settings, emptyTally())
}

function incomplete(state: PartitionState, offset: number): IncompleteRecord {
  const pending = state.receive(aRecord(offset, { partition: state.partition }), 0)
  if (typeof pending === 'string') throw new Error('the record was not taken in')
  return { state, pending }
}

describe('FailedRecords', () => {
  it('keeps a pause like a retry, without counting an attempt, until it is due or ended for its handler', () => {
    const [failed, state] = [new FailedRecords(), stateOf(0)]
    const [due, ended] = [incomplete(state, 0), incomplete(state, 1)]
    failed.pauseUntil(10, due)
    failed.pauseUntil(20, ended)
    failed.retryAt(20, incomplete(state, 2))
    assert.deepEqual([due.pending.attempt, due.pending.state, state.load.retriesWaiting], [1, 'waiting', 3])
    assert.equal(failed.takeDue(10), due)
    assert.deepEqual(failed.endPauses('another handler'), [])
    assert.deepEqual(failed.endPauses('charge'), [ended])
    assert.deepEqual([failed.endPauses('charge'), state.load.retriesWaiting, failed.retriesWaiting], [[], 1, 1])
  })

  it('forgets pauses with their partition', () => {
    const [failed, state] = [new FailedRecords(), stateOf(0)]
    failed.pauseUntil(10, incomplete(state, 0))
    failed.forget(state)
    assert.deepEqual([failed.endPauses('charge'), failed.nextDueAt], [[], undefined])
  })

  it('keeps a retry until it is due, counts it for its partition, and counts the attempt', () => {
    const [failed, state] = [new FailedRecords(), stateOf(0)]
    const waiting = incomplete(state, 0)
    failed.retryAt(100, waiting)
    assert.deepEqual([failed.retriesWaiting, state.load.retriesWaiting, failed.nextDueAt], [1, 1, 100])
    assert.deepEqual([waiting.pending.state, waiting.pending.attempt], ['waiting', 2])
    assert.equal(failed.takeDue(99), undefined)
    assert.equal(failed.takeDue(100), waiting)
    assert.deepEqual([failed.retriesWaiting, state.load.retriesWaiting, failed.nextDueAt], [0, 0, undefined])
  })

  it('hands out each dead letter once, and counts it until it is acknowledged, once', () => {
    const [failed, state] = [new FailedRecords(), stateOf(0)]
    const dead = incomplete(state, 0)
    failed.bury(dead, 'dlq', aFailure(), 5)
    const [request, ...others] = failed.takeRequests()
    assert.ok(request !== undefined && others.length === 0)
    assert.deepEqual([request.topic, request.epoch, request.durationMs], ['dlq', state.epoch, 5])
    assert.equal(request.payload, 'full')
    assert.deepEqual([failed.takeRequests(), failed.deadLetters, state.load.deadLetters], [[], 1, 1])
    assert.equal(failed.isWanted(request), true)
    assert.equal(failed.acknowledge(request), dead)
    assert.equal(failed.acknowledge(request), undefined)
    assert.deepEqual([failed.isWanted(request), failed.deadLetters, state.load.deadLetters], [false, 0, 0])
  })

  it('forgets all of one partition and nothing of the others, handed out or not', () => {
    const [failed, gone, kept] = [new FailedRecords(), stateOf(0), stateOf(1)]
    for (const state of [gone, kept]) {
      failed.retryAt(100, incomplete(state, 0))
      failed.bury(incomplete(state, 1), 'dlq', aFailure(), 1)
    }
    const handedOut = failed.takeRequests()
    for (const state of [gone, kept]) failed.bury(incomplete(state, 2), 'dlq', aFailure(), 1)
    failed.forget(gone)
    assert.deepEqual([failed.retriesWaiting, failed.deadLetters], [1, 2])
    assert.equal(failed.takeDue(1_000)?.state, kept)
    assert.deepEqual(
      failed.takeRequests().map(({ record }) => record.partition),
      [1],
    )
    assert.deepEqual(
      handedOut.map((request) => failed.isWanted(request)),
      [false, true],
    )
  })
})
