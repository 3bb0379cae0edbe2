/** Writes values in a registry's format, with the id of the pulled schema in front. */
import type { Format } from '../api/format.ts'
import { PyrallelError, toError } from '../model/errors.ts'
import type { RulesOf } from '../validation/slow-patterns.ts'
import { codecOf, type ValueCodec } from './value-codec.ts'
import { idFrame } from './value-frame.ts'

const codecs = new WeakMap<object, ValueCodec>()

/**
 * Byte 0, the id in 4 bytes, the value. Wait for `loadCodec` first. `null` is a tombstone where the format or its schema admits it.
 * @throws PyrallelError PYR_SCHEMA when the value is none of the schema: says where, and never tells the value
 */
export function encodeFormat(
  { schema, tombstones = false }: Format<unknown>,
  topic: string,
  value: unknown,
  rulesOf?: RulesOf,
): Buffer | null {
  try {
    const codec = codecs.get(schema) ?? codecOf(schema, rulesOf?.(topic))
    codecs.set(schema, codec)
    if (value === null && (tombstones || codec.admitsNull)) return null
    return Buffer.concat([idFrame(schema.id), codec.encode(value)])
  } catch (thrown) {
    const cause = toError(thrown)
    const facts = `The value published to ${topic} does not satisfy schema ${schema.subject}`
    throw new PyrallelError('PYR_SCHEMA', `${facts}: ${cause.message}.`, { cause })
  }
}
