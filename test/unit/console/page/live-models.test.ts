import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  filterOf,
  noFilter,
  noRecords,
  sampledText,
  withLive,
} from '../../../../framework/console/page/models/live-records.ts'
import { timelineSteps } from '../../../../framework/console/page/models/timeline.ts'
import type { LiveFrame, LiveRow } from '../../../../framework/console/protocol-live.ts'
import type { Timeline } from '../../../../framework/console/protocol-records.ts'

function row(offset: number, over: Partial<LiveRow> = {}): LiveRow {
  return {
    group: 'shop',
    handlerId: 'ship',
    place: { topic: 'orders', partition: 0, offset },
    epoch: 1,
    key: null,
    valueBytes: 3,
    status: 'queued',
    attempt: 0,
    fetchedAt: 1_000,
    durationMs: null,
    error: null,
    ...over,
  }
}

function frame(rows: readonly LiveRow[], over: Partial<LiveFrame> = {}): LiveFrame {
  return { filter: 'f', at: 0, every: 1, rate: 10, rows, left: 0, ...over }
}

describe('live records of the console', () => {
  it('stand once each, the newest first, and change where they stand', () => {
    const before = withLive(noRecords, frame([row(1), row(2)]))
    const { rows } = withLive(before, frame([row(1, { status: 'done' }), row(3)]))
    assert.deepEqual(
      rows.map(({ place, status }) => `${place.offset} ${status}`),
      ['3 queued', '2 queued', '1 done'],
    )
  })

  it('of another assignment are others, though their offset is the same', () => {
    const { rows } = withLive(noRecords, frame([row(1), row(1, { epoch: 2 })]))
    assert.deepEqual(
      rows.map(({ epoch }) => epoch),
      [2, 1],
    )
  })

  it('are a hundred at most, and the oldest go', () => {
    let records = noRecords
    for (let offset = 0; offset < 250; offset++) records = withLive(records, frame([row(offset)]))
    assert.equal(records.rows.length, 100)
    assert.equal(records.rows[0]?.place.offset, 249)
    assert.equal(records.rows.at(-1)?.place.offset, 150)
  })

  it('say whether all are shown, how many arrive, and how many came too fast', () => {
    assert.equal(sampledText(noRecords), 'Nothing has come yet that the filter lets through.')
    assert.equal(sampledText(withLive(noRecords, frame([]))), '10/s arrive. All of them are shown.')
    let records = withLive(noRecords, frame([], { every: 25, rate: 5_000, left: 40 }))
    records = withLive(records, frame([], { every: 25, rate: 5_000, left: 2 }))
    assert.equal(sampledText(records), '5.0k/s arrive. One of 25 is shown; 42 came too fast to be told.')
  })

  it('are asked for by the fields that have something in them', () => {
    assert.deepEqual(filterOf(noFilter), {})
    const form = { ...noFilter, topic: 'orders', status: 'dead', key: 'AAE=', isBase64: true, text: 'x' } as const
    assert.deepEqual(filterOf({ ...form, header: 'a=b=c' }), {
      topic: 'orders',
      status: 'dead',
      keyBase64: 'AAE=',
      header: { name: 'a', value: 'b=c' },
      text: 'x',
    })
    assert.deepEqual(filterOf({ ...noFilter, key: 'k', header: 'a' }), { key: 'k', header: { name: 'a' } })
  })
})

describe('the timeline of a record', () => {
  const timeline: Timeline = {
    writtenAt: 1_000,
    fetchedAt: 1_040,
    attempts: [
      { attempt: 1, startedAt: 1_041, endedAt: 1_050, outcome: 'failed', error: 'GatewayError', published: [] },
      {
        attempt: 2,
        startedAt: 1_350,
        endedAt: 1_360,
        outcome: 'succeeded',
        error: null,
        published: [{ at: 1_355, topic: 'invoices' }],
      },
    ],
    doneAt: 1_360,
    committedAt: 1_500,
    leftAt: null,
  }

  it('tells its steps in their order, each with the time since the one before', () => {
    assert.deepEqual(
      timelineSteps(timeline).map(({ afterMs, says, isBad }) => `${afterMs} ${says}${isBad ? ' !' : ''}`),
      [
        'null written',
        '40 fetched and queued',
        '1 attempt 1 started',
        '9 attempt 1 failed: GatewayError !',
        '300 attempt 2 started',
        '5 published to invoices',
        '5 attempt 2 succeeded',
        '0 done',
        '140 committed',
      ],
    )
  })

  it('leaves out what has not happened yet, and says that a record comes again', () => {
    const [attempt] = timeline.attempts
    assert.ok(attempt !== undefined)
    const running = { ...attempt, endedAt: null, outcome: null, error: null }
    const steps = timelineSteps({
      ...timeline,
      writtenAt: null,
      attempts: [running],
      doneAt: null,
      committedAt: null,
      leftAt: 1_200,
    })
    assert.deepEqual(
      steps.map(({ says }) => says),
      ['fetched and queued', 'attempt 1 started', 'left with its partition: it comes again, here or elsewhere'],
    )
  })
})
