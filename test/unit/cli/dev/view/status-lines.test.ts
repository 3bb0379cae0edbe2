/** The answer to `?` in `pyrallel dev`: what is going on, and why records wait. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { statusLines } from '../../../../../cli/dev/view/status-lines.ts'
import { painter } from '../../../../../cli/terminal/paint.ts'
import { aBlockingRecord, aGroup, aHandlerState, aPartition, aSystem } from '../../../observability/snapshots.ts'

const linesOf = (...args: Parameters<typeof aGroup>) =>
  statusLines(aSystem({ groups: [aGroup(...args)] }), painter(false))

describe('what waits, as `pyrallel dev` tells it', () => {
  it('is one line where all is well', () => {
    assert.deepEqual(linesOf(), ['shop  assigned, 0 in flight, 0 ready or behind one of their key, 0 wait for a retry'])
  })

  it('says what holds a handler back', () => {
    const handlers = [
      aHandlerState(),
      aHandlerState({ handlerId: 'ship', rateLimit: 5, isHeldByRate: true, openBreakers: 1 }),
      aHandlerState({ handlerId: 'tell', isPaused: true, adaptiveLimit: 12, openBreakers: 2 }),
    ]
    assert.deepEqual(linesOf({ handlers }).slice(1), [
      '  ship  held back by its rate of 5 a second, 1 poisoned key',
      '  tell  paused, at most 12 of 100 at once, by its adaptive limit, 2 poisoned keys',
    ])
  })

  it('names the records that block, those that have for longest first, and the last error', () => {
    const lastError = { reason: 'handler', name: 'TypeError', message: 'no' } as const
    const partitions = [
      aPartition({ blocking: aBlockingRecord({ offset: 7, ageMs: 1_000 }) }),
      aPartition({ partition: 1, blocking: aBlockingRecord({ offset: 8, ageMs: 9_000, state: 'waiting', lastError }) }),
    ]
    const [, first, second] = linesOf({ partitions })
    assert.match(first ?? '', /^ {2}orders\[1\]@8 {2}c1 {2}waits for attempt 1, for 9000 ms {2}TypeError: no$/)
    assert.match(second ?? '', /^ {2}orders\[0\]@7 {2}c1 {2}attempt 1 runs/)
  })

  it('counts what is parked, and says after which attempt', () => {
    const [group, blocking] = linesOf({
      parked: 2,
      partitions: [aPartition({ blocking: aBlockingRecord({ state: 'parked', attempt: 4 }) })],
    })
    assert.match(group ?? '', /, 2 parked/)
    assert.match(blocking ?? '', /is parked after attempt 3, for /)
  })

  it('knows the handler of a topic that is one of several', () => {
    const partitions = [aPartition({ topic: 'payments', blocking: aBlockingRecord({ state: 'queued' }) })]
    const handlers = [aHandlerState({ topic: 'orders,payments', isPaused: true })]
    assert.match(linesOf({ handlers, partitions }).at(-1) ?? '', /payments\[0\].*waits for p/)
  })

  for (const [why, state, expected] of [
    [
      'its handler is paused',
      { isPaused: true, isHeldByRate: true, rateLimit: 5 },
      'waits for p, which lets its handler go on',
    ],
    ['the rate holds it back', { isHeldByRate: true, rateLimit: 5, inFlight: 100 }, 'waits for its rate of 5 a second'],
    ['the limit is reached', { inFlight: 100 }, 'waits for one of the 100 slots'],
    ['abandoned handlers keep slots', { inFlight: 100, capacity: 98, abandoned: 2 }, 'waits for one of the 98 slots'],
    [
      'there are slots, as far as no one has been given up',
      { inFlight: 99, capacity: 98, abandoned: 2 },
      'is about to start',
    ],
    ['nothing holds it back', { inFlight: 99 }, 'is about to start'],
  ] as const) {
    it(`says why a queued record waits where ${why}`, () => {
      const partitions = [aPartition({ blocking: aBlockingRecord({ state: 'queued' }) })]
      const lines = linesOf({ handlers: [aHandlerState(state)], partitions })
      assert.match(lines.at(-1) ?? '', new RegExp(`${expected}, for `))
    })
  }

  it('says so when nothing runs', () => {
    assert.deepEqual(statusLines(undefined, painter(false)), ['nothing runs: see the mistake above'])
  })
})
