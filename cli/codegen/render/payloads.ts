/** What generated files say of a value's schema: its constant, its JSON Schema, its hash. */

import type { FormatSchema, ScanResult, ValueSchema } from '../scan/scan-result.ts'
import { hashOf, type JsonSchema, schemaHashes } from '../schema/json-schema.ts'
import { evaluateSchema } from '../schema/schema-expression.ts'

export interface Payload {
  /** The constant in `generated/schemas.ts`; `undefined` where the user wrote the schema, or nobody did. */
  readonly name: string | undefined
  /** `null`: there is none, or only running the code could tell it. */
  readonly hash: string | null
  readonly json: JsonSchema | undefined
  /** What the values are, for those who read them elsewhere; undefined for JSON. */
  readonly foreign?: ForeignFormat
}

/** Values, or keys, of a registry's format. */
export interface ForeignFormat {
  readonly contentType: string
  readonly framing: 'id' | 'guid' | 'header'
  /** Where the registry has the schema. */
  readonly subject: string | null
  readonly protobuf?: Extract<ValueSchema, { readonly kind: 'pulled' }>['protobuf']
}

export type PayloadOf = (schema: ValueSchema) => Payload

const contentTypes = {
  avro: 'application/vnd.apache.avro',
  protobuf: 'application/vnd.google.protobuf',
  'json-schema': 'application/json',
} as const

export function foreignOf({ format, framing, subject, protobuf }: FormatSchema): ForeignFormat {
  return { contentType: contentTypes[format], framing, subject, ...(protobuf && { protobuf }) }
}

const nothing: Payload = { name: undefined, hash: null, json: undefined }

export async function payloadsOf({ handlers, topics, definitions }: ScanResult): Promise<PayloadOf> {
  const hashes = schemaHashes(definitions)
  const known = new Map<ValueSchema, Payload>()
  for (const { schema } of [...handlers, ...topics]) {
    if (schema.kind === 'pulled') {
      known.set(schema, { name: undefined, hash: schema.fingerprint, json: undefined, foreign: foreignOf(schema) })
    } else if (schema.kind === 'derived') {
      const json = { $ref: `#/components/schemas/${schema.name}` }
      known.set(schema, { name: schema.name, hash: hashes.get(schema.name) ?? null, json })
    } else if (schema.kind === 'explicit' && schema.expression !== undefined) {
      const json = await evaluateSchema(schema.expression)
      known.set(schema, { name: undefined, hash: json === undefined ? null : hashOf(json), json })
    }
  }
  return (schema) => known.get(schema) ?? nothing
}
