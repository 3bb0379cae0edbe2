/** One line of text for one event of the runtime. Pure; knows nothing of rates and terminals. */

import { type RuntimeEvent, TIMES_UNTIL_NEWS } from '../../../framework/model/events.ts'
import { harmless } from '../../../framework/model/plain-text.ts'
import { partitionPlace, recordPlace } from '../../../framework/model/record.ts'
import { failurePlace, failureText, keyText, msText } from '../../records/record-text.ts'
import type { Paint } from '../../terminal/paint.ts'

export interface LineSetup {
  readonly paint: Paint
  /** The project's folder, to show places in handlers relative to it. */
  readonly root: string
  /** For columns that stand below each other. */
  readonly widths: { readonly place: number; readonly handler: number }
}

/** Comes for many partitions at once, and is shown together. */
export type MembershipEvent = Extract<
  RuntimeEvent,
  { readonly kind: 'partition.assigned' } | { readonly leftBehind: number }
>
export type SingleEvent = Exclude<RuntimeEvent, MembershipEvent>

type RecordEvent = Extract<
  RuntimeEvent,
  { readonly kind: 'record.done' | 'record.retry' | 'record.parked' | 'record.dead' }
>

/** Without the time. `undefined`: nothing that a developer would want a line for. */
export function eventLine(event: SingleEvent, publishedTo: readonly string[], setup: LineSetup): string | undefined {
  const { paint } = setup
  switch (event.kind) {
    case 'record.done':
      if (event.filtered) return `${paint('gray', '○')} ${head(event, setup)}  filtered`
      return `${paint('green', '✓')} ${head(event, setup)}  ${outcome(event, publishedTo)}`
    case 'record.retry': {
      const next = `attempt ${event.attempt + 1}/${event.attempts} in ${msText(event.delayMs)}`
      return `${paint('yellow', '↻')} ${head(event, setup)}  ${next}  ${paint('yellow', failureText(event.failure))}`
    }
    case 'record.parked': {
      const key = event.isAlone ? 'its key goes on' : 'its key waits'
      return `${paint('red', '■')} ${head(event, setup)}  parked after attempt ${event.attempt}, ${key}  ${paint('red', failureText(event.failure))}`
    }
    case 'record.dead': {
      const where = event.deadLetterTopic === null ? 'dropped' : `→ ${event.deadLetterTopic}`
      const place = failurePlace(setup.root, event.failure)
      const attempts = event.attempt > 1 ? [`after attempt ${event.attempt}`] : []
      const parts = [head(event, setup), where, paint('red', failureText(event.failure)), ...attempts]
      return `${paint('red', '✗')} ${[...parts, ...(place === undefined ? [] : [paint('gray', place)])].join('  ')}`
    }
    case 'record.not-ready': {
      if (event.times !== TIMES_UNTIL_NEWS) return undefined
      const next = 'cannot be read yet, and waits with its key'
      return `${paint('yellow', '!')} ${recordPlace(event.record)}  ${event.handlerId}  ${next}: ${harmless(event.why)}`
    }
    case 'records.left-out':
      // The terminal sums them up.
      return undefined
    case 'dead-letter.failed': {
      const next = `dead letter not acknowledged, again in ${msText(event.delayMs)}`
      return `${paint('red', '!')} ${recordPlace(event.record)}  ${event.handlerId}  ${next}  ${errorText(event.error)}`
    }
    default:
      return partitionLine(event, paint)
  }
}

