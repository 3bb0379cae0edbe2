/** The formats of topics in one simulated run, and the registry that has their schemas: those that are read, written before, or published by handlers. */
import type { Format, PulledSchema } from '../../api/format.ts'
import { FormatDecoder } from '../../formats/format-decoder.ts'
import { type FormattedPart, refText, type SchemaRef } from '../../formats/value-frame.ts'
import { bug, PyrallelError } from '../../model/errors.ts'
import type { RecordHeader } from '../../model/record.ts'
import type { NamedTopic, TopicFormats } from '../../publishing/topic-formats.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../registry/schema-registry.ts'
import { RejectedValue } from '../../validation/value-decoder.ts'
import { pulledAnswer } from '../run-call.ts'

export class KnownFormats {
  readonly #topics = new Map<string, TopicFormats>()
  /** By id, and by GUID. */
  readonly #schemas = new Map<string, PulledSchema<unknown>>()
  readonly #decoders = {
    value: new Map<Format<unknown>, FormatDecoder>(),
    key: new Map<Format<unknown>, FormatDecoder>(),
  }

  /** @throws TypeError where another schema has the same id: a registry would have given it another */
  constructor(topics: Iterable<NamedTopic>) {
    for (const topic of topics) this.note(topic)
  }

  /** @throws TypeError as the constructor */
  note({ name, format, keyFormat, values }: NamedTopic): void {
    if (format === undefined && keyFormat === undefined && values === undefined) return
    for (const each of [format, keyFormat]) if (each !== undefined) this.#add(each.schema)
    this.#topics.set(name, {
      ...this.#topics.get(name),
      ...(format !== undefined && { format }),
      ...(keyFormat !== undefined && { keyFormat }),
      ...(values !== undefined && { values }),
    })
  }

  #add(schema: PulledSchema<unknown>): void {
    const { id, guid, subject, text } = schema
    for (const ref of [refText({ id }), ...(guid === null ? [] : [refText({ guid })])]) {
      const known = this.#schemas.get(ref)
      if (known !== undefined && (known.text !== text || known.format !== schema.format)) {
        const facts = `the schemas ${known.subject} and ${subject} both have ${ref}, and a registry gives each its own`
        throw new TypeError(`simulate(): ${facts}. Pull both from one registry.`)
      }
      this.#schemas.set(ref, schema)
    }
  }

  of(topic: string): TopicFormats {
    return this.#topics.get(topic) ?? {}
  }

  /** A value, or a key, as its format reads it; undefined where the topic has no format, or the bytes are none of it. */
  read(
    topic: string,
    part: FormattedPart,
    bytes: Buffer,
    headers: readonly RecordHeader[],
  ): { readonly value: unknown } | undefined {
    const format = this.of(topic)[part === 'key' ? 'keyFormat' : 'format']
    if (format === undefined) return undefined
    const known = this.#decoders[part].get(format)
    const find = (ref: SchemaRef) => pulledAnswer(this.#schemas.get(refText(ref)) ?? format.schema)
    const decoder = known ?? FormatDecoder.of(format, 'simulate', { find }, undefined, part)
    this.#decoders[part].set(format, decoder)
    const value = decoder.decode(bytes, headers)
    return value instanceof RejectedValue ? undefined : { value }
  }

  /** Answers at once, and has what was noted until then. */
  registry(): SchemaRegistry {
    const found = async (ref: SchemaRef): Promise<RegisteredSchema> => {
      const schema = this.#schemas.get(refText(ref))
      if (schema === undefined) {
        const facts = `The simulated registry has no schema with ${refText(ref)}`
        throw new PyrallelError('PYR_SCHEMA_UNKNOWN', `${facts}: no topic of the simulation has it.`)
      }
      const { format, text, references = [], guid } = schema
      return { format, text, references, guid, rules: [] }
    }
    const notHere = async (): Promise<never> => {
      throw bug('simulate', 'a runtime asks a registry for schemas by id and GUID only')
    }
    return {
      url: 'simulated',
      byId: (id) => found({ id }),
      byGuid: (guid) => found({ guid }),
      version: notHere,
      latest: notHere,
      subjects: notHere,
      versionOf: notHere,
      objections: notHere,
      register: notHere,
      close() {},
    }
  }
}
