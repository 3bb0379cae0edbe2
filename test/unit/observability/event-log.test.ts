/** What operators read of what the runtime tells: each event has a line, faults that repeat are counted, payloads stay out. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import type { KafkaRecord } from '../../../framework/model/record.ts'
import type { Epoch, HandlerFailure } from '../../../framework/model/work.ts'
import { eventLog, REPEAT_INTERVAL_MS } from '../../../framework/observability/event-log.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../kafka/recorded-log.ts'

const record: KafkaRecord = {
  topic: 'orders',
  partition: 3,
  offset: 42,
  key: Buffer.from('secret key'),
  value: Buffer.from('secret value'),
  headers: [['secret', Buffer.from('header')]],
  timestamp: 0,
}
const failure: HandlerFailure = { reason: 'handler', name: 'TypeError', message: 'x is not y', retryable: true }
const of = { handlerId: 'charge', record, attempt: 2, durationMs: 7 }
const notReady = {
  kind: 'record.not-ready',
  handlerId: 'charge',
  record,
  attempt: 2,
  delayMs: 40,
  why: 'no answer',
} as const
const unreadable = {
  handler: 'charge',
  topic: 'orders',
  partition: 3,
  offset: 42,
  attempt: 2,
  delayMs: 40,
  why: 'no answer',
}
const at = { topic: 'orders', partition: 3, epoch: 9 as Epoch }
const place = { handler: 'charge', topic: 'orders', partition: 3, offset: 42, attempt: 2, tookMs: 7 }

function told(...events: RuntimeEvent[]) {
  const clock = new ManualClock()
  const { log, lines } = recordedLog()
  const write = eventLog(log, clock)
  for (const event of events) write(event)
  return { clock, lines, write }
}

const cases: readonly (readonly [event: RuntimeEvent, level: string, message: string, fields: object])[] = [
  [
    { kind: 'records.left-out', handlerId: of.handlerId, records: [of.record, of.record] },
    'debug',
    'records were left out: accept said no',
    { handler: of.handlerId, topic: of.record.topic, records: 2 },
  ],
  [{ ...of, kind: 'record.done', filtered: true }, 'debug', 'a record is done', { ...place, filtered: true }],
  [
    { ...of, kind: 'record.retry', attempts: 5, delayMs: 200, failure },
    'info',
    'a record failed and will be tried again',
    { ...place, attempts: 5, delayMs: 200, reason: 'handler', errorName: 'TypeError', errorMessage: 'x is not y' },
  ],
  [
    { ...of, kind: 'record.dead', failure: { ...failure, stack: 'at y' }, deadLetterTopic: 'orders.dlq' },
    'warn',
    'a record was given up: it is in the dead-letter topic',
    {
      ...{ ...place, reason: 'handler', errorName: 'TypeError', errorMessage: 'x is not y' },
      ...{ stack: 'at y', deadLetterTopic: 'orders.dlq' },
    },
  ],
  [
    { ...of, kind: 'record.dead', failure, deadLetterTopic: null },
    'warn',
    'a record was given up and dropped',
    { ...place, reason: 'handler', errorName: 'TypeError', errorMessage: 'x is not y', stack: undefined },
  ],
  [
    { kind: 'dead-letter.failed', handlerId: 'charge', record, error: new Error('no leader'), delayMs: 400 },
    'warn',
    'the dead-letter topic has not taken a record, which holds back its partition; it is sent again',
    {
      handler: 'charge',
      topic: 'orders',
      partition: 3,
      offset: 42,
      delayMs: 400,
      errorMessage: 'no leader',
      code: 'Error',
    },
  ],
  [
    { ...at, kind: 'partition.assigned', position: 40, restored: 2 },
    'info',
    'a partition was assigned',
    { topic: 'orders', partition: 3, epoch: 9, position: 40, restored: 2 },
  ],
  [
    { ...at, kind: 'partition.assigned', position: 40, restored: 2, takenOverFrom: 'parallel-consumer' },
    'info',
    'a partition was taken over from another consumer',
    { topic: 'orders', partition: 3, epoch: 9, position: 40, restored: 2, takenOverFrom: 'parallel-consumer' },
  ],
  [
    { ...at, kind: 'partition.revoked', leftBehind: 1, runsAgain: 1 },
    'info',
    'a partition was given back',
    { topic: 'orders', partition: 3, epoch: 9, leftBehind: 1 },
  ],
  [
    { ...at, kind: 'partition.lost', leftBehind: 1, runsAgain: 1 },
    'warn',
    'a partition was taken away; what is not committed runs again at its next owner',
    { topic: 'orders', partition: 3, epoch: 9, leftBehind: 1 },
  ],
  [
    { ...at, kind: 'partition.rewound', from: 50, to: 0 },
    'warn',
    'the log of a partition begins anew below what was read',
    { topic: 'orders', partition: 3, epoch: 9, from: 50, to: 0 },
  ],
  [
    { ...at, kind: 'metadata.dropped', why: 'that of Kafka Streams' },
    'warn',
    'the commit metadata of a partition is not believed; what it may have said is done runs again',
    { topic: 'orders', partition: 3, epoch: 9, why: 'that of Kafka Streams' },
  ],
  [
    { kind: 'partitions.paused', partitions: [at] },
    'info',
    'a limit is reached: nothing more is read until records are done',
    { partitions: ['orders[3]'] },
  ],
  [
    { kind: 'partitions.resumed', partitions: [at] },
    'info',
    'there is room again: reading goes on',
    { partitions: ['orders[3]'] },
  ],
  [
    { kind: 'client.error', code: 'OFFSET_OUT_OF_RANGE' },
    'debug',
    'the Kafka client has met an error',
    { code: 'OFFSET_OUT_OF_RANGE' },
  ],
  [{ kind: 'commit.done', partitions: 2, tookMs: 3 }, 'debug', 'committed', { partitionCount: 2, tookMs: 3 }],
  [
    { kind: 'commit.failed', error: new PyrallelError('PYR_COMMIT_FAILED', 'refused'), willRetry: true },
    'warn',
    'a commit failed; what it carried is committed again',
    { errorMessage: 'refused', code: 'PYR_COMMIT_FAILED', willRetry: true },
  ],
  [
    { kind: 'commit.failed', error: new PyrallelError('PYR_NOT_OWNED', 'not owned'), willRetry: false },
    'info',
    'a commit came after its partition was given up',
    { errorMessage: 'not owned', code: 'PYR_NOT_OWNED', willRetry: false },
  ],
  [
    { kind: 'stale.dropped', what: 'completion' },
    'info',
    'an answer to an earlier assignment came too late and was dropped',
    { what: 'completion' },
  ],
  [
    { ...at, kind: 'breaker.opened', handlerId: 'charge', key: 'c1', cooldownMs: 60_000 },
    'warn',
    'records of a key are given up one after the other: they go to the dead-letter topic without running',
    { handler: 'charge', topic: 'orders', partition: 3, epoch: 9, key: 'c1', cooldownMs: 60_000 },
  ],
  [
    { ...at, kind: 'breaker.closed', handlerId: 'charge', key: 'c1', isByHand: false },
    'info',
    'a record of a poisoned key has succeeded: its records run again',
    { handler: 'charge', topic: 'orders', partition: 3, epoch: 9, key: 'c1' },
  ],
  [
    { ...at, kind: 'breaker.closed', handlerId: 'charge', key: 'c1', isByHand: true },
    'info',
    'the breaker of a poisoned key was closed by hand: its records run again',
    { handler: 'charge', topic: 'orders', partition: 3, epoch: 9, key: 'c1' },
  ],
  [
    { kind: 'record.hurried', handlerId: 'charge', record, attempt: 3 },
    'info',
    'the next attempt of a record was asked for by hand',
    { handler: 'charge', topic: 'orders', partition: 3, offset: 42, attempt: 3 },
  ],
  [
    { ...of, kind: 'record.parked', attempts: 5, isAlone: false, failure },
    'warn',
    'a record is out of attempts and parked: it waits for somebody, or until it is in the way',
    {
      ...{ ...place, attempts: 5, isAlone: false, reason: 'handler' },
      ...{ errorName: 'TypeError', errorMessage: 'x is not y', stack: undefined },
    },
  ],
  [
    { kind: 'record.discarded', handlerId: 'charge', record, attempt: 2 },
    'info',
    'a parked record was discarded by hand: it has no dead letter',
    { handler: 'charge', topic: 'orders', partition: 3, offset: 42, attempt: 2 },
  ],
  [
    { kind: 'record.given-up', handlerId: 'charge', record, attempt: 2 },
    'info',
    'a record was given up by hand: it goes to the dead-letter topic',
    { handler: 'charge', topic: 'orders', partition: 3, offset: 42, attempt: 2 },
  ],
  [
    { kind: 'concurrency.changed', handlerId: 'charge', limit: 12 },
    'info',
    'the limit on attempts in flight has changed',
    { handler: 'charge', limit: 12 },
  ],
  [
    { ...at, kind: 'batch.split', handlerId: 'charge', records: 8, delayMs: 400, failure },
    'info',
    'a batch failed and is tried again in halves',
    {
      ...{ handler: 'charge', topic: 'orders', partition: 3, epoch: 9, recordCount: 8, delayMs: 400 },
      ...{ reason: 'handler', errorName: 'TypeError', errorMessage: 'x is not y' },
    },
  ],
  [
    { kind: 'commit.recovered', failures: 3, outageMs: 8_000 },
    'info',
    'commits are acknowledged again',
    { failures: 3, outageMs: 8_000 },
  ],
  [
    { kind: 'starts.stopped', why: 'unacknowledged', silentMs: 30_000, uncommitted: 7 },
    'warn',
    'no commit was acknowledged for two thirds of the session time-out: nothing starts, as the group may give the partitions to others',
    { why: 'unacknowledged', silentMs: 30_000, uncommitted: 7 },
  ],
  [
    { kind: 'starts.stopped', why: 'uncommitted', silentMs: 300, uncommitted: 1_000 },
    'warn',
    'limits.maxUncommitted records are done and not committed: nothing starts before a commit is acknowledged',
    { why: 'uncommitted', silentMs: 300, uncommitted: 1_000 },
  ],
  [
    { kind: 'starts.stopped', why: 'outputs', silentMs: 300, uncommitted: 1_000 },
    'warn',
    'outputs that wait for their transaction have reached limits.maxBytes: nothing starts before one is committed',
    { why: 'outputs', silentMs: 300, uncommitted: 1_000 },
  ],
  [
    { ...notReady, times: 6 },
    'debug',
    'a record cannot be read yet; it waits with its key, which is no attempt',
    { ...unreadable },
  ],
  [
    { ...notReady, times: 7 },
    'warn',
    'a record cannot be read yet; it waits with its key, which is no attempt',
    { ...unreadable },
  ],
  [
    { kind: 'tick.done', handlerId: 'bill', of: null, durationMs: 3 },
    'debug',
    'a tick is done',
    { handler: 'bill', tookMs: 3 },
  ],
  [
    {
      kind: 'tick.failed',
      handlerId: 'bill',
      of: { topic: 'orders', partition: 1 },
      durationMs: 3,
      failure: { reason: 'handler', name: 'Error', message: 'the store is full', retryable: true },
    },
    'warn',
    'a tick failed; the next one comes as always',
    {
      handler: 'bill',
      topic: 'orders',
      partition: 1,
      tookMs: 3,
      reason: 'handler',
      errorName: 'Error',
      errorMessage: 'the store is full',
    },
  ],
  [
    { kind: 'starts.resumed', why: 'unacknowledged', stoppedMs: 5_000 },
    'info',
    'a commit was acknowledged: work starts again',
    { why: 'unacknowledged', stoppedMs: 5_000 },
  ],
]

/** The compiler sees to it that none is missing. */
const kinds: Readonly<Record<RuntimeEvent['kind'], true>> = {
  'record.done': true,
  'records.left-out': true,
  'record.retry': true,
  'record.not-ready': true,
  'record.parked': true,
  'record.dead': true,
  'dead-letter.failed': true,
  'breaker.opened': true,
  'breaker.closed': true,
  'record.hurried': true,
  'record.given-up': true,
  'record.discarded': true,
  'concurrency.changed': true,
  'tick.done': true,
  'tick.failed': true,
  'batch.split': true,
  'partition.assigned': true,
  'partition.revoked': true,
  'partition.lost': true,
  'partition.rewound': true,
  'metadata.dropped': true,
  'client.error': true,
  'partitions.paused': true,
  'partitions.resumed': true,
  'commit.done': true,
  'commit.failed': true,
  'commit.recovered': true,
  'starts.stopped': true,
  'starts.resumed': true,
  'stale.dropped': true,
}

