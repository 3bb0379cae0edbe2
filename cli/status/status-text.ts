/** Draws a snapshot as tables, with a bar of each partition's offsets. Pure; in ASCII, so that it can be read anywhere. */

import { LONG_TRANSACTION_MS } from '../../framework/model/long-transaction.ts'
import { harmless } from '../../framework/model/plain-text.ts'
import { plural } from '../../framework/model/plural.ts'
import { partitionPlace } from '../../framework/model/record.ts'
import type {
  BlockingRecord,
  GroupMetrics,
  HandlerMetrics,
  PartitionMetrics,
  SystemMetrics,
} from '../../framework/model/snapshot.ts'
import { scaleNotes } from '../../framework/observability/scale-notes.ts'
import type { Paint, Style } from '../terminal/paint.ts'
import { scaleLine } from './scale-text.ts'

/** How a cell of the ribbon looks. */
const cells: Readonly<Record<string, readonly [sign: string, style: Style, meaning: string]>> = {
  d: ['=', 'gray', 'done'],
  r: ['>', 'cyan', 'running'],
  w: ['.', 'white', 'waiting'],
  x: ['!', 'red', 'waiting for a retry or a dead letter'],
  p: ['P', 'red', 'parked'],
  g: ['#', 'green', 'gap: done above an offset that is not'],
}

/** Poisoned keys that are named for a partition. */
const MOST_KEYS = 3
/** Ends of logs are heard, or asked for, every 10 s. Milliseconds. */
const OLD_END_MS = 30_000

type Cell = string | readonly [text: string, style: Style]

/** @param url where it was read */
/** Whatever answers at the address may have written the snapshot, so none of its texts is shown as it is. */
export function statusText(snapshot: SystemMetrics, url: string, paint: Paint): string {
  const shown = harmlessTexts(snapshot)
  const { takenAt, state, groups } = shown
  const time = new Date(takenAt).toISOString().slice(0, 19).replace('T', ' ')
  const head = `${paint('bold', 'pyrallel')}  ${paint(state === 'running' ? 'green' : 'yellow', state)}  ${time} UTC  ${paint('gray', url)}`
  const blocks = [...scaleBlock(shown, paint), ...groups.map((group) => groupText(group, paint))]
  const legend = Object.values(cells).map(([sign, style, meaning]) => `${paint(style, sign)} ${meaning}`)
  return [head, ...blocks, `offsets: ${legend.join('   ')}`].join('\n\n').concat('\n')
}

/** None where the process is of a version that tells nothing of it. */
function scaleBlock(snapshot: SystemMetrics, paint: Paint): string[] {
  // An older process has no such field.
  const scale = (snapshot as Partial<SystemMetrics>).scale ?? null
  if (scale === null) return []
  return [[scaleLine(scale), ...scaleNotes(snapshot).map((note) => `  ${paint('yellow', note)}`)].join('\n')]
}

function harmlessTexts(snapshot: SystemMetrics): SystemMetrics {
  return JSON.parse(JSON.stringify(snapshot), (_name, value: unknown) =>
    typeof value === 'string' ? harmless(value) : value,
  ) as SystemMetrics
}

function groupText(of: GroupMetrics, paint: Paint): string {
  const { group, limits } = of
  const facts = [
    `${of.inFlight} in flight`,
    `${of.queued} queued`,
    ...(of.delayed > of.notReady ? [`${of.delayed - of.notReady} waiting for their time`] : []),
    ...(of.notReady > 0 ? [`${of.notReady} that cannot be read yet`] : []),
    `${of.retriesWaiting} waiting for a retry`,
    ...parkedText(of),
    `${of.deadLettersWaiting} for a dead letter`,
    `${of.records} of ${limits.maxRecords} records in memory`,
  ]
  const intake = of.intake === 'open' ? '' : paint('yellow', `  intake ${of.intake}: limit of ${of.intakeReason}`)
  const lines = [
    `group ${paint('bold', group)}: ${of.membership}, ${plural(of.assignedPartitions, 'partition')}${intake}`,
    `  ${facts.join(', ')}`,
    ...troubles(of).map((text) => `  ${paint('yellow', text)}`),
    '',
    ...table(
      ['handler', 'topic', 'in flight', 'limit', 'abandoned', 'threads', ''],
      of.handlers.map((each) => handlerRow(each, paint)),
      paint,
    ),
  ]
  if (of.partitions.length > 0) {
    lines.push(
      '',
      ...table(
        ['partition', 'true lag', 'position', 'gaps', 'blocked by', 'offsets'],
        [...of.partitions].sort(byPlace).map((each) => partitionRow(each, paint)),
        paint,
      ),
    )
  }
  const leftOut = of.assignedPartitions - of.partitions.length
  if (leftOut > 0) lines.push(`  and ${plural(leftOut, 'more partition')}`)
  return lines.join('\n')
}

/** An older process has no such fields. */
function parkedText({ parked = 0, oldestParkedMs = null }: Partial<GroupMetrics>): string[] {
  if (parked === 0) return []
  return [`${parked} parked${oldestParkedMs === null ? '' : ` for up to ${seconds(oldestParkedMs)}`}`]
}

