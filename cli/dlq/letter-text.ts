/** Shows dead letters: as lines and blocks for people, as JSON for machines. Values only where one record was asked for. */

import type { DeadLetter } from '../../framework/dead-letters/dead-letter.ts'
import { errorText, type LetterGroup } from '../../framework/dead-letters/letter-groups.ts'
import { placeArgument } from '../../framework/dead-letters/selection.ts'
import type { ReadValue } from '../../framework/formats/read-value.ts'
import { cutText, harmless, isPlainText } from '../../framework/model/plain-text.ts'
import { plural } from '../../framework/model/plural.ts'
import { recordPlace } from '../../framework/model/record.ts'
import { exactText } from '../../framework/validation/exact-json.ts'
import { keyText } from '../records/record-text.ts'
import type { Paint } from '../terminal/paint.ts'

const MAX_VALUE = 4_096
const MAX_LINE = 90

export function groupLine({ count, handler, error, fingerprint, last }: LetterGroup, paint: Paint): string {
  const facts = [handler, fingerprint, `last ${when(last)}`].filter((fact) => fact !== null)
  return `  ${String(count).padStart(6)} × ${oneLine(error)}  ${paint('gray', harmless(facts.join('  ')))}`
}

/** Said where somebody selects by time. */
export function sourceTimeLine(count: number): string {
  return `  ${plural(count, 'tells', 'tell')} no time of failure (Kafka Connect, Kafka Streams): for them, --since and --until mean the time of the record itself`
}

export function letterLine(letter: DeadLetter, paint: Paint): string {
  const { record, handler, attempts, replays } = letter
  const facts = [
    attempts === null ? undefined : `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`,
    replays === 0 ? undefined : `replayed ${replays}×`,
    letter.hasPayload
      ? undefined
      : letter.leftOut === 'record'
        ? 'without the record'
        : `without its ${letter.leftOut}`,
  ].filter((fact) => fact !== undefined)
  const place = placeArgument(record)
  const begin = `  ${place.padEnd(8)} ${when(record.timestamp)}  ${keyText(record.key).padEnd(12)}`
  if (letter.family === 'none') return `${begin} ${paint('gray', 'without the headers of a dead letter')}`
  const from = harmless(sourceText(letter) ?? 'from an unknown topic')
  return `${begin} ${harmless(handler ?? '-')}  ${oneLine(errorText(letter))}  ${paint('gray', [from, ...facts].join(', '))}`
}

/** What a record says where it names schemas. */
export interface ReadLetter {
  readonly key: ReadValue
  readonly value: ReadValue
}

const plain: ReadLetter = { key: { kind: 'plain' }, value: { kind: 'plain' } }

export function letterBlock(letter: DeadLetter, paint: Paint, { key, value: read }: ReadLetter = plain): string {
  const { record } = letter
  const facts: readonly (readonly [string, string | null])[] = [
    [letter.family === 'none' ? 'record' : 'dead letter', recordPlace(record)],
    [letter.time === 'source' ? 'source time' : 'written', new Date(record.timestamp).toISOString()],
    ['first failed', letter.firstFailedAt],
    ['came from', sourceText(letter)],
    ['group', letter.group],
    ['connector', letter.connector],
    ['handler', letter.handler],
    ['attempts', letter.attempts === null ? null : String(letter.attempts)],
    ['replayed', letter.replays === 0 ? null : `${letter.replays}×`],
    ['error', errorText(letter)],
    ['fingerprint', letter.fingerprint],
    ['headers of', families[letter.family] ?? letter.family],
    ['key', keyFact(record.key, key)],
    ['key bytes', record.key === null || isPlainText(record.key) ? null : `${record.key.toString('base64')} (base64)`],
    ['key schema', key.kind === 'read' ? key.by : null],
    ['key not read', key.kind === 'unread' ? key.why : null],
    ['schema', read.kind === 'read' ? read.by : null],
    ['not read', read.kind === 'unread' ? read.why : null],
  ]
  const lines = facts.flatMap(([name, fact]) =>
    fact === null ? [] : [`  ${paint('gray', name.padEnd(12))} ${harmless(fact)}`],
  )
  const stack = letter.stack === null ? [] : ['', ...harmlessLines(letter.stack)]
  return [...lines, ...stack, '', ...harmlessLines(valueText(letter, read))].join('\n')
}