describe('the event log', () => {
  for (const [event, level, message, fields] of cases) {
    it(`says "${message}" at level ${level}, with the facts and no payload`, () => {
      const { lines } = told(event)
      assert.deepEqual(lines, [{ level, message, fields }])
      assert.doesNotMatch(JSON.stringify(lines), /secret/)
    })
  }

  it('has a line for every kind of event', () => {
    assert.deepEqual(new Set(cases.map(([{ kind }]) => kind)), new Set(Object.keys(kinds)))
  })

  it('puts no line together for a record that is done when nobody reads such lines', () => {
    const { log, lines } = recordedLog()
    const levels: string[] = []
    const isLevelEnabled = (level: string) => {
      levels.push(level)
      return false
    }
    eventLog({ ...log, isLevelEnabled }, new ManualClock())({ ...of, kind: 'record.done', filtered: false })
    assert.deepEqual([lines, levels], [[], ['debug']])
  })

  it('writes a fault that repeats once in its interval, says how many were held back, and keeps all of them at debug', () => {
    const retry: RuntimeEvent = { ...of, kind: 'record.retry', attempts: 5, delayMs: 200, failure }
    const { clock, lines, write } = told(retry, retry, retry)
    clock.pass(REPEAT_INTERVAL_MS - 1)
    write(retry)
    clock.pass(1)
    write(retry)
    assert.deepEqual(
      lines.map((line) => line.level),
      ['info', 'debug', 'debug', 'debug', 'info'],
    )
    assert.deepEqual(lines[4]?.fields, { ...lines[0]?.fields, suppressed: 3 })
  })

  it('holds nothing back of another fault, another handler, or another reason', () => {
    const dead = { ...of, kind: 'record.dead', deadLetterTopic: null } as const
    const { lines } = told(
      { ...dead, failure },
      { ...dead, failure: { ...failure, name: 'RangeError' } },
      { ...dead, failure: { ...failure, reason: 'timeout' } },
      { ...dead, failure, handlerId: 'refund' },
    )
    assert.deepEqual(
      lines.map((line) => line.level),
      ['warn', 'warn', 'warn', 'warn'],
    )
  })

  it('is not flooded by errors whose names differ every time', () => {
    const { lines, write } = told()
    for (let i = 0; i < 100_000; i += 1) {
      write({ ...of, kind: 'record.retry', attempts: 5, delayMs: 0, failure: { ...failure, name: `Failure${i}` } })
    }
    const written = lines.filter(({ level }) => level !== 'debug').length
    assert.equal(written, 1_001)
  })
})