/** What stands between this group and its brokers, a sentence each. */
function troubles({
  transactions,
  stoppedBecause,
  sinceAnswerMs,
  refusedMs,
  uncommitted,
  limits,
}: GroupMetrics): string[] {
  const found: string[] = []
  if (stoppedBecause === 'unacknowledged') {
    const since = sinceAnswerMs === null ? 'yet' : `for ${seconds(sinceAnswerMs)}`
    found.push(`nothing starts: no commit was acknowledged ${since}`)
  }
  if (stoppedBecause === 'uncommitted') {
    found.push(
      `nothing starts: ${plural(uncommitted, 'record is', 'records are')} done and not committed, of ${limits.maxUncommitted} allowed`,
    )
  }
  if (stoppedBecause === 'outputs') {
    found.push('nothing starts: outputs that wait for their transaction have reached limits.maxBytes')
  }
  const openMs = transactions?.openMs ?? 0
  if (openMs >= LONG_TRANSACTION_MS) {
    found.push(`a transaction has been open for ${seconds(openMs)}: readers of committed records wait for it`)
  }
  if (refusedMs !== null) found.push(`the brokers have refused the credentials for ${seconds(refusedMs)}`)
  return found
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

function byPlace(a: PartitionMetrics, b: PartitionMetrics): number {
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition
}

function handlerRow(of: HandlerMetrics, paint: Paint): Cell[] {
  const threads = of.threads === null ? '-' : `${of.threads.running} (${of.threads.restarts} restarts)`
  const abandoned: Cell = of.abandoned === 0 ? '0' : [String(of.abandoned), 'yellow']
  const limit = of.adaptiveLimit === null ? String(of.concurrency) : `${of.adaptiveLimit} of ${of.concurrency}`
  return [of.handlerId, of.topic, String(of.inFlight), limit, abandoned, threads, handlerNotes(of, paint)]
}

/** What keeps it from starting more, beyond its limit. */
function handlerNotes({ isPaused, rateLimit, isHeldByRate, openBreakers }: HandlerMetrics, paint: Paint): string {
  const rate = rateLimit === null ? [] : [`rate ${rateLimit}/s${isHeldByRate ? ', which holds it back' : ''}`]
  const held = [
    ...(isPaused ? ['paused'] : []),
    ...(openBreakers === 0 ? [] : [`${openBreakers} ${openBreakers === 1 ? 'key' : 'keys'} poisoned`]),
  ]
  return [...rate, ...(held.length === 0 ? [] : [paint('yellow', held.join(', '))])].join(', ')
}

function partitionRow(of: PartitionMetrics, paint: Paint): Cell[] {
  const lag: Cell = of.trueLag === null ? '?' : of.trueLag === 0 ? '0' : [String(of.trueLag), 'yellow']
  const notes = [
    ...(of.pausedBecause === null ? [] : [`paused: limit of ${of.pausedBecause}`]),
    ...(of.isDraining ? ['draining'] : []),
    ...((of.logEndAgeMs ?? 0) > OLD_END_MS ? [`log end of ${seconds(of.logEndAgeMs ?? 0)} ago`] : []),
    ...(of.isTight ? ['no room for further gaps'] : []),
    ...(of.isRefused ? ['stands: what it commits is refused'] : []),
    ...(of.openBreakers === 0 ? [] : [`poisoned: ${keysText(of)}`]),
  ]
  const note = notes.length === 0 ? '' : ` ${paint('yellow', notes.join(', '))}`
  return [
    partitionPlace(of),
    lag,
    of.position === null ? '-' : String(of.position),
    of.gaps.offsets === 0 ? '0' : `${of.gaps.offsets} in ${of.gaps.stretches}`,
    of.blocking === null ? '-' : blockingText(of.blocking),
    `${bar(of.ribbon.cells, paint)}${note}`,
  ]
}

/** `102 key c9, 12.5 s, waiting, attempt 3: TypeError` */
function blockingText({ offset, key, ageMs, state, attempt, lastError }: BlockingRecord): string {
  const of = key === null ? `${offset}` : `${offset} key ${key}`
  const error = lastError === null ? '' : `: ${lastError.name}`
  return `${of}, ${seconds(ageMs)}, ${state}, attempt ${attempt}${error}`
}

/** `c9, c10 and 3 more` */
function keysText({ openBreakers, openBreakerKeys }: PartitionMetrics): string {
  const shown = openBreakerKeys.slice(-MOST_KEYS)
  const more = openBreakers > shown.length ? ` and ${openBreakers - shown.length} more` : ''
  return `${shown.join(', ')}${more}`
}

function bar(ribbon: string, paint: Paint): string {
  if (ribbon === '') return paint('gray', 'all done')
  return [...ribbon.matchAll(/(.)\1*/g)]
    .map(([run, letter = '']) => {
      const [sign, style] = cells[letter] ?? ['?', 'white']
      return paint(style, sign.repeat(run.length))
    })
    .join('')
}

/** The last column is not padded, so that it may hold colours. */
function table(heads: readonly string[], rows: readonly (readonly Cell[])[], paint: Paint): string[] {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => textOf(row[column]).length)))
  const line = (row: readonly Cell[]) =>
    row.map((cell, column) => {
      const text = column === row.length - 1 ? textOf(cell) : textOf(cell).padEnd(widths[column] ?? 0)
      return typeof cell === 'string' ? text : paint(cell[1], text)
    })
  const styledHeads = heads.map((head): Cell => [head, 'gray'])
  return [styledHeads, ...rows].map((row) => `  ${line(row).join('  ')}`.trimEnd())
}

function textOf(cell: Cell | undefined): string {
  return typeof cell === 'string' ? cell : (cell?.[0] ?? '')
}
