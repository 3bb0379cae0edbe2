/** The value and the key of a record as `pyrallel send` takes them, where its topic has formats of a registry: as JSON, and tried before it is given. Sends nothing. */
import type { Format } from '../api/format.ts'
import { encodeFormat, encodeKey } from '../formats/format-encoder.ts'
import type { ReadValue } from '../formats/read-value.ts'
import { typedValue } from '../formats/typed-value.ts'
import { loadCodec } from '../formats/value-codec.ts'
import { type FormattedPart, valueFrame } from '../formats/value-frame.ts'
import { toError } from '../model/errors.ts'
import type { KafkaRecord } from '../model/record.ts'
import { exactText, readExact } from '../validation/exact-json.ts'
import type { ValueLooks, WatchedHandler } from './watched-runtime.ts'

/** JSON of each part that has a format. */
export type TypedParts = { readonly [Part in FormattedPart]?: string }

type Topic = NonNullable<WatchedHandler['definition']>['topic']

/**
 * May take as long as the registry does.
 * @throws Error in a sentence without its full stop, where `send` would write another record
 */
export async function typedParts(
  record: KafkaRecord,
  { format, keyFormat }: Pick<Topic, 'format' | 'keyFormat'>,
  values: ValueLooks,
): Promise<TypedParts> {
  const value = format === undefined ? {} : { value: await typedPart('value', record, format, values) }
  const key = keyFormat === undefined ? {} : { key: await typedPart('key', record, keyFormat, values) }
  return { ...value, ...key }
}

async function typedPart(
  part: FormattedPart,
  record: KafkaRecord,
  format: Format<unknown>,
  values: ValueLooks,
): Promise<string> {
  const bytes = record[part]
  const json = bytes === null ? 'null' : await jsonOf(part, bytes, record, values)
  const { schema } = format
  await loadCodec(schema)
  let written: Buffer | null
  try {
    const typed = typedValue(schema, readExact(json))
    written =
      part === 'value' ? encodeFormat(format, record.topic, typed).value : encodeKey(format, record.topic, typed).key
  } catch (thrown) {
    const { message, cause } = toError(thrown)
    const why = cause instanceof Error ? cause.message : message
    throw new Error(`\`pyrallel send\` would not take its ${part}, by schema ${schema.subject} of today: ${why}`, {
      cause: thrown,
    })
  }
  // The order is by a key's bytes.
  if (part === 'value' || bytes === null || written?.equals(bytes) === true) return json
  throw new Error(
    `Its key was written otherwise than schema ${schema.subject} of today writes it, so \`pyrallel send\` would send another key`,
  )
}

async function jsonOf(
  part: FormattedPart,
  bytes: Buffer,
  { headers }: KafkaRecord,
  values: ValueLooks,
): Promise<string> {
  const frame = valueFrame(bytes, headers, part)
  if (typeof frame === 'string') throw new Error(`Its ${part} ${frame}`)
  const read = await values.readerOf(frame.ref).then(
    (reader) => reader(bytes, frame),
    (thrown): ReadValue => ({ kind: 'unread', why: toError(thrown).message }),
  )
  switch (read.kind) {
    case 'read':
      return exactText(read.value)
    case 'plain':
      // JSON whose schema is named in a header.
      return bytes.toString()
    case 'unread':
      throw new Error(`Its ${part} is not read: ${read.why}`)
  }
}
