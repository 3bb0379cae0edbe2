/** Tells of a value that is not JSON whether a serializer for a schema registry wrote it. Reads no schema. */

import type { RecordHeader } from '../model/record.ts'

/** Where Confluent's `HeaderSchemaIdSerializer` puts the GUID; the value has nothing in front then. */
export const VALUE_SCHEMA_ID = '__value_schema_id'
/** The same for the key. */
export const KEY_SCHEMA_ID = '__key_schema_id'
/** Byte 0, then the id. */
const ID_FRAME = 5
/** Byte 0, then the id as Apicurio wrote it before its version 3: 8 bytes. */
const LONG_ID_FRAME = 9
/** Byte 1, then the GUID. */
const GUID_FRAME = 17
/** Byte 3, a byte for the compression (0: none, 5: zlib), then the UUID of the schema's version. */
const GLUE_FRAME = 18
/** Registries give ids from 1 on, as signed numbers. */
const MAX_ID = 2 ** 31 - 1

/**
 * What the first bytes are, in words that go on after "it begins with the". Ids are told, as the schema is found by them. A GUID is not: where the
 * bytes only look like one, 16 of them would stand in the log.
 *
 * Layouts: Confluent's serializers (id, GUID), `Legacy8ByteIdHandler` of Apicurio Registry, `AWSSchemaRegistryConstants` of AWS Glue.
 * @param bytes a value that is not JSON, of any length
 * @returns undefined where they are none of these
 */
export function registryFraming(bytes: Buffer): string | undefined {
  switch (bytes[0]) {
    case 0:
      return idFraming(bytes)
    case 1:
      return bytes.length < GUID_FRAME ? undefined : 'GUID of a schema in a registry'
    case 3: {
      const isGlue = bytes.length >= GLUE_FRAME && (bytes[1] === 0 || bytes[1] === 5)
      return isGlue ? 'schema version of an AWS Glue registry' : undefined
    }
    default:
      return undefined
  }
}

function idFraming(bytes: Buffer): string | undefined {
  if (bytes.length < ID_FRAME) return undefined
  const id = bytes.readUInt32BE(1)
  if (id > MAX_ID) return undefined
  if (id > 0) return `schema id ${id} of a registry`
  const longId = bytes.length < LONG_ID_FRAME ? 0 : bytes.readUInt32BE(ID_FRAME)
  return longId === 0 ? undefined : `schema id ${longId} of an Apicurio registry (8 bytes)`
}

/** Whether the schema of the value is told in the headers. Says nothing of its format: in JSON Schema, the value is plain JSON. */
export function namesRegistrySchema(headers: readonly RecordHeader[]): boolean {
  return headers.some(([name, value]) => name === VALUE_SCHEMA_ID && value !== null)
}
