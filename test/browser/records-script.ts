/** Answers about partitions, records, keys and retries, as a console would give them in the middle of an incident. */
import type {
  KeyRow,
  PartitionView,
  RecordView,
  RetriesAnswer,
  RunRow,
} from '../../framework/console/protocol-records.ts'

export const markup = '<img src=x onerror="document.title=\'run\'"><b>bold</b>'

export const bytesView = (text: string) => ({ text, bytes: text.length, isCut: false, isMasked: false })

export const stuckRuns: readonly RunRow[] = [
  ['committed', 3, 12],
  ['done', 12, 19],
  ['waiting', 19, 20, 0],
  ['done-above-gap', 20, 27],
  ['in-flight', 27, 29],
  ['dead', 29, 30],
  ['hole', 30, 34],
  ['queued', 34, 52],
  ['not-fetched', 52, 60],
]

export function partitionView(over: Partial<PartitionView> = {}): PartitionView {
  return {
    group: 'shop',
    topic: 'orders.created',
    partition: 2,
    handlerId: 'ship',
    epoch: 1,
    position: 19,
    committedPosition: 12,
    nextOffset: 52,
    logEnd: 60,
    logEndAgeMs: 200,
    runsAgain: 9,
    metadata: { used: 300, limit: 3_072 },
    pausedBecause: null,
    isDraining: false,
    isTight: false,
    runs: stuckRuns,
    cutAt: null,
    isSampled: false,
    ...over,
  }
}

export function recordRow(over: Partial<RecordView> = {}): RecordView {
  return {
    group: 'shop',
    handlerId: 'ship',
    place: { topic: 'orders.created', partition: 2, offset: 19 },
    state: 'waiting',
    epoch: 1,
    attempt: 3,
    attempts: 5,
    waitsFor: [{ kind: 'retry', dueAt: Date.now() + 90_000, isPause: false }],
    isBlocking: true,
    blocksSince: Date.now() - 65_000,
    key: bytesView('alice'),
    value: bytesView('{"id":"a-1","total":12}'),
    headers: [
      ['traceparent', bytesView('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')],
      ['tenant', bytesView('north')],
    ],
    timestampAt: Date.now() - 70_000,
    failures: [
      {
        reason: 'handler',
        name: 'GatewayError',
        message: 'gateway busy',
        stack: 'GatewayError: gateway busy\n    at charge (handlers/ship.ts:12:9)',
        attempt: 2,
        source: null,
      },
    ],
    can: { retryNow: true, giveUp: true, discard: false, copy: true },
    timeline: null,
    ...over,
  }
}

export function parkedAnswer(): Pick<RetriesAnswer, 'parked' | 'parkedCount'> {
  const { failures } = recordRow()
  const of = { key: bytesView('alice'), handlerId: 'ship', epoch: 1, attempt: 6, failure: failures[0] ?? null }
  const place = { topic: 'orders.created', partition: 2, offset: 19 }
  return { parked: [{ ...of, place, holdsKey: true, sinceAt: Date.now() - 7_200_000 }], parkedCount: 3 }
}

export function keyRow(over: Partial<KeyRow> = {}): KeyRow {
  return {
    topic: 'orders.created',
    partition: 2,
    epoch: 1,
    key: bytesView('alice'),
    depth: 41,
    offset: 19,
    state: 'waiting',
    attempt: 3,
    timestampAt: Date.now() - 70_000,
    breaker: null,
    ...over,
  }
}

export function retryRows(count: number): RetriesAnswer['rows'] {
  return Array.from({ length: count }, (_, index) => ({
    place: { topic: 'orders.created', partition: 2, offset: 19 + index },
    handlerId: 'ship',
    key: bytesView(`customer-${index}`),
    attempt: 3,
    dueAt: Date.now() + 1_000 * (index + 30),
    epoch: 1,
    failure: {
      reason: 'handler',
      name: 'GatewayError',
      message: 'gateway busy',
      stack: null,
      attempt: 2,
      source: null,
    },
  }))
}
