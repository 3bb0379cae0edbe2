/** Writes values in a registry's format, with what names the pulled schema. */
import type { Format } from '../api/format.ts'
import { PyrallelError, toError } from '../model/errors.ts'
import type { OutgoingRecord, RecordHeader } from '../model/record.ts'
import { VALUE_SCHEMA_ID } from '../validation/registry-framing.ts'
import type { RulesOf } from '../validation/slow-patterns.ts'
import { codecOf, type ValueCodec } from './value-codec.ts'
import { type WrittenFrame, writtenFrame } from './value-frame.ts'

const codecs = new WeakMap<object, ValueCodec>()
const frames = new WeakMap<object, WrittenFrame>()
const NO_HEADERS: readonly RecordHeader[] = []

export interface EncodingOptions {
  /** Of the record. One that names a schema is another value's, of a record that is passed on: it is left out, as readers would believe it. */
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
  { headers = NO_HEADERS, rulesOf }: EncodingOptions = {},
): Pick<OutgoingRecord, 'value' | 'headers'> {
  const { schema, tombstones = false } = format
  try {
    const codec = codecs.get(schema) ?? codecOf(schema, rulesOf?.(topic))
    codecs.set(schema, codec)
    const frame = frames.get(format) ?? writtenFrame(format)
    frames.set(format, frame)
    const others = headers.some(isSchemaName) ? headers.filter((each) => !isSchemaName(each)) : headers
    if (value === null && (tombstones || codec.admitsNull)) return { value: null, headers: others }
    const bytes = codec.encode(value)
    return frame.header === undefined
      ? { value: Buffer.concat([frame.bytes, bytes]), headers: others }
      : { value: bytes, headers: [...others, frame.header] }
  } catch (thrown) {
    const cause = toError(thrown)
    const facts = `The value published to ${topic} does not satisfy schema ${schema.subject}`
    throw new PyrallelError('PYR_SCHEMA', `${facts}: ${cause.message}.`, { cause })
  }
}

function isSchemaName([name]: RecordHeader): boolean {
  return name === VALUE_SCHEMA_ID
}
