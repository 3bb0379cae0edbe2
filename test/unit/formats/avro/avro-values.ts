/** What tests of Avro are made of: a schema as an object, values that are written and read. Not a test itself. */
import { AvroCodec } from '../../../../framework/formats/avro-codec.ts'

const texts = (references: readonly object[]) =>
  references.map((each) => ({ name: '', subject: '', version: 1, text: JSON.stringify(each) }))

export const codec = (schema: unknown, references: readonly object[] = []) =>
  new AvroCodec({ text: JSON.stringify(schema), references: texts(references) })

/** Reads bytes that were written with one schema as values of another. */
export function read(bytes: Buffer, writer: unknown, reader: unknown = writer): unknown {
  return codec(reader).readerOf({ format: 'avro', text: JSON.stringify(writer), references: [] })(bytes, 0)
}

/** A value of one schema, as it comes out as one of another. */
export const through = (value: unknown, writer: unknown, reader: unknown = writer): unknown =>
  read(codec(writer).encode(value), writer, reader)

export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

export const record = (name: string, ...fields: readonly object[]) => ({ type: 'record', name, fields })
export const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more })
