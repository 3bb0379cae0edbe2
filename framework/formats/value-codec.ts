/** What reads and writes values of one format, whatever the format is. */
import type { PulledSchema } from '../api/format.ts'
import { AvroCodec } from './avro-codec.ts'
import type { WriterSchema } from './known-schemas.ts'

/** @throws Error in words that go on after "the value cannot be read" */
export type ReadValue = (bytes: Buffer, from: number) => unknown

export interface ValueCodec {
  /** A tombstone is a value of this schema. */
  readonly admitsNull: boolean
  /** @throws Error when nothing that was written with that schema can be read with this one */
  readerOf(writer: WriterSchema): ReadValue
  /** Without a frame. @throws Error in words that go on after "The value", without the value itself */
  encode(value: unknown): Buffer
}

/** @throws Error when the schema cannot be read */
export function codecOf(schema: PulledSchema<unknown>): ValueCodec {
  if (schema.format !== 'avro') throw new Error(`values of ${schema.format} cannot be read yet`)
  return new AvroCodec(schema)
}
