/** What is going on at this moment, and why records wait: the answer to `?`. Pure. */

import { hasTopic } from '../../../framework/model/by-handler.ts'
import { plural } from '../../../framework/model/plural.ts'
import { recordPlace } from '../../../framework/model/record.ts'
import type { BlockingRecord, GroupMetrics, HandlerMetrics, SystemMetrics } from '../../../framework/model/snapshot.ts'
import { msText } from '../../records/record-text.ts'
import type { Paint } from '../../terminal/paint.ts'

/** Partitions that are named; more would not fit on a screen. */
const MOST_PARTITIONS = 10

export function statusLines(snapshot: SystemMetrics | undefined, paint: Paint): readonly string[] {
  if (snapshot === undefined) return [paint('yellow', 'nothing runs: see the mistake above')]
  return snapshot.groups.flatMap((group) => [
    groupLine(group, paint),
    ...group.handlers.flatMap((handler) => heldLine(handler, paint) ?? []),
    ...blockingLines(group, paint),
  ])
}

/** What keeps a handler from starting more; undefined when nothing but its limit does. */
function heldLine(handler: HandlerMetrics, paint: Paint): string | undefined {
  const { handlerId, isPaused, isHeldByRate, rateLimit, adaptiveLimit, concurrency, openBreakers } = handler
  const why = [
    ...(isPaused ? ['paused'] : []),
    ...(isHeldByRate ? [`held back by its rate of ${rateLimit} a second`] : []),
    ...(adaptiveLimit === null ? [] : [`at most ${adaptiveLimit} of ${concurrency} at once, by its adaptive limit`]),
    ...(openBreakers === 0 ? [] : [`${openBreakers} poisoned ${openBreakers === 1 ? 'key' : 'keys'}`]),
  ]
  return why.length === 0 ? undefined : `  ${handlerId}  ${paint('yellow', why.join(', '))}`
}

function groupLine(group: GroupMetrics, paint: Paint): string {
  const { inFlight, queued, delayed, notReady, retriesWaiting, parked, deadLettersWaiting, intake, intakeReason } =
    group
  const counts = [
    `${inFlight} in flight`,
    `${queued} ready or behind one of their key`,
    ...(delayed > notReady ? [`${delayed - notReady} wait for their time`] : []),
    ...(notReady > 0 ? [`${notReady} cannot be read yet`] : []),
    `${retriesWaiting} wait for a retry`,
  ]
  if (parked > 0) counts.push(`${parked} parked`)
  if (deadLettersWaiting > 0) counts.push(`${deadLettersWaiting} wait for the dead-letter topic`)
  if (intake !== 'open') counts.push(`nothing more is taken in: the limit of ${intakeReason ?? 'records'} is reached`)
  return `${paint('bold', group.group)}  ${group.membership}, ${counts.join(', ')}`
}

function blockingLines({ partitions, handlers }: GroupMetrics, paint: Paint): readonly string[] {
  const blocked = partitions.flatMap(({ topic, partition, blocking }) => {
    if (blocking === null) return []
    // A group has one handler for a topic.
    const handler = handlers.find((each) => hasTopic(each.topic, topic))
    return [{ place: recordPlace({ topic, partition, offset: blocking.offset }), blocking, handler }]
  })
  const shown = blocked
    .sort((a, b) => b.blocking.ageMs - a.blocking.ageMs)
    .slice(0, MOST_PARTITIONS)
    .map(({ place, blocking, handler }) => `  ${place}  ${blocking.key ?? '-'}  ${whyText(blocking, handler, paint)}`)
  return blocked.length > shown.length
    ? [...shown, `  and ${plural(blocked.length - shown.length, 'more partition')}`]
    : shown
}

function whyText(
  { state, attempt, ageMs, lastError }: BlockingRecord,
  handler: HandlerMetrics | undefined,
  paint: Paint,
): string {
  const why = {
    queued: queuedText(handler),
    'in-flight': `attempt ${attempt} runs`,
    delayed: 'waits for its time',
    waiting: `waits for attempt ${attempt}`,
    parked: `is parked after attempt ${Math.max(1, attempt - 1)}`,
    dead: 'waits for the dead-letter topic',
  }[state]
  const error = lastError === null ? '' : `  ${paint('yellow', `${lastError.name}: ${lastError.message}`)}`
  return `${why}, for ${msText(ageMs)}${error}`
}

/**
 * What holds the whole handler back. It cannot be another record of its key: nothing below a blocking offset is incomplete, and one of the
 * same key would be below it.
 */
function queuedText(handler: HandlerMetrics | undefined): string {
  if (handler === undefined) return 'waits for its handler'
  const { isPaused, isHeldByRate, rateLimit, capacity, inFlight, abandoned } = handler
  if (isPaused) return 'waits for p, which lets its handler go on'
  if (isHeldByRate) return `waits for its rate of ${rateLimit} a second`
  // Handlers that were given up are in flight, and the capacity is without their slots already.
  if (inFlight - abandoned >= capacity) return `waits for one of the ${capacity} slots`
  return 'is about to start'
}
