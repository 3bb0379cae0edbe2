/** Reads the Avro schema of a subject, and says of which one it is where that is none. Pure. */
import { type AvroType, readAvroSchema } from '../../framework/formats/avro/avro-schema.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import { harmless } from '../../framework/model/plain-text.ts'

/**
 * @param subject for messages
 * @param references texts of schemas that are named, what is named before what names it
 * @throws PyrallelError PYR_SCHEMA_REFUSED with the place in the schema
 */
export function readAvro(text: string, references: readonly string[], subject: string): AvroType {
  try {
    return readAvroSchema(text, references)
  } catch (thrown) {
    const facts = `The schema of ${harmless(subject)} cannot be read: ${toError(thrown).message}`
    throw new PyrallelError('PYR_SCHEMA_REFUSED', `${facts}. Register a version that Avro's specification allows.`)
  }
}
