/** Takes the records out of a traffic file one by one, and says of a bad one which it was and what is wrong with it. Sends nothing. */

import type { TrafficRecord } from '../../../framework/api/traffic.ts'
import { encodeFormat, encodeKey } from '../../../framework/formats/format-encoder.ts'
import { loadCodec } from '../../../framework/formats/value-codec.ts'
import { PyrallelError, toError } from '../../../framework/model/errors.ts'
import type { OutgoingRecord, RecordHeader } from '../../../framework/model/record.ts'
import { type FormatsOf, joinFormats } from '../../../framework/publishing/topic-formats.ts'

/**
 * @param number of the record, from 1
 * @param formatsOf asked for topics that are only named, or have no format of their own
 * @returns `undefined` when the file has no more
 * @throws PyrallelError PYR_TRAFFIC with the file and the record's number
 */
export async function nextRecord(
  source: Iterator<TrafficRecord>,
  file: string,
  number: number,
  formatsOf: FormatsOf = () => undefined,
): Promise<OutgoingRecord | undefined> {
  const next = await attempt(`${file} threw while it made record ${number}`, () => source.next())
  if (next.done === true) return undefined
  const yielded: unknown = next.value
  if (!isTrafficRecord(yielded)) {
    throw new PyrallelError(
      'PYR_TRAFFIC',
      `${file} yielded ${kindOf(yielded)} as record ${number}, but a record is an object with a topic and a value: yield { topic: 'orders', key: 'c1', value: { n: 1 } }.`,
    )
  }
  return attempt(`record ${number} of ${file} cannot be sent`, () => outgoing(yielded, formatsOf))
}

async function attempt<T>(what: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (thrown) {
    const { name, message } = toError(thrown)
    throw new PyrallelError('PYR_TRAFFIC', `${what}: ${name}: ${message}`, { cause: thrown })
  }
}

function isTrafficRecord(value: unknown): value is TrafficRecord {
  if (typeof value !== 'object' || value === null || !('topic' in value)) return false
  const { topic } = value
  return typeof topic === 'string' || (typeof topic === 'object' && topic !== null && 'name' in topic)
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return `a ${typeof value}`
  return 'topic' in value ? 'an object whose topic is none' : 'an object without a topic'
}

/** A text or bytes go as they are, so that a traffic file can make undecodable records too. */
async function outgoing(
  { topic, value, key, headers = {} }: TrafficRecord,
  formatsOf: FormatsOf,
): Promise<OutgoingRecord> {
  const ownKey = typeof topic === 'string' ? undefined : topic.key?.(value as never)
  const chosen = key === undefined ? (ownKey ?? null) : key
  const named = Object.entries(headers).map(([name, text]): RecordHeader => [name, Buffer.from(text)])
  const name = typeof topic === 'string' ? topic : topic.name
  const { format, keyFormat } = joinFormats(typeof topic === 'string' ? undefined : topic, formatsOf(name)) ?? {}
  if (format !== undefined) await loadCodec(format.schema)
  if (keyFormat !== undefined) await loadCodec(keyFormat.schema)
  // Bytes go as they are here, too.
  const encoded =
    format === undefined || Buffer.isBuffer(value)
      ? { value: bytesOf(value), headers: named }
      : encodeFormat(format, name, value, { headers: named })
  if (keyFormat === undefined || Buffer.isBuffer(chosen)) return { topic: name, key: keyOf(chosen), ...encoded }
  return { topic: name, ...encoded, ...encodeKey(keyFormat, name, chosen, { headers: encoded.headers }) }
}

function keyOf(key: unknown): Buffer | null {
  if (key === null || Buffer.isBuffer(key)) return key
  if (typeof key !== 'string') throw new TypeError(`its key is ${kindOf(key)}, and not text`)
  return Buffer.from(key)
}

function bytesOf(value: unknown): Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value
  if (typeof value === 'string') return Buffer.from(value)
  const text: string | undefined = JSON.stringify(value)
  if (text === undefined) throw new TypeError(`its value is ${kindOf(value)}, which JSON cannot carry`)
  return Buffer.from(text)
}
