/** Says what is wrong with a pulled schema as it stands in its file. It is read as a process reads it that starts with it. */

import { Node, type ObjectLiteralExpression } from 'ts-morph'
import type { PulledSchema } from '../../../framework/api/format.ts'
import { readAvroSchema } from '../../../framework/formats/avro/avro-schema.ts'
import { readJsonSchema } from '../../../framework/formats/json-schema.ts'
import { isProtobufLoaded } from '../../../framework/formats/protobuf/protobuf-library.ts'
import { ProtobufCodec } from '../../../framework/formats/protobuf-codec.ts'
import { toError } from '../../../framework/model/errors.ts'
import { isJson } from '../../../framework/model/is-json.ts'
import { harmless } from '../../../framework/model/plain-text.ts'
import { property, readString } from '../types/static-reader.ts'

type FormatName = PulledSchema<unknown>['format']

export interface SchemaFault {
  /** Goes on after "The values of the topic". */
  readonly what: string
  readonly next: string
}

/**
 * `undefined` where it can be used, and where only running the code could tell its text. One of Protobuf counts as usable until its library is loaded.
 * @param called by the function that makes a format of it
 */
export function pulledSchemaFault(schema: ObjectLiteralExpression, called: FormatName): SchemaFault | undefined {
  const [subject = '', format] = ['subject', 'format'].map((name) => textAt(schema, name))
  const next = `Pull it again: pyrallel schemas pull ${harmless(subject)}.`
  const known = (Object.keys(formatNames) as FormatName[]).find((each) => each === format)
  if (known !== undefined && known !== called) {
    const what = `have a schema of ${formatNames[known]}, and are declared as ${formatNames[called]}`
    return { what, next: `Write \`${makers[known]}(...)\`, or pull the subject that the producers of the topic write.` }
  }
  if (property(schema, 'text') === undefined) return { what: 'cannot be read: the schema has no text', next }
  const text = textAt(schema, 'text')
  if (text === undefined || (called === 'protobuf' && !isProtobufLoaded())) return undefined
  try {
    read(called, text, schema)
    return undefined
  } catch (thrown) {
    const why = toError(thrown).message
    return called === 'json-schema'
      ? { what: `cannot be checked: ${why}`, next: isJson(text) ? jsonNext(next) : next }
      : { what: `cannot be read: ${why}`, next }
  }
}

/** The value of a property that is written as a text. */
export function textAt(schema: ObjectLiteralExpression, name: string): string | undefined {
  const value = property(schema, name)?.value
  return value === undefined ? undefined : readString(value)
}

/** What generated files, and users, make formats with. */
export const makers = { avro: 'avro', protobuf: 'protobuf', 'json-schema': 'jsonSchema' } as const

const formatNames: Readonly<Record<FormatName, string>> = {
  avro: 'Avro',
  protobuf: 'Protobuf',
  'json-schema': 'JSON Schema',
}

/** @throws Error in words that go on after "cannot be read:" */
function read(format: FormatName, text: string, schema: ObjectLiteralExpression): void {
  const list = property(schema, 'references')?.value
  const references = (Node.isArrayLiteralExpression(list) ? list.getElements() : []).flatMap((each) => {
    if (!Node.isObjectLiteralExpression(each)) return []
    const [name = '', subject = ''] = ['name', 'subject'].map((known) => textAt(each, known))
    return { name, subject, version: 0, text: textAt(each, 'text') ?? '' }
  })
  switch (format) {
    case 'avro': {
      const texts = references.map((each) => each.text)
      readAvroSchema(text, texts)
      return
    }
    case 'json-schema':
      readJsonSchema(text, references)
      return
    case 'protobuf': {
      const message = textAt(schema, 'message')
      new ProtobufCodec({ text, references, ...(message !== undefined && { message }) })
    }
  }
}

/** What is JSON may be as the registry has it: pulled again, it would be the same. */
function jsonNext(pull: string): string {
  return `${pull} If that brings the same, register a version of the schema without it, or declare the topic by the type alone: \`topic<Order>(name)\`.`
}
