/** From the bytes of a value, or of a key, in a registry's format to what the handler's type says; or to why not, or not yet. Never tells the payload itself. */
import type { Format, PulledSchema } from '../api/format.ts'
import { PyrallelError, toError } from '../model/errors.ts'
import type { RecordHeader } from '../model/record.ts'
import type { PatternRules } from '../validation/guarded-patterns.ts'
import { RejectedValue } from '../validation/value-decoder.ts'
import { rejectedKey } from './key-words.ts'
import type { SchemaAnswer } from './known-schemas.ts'
import { namedText } from './named-text.ts'
import { SCHEMA_MISMATCH } from './registry-answers.ts'
import { codecOf, type ReadValue, type ValueCodec } from './value-codec.ts'
import { type FormattedPart, refText, type SchemaRef, valueFrame } from './value-frame.ts'

/** Stands in for a value, or a key, that cannot be read yet: its schema is not here. */
export class UnreadyValue {
  readonly why: string

  constructor(why: string) {
    this.why = why
  }
}

/** Where the schemas of writers come from. */
export interface SchemaSource {
  /** @param of what wants it; a registry answers the same for both */
  find(ref: SchemaRef, of: FormattedPart): SchemaAnswer
}

/** Readers that are kept. Those of one topic have one schema each, and evolve now and then. */
const MOST_READERS = 1_000

export class FormatDecoder {
  readonly #codec: ValueCodec
  readonly #schemas: SchemaSource
  readonly #admitsNull: boolean
  readonly #pulled: PulledSchema<unknown>
  readonly #part: FormattedPart
  readonly #readers = new Map<string, ReadValue | RejectedValue>()

  private constructor(
    codec: ValueCodec,
    schemas: SchemaSource,
    { schema, tombstones = false }: Format<unknown>,
    part: FormattedPart,
  ) {
    this.#codec = codec
    this.#part = part
    this.#admitsNull = part === 'key' || tombstones || codec.admitsNull
    this.#pulled = schema
    this.#schemas = schemas
  }

  /**
   * Wait for `loadCodec` first.
   * @param schemas where the schemas of writers come from; undefined where there is no registry
   * @param part what it decodes: the rejection of a key has a name of its own, and a record without a key has the key `null`
   * @throws PyrallelError PYR_HANDLER_OPTION when the pulled schema cannot be read, or there is no registry
   */
  static of(
    format: Format<unknown>,
    handlerId: string,
    schemas: SchemaSource | undefined,
    rules?: PatternRules,
    part: FormattedPart = 'value',
  ): FormatDecoder {
    const { schema } = format
    const refuse = (sentence: string, cause?: Error) =>
      new PyrallelError('PYR_HANDLER_OPTION', `Handler ${handlerId}: ${sentence}`, cause === undefined ? {} : { cause })
    if (schemas === undefined) {
      throw refuse(
        `the ${part}s of its topic have schema ${schema.subject} of a registry, and none is configured. Set registry.url.`,
      )
    }
    try {
      return new FormatDecoder(codecOf(schema, rules), schemas, format, part)
    } catch (thrown) {
      const cause = toError(thrown)
      throw refuse(
        `schema ${schema.subject} cannot be used: ${cause.message}. Pull it again: pyrallel schemas pull.`,
        cause,
      )
    }
  }

  /**
   * The value, a `RejectedValue`, or an `UnreadyValue`. Total, as that of JSON: thrown from here, a value's fault would end the process at every start.
   * A tombstone is `null`, and passes where the format or its schema admits it.
   */
  decode(bytes: Buffer | null, headers: readonly RecordHeader[]): unknown {
    if (bytes === null) return this.#admitsNull ? null : tombstone(this.#pulled.format)
    const frame = valueFrame(bytes, headers, this.#part)
    if (typeof frame === 'string') return this.#undecodable(`the value ${frame}`)
    const reader = this.#readerOf(frame.ref)
    if (typeof reader !== 'function') return reader
    try {
      const read = reader(bytes, frame.from, frame.beside)
      return read instanceof RejectedValue ? this.#rejected(read) : read
    } catch (thrown) {
      const why = thrown instanceof RangeError ? 'it is nested too deeply' : toError(thrown).message
      return this.#undecodable(`the value, with schema ${refText(frame.ref)}, cannot be read: ${why}`)
    }
  }

  #undecodable(message: string, name?: string): RejectedValue {
    return this.#rejected(new RejectedValue('undecodable', message, name))
  }

  #rejected(value: RejectedValue): RejectedValue {
    return this.#part === 'key' ? rejectedKey(value) : value
  }

  #readerOf(ref: SchemaRef): ReadValue | RejectedValue | UnreadyValue {
    const key = refText(ref)
    const known = this.#readers.get(key)
    if (known !== undefined) return known
    const answer = this.#own(ref) ?? this.#schemas.find(ref, this.#part)
    if (answer.kind === 'unanswered') return new UnreadyValue(answer.why)
    if (answer.kind === 'refused') return this.#undecodable(`the value cannot be read: ${answer.why}`, answer.name)
    const reader = this.#compiled(key, () => this.#codec.readerOf(answer.schema))
    for (const oldest of this.#readers.keys()) {
      if (this.#readers.size < MOST_READERS) break
      this.#readers.delete(oldest)
    }
    this.#readers.set(key, reader)
    return reader
  }

  /** A GUID is of one schema wherever it is registered: where it is that of the pulled one, nobody has to be asked. */
  #own(ref: SchemaRef): SchemaAnswer | undefined {
    const { guid, format, text, references = [] } = this.#pulled
    if (!('guid' in ref) || ref.guid !== guid) return undefined
    return { kind: 'found', schema: { format, text, references: references.map(namedText) } }
  }

  #compiled(key: string, compile: () => ReadValue): ReadValue | RejectedValue {
    try {
      return compile()
    } catch (thrown) {
      const why = `schema ${key} does not fit the one that was pulled: ${toError(thrown).message}`
      return this.#undecodable(`the value cannot be read: ${why}`, SCHEMA_MISMATCH)
    }
  }
}

function tombstone(format: PulledSchema<unknown>['format']): RejectedValue {
  const made = { avro: 'avro', protobuf: 'protobuf', 'json-schema': 'jsonSchema' }[format]
  const next = `${made}(schema, { tombstones: true }) does`
  return new RejectedValue('invalid', `the value is null (a tombstone), which its format does not admit: ${next}`)
}