const families: { readonly [family in DeadLetter['family']]?: string } = {
  several: 'several tools, which contradict each other: none is believed',
  none: 'no tool that is known here: nothing says that this is a dead letter',
}

/** @param withValue the record's own bytes, as text; they may be personal, so a list leaves them out */
export function letterJson(letter: DeadLetter, withValue: boolean): object {
  const { record, ...facts } = letter
  return {
    place: placeArgument(record),
    writtenAt: record.timestamp,
    key: record.key?.toString() ?? null,
    ...(record.key === null || isPlainText(record.key) ? {} : { keyBytes: record.key.toString('base64') }),
    ...facts,
    ...(withValue ? { value: record.value?.toString() ?? null } : {}),
  }
}

/** What `--json` says of a value, and of a key, that names its schema, beside the bytes themselves. */
export function readJsonOf(
  { key, value }: ReadLetter,
  record: { readonly key: Buffer | null; readonly value: Buffer | null },
): object {
  return { ...keyJsonOf(key, record.key), ...valueJsonOf(value, record.value) }
}

function valueJsonOf(read: ReadValue, bytes: Buffer | null): object {
  switch (read.kind) {
    case 'plain':
      return {}
    case 'read':
      return { schema: read.by, decoded: read.value, bytes }
    case 'unread':
      return { notRead: read.why, bytes }
  }
}

function keyJsonOf(read: ReadValue, keyBytes: Buffer | null): object {
  switch (read.kind) {
    case 'plain':
      return {}
    case 'read':
      return { keySchema: read.by, decodedKey: read.value, keyBytes }
    case 'unread':
      return { keyNotRead: read.why, keyBytes }
  }
}

function keyFact(bytes: Buffer | null, read: ReadValue): string | null {
  if (bytes === null) return null
  return read.kind === 'read' ? cutText(exactText(read.value), MAX_VALUE) : keyText(bytes)
}

function sourceText({ topic, partition, offset }: DeadLetter): string | null {
  if (topic === null) return null
  return partition === null || offset === null ? topic : recordPlace({ topic, partition, offset })
}

function valueText(letter: DeadLetter, read: ReadValue): string {
  const { record, leftOut } = letter
  if (leftOut === 'record') return wayToRecord(letter)
  if (record.value === null) {
    if (leftOut === 'nothing') return 'no value: a tombstone'
    return leftOut === 'value' ? 'the value was left out (payload: metadata)' : `there was no room for its ${leftOut}`
  }
  if (read.kind === 'read') return cutText(exactText(read.value, 2), MAX_VALUE)
  const shown = record.value.subarray(0, MAX_VALUE)
  const text = read.kind === 'unread' ? `in hexadecimal: ${shown.toString('hex')}` : shown.toString()
  return record.value.length > MAX_VALUE ? `${text}\n… ${record.value.length - MAX_VALUE} bytes more` : text
}

/** What a share group's empty dead letter stands for. */
function wayToRecord({ topic, partition, offset }: DeadLetter): string {
  const there =
    topic === null || partition === null || offset === null
      ? 'its headers do not say where it was'
      : `while its topic keeps it: pyrallel dlq show ${topic} ${placeArgument({ partition, offset })}`
  return `the record was left out, as share groups do by default; ${there}\nerrors.deadletterqueue.copy.record.enable=true of the group makes key and value come along`
}

function when(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ')
}

function oneLine(text: string): string {
  return cutText(harmless(text.split('\n')[0] ?? ''), MAX_LINE)
}

function harmlessLines(text: string): readonly string[] {
  return text.split('\n').map((line) => `  ${harmless(line)}`)
}
