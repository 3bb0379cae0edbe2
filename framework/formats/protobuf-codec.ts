/** Reads and writes values in Protobuf: with the message that was pulled, after a look at whether what they were written with fits it. */
import type { DescMessage } from '@bufbuild/protobuf'
import type { PulledSchema } from '../api/format.ts'
import { RejectedValue } from '../validation/value-decoder.ts'
import type { WriterSchema } from './known-schemas.ts'
import { readIndexes, writtenIndexes } from './protobuf/message-indexes.ts'
import { messageOf, readProtoSchema } from './protobuf/proto-schema.ts'
import { checkFit } from './protobuf/protobuf-fit.ts'
import { type ProtobufLibrary, protobufLibrary } from './protobuf/protobuf-library.ts'
import { ProtobufRefusal } from './protobuf/protobuf-refusal.ts'
import { requiredCheck } from './protobuf/protobuf-required.ts'
import { messageWriter, type WriteMessage } from './protobuf/protobuf-writer.ts'
import { readMessage } from './protobuf/read-message.ts'

/** What dead letters are told apart by: a value is another message of its file than the one that was pulled. */
export const OTHER_MESSAGE = 'OtherMessage'

export class ProtobufCodec {
  readonly admitsNull = false
  /** They stand behind what names the schema. */
  readonly indexes: Buffer
  readonly #library: ProtobufLibrary = protobufLibrary()
  readonly #message: DescMessage
  readonly #write: WriteMessage
  readonly #checkRequired: ((value: unknown) => void) | undefined

  /** Wait for `loadProtobuf` first. @throws Error when the schema is none of Protobuf, or has no such message */
  constructor({ text, references = [], message }: Pick<PulledSchema<unknown>, 'text' | 'references' | 'message'>) {
    this.#message = messageOf(readProtoSchema(text, references), message)
    this.indexes = writtenIndexes(this.#message)
    this.#write = messageWriter(this.#message)
    this.#checkRequired = requiredCheck(this.#message)
  }

  readerOf({ format, text, references }: WriterSchema): (bytes: Buffer, from: number, beside?: Buffer) => unknown {
    if (format !== 'protobuf') throw new Error(`it was written as ${format}, and Protobuf is wanted`)
    const file = readProtoSchema(text, references)
    const written = messagesNamed(file.messages, this.#message.typeName)
    if (written !== undefined) checkFit(written, this.#message)
    const ownIndexes = written === undefined ? undefined : writtenIndexes(written)
    const isFirst = ownIndexes?.length === 1
    return (bytes, from, beside) => {
      if (beside === undefined) {
        if (isFirst && bytes[from] === 0) return this.#read(bytes, from + 1)
        const { message: found, end } = readIndexes(file, bytes, from)
        return found === written && found !== undefined ? this.#read(bytes, end) : this.#other(found)
      }
      const { message: found, end } = readIndexes(file, beside, 0)
      if (end < beside.length)
        throw new Error(`bytes are left behind the indexes of its message: ${beside.length - end}`)
      return found === written && found !== undefined ? this.#read(bytes, from) : this.#other(found)
    }
  }

  encode(value: unknown): Buffer {
    const out = new this.#library.wire.BinaryWriter()
    try {
      this.#write(out, value, 1)
    } catch (thrown) {
      if (thrown instanceof ProtobufRefusal) throw new Error(`${thrown.where} ${thrown.message}`, { cause: thrown })
      throw thrown
    }
    const { buffer, byteOffset, byteLength } = out.finish()
    return Buffer.from(buffer, byteOffset, byteLength)
  }

  /** Texts and bytes of a value are parts of its bytes: those of a client, which come and go, are copied. */
  #read(bytes: Buffer, from: number): unknown {
    const value = readMessage(this.#message, new Uint8Array(bytes.subarray(from)))
    this.#checkRequired?.(value)
    return value
  }

  #other(found: DescMessage | undefined): RejectedValue {
    if (found === undefined) throw new Error('the indexes of its message lead nowhere')
    const facts = `the value is a ${found.typeName}, and ${this.#message.typeName} is wanted`
    return new RejectedValue('undecodable', facts, OTHER_MESSAGE)
  }
}

function messagesNamed(messages: readonly DescMessage[], name: string): DescMessage | undefined {
  for (const each of messages) {
    if (each.typeName === name) return each
    const found = name.startsWith(`${each.typeName}.`) ? messagesNamed(each.nestedMessages, name) : undefined
    if (found !== undefined) return found
  }
  return undefined
}
