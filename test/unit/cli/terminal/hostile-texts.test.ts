/** What strangers, brokers and other processes have written, in each text that the command shows: none of it moves a cursor, begins a line or turns a direction. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OrderChecker } from '../../../../cli/dev/traffic/order-checker.ts'
import { noteText } from '../../../../cli/dev/view/dev-note.ts'
import { eventLine, type SingleEvent } from '../../../../cli/dev/view/event-line.ts'
import { reportText } from '../../../../cli/dlq/replay/replay-text.ts'
import { statusText } from '../../../../cli/status/status-text.ts'
import type { Paint } from '../../../../cli/terminal/paint.ts'
import { doctor } from '../../../../cli/verbs/doctor.ts'
import { inspectOffsets } from '../../../../cli/verbs/inspect-offsets.ts'
import { nextEpoch } from '../../../../framework/control-plane/partition/partition-table.ts'
import type { ViewedConnection } from '../../../../framework/kafka/kafka-client.ts'
import { aRecord } from '../../control-plane/builders.ts'
import { aBlockingRecord, aGroup, aHandlerState, aPartition, aSystem } from '../../observability/snapshots.ts'
import { emptyFolder, testIo } from '../test-io.ts'

/** Harmless here, where nothing shows it. Begins with what may be seen of a text that is cut. */
const hostile = '\u001b[2J\u009b1A\u202e\u2028\r\u0007'
const lines = `${hostile}\nforged line ${hostile}`
const harmful = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u
const paint: Paint = (_style, text) => text

function assertHarmless(text: string, what: string, most = 1): void {
  const shown = text.replace(/\n$/, '').split('\n')
  assert.ok(shown.length <= most, `${what} has ${shown.length} lines: ${JSON.stringify(text)}`)
  for (const line of shown) assert.doesNotMatch(line, harmful, `${what}: ${JSON.stringify(line)}`)
}

const at = { topic: 'orders', partition: 0, epoch: nextEpoch() }
const handlerId = 'bill'
const record = aRecord(7, { key: Buffer.from(lines) })
const failure = { reason: 'handler', name: hostile, message: lines, stack: lines, retryable: true } as const
const error = Object.assign(new Error(lines), { name: hostile })
const call = { handlerId, record, attempt: 2, durationMs: 1 }

/** One of each kind, so that a new one has to be thought of. */
const events: { readonly [K in SingleEvent['kind']]: SingleEvent & { readonly kind: K } } = {
  'record.done': { kind: 'record.done', ...call, filtered: false },
  'records.left-out': { kind: 'records.left-out', handlerId, records: [record] },
  'record.retry': { kind: 'record.retry', ...call, attempts: 3, delayMs: 1, failure },
  'record.not-ready': { kind: 'record.not-ready', handlerId, record, attempt: 2, times: 7, delayMs: 1, why: lines },
  'record.parked': { kind: 'record.parked', ...call, attempts: 3, isAlone: true, failure },
  'record.dead': { kind: 'record.dead', ...call, failure, deadLetterTopic: null },
  'batch.split': { kind: 'batch.split', ...at, handlerId, records: 4, delayMs: 0, failure },
  'dead-letter.failed': { kind: 'dead-letter.failed', handlerId, record, error, delayMs: 1 },
  'breaker.opened': { kind: 'breaker.opened', ...at, handlerId, key: lines, cooldownMs: 1 },
  'breaker.closed': { kind: 'breaker.closed', ...at, handlerId, key: lines, isByHand: true },
  'record.hurried': { kind: 'record.hurried', handlerId, record, attempt: 2 },
  'record.given-up': { kind: 'record.given-up', handlerId, record, attempt: 2 },
  'record.discarded': { kind: 'record.discarded', handlerId, record, attempt: 2 },
  'concurrency.changed': { kind: 'concurrency.changed', handlerId, limit: 4 },
  'tick.done': { kind: 'tick.done', handlerId, of: null, durationMs: 1 },
  'tick.failed': { kind: 'tick.failed', handlerId, of: at, durationMs: 1, failure },
  'partition.rewound': { kind: 'partition.rewound', ...at, from: 4, to: 0 },
  'metadata.dropped': { kind: 'metadata.dropped', ...at, why: lines },
  'client.error': { kind: 'client.error', code: 'OTHER' },
  'partitions.paused': { kind: 'partitions.paused', partitions: [at] },
  'partitions.resumed': { kind: 'partitions.resumed', partitions: [at] },
  'commit.done': { kind: 'commit.done', partitions: 1, tookMs: 1 },
  'commit.failed': { kind: 'commit.failed', error, willRetry: true },
  'commit.recovered': { kind: 'commit.recovered', failures: 1, outageMs: 1 },
  'starts.stopped': { kind: 'starts.stopped', why: 'uncommitted', silentMs: 1, uncommitted: 1 },
  'starts.resumed': { kind: 'starts.resumed', why: 'uncommitted', stoppedMs: 1 },
  'stale.dropped': { kind: 'stale.dropped', what: 'commit' },
}

