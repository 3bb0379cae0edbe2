/** Reads and writes values in Avro: what they were written with is resolved to the schema that was pulled. */
import type { PulledSchema } from '../api/format.ts'
import { AvroBytes } from './avro/avro-bytes.ts'
import { AvroOutput } from './avro/avro-output.ts'
import { avroReader } from './avro/avro-reader.ts'
import { type AvroType, readAvroSchema } from './avro/avro-schema.ts'
import { AvroRefusal, avroWriter, type Write } from './avro/avro-writer.ts'
import type { WriterSchema } from './known-schemas.ts'

export class AvroCodec {
  readonly #type: AvroType
  readonly #write: Write

  /** @throws Error when the schema is none of Avro */
  constructor({ text, references = [] }: Pick<PulledSchema<unknown>, 'text' | 'references'>) {
    this.#type = readAvroSchema(
      text,
      references.map((each) => each.text),
    )
    this.#write = avroWriter(this.#type)
  }

  get admitsNull(): boolean {
    const type = this.#type
    return type.kind === 'null' || (type.kind === 'union' && type.branches.some(({ kind }) => kind === 'null'))
  }

  readerOf({ format, text, references }: WriterSchema): (bytes: Buffer, from: number) => unknown {
    if (format !== 'avro') throw new Error(`it was written as ${format}, and Avro is wanted`)
    const read = avroReader(
      readAvroSchema(
        text,
        references.map((each) => each.text),
      ),
      this.#type,
    )
    return (bytes, from) => {
      const input = new AvroBytes(bytes, from)
      const value = read(input)
      if (input.left > 0) throw new Error(`bytes are left behind its end: ${input.left}`)
      return value
    }
  }

  encode(value: unknown): Buffer {
    const output = new AvroOutput()
    try {
      this.#write(output, value)
    } catch (thrown) {
      if (thrown instanceof AvroRefusal) throw new Error(`${thrown.where} ${thrown.message}`, { cause: thrown })
      throw thrown
    }
    return output.finish()
  }
}
