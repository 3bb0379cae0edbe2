/** What reads and writes values of one format, whatever the format is. */
import type { PulledSchema } from '../api/format.ts'
import type { PatternRules } from '../validation/guarded-patterns.ts'
import { areToolsLoaded, compilerTools } from '../validation/value-check.ts'
import { AvroCodec } from './avro-codec.ts'
import { JsonCodec } from './json-codec.ts'
import type { WriterSchema } from './known-schemas.ts'
import { isProtobufLoaded, loadProtobuf } from './protobuf/protobuf-library.ts'
import { ProtobufCodec } from './protobuf-codec.ts'

/**
 * May return a `RejectedValue`, where it has more to say.
 * @param beside what stands behind the name of the schema, where that is named in a header
 * @throws Error in words that go on after "the value cannot be read"
 */
export type ReadValue = (bytes: Buffer, from: number, beside?: Buffer) => unknown

export interface ValueCodec {
  /** A tombstone is a value of this schema. */
  readonly admitsNull: boolean
  /** What stands between the name of the schema and the value, wherever that is named. */
  readonly indexes?: Buffer
  /** @throws Error when nothing that was written with that schema can be read with this one */
  readerOf(writer: WriterSchema): ReadValue
  /** Without a frame. @throws Error in words that go on after "The value", without the value itself */
  encode(value: unknown): Buffer
}

/** What `codecOf` needs, loaded when it is first asked for; `undefined` where all of it is here. */
export function loadCodec({ format }: Pick<PulledSchema<unknown>, 'format'>): Promise<unknown> | undefined {
  if (format === 'protobuf') return isProtobufLoaded() ? undefined : loadProtobuf()
  return format === 'json-schema' && !areToolsLoaded() ? compilerTools() : undefined
}

/**
 * Wait for `loadCodec` first.
 * @param rules for patterns of the schema. Without them, nobody is told of slow ones
 * @throws Error when the schema cannot be read
 */
export function codecOf(schema: PulledSchema<unknown>, rules?: PatternRules): ValueCodec {
  switch (schema.format) {
    case 'avro':
      return new AvroCodec(schema)
    case 'json-schema':
      return new JsonCodec(schema, rules)
    case 'protobuf':
      return new ProtobufCodec(schema)
  }
}
