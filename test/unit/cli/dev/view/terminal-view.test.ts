/** What a developer sees of each event, one by one and in a crowd. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JsonView } from '../../../../../cli/dev/view/json-view.ts'
import { TerminalView } from '../../../../../cli/dev/view/terminal-view.ts'
import { painter } from '../../../../../cli/terminal/paint.ts'
import type { RuntimeEvent } from '../../../../../framework/model/events.ts'
import type { Epoch } from '../../../../../framework/model/work.ts'
import { ManualClock } from '../../../../../framework/testing/manual-clock.ts'
import { aFailure, aRecord, dead, done, parked, retried } from '../../events.ts'

function aView() {
  const clock = new ManualClock()
  const lines: string[] = []
  const view = new TerminalView({
    clock,
    paint: painter(false),
    root: '/home/me/app',
    widths: { place: 14, handler: 6 },
    // The time of day differs between machines.
    write: (text) => lines.push(text.replace(/^ {2}\d\d:\d\d:\d\d {2}/, '').trimEnd()),
  })
  return { clock, lines, view }
}

function lineOf(event: RuntimeEvent, publishedTo: readonly string[] = []): string | undefined {
  const { lines, view, clock } = aView()
  view.onEvent(event, publishedTo)
  view.close()
  assert.equal(clock.pendingTimers, 0)
  assert.ok(lines.length <= 1)
  return lines[0]
}

const epoch = 1 as Epoch
const partition = { topic: 'orders', partition: 3, epoch }

describe('a line', () => {
  it('tells what ran, how long, and where it went', () => {
    assert.equal(lineOf(done(), ['invoices', 'invoices']), '✓ orders[2]@18    c1        charge  12 ms  → invoices')
    assert.equal(
      lineOf(done({ attempt: 3, durationMs: 1.25 })),
      '✓ orders[2]@18    c1        charge  1.3 ms  attempt 3',
    )
    assert.equal(lineOf(done({ batch: 50 })), '✓ orders[2]@18    c1        charge  12 ms for a batch of 50')
    assert.equal(lineOf(done({ filtered: true })), '○ orders[2]@18    c1        charge  filtered')
  })

  it('tells which attempt comes next, and when', () => {
    assert.equal(lineOf(retried()), '↻ orders[2]@18    c1        charge  attempt 2/5 in 400 ms  gateway busy')
  })

  it('tells what is parked, and whether its key goes on', () => {
    assert.match(lineOf(parked()) ?? '', /^■ .*parked after attempt 5, its key waits {2}gateway busy$/)
    assert.match(lineOf(parked({ isAlone: true })) ?? '', /its key goes on/)
  })

  it('tells where a record that was given up went, why, and the place in the handler', () => {
    const stack =
      'Error: gateway busy\n    at pay (file:///home/me/app/node_modules/x/index.js:1:2)\n    at run (/home/me/app/handlers/charge.ts:14:42)'
    assert.equal(
      lineOf(dead({ failure: { ...aFailure, stack } })),
      '✗ orders[2]@18    c1        charge  → orders.billing.dlq  gateway busy  after attempt 5  handlers/charge.ts:14:42',
    )
    assert.match(lineOf(dead({ deadLetterTopic: null })) ?? '', / dropped {2}gateway busy/)
  })

  it('names the kind of error where it says more than its message', () => {
    const failure = { ...aFailure, name: 'TypeError', message: 'x is not a function\nsecond line' }
    assert.match(lineOf(retried({ failure })) ?? '', /TypeError: x is not a function$/)
    const undecodable = { ...aFailure, name: 'UndecodableValue', reason: 'undecodable', message: 'not JSON' } as const
    assert.match(lineOf(dead({ failure: undecodable })) ?? '', / {2}not JSON {2}/)
  })

  it('cannot be broken by what is in a key or a message', () => {
    const record = aRecord({ key: Buffer.from('\u001b[2Jevil\nkey'.padEnd(500, 'x')) })
    const line = lineOf(retried({ record, failure: { ...aFailure, message: '\u001b]0;title\u0007' } })) ?? ''
    assert.ok(!/\p{Cc}/u.test(line), JSON.stringify(line))
    assert.ok(line.length < 120)
    assert.match(lineOf(done({ record: aRecord({ key: null }) })) ?? '', / - /)
  })

  for (const [event, expected] of [
    [
      { kind: 'dead-letter.failed', handlerId: 'charge', record: aRecord(), error: new Error('down'), delayMs: 500 },
      /not acknowledged, again in 500 ms.*down/,
    ],
    [{ kind: 'partition.rewound', ...partition, from: 9, to: 2 }, /orders\[3\] starts afresh at 2 \(was 9\)/],
    [
      { kind: 'metadata.dropped', ...partition, why: 'foreign' },
      /orders\[3\] commit metadata is not believed: foreign/,
    ],
    [{ kind: 'partitions.paused', partitions: [partition] }, /paused, the limits are reached: orders\[3\]/],
    [{ kind: 'partitions.resumed', partitions: [partition] }, /resumed: orders\[3\]/],
    [
      { kind: 'commit.failed', error: new Error('refused'), willRetry: true },
      /commit failed, will be tried again: refused/,
    ],
    [{ kind: 'stale.dropped', what: 'completion' }, /a completion of an earlier assignment was dropped/],
    [
      { kind: 'partition.lost', ...partition, leftBehind: 2, runsAgain: 2 },
      /- lost orders\[3\]; orders\[3\], 2 in flight were given up/,
    ],
    [
      { kind: 'partition.assigned', ...partition, position: 7, restored: 4 },
      /\+ assigned orders\[3\]; orders\[3\] goes on at 7 \(4 above it are done\)/,
    ],
  ] as const satisfies readonly (readonly [RuntimeEvent, RegExp])[]) {
    it(`is written for ${event.kind}`, () => {
      assert.match(lineOf(event) ?? '', expected)
    })
  }

  it('is not written for each commit, nor for an error that the client logs', () => {
    assert.equal(lineOf({ kind: 'commit.done', partitions: 1, tookMs: 1 }), undefined)
    assert.equal(lineOf({ kind: 'client.error', code: 'OTHER' }), undefined)
  })
})

describe('a crowd', () => {
  it('puts the partitions of one rebalance into one line', () => {
    const { clock, lines, view } = aView()
    for (const [topic, number, position] of [
      ['b', 1, 5],
      ['a', 1, undefined],
      ['a', 0, 7],
    ] as const) {
      view.onEvent({ kind: 'partition.assigned', topic, partition: number, epoch, position, restored: 0 }, [])
    }
    clock.advance(0)
    assert.deepEqual(lines, ['+ assigned a[0 1] b[1]; a[0] goes on at 7; b[1] goes on at 5'])
    view.onEvent({ kind: 'partition.revoked', topic: 'a', partition: 0, epoch, leftBehind: 0, runsAgain: 0 }, [])
    view.close()
    assert.equal(lines[1], '- revoked a[0]')
  })

  it('shows 20 lines of a second and sums up the rest by handler', () => {
    const { clock, lines, view } = aView()
    for (let count = 0; count < 50; count++) {
      view.onEvent(
        done({ handlerId: count % 2 === 0 ? 'charge' : 'audit', durationMs: 10 + count, filtered: count === 48 }),
        [],
      )
    }
    assert.equal(lines.length, 20)
    clock.advance(1_000)
    assert.deepEqual(lines.slice(20), [
      '✓ orders × 15               audit   45 ms on average, 59 ms at most',
      '✓ orders × 15               charge  44 ms on average, 58 ms at most  1 of them filtered',
    ])
  })

  it('sums up the next second from its beginning, and shows single lines again once it is calm', () => {
    const { clock, lines, view } = aView()
    for (let count = 0; count < 21; count++) view.onEvent(done(), [])
    clock.advance(1_000)
    const before = lines.length
    view.onEvent(done(), [])
    assert.equal(lines.length, before)
    clock.advance(1_000)
    assert.equal(lines.length, before + 1)
    view.onEvent(done(), [])
    assert.match(lines.at(-1) ?? '', /^✓ orders\[2\]@18/)
  })

  it('keeps retries and dead letters apart from the crowd of what went well', () => {
    const { lines, view } = aView()
    for (let count = 0; count < 40; count++) view.onEvent(done(), [])
    view.onEvent(retried(), [])
    view.onEvent(dead(), [])
    assert.equal(lines.length, 22)
    for (let count = 0; count < 30; count++) view.onEvent(retried(), [])
    view.close()
    assert.ok(lines.includes('↻ orders × 11               charge  to be retried'), lines.join('\n'))
  })

  it('leaves no timer behind, and writes what it held back when it is closed', () => {
    const { clock, lines, view } = aView()
    for (let count = 0; count < 25; count++) view.onEvent(done(), [])
    view.close()
    assert.equal(clock.pendingTimers, 0)
    assert.match(lines.at(-1) ?? '', /orders × 5/)
  })
})

describe('JsonView', () => {
  it('writes one object per event, with the whole key and without the value', () => {
    const lines: string[] = []
    const view = new JsonView((text) => lines.push(text), new ManualClock())
    const key = 'k'.repeat(100)
    view.onEvent(retried({ record: aRecord({ key: Buffer.from(key), value: Buffer.from('secret') }) }), ['invoices'])
    view.onEvent({ kind: 'commit.failed', error: new Error('refused'), willRetry: false }, [])
    view.onEvent(retried({ record: aRecord({ key: Buffer.from('00000000078001', 'hex') }) }), [])
    const [retry, commit, inFormat] = lines.map((line) => JSON.parse(line))
    assert.equal(retry.kind, 'record.retry')
    assert.equal(retry.key, key)
    assert.deepEqual([retry.topic, retry.partition, retry.offset], ['orders', 2, 18])
    assert.deepEqual(retry.publishedTo, ['invoices'])
    assert.deepEqual(retry.failure, { reason: 'handler', name: 'Error', message: 'gateway busy' })
    assert.ok(!lines[0]?.includes('secret'))
    assert.equal(commit.error, 'refused')
    assert.equal(inFormat.key, 'AAAAAAeAAQ==')
    assert.ok(lines.every((line) => line.endsWith('\n') && !line.slice(0, -1).includes('\n')))
  })
})
