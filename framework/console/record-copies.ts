/** One record as something to take along: its value, a test that runs its handler with it, a line for a shell. Pure. */
import { namesSchemaOf } from '../formats/value-frame.ts'
import { isJson } from '../model/is-json.ts'
import type { KafkaRecord, RecordHeader } from '../model/record.ts'
import { recordPlace } from '../model/record.ts'
import type { TypedParts } from './typed-parts.ts'

/** Longer arguments are refused by Linux. Bytes. */
const MAX_ARGUMENT = 100_000
/** Raw in a shell's line editor, these are commands, or turn what is read around. */
const controls = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u
const escapable = /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

const formattedParts = ['value', 'key'] as const

export interface TestedHandler {
  readonly handlerId: string
  readonly group: string
}

/** A file for the folder `test` of the project. It fails as the record failed. */
export function testOf(record: KafkaRecord, { handlerId, group }: TestedHandler, attempt: number): string {
  const place = recordPlace(record)
  const headers = record.headers.map(([name, value]) => `    [${text(name)}, ${bytes(value)}],\n`).join('')
  return `// ${oneLine(place)} of group ${oneLine(group)}, copied from the console. Run it: node --import tsx --test test/*.test.ts
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runRecord } from 'pyrallel/testing'
import { routes } from '../generated/routes.ts'

const record = {
  topic: ${text(record.topic)},
  partition: ${record.partition},
  offset: ${record.offset},
  timestamp: ${record.timestamp},
  key: ${bytes(record.key)},
  headers: [${headers === '' ? '' : `\n${headers}  `}] as const,
  value: ${json(record.value) ?? bytes(record.value)},
}

test(${text(`${handlerId} handles ${place}`)}, async () => {
  const { outcome, failure } = await runRecord(routes, ${text(handlerId)}, record, { attempt: ${attempt} })
  assert.ok(outcome === 'done' || outcome === 'filtered', failure?.stack ?? failure?.message)
})
`
}

/**
 * @param typed what has a format, as JSON
 * @returns a line for a POSIX shell, or why there is none
 */
export function sendOf(
  record: KafkaRecord,
  typed: TypedParts = {},
): { readonly line: string } | { readonly why: string } {
  const { key, value } = record
  const written = typed.value === undefined ? (value === null ? 'null' : jsonText(value)) : typable(typed.value)
  if (written === undefined) return { why: 'Its value is no JSON, and `pyrallel send` takes nothing else' }
  if (Buffer.byteLength(written) > MAX_ARGUMENT) return { why: `Its value is above ${MAX_ARGUMENT} bytes` }
  const options: string[] = []
  if (typed.key !== undefined) options.push('--key', quoted(typable(typed.key)))
  else if (key !== null) {
    const plain = plainText(key)
    if (plain === undefined) return { why: 'Its key has bytes that cannot be typed' }
    options.push('--key', quoted(plain))
  }
  // What is written in a format names its schema itself.
  const isNamed = (header: RecordHeader) =>
    formattedParts.some((part) => typed[part] !== undefined && namesSchemaOf(part, header))
  for (const [name, of] of record.headers.filter((header) => !isNamed(header))) {
    const plain = headerText([name, of])
    if (plain === undefined)
      return { why: `Its header ${JSON.stringify(name)} has no value, or one that cannot be typed` }
    options.push('--header', quoted(plain))
  }
  // Behind `--`: a negative number would else be an option.
  return { line: ['npx pyrallel send', ...options, '--', quoted(record.topic), quoted(written)].join(' ') }
}

/** As it was written, but for space between its parts, and with escapes for what a terminal would not show. */
function jsonText(value: Buffer): string | undefined {
  const written = utf8(value)
  return written === undefined || !isJson(written) ? undefined : typable(written)
}

function typable(json: string): string {
  // Within texts JSON has none of these.
  const spaced = json.replace(/[\n\r\t]/g, ' ')
  return spaced.replace(escapable, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`).trim()
}

function headerText([name, value]: RecordHeader): string | undefined {
  const plain = value === null ? undefined : plainText(value)
  return plain === undefined || name === '' || name.includes('=') || controls.test(name)
    ? undefined
    : `${name}=${plain}`
}

function plainText(of: Buffer): string | undefined {
  const written = utf8(of)
  return written === undefined || controls.test(written) ? undefined : written
}

function quoted(argument: string): string {
  return /^[\w@%+:,./=-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`
}

/** As an object that one can read and change, where that gives the very same bytes. */
function json(value: Buffer | null): string | undefined {
  const written = value === null ? undefined : utf8(value)
  if (written === undefined || written.includes('__proto__') || !isJson(written)) return undefined
  const parsed: unknown = JSON.parse(written)
  if (typeof parsed !== 'object' || parsed === null || JSON.stringify(parsed) !== written) return undefined
  return `Buffer.from(\n    JSON.stringify(${JSON.stringify(parsed, null, 2).replaceAll('\n', '\n    ')}),\n  )`
}

function bytes(of: Buffer | null): string {
  if (of === null) return 'null'
  const written = utf8(of)
  return written === undefined ? `Buffer.from('${of.toString('base64')}', 'base64')` : `Buffer.from(${text(written)})`
}

/** A literal of JavaScript; what turns text around is written as an escape. */
function text(of: string): string {
  return JSON.stringify(of).replace(escapable, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function utf8(of: Buffer): string | undefined {
  const written = of.toString()
  return Buffer.from(written).equals(of) ? written : undefined
}

/** For a comment. */
function oneLine(of: string): string {
  return of.replace(/[^\x20-\x7e]/g, '?')
}
