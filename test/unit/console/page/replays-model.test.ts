import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  areMasked,
  emptyForm,
  planBody,
  planLines,
  refusedLines,
  replayText,
  targetText,
} from '../../../../framework/console/page/models/replays.ts'
import type { AboutAnswer } from '../../../../framework/console/protocol.ts'
import type { ReplayAnswer } from '../../../../framework/console/protocol-actions.ts'

const replay: ReplayAnswer = {
  id: 'r',
  topic: 'orders.dlq',
  state: 'running',
  isWaiting: false,
  startedAt: 1_000,
  endedAt: null,
  planned: 40,
  published: [
    { target: 'orders', records: 10 },
    { target: 'payments', records: 2 },
  ],
  notMarked: 0,
  unknown: 0,
  skipped: [],
  error: null,
}

describe('publishing dead letters again, in words', () => {
  it('sends what was typed, and leaves out what was not', () => {
    assert.deepEqual(planBody(emptyForm, {}), { select: {}, limit: 1_000, maxReplays: 3 })
    const typed = { to: 'orders', limit: '5', maxReplays: '9', handlerId: 'pay', since: '2026-11-28T14:30', until: '' }
    const sinceAt = new Date('2026-11-28T14:30').getTime()
    assert.deepEqual(planBody(typed, { fingerprint: 'f' }), {
      select: { fingerprint: 'f', handlerId: 'pay', sinceAt },
      to: 'orders',
      limit: 5,
      maxReplays: 9,
    })
  })

  it('tells what a plan would publish, what it leaves out and why', () => {
    assert.equal(targetText(replay.published), '10 to orders, 2 to payments')
    const refused = refusedLines([{ why: 'replayed-too-often', records: 1_200 }])
    assert.deepEqual(refused, ['1,200 left out: published again too often already, and failed each time'])
    const plan = { plan: 'p', expiresAt: 0, counts: [], refused: [], left: 7, isCut: true }
    assert.equal(planLines(plan).length, 2)
    assert.deepEqual(planLines({ ...plan, left: 0, isCut: false }), [])
  })

  it('tells how a replay stands, and is alarmed by what is not marked or not known', () => {
    const running = replayText(replay, 4_000)
    assert.equal(running.headline, 'Publishing: 12 of 40 letters for 3.0 s')
    assert.equal(running.isBad, false)
    const [waits] = replayText({ ...replay, isWaiting: true }, 3_000).lines
    assert.equal(waits, 'waits for partitions: another replay has them, or one that was killed')
    const done = { ...replay, state: 'done', endedAt: 61_000, notMarked: 3, unknown: 1 } as const
    const text = replayText(done, 90_000)
    assert.equal(text.headline, 'Published: 12 of 40 letters in 1 min')
    assert.equal(text.isBad, true)
    assert.equal(text.lines.length, 3)
    const failed = { ...replay, state: 'failed', error: { name: 'Error', message: 'gone' } } as const
    assert.ok(replayText(failed, 4_000).lines.includes('Error: gone'))
  })

  it('knows that letters are masked by the topic that their handler reads', () => {
    const handlers = [{ handlerId: 'pay', topic: 'orders' }]
    const about = { shownTopics: [], groups: [{ group: 'shop', handlers }] } as Partial<AboutAnswer> as AboutAnswer
    assert.equal(areMasked(about, ['pay']), true)
    assert.equal(areMasked({ ...about, shownTopics: ['orders'] }, ['pay']), false)
    assert.equal(areMasked({ ...about, shownTopics: null }, ['pay']), false)
    assert.equal(areMasked(undefined, ['pay']), false)
    const both = [{ group: 'shop', handlers: [...handlers, { handlerId: 'pay', topic: 'payments' }] }]
    assert.equal(areMasked({ ...about, shownTopics: ['orders'], groups: both }, ['pay']), true)
  })
})
