/** From JSON that a person has written to the value that a topic's format writes. Sends nothing. */
import type { PulledSchema } from '../api/format.ts'
import { avroFromJson } from './avro/avro-from-json.ts'
import { readAvroSchema } from './avro/avro-schema.ts'
import { AvroRefusal } from './avro/avro-writer.ts'
import { protobufFromJson } from './protobuf/protobuf-json.ts'

/**
 * Wait for `loadCodec` first.
 * @param json whole numbers that a `number` cannot hold are bigints in it
 * @throws Error in words that begin with the place in the value
 */
export function typedValue(schema: PulledSchema<unknown>, json: unknown): unknown {
  const { format, text, references = [] } = schema
  // A tombstone is one for every format that admits it.
  if (json !== null && format === 'protobuf') return protobufFromJson(schema, json)
  if (json === null || format !== 'avro') return json
  const type = readAvroSchema(
    text,
    references.map((each) => each.text),
  )
  try {
    return avroFromJson(type, json)
  } catch (thrown) {
    if (thrown instanceof AvroRefusal) throw new Error(`${thrown.where} ${thrown.message}`, { cause: thrown })
    throw thrown
  }
}
