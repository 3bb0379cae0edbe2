/** Writes values and keys in a registry's format, with what names the pulled schema. */
import type { Format } from '../api/format.ts'
import { PyrallelError, toError } from '../model/errors.ts'
import type { OutgoingRecord, RecordHeader } from '../model/record.ts'
import type { RulesOf } from '../validation/slow-patterns.ts'
import { keyWords } from './key-words.ts'
import { codecOf, type ValueCodec } from './value-codec.ts'
import { type FormattedPart, namesSchemaOf, type WrittenFrame, writtenFrame } from './value-frame.ts'

const codecs = new WeakMap<object, ValueCodec>()
/** One format may be that of values here, and of keys there. */
const frames = { value: new WeakMap<object, WrittenFrame>(), key: new WeakMap<object, WrittenFrame>() }
const NO_HEADERS: readonly RecordHeader[] = []

export interface EncodingOptions {
  /** Of the record. One that names a schema of this part is another one's, of a record that is passed on: it is left out, as readers would believe it. */
  readonly headers?: readonly RecordHeader[]
  /** For patterns of the schema. */
  readonly rulesOf?: RulesOf
}

/**
 * The value as its format is written, and the headers of its record. Wait for `loadCodec` first. `null` is a tombstone where the format or its schema admits it.
 * @throws PyrallelError PYR_SCHEMA when the value is none of the schema: says where, and never tells the value
 */
export function encodeFormat(
  format: Format<unknown>,
  topic: string,
  value: unknown,
  options: EncodingOptions = {},
): Pick<OutgoingRecord, 'value' | 'headers'> {
  const { bytes, headers } = encoded('value', format, topic, value, options)
  return { value: bytes, headers }
}

/**
 * The same for a key, which `null` is none.
 * @throws PyrallelError PYR_SCHEMA when the key is none of the schema: says where, and never tells the key
 */
export function encodeKey(
  format: Format<unknown>,
  topic: string,
  key: unknown,
  options: EncodingOptions = {},
): Pick<OutgoingRecord, 'key' | 'headers'> {
  const { bytes, headers } = encoded('key', format, topic, key ?? null, options)
  return { key: bytes, headers }
}

interface Encoded {
  readonly bytes: Buffer | null
  readonly headers: readonly RecordHeader[]
}

function encoded(
  part: FormattedPart,
  format: Format<unknown>,
  topic: string,
  value: unknown,
  { headers = NO_HEADERS, rulesOf }: EncodingOptions,
): Encoded {
  const { schema, tombstones = false } = format
  try {
    const codec = codecs.get(schema) ?? codecOf(schema, rulesOf?.(topic))
    codecs.set(schema, codec)
    const frame = frames[part].get(format) ?? writtenFrame(format, part, codec.indexes)
    frames[part].set(format, frame)
    const isName = (header: RecordHeader) => namesSchemaOf(part, header)
    const others = headers.some(isName) ? headers.filter((each) => !isName(each)) : headers
    const isNone = value === null && (part === 'key' || tombstones || codec.admitsNull)
    if (isNone) return { bytes: null, headers: others }
    const bytes = codec.encode(value)
    return frame.header === undefined
      ? { bytes: Buffer.concat([frame.bytes, bytes]), headers: others }
      : { bytes, headers: [...others, frame.header] }
  } catch (thrown) {
    const cause = toError(thrown)
    const why = part === 'key' ? keyWords(cause.message) : cause.message
    const facts = `The ${part} published to ${topic} does not satisfy schema ${schema.subject}`
    throw new PyrallelError('PYR_SCHEMA', `${facts}: ${why}.`, { cause })
  }
}