function partitionLine(
  event: Exclude<
    SingleEvent,
    RecordEvent | { readonly kind: 'dead-letter.failed' | 'records.left-out' | 'record.not-ready' }
  >,
  paint: Paint,
): string | undefined {
  switch (event.kind) {
    case 'partition.rewound':
      return `${paint('yellow', '!')} ${partitionPlace(event)} starts afresh at ${event.to} (was ${event.from}): its log was cut or made anew`
    case 'metadata.dropped':
      return `${paint('yellow', '!')} ${partitionPlace(event)} commit metadata is not believed: ${harmless(event.why)}`
    case 'batch.split':
      return `${paint('yellow', '↯')} ${partitionPlace(event)}  ${event.handlerId}  a batch of ${event.records} failed, its halves are tried${inText(event.delayMs)}: ${failureText(event.failure)}`
    case 'tick.failed':
      return `${paint('yellow', '!')} ${event.handlerId}  a tick failed${event.of === null ? '' : ` for ${partitionPlace(event.of)}`}: ${failureText(event.failure)}`
    case 'partitions.paused':
      return paint('gray', `‖ paused, the limits are reached: ${event.partitions.map(partitionPlace).join(' ')}`)
    case 'partitions.resumed':
      return paint('gray', `▸ resumed: ${event.partitions.map(partitionPlace).join(' ')}`)
    case 'commit.failed':
      return `${paint('red', '!')} commit failed${event.willRetry ? ', will be tried again' : ''}: ${errorText(event.error)}`
    case 'commit.recovered':
      return `${paint('green', '✓')} commits are acknowledged again, after ${msText(event.outageMs)}`
    case 'starts.stopped':
      return `${paint('red', '!')} nothing starts before a commit is acknowledged: the last one was sent ${msText(event.silentMs)} ago, ${event.uncommitted} records are done since`
    case 'starts.resumed':
      return `${paint('green', '✓')} work starts again, after ${msText(event.stoppedMs)}`
    case 'breaker.opened':
      return `${paint('red', '!')} ${partitionPlace(event)} key ${harmless(event.key)}: its records fail one after the other; they go to the dead-letter topic unrun for ${msText(event.cooldownMs)}`
    case 'breaker.closed':
      return `${paint('green', '✓')} ${partitionPlace(event)} key ${harmless(event.key)}: its records run again`
    case 'record.hurried':
      return `${paint('green', '▸')} ${recordPlace(event.record)}  ${event.handlerId}  attempt ${event.attempt} is asked for by hand`
    case 'record.given-up':
      return `${paint('yellow', '!')} ${recordPlace(event.record)}  ${event.handlerId}  is given up by hand`
    case 'record.discarded':
      return `${paint('yellow', '!')} ${recordPlace(event.record)}  ${event.handlerId}  is discarded by hand: no dead letter`
    case 'concurrency.changed':
      return paint('gray', `· ${event.handlerId} runs at most ${event.limit} at once from now on`)
    case 'stale.dropped':
      return paint('gray', `· a ${event.what} of an earlier assignment was dropped`)
    case 'commit.done':
    case 'tick.done':
    // The client's own line says more.
    case 'client.error':
      return undefined
  }
}

/** `+ assigned orders.created[0 1 2 3]`, for events of one kind; what is special about a partition stands behind it. */
export function membershipLine(
  kind: MembershipEvent['kind'],
  events: readonly MembershipEvent[],
  paint: Paint,
): string {
  const sorted = [...events].sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  )
  const topics = [...new Set(sorted.map(({ topic }) => topic))]
  const lists = topics.map((topic) => {
    const partitions = sorted.filter((event) => event.topic === topic)
    return `${topic}[${partitions.map(({ partition }) => partition).join(' ')}]`
  })
  const notes = sorted.flatMap((event) => membershipNote(event) ?? [])
  const verb = { 'partition.assigned': '+ assigned', 'partition.revoked': '- revoked', 'partition.lost': '- lost' }[
    kind
  ]
  return paint(kind === 'partition.lost' ? 'yellow' : 'gray', [`${verb} ${lists.join(' ')}`, ...notes].join('; '))
}

function membershipNote(event: MembershipEvent): string | undefined {
  if (event.kind !== 'partition.assigned') {
    return event.leftBehind === 0 ? undefined : `${partitionPlace(event)}${left(event.leftBehind)}`
  }
  if (event.position === undefined) return undefined
  const restored = event.restored === 0 ? '' : ` (${event.restored} above it are done)`
  return `${partitionPlace(event)} goes on at ${event.position}${restored}`
}

function head(event: RecordEvent, { widths, paint }: LineSetup): string {
  const place = recordPlace(event.record).padEnd(widths.place)
  return `${place}  ${keyText(event.record.key).padEnd(8)}  ${paint('cyan', event.handlerId.padEnd(widths.handler))}`
}

function outcome(event: Extract<RecordEvent, { kind: 'record.done' }>, publishedTo: readonly string[]): string {
  const attempt = event.attempt > 1 ? [`attempt ${event.attempt}`] : []
  const took = event.batch === undefined ? '' : ` for a batch of ${event.batch}`
  const went = publishedTo.length > 0 ? [`→ ${[...new Set(publishedTo)].join(', ')}`] : []
  return [`${msText(event.durationMs)}${took}`, ...attempt, ...went].join('  ')
}

function left(records: number): string {
  return records === 0 ? '' : `, ${records} in flight were given up and will be delivered again`
}

/** Of the broker's words, among others. */
function errorText({ message }: Error): string {
  return harmless(message)
}

function inText(delayMs: number): string {
  return delayMs > 0 ? ` in ${msText(delayMs)}` : ''
}
