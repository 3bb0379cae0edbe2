/**
 * What Avro's logical types are in a handler: `docs/types.md` has the table. Both directions; nothing is rounded.
 * Source: the specification of Avro 1.12.
 */
import type { Logical, LogicalName } from './avro-schema.ts'

const DAY_MS = 86_400_000
/** The last day that a Date can hold. */
const MAX_DAYS = 100_000_000
const dateForm = /^(?:[+-]\d{6}|\d{4})-\d{2}-\d{2}$/
const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const decimalForm = /^(-?)(\d+)(?:\.(\d+))?$/

export type LogicalShape = 'number' | 'bigint' | 'string' | 'object'

/** What `typeof` says of a value. */
export function shapeOf({ name }: Logical): LogicalShape {
  return shapes[name]
}

const shapes: Readonly<Record<LogicalName, LogicalShape>> = {
  date: 'string',
  'time-millis': 'number',
  'time-micros': 'bigint',
  'timestamp-millis': 'number',
  'timestamp-micros': 'bigint',
  'timestamp-nanos': 'bigint',
  'local-timestamp-millis': 'number',
  'local-timestamp-micros': 'bigint',
  'local-timestamp-nanos': 'bigint',
  uuid: 'string',
  decimal: 'string',
  duration: 'object',
}

/** Days since 1970-01-01 as `2026-11-29`. */
export function dateText(days: number): string {
  if (Math.abs(days) > MAX_DAYS) throw new Error('a date is beyond what a Date can hold')
  return new Date(days * DAY_MS).toISOString().replace(/T.*/, '')
}

export function daysOf(text: string): number {
  const ms = dateForm.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  // Date.parse takes 2026-02-31 for the 3rd of March.
  if (Number.isNaN(ms) || dateText(ms / DAY_MS) !== text) throw new Error('a date is not written as 2026-11-29')
  return ms / DAY_MS
}

/** @throws Error when it is no whole number that JavaScript holds exactly */
export function exactMillis(value: number): number {
  if (!Number.isSafeInteger(value)) throw new Error('a time in milliseconds is too large for a number')
  return value
}

export function uuidText(bytes: Uint8Array): string {
  const digits = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  )
}

export function uuidBytes(text: string): Uint8Array {
  if (!uuidForm.test(text)) throw new Error('a UUID is not written as 36 characters')
  return new Uint8Array(Buffer.from(text.replaceAll('-', ''), 'hex'))
}

/** Two's complement, the highest byte first, as `-12.50`: as many digits behind the point as the scale says. */
export function decimalText(bytes: Uint8Array, { scale }: Logical): string {
  let unscaled = 0n
  for (const byte of bytes) unscaled = (unscaled << 8n) | BigInt(byte)
  if (bytes.length > 0) unscaled = BigInt.asIntN(8 * bytes.length, unscaled)
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  if (scale === 0) return `${sign}${digits}`
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/**
 * @param size of a `fixed`; undefined: as few as it takes
 * @throws Error when it is no decimal of that precision and scale
 */
export function decimalBytes(text: string, { scale, precision }: Logical, size?: number): Uint8Array {
  const match = decimalForm.exec(text)
  const [, sign = '', whole = '', part = ''] = match ?? []
  if (match === null) throw new Error('a decimal is not written as -12.50')
  if (part.length > scale) throw new Error(`a decimal has more than ${scale} digits behind its point`)
  const digits = `${whole}${part.padEnd(scale, '0')}`.replace(/^0+(?=\d)/, '')
  if (digits.length > precision) throw new Error(`a decimal has more than ${precision} digits`)
  const unscaled = sign === '' ? BigInt(digits) : -BigInt(digits)
  const bytes = twosComplement(unscaled)
  if (size === undefined) return bytes
  if (bytes.length > size) throw new Error(`a decimal does not fit into ${size} bytes`)
  const padded = new Uint8Array(size).fill(unscaled < 0n ? 0xff : 0)
  padded.set(bytes, size - bytes.length)
  return padded
}

function twosComplement(value: bigint): Uint8Array {
  let size = 1
  while (BigInt.asIntN(8 * size, value) !== value) size += 1
  const hex = BigInt.asUintN(8 * size, value).toString(16)
  return new Uint8Array(Buffer.from(hex.padStart(2 * size, '0'), 'hex'))
}
