import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Logger } from '../../../framework/model/logger.ts'
import type { BlockingRecord, PartitionMetrics } from '../../../framework/model/snapshot.ts'
import { BLOCKED_AFTER_MS, BlockingWatch } from '../../../framework/observability/blocking-watch.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { aBlockingRecord, aGroup, aPartition, aSystem } from './snapshots.ts'

/** A watch over partitions that the test puts in place. */
function aWatch() {
  const clock = new ManualClock()
  const warnings: { readonly fields: object; readonly sentence: string }[] = []
  const log: Logger = {
    debug() {},
    info() {},
    warn: (fields, sentence) => warnings.push({ fields, sentence }),
    error() {},
    child: () => log,
  }
  let partitions: readonly PartitionMetrics[] = []
  const watch = new BlockingWatch({ snapshot: () => aSystem({ groups: [aGroup({ partitions })] }), log, clock })
  watch.start()
  return {
    clock,
    warnings,
    watch,
    /** The next look of the watch finds this. */
    find(blocking: BlockingRecord | null, over: Partial<PartitionMetrics> = {}) {
      partitions = [aPartition({ blocking, ...over })]
      clock.advance(10_000)
    },
  }
}

describe('the watch for what blocks', () => {
  it('names key, offset, age, attempt and error of an offset that blocks for long, and how much it holds back', () => {
    const { find, warnings } = aWatch()
    const lastError = { reason: 'handler', name: 'TypeError', message: 'no' } as const
    find(aBlockingRecord({ offset: 7, key: 'c9', ageMs: 61_000.4, state: 'waiting', attempt: 3, lastError }), {
      trueLag: 12,
      gaps: { offsets: 5, stretches: 1, span: 6 },
    })
    assert.deepEqual(warnings, [
      {
        sentence: 'one offset holds back its partition: nothing above it can be committed',
        fields: {
          group: 'shop',
          topic: 'orders',
          partition: 0,
          offset: 7,
          key: 'c9',
          ageMs: 61_000,
          state: 'waiting',
          attempt: 3,
          lastError,
          trueLag: 12,
          gapOffsets: 5,
        },
      },
    ])
  })

  it('is silent about what blocks for a short time, or nothing', () => {
    const { find, warnings } = aWatch()
    find(aBlockingRecord({ ageMs: BLOCKED_AFTER_MS - 1 }))
    find(null)
    assert.equal(warnings.length, 0)
  })

  it('says it again only when the time has doubled', () => {
    const { find, warnings } = aWatch()
    for (const ageMs of [60_000, 70_000, 119_999, 120_000, 130_000, 239_999, 240_000]) find(aBlockingRecord({ ageMs }))
    assert.deepEqual(
      warnings.map(({ fields }) => 'ageMs' in fields && fields.ageMs),
      [60_000, 120_000, 240_000],
    )
  })

  it('does not count the time in which the handler is paused by hand, and warns when it has blocked for long without a pause', () => {
    const { find, warnings } = aWatch()
    find(aBlockingRecord({ ageMs: 300_000, unpausedMs: 0 }))
    find(aBlockingRecord({ ageMs: 359_999, unpausedMs: 59_999 }))
    assert.equal(warnings.length, 0)
    find(aBlockingRecord({ ageMs: 360_000, unpausedMs: 60_000 }))
    find(aBlockingRecord({ ageMs: 419_999, unpausedMs: 119_999 }))
    find(aBlockingRecord({ ageMs: 420_000, unpausedMs: 120_000 }))
    assert.deepEqual(
      warnings.map(({ fields }) => 'ageMs' in fields && fields.ageMs),
      [360_000, 420_000],
    )
  })

  it('begins anew for another offset, and for another assignment', () => {
    const { find, warnings } = aWatch()
    find(aBlockingRecord({ offset: 1, ageMs: 70_000 }))
    find(aBlockingRecord({ offset: 2, ageMs: 70_000 }))
    find(aBlockingRecord({ offset: 2, ageMs: 70_000 }), { epoch: 2 })
    assert.equal(warnings.length, 3)
  })

  it('leaves no timer behind', () => {
    const { clock, watch, find } = aWatch()
    find(null)
    watch.stop()
    assert.equal(clock.pendingTimers, 0)
  })
})
