/** Says why a text is no schema of its type, as far as a real registry would say so. Pure. */
import { allSubschemas, isObject } from '../../../framework/formats/json-schema-keywords.ts'
import type { NamedText } from '../../../framework/formats/named-text.ts'
import { parseProto } from '../../../framework/formats/protobuf/proto-parser.ts'
import { isBase64, readProtoSchema } from '../../../framework/formats/protobuf/proto-schema.ts'
import { isProtobufLoaded } from '../../../framework/formats/protobuf/protobuf-library.ts'
import { toError } from '../../../framework/model/errors.ts'
import { harmless } from '../../../framework/model/plain-text.ts'
import { readAvro } from '../../schemas/read-avro.ts'
import type { SchemaType } from './registry-store.ts'

/** Deeper than anybody writes, and far from the end of the stack. */
const MAX_DEPTH = 100
const jsonTypes: readonly unknown[] = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string']

/**
 * Of Protobuf, names are looked up only once its library is loaded; the language is read without it.
 * @param references what is named before what names it
 * @returns undefined where it is one
 */
export function schemaFault(
  { type, text }: { readonly type: SchemaType; readonly text: string },
  references: readonly NamedText[],
  subject: string,
): string | undefined {
  try {
    if (type === 'AVRO') {
      const texts = references.map((each) => each.text)
      readAvro(text, [...new Set(texts)], subject)
    } else if (type === 'PROTOBUF') checkProtobuf(text, references)
    else checkJsonSchema(JSON.parse(text), '#', 0)
    return undefined
  } catch (thrown) {
    const { message } = toError(thrown)
    return type === 'AVRO' ? message : `Invalid schema of type ${type}: ${message}`
  }
}

function checkProtobuf(text: string, references: readonly NamedText[]): void {
  if (isProtobufLoaded()) readProtoSchema(text, references)
  else if (!isBase64(text)) parseProto('schema.proto', text)
}

/** What no draft allows. What is only not read here, such as `$dynamicRef`, is taken. */
function checkJsonSchema(schema: unknown, path: string, depth: number): void {
  if (typeof schema === 'boolean') return
  if (!isObject(schema)) throw new Error(`${path} is neither an object nor a boolean`)
  if (depth > MAX_DEPTH) throw new Error(`${path} is more than ${MAX_DEPTH} levels deep`)
  const { type } = schema
  const named: readonly unknown[] = type === undefined ? [] : Array.isArray(type) ? type : [type]
  const other = named.find((each) => !jsonTypes.includes(each))
  if (other !== undefined) throw new Error(`${path} has the type ${harmless(JSON.stringify(other))}, which is none`)
  for (const { keyword, steps, schema: each } of allSubschemas(schema)) {
    checkJsonSchema(each, `${path}/${[keyword, ...steps].map(harmless).join('/')}`, depth + 1)
  }
}
