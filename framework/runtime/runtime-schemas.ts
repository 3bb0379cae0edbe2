/** The schemas of writers for one runtime: its handlers on the event loop and in threads share them, so the registry is asked for each once. */
import type { Format } from '../api/format.ts'
import type { HandlerDefinition } from '../api/handler.ts'
import type { ValueLooks } from '../console/watched-runtime.ts'
import { FormatDecoder } from '../formats/format-decoder.ts'
import { KnownSchemas } from '../formats/known-schemas.ts'
import {
  type ReadValue,
  readWithSchema,
  type SchemaReader,
  type SchemaSources,
  schemaReader,
} from '../formats/read-value.ts'
import { askRegistry } from '../formats/registry-answers.ts'
import { loadCodec } from '../formats/value-codec.ts'
import { type SchemaRef, valueFrame } from '../formats/value-frame.ts'
import { PyrallelError } from '../model/errors.ts'
import type { KafkaRecord } from '../model/record.ts'
import type { SchemaRegistry } from '../registry/schema-registry.ts'
import type { Clock } from '../time/clock.ts'

/** @throws PyrallelError PYR_CONFIG_INVALID when the config does not say enough */
export type OpenRegistry = () => SchemaRegistry

export class RuntimeSchemas implements ValueLooks {
  readonly #open: OpenRegistry | undefined
  readonly #clock: Clock
  #registry: SchemaRegistry | undefined
  #known: KnownSchemas | undefined
  #isClosed = false

  constructor(open: OpenRegistry | undefined, clock: Clock) {
    this.#open = open
    this.#clock = clock
  }

  /**
   * For this handler. Nothing is connected for one whose values are JSON, and its keys text.
   * @throws PyrallelError PYR_CONFIG_INVALID when it needs a registry, and there is none
   */
  of(definition: HandlerDefinition<unknown>): KnownSchemas | undefined {
    const { topic, topics = [topic] } = definition
    const format = topics.find((each) => each.format !== undefined)?.format
    const needed = format ?? topics.find((each) => each.keyFormat !== undefined)?.keyFormat
    if (needed === undefined) return undefined
    if (this.#open === undefined) {
      const facts = `${format === undefined ? 'Keys' : 'Values'} with schema ${needed.schema.subject} need a schema registry, and this runtime has none`
      throw new PyrallelError('PYR_CONFIG_INVALID', `${facts}. Set registry.url.`)
    }
    this.#registry ??= this.#open()
    this.#known ??= new KnownSchemas(askRegistry(this.#registry, this.#clock), this.#clock)
    return this.#known
  }

  /** For who looks at what is published; `undefined` where the config names none, or not enough: who needs it says so. */
  forWriting(): SchemaRegistry | undefined {
    try {
      return this.#opened()
    } catch (thrown) {
      if (thrown instanceof PyrallelError && thrown.code === 'PYR_CONFIG_INVALID') return undefined
      throw thrown
    }
  }

  read(record: Pick<KafkaRecord, 'value' | 'headers'>): Promise<ReadValue> {
    return readWithSchema(record, this.#sources)
  }

  readerOf(ref: SchemaRef): Promise<SchemaReader> {
    return schemaReader(ref, this.#sources)
  }

  get #sources(): SchemaSources {
    const opened = () => this.#opened()
    return {
      get registry() {
        return opened()
      },
      // Who has one with a format has a registry, too.
      topics: async () => [],
    }
  }

  async decode(
    { value, headers }: Pick<KafkaRecord, 'value' | 'headers'>,
    format: Format<unknown>,
    handlerId: string,
  ): Promise<unknown> {
    await loadCodec(format.schema)
    const frame = value === null ? 'is none' : valueFrame(value, headers)
    if (typeof frame !== 'string') await this.#known?.answer(frame.ref)
    return FormatDecoder.of(format, handlerId, this.#known).decode(value, headers)
  }

  /** Whoever looks may be the first who needs it. */
  #opened(): SchemaRegistry | undefined {
    if (!this.#isClosed) this.#registry ??= this.#open?.()
    return this.#registry
  }

  close(): void {
    this.#isClosed = true
    this.#registry?.close()
  }
}