describe('hostile texts', () => {
  for (const [kind, event] of Object.entries(events)) {
    it(`are harmless in dev's line for ${kind}`, () => {
      assertHarmless(eventLine(event, [], { paint, root: '/', widths: { place: 10, handler: 4 } }) ?? '', kind)
    })
  }

  it("are harmless in dev's notes of errors, each line indented", () => {
    const note = noteText({ kind: 'error', code: 'PYR_UNCAUGHT', message: lines, isRunning: true }, paint)
    assert.equal(note.length, 3)
    for (const line of note) assertHarmless(line, 'a note')
    assert.match(note[2] ?? '', /^ {2}forged/)
  })

  it('are harmless in what is said of a violation of order', () => {
    const checker = new OrderChecker(new Map([[handlerId, 'key']]))
    const delivery = { handlerId, topic: 'orders', partition: 0, offset: 1, key: lines }
    checker.started({ ...delivery, number: 1 })
    checker.started({ ...delivery, number: 2 })
    assertHarmless(checker.violations[0] ?? assert.fail('none'), 'a violation')
  })

  it('are harmless in the status of a process, whatever has answered', () => {
    const blocking = aBlockingRecord({ key: lines, lastError: { name: hostile, message: lines, at: 0 } as never })
    const partition = aPartition({
      topic: hostile,
      blocking,
      openBreakers: 1,
      openBreakerKeys: [lines],
      pausedBecause: hostile as never,
    })
    const handlers = [aHandlerState({ handlerId: hostile, topic: lines })]
    const snapshot = aSystem({
      groups: [aGroup({ group: lines, membership: hostile as never, handlers, partitions: [partition] })],
    })
    const shown = statusText(snapshot, 'http://127.0.0.1:1', paint)
    assert.match(shown, /forged/)
    assertHarmless(shown, 'a status', 12)
    assert.doesNotMatch(shown, /^forged/m)
  })

  it('are harmless in the targets of a replay', () => {
    const counts = { notSelected: 0, notReplayable: 0, alreadyReplayed: 0, withoutValue: 0, withoutRecord: 0 }
    const more = {
      replayedTooOften: 0,
      contradictory: 0,
      withoutTopic: 0,
      withSourceTime: 0,
      withoutPartition: 0,
      notMarked: 0,
      onTheirWay: 0,
    }
    const report = {
      ...counts,
      ...more,
      replayed: 1,
      publishable: 1,
      isStopped: false,
      failure: undefined,
      unread: [],
      movedKeys: new Map([[lines, 1]]),
    }
    const shown = reportText('orders.dlq', report as never, new Map([[lines, 1]]), {}, paint)
    for (const line of shown) assertHarmless(line, 'a replay')
  })

  it('are harmless where a broker says them, to doctor and to inspect, also as JSON', async () => {
    const view = {
      topics: async () => [],
      groupOffsets: async () => [
        { topic: lines, partition: 0, position: 1, logStart: 0, logEnd: 2, metadata: hostile },
      ],
    }
    const connect =
      (check: () => Promise<void>, seen: object = view) =>
      async () =>
        ({ description: 'b:1', check, close: async () => {}, view: seen }) as unknown as ViewedConnection
    const refusing = connect(async () => {
      throw error
    })
    for (const json of [false, true]) {
      const io = testIo(emptyFolder())
      await doctor({ brokers: 'b:1', json }, io, refusing)
      assert.match(io.out(), /forged/)
      assertHarmless(io.out(), 'doctor', 60)
      assert.doesNotMatch(io.out(), /^forged/m)
      const other = testIo(emptyFolder())
      await inspectOffsets(
        'g',
        { brokers: 'b:1', json },
        other,
        connect(async () => {}),
      )
      assert.match(other.out(), /forged/)
      assertHarmless(other.out(), 'inspect', 60)
      const member = { id: hostile, clientId: hostile, host: hostile, topics: [lines], partitions: 1 }
      const place = { topic: lines, partition: 0, startOffset: 1, lag: 1, logStart: 0, logEnd: 2 }
      const shareGroup = async () => ({ state: hostile, members: [member], offsets: [place] })
      const shared = testIo(emptyFolder())
      const sharing = { ...view, groupOffsets: async () => [], shareGroup }
      await inspectOffsets(
        'g',
        { brokers: 'b:1', json },
        shared,
        connect(async () => {}, sharing),
      )
      assert.match(shared.out(), /forged/)
      assertHarmless(shared.out(), 'inspect', 60)
    }
  })
})
