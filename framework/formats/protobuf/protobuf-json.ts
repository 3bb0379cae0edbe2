/** Between values of Protobuf and JSON that people read and write, by Protobuf's own mapping: https://protobuf.dev/programming-guides/json/ */
import type { DescFile, JsonValue, Registry } from '@bufbuild/protobuf'
import { toError } from '../../model/errors.ts'
import { readIndexes } from './message-indexes.ts'
import { messageOf, type NamedProto, readProtoSchema } from './proto-schema.ts'
import { protobufLibrary } from './protobuf-library.ts'
import { readMessage } from './read-message.ts'

export interface ProtobufSchema {
  readonly text: string
  readonly references?: readonly NamedProto[]
  /** Without it: the first. */
  readonly message?: string
}

/**
 * Wait for `loadProtobuf` first.
 * @param json whole numbers that a `number` cannot hold are bigints in it
 * @throws Error in words that begin with the place in the value
 */
export function protobufFromJson({ text, references = [], message }: ProtobufSchema, json: unknown): unknown {
  const { fromJson } = protobufLibrary().core
  const file = readProtoSchema(text, references)
  try {
    return fromJson(messageOf(file, message), plainJson(json), { registry: typesOf(file) })
  } catch (thrown) {
    const cause = toError(thrown)
    throw new Error(`the value cannot be made of this JSON: ${cause.message}`, { cause })
  }
}

export interface ProtobufJson {
  /** 64 bits are texts in it. */
  readonly json: unknown
  /** Full name of the message that the value is, by its indexes. */
  readonly message: string
}

/**
 * Reads all values of one schema as JSON. Wait for `loadProtobuf` first.
 * @throws Error where the schema is none; the reader throws one where the bytes are none of the schema
 */
export function protobufJsonReader({
  text,
  references = [],
}: ProtobufSchema): (bytes: Buffer, from: number, beside?: Buffer) => ProtobufJson {
  const { toJson } = protobufLibrary().core
  const file = readProtoSchema(text, references)
  const registry = typesOf(file)
  return (bytes, from, beside) => {
    const { message, end } = readIndexes(file, beside ?? bytes, beside === undefined ? from : 0)
    if (message === undefined) throw new Error('the indexes of its message lead nowhere')
    const value = readMessage(message, bytes.subarray(beside === undefined ? end : from))
    return { json: toJson(message, value, { registry }), message: message.typeName }
  }
}

/** For what `google.protobuf.Any` carries. */
function typesOf(file: DescFile): Registry {
  const files = new Set<DescFile>()
  const add = (each: DescFile): void => {
    if (files.has(each)) return
    files.add(each)
    each.dependencies.forEach(add)
  }
  add(file)
  return protobufLibrary().core.createRegistry(...files)
}

/** JSON of Protobuf takes texts for numbers that JavaScript cannot hold. */
function plainJson(json: unknown): JsonValue {
  if (typeof json === 'bigint') return String(json)
  if (Array.isArray(json)) return json.map(plainJson)
  if (typeof json === 'object' && json !== null) {
    return Object.fromEntries(Object.entries(json).map(([name, each]) => [name, plainJson(each)]))
  }
  return json as JsonValue
}
