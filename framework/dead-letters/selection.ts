/** Decides which dead letters are meant: by error, handler, key, time and place. Pure. */
import { durationMs } from '../model/duration.ts'
import { PyrallelError } from '../model/errors.ts'
import type { DeadLetter } from './dead-letter.ts'

/** As the flags say it. */
export interface SelectionOptions {
  readonly error?: string
  readonly handler?: string
  readonly key?: string
  /** The bytes of one that is no text, in base64. */
  readonly keyBase64?: string
  readonly since?: string
  readonly until?: string
  readonly at?: string
}

export type Selection = (letter: DeadLetter) => boolean

/** Whether it asks when something was. */
export function selectsByTime({ since, until }: SelectionOptions): boolean {
  return since !== undefined || until !== undefined
}

/** @throws PyrallelError PYR_USAGE when a time, a place or base64 cannot be read, and where there are two keys */
export function selectionOf(options: SelectionOptions, now: number): Selection {
  const { error, handler } = options
  const key = keyOf(options)
  const since = options.since === undefined ? Number.NEGATIVE_INFINITY : readTime(options.since, '--since', now)
  const until = options.until === undefined ? Number.POSITIVE_INFINITY : readTime(options.until, '--until', now)
  const at = options.at === undefined ? undefined : readPlace(options.at)
  const rules: readonly Selection[] = [
    ({ record }) => record.timestamp >= since && record.timestamp < until,
    ({ record }) => at === undefined || (record.partition === at.partition && record.offset === at.offset),
    (letter) => handler === undefined || letter.handler === handler,
    ({ record }) => key === undefined || record.key?.equals(key) === true,
    (letter) => error === undefined || hasError(letter, error.toLowerCase()),
  ]
  return (letter) => rules.every((rule) => rule(letter))
}

function keyOf({ key, keyBase64 }: SelectionOptions): Buffer | undefined {
  if (keyBase64 === undefined) return key === undefined ? undefined : Buffer.from(key)
  if (key !== undefined) {
    throw new PyrallelError('PYR_USAGE', 'A record has one key. Leave out --key or --key-base64.')
  }
  const bytes = Buffer.from(keyBase64, 'base64')
  if (bytes.toString('base64') === keyBase64) return bytes
  throw new PyrallelError(
    'PYR_USAGE',
    `--key-base64 is '${keyBase64}', which is no base64. \`pyrallel dlq show\` prints that of a key.`,
  )
}

/** What `readPlace` reads, for who goes on with it in a shell, to which brackets mean something. */
export function placeArgument({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}/${offset}`
}

/** `2/44`, or as log lines name a record: `orders.dlq[2]@44`. */
export function readPlace(text: string): { readonly partition: number; readonly offset: number } {
  const match = /^(?:[\w.-]*\[)?(\d{1,9})\]?[/@](\d{1,15})$/.exec(text)
  if (match === null) {
    throw new PyrallelError('PYR_USAGE', `'${text}' is no place in a topic. Write partition/offset, such as 2/44.`)
  }
  return { partition: Number(match[1]), offset: Number(match[2]) }
}

/** A part of the error's name, message or fingerprint. */
function hasError({ errorName, errorMessage, fingerprint }: DeadLetter, wanted: string): boolean {
  return [errorName, errorMessage, fingerprint].some((text) => text?.toLowerCase().includes(wanted) ?? false)
}

/** `2h` is two hours ago; anything else must be a date that JavaScript reads. */
function readTime(text: string, flag: string, now: number): number {
  if (/^\d+(\.\d+)?(ms|s|m|h)$/.test(text)) return now - durationMs(text, flag)
  const time = Date.parse(text)
  if (Number.isNaN(time)) {
    throw new PyrallelError(
      'PYR_USAGE',
      `${flag} is '${text}', which is no time. Write a date such as 2026-11-23T10:00:00Z, or how long ago: 90m, 2h.`,
    )
  }
  return time
}
