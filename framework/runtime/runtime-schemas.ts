/** The schemas of writers for one runtime: its handlers on the event loop and in threads share them, so the registry is asked for each once. */
import type { HandlerDefinition } from '../api/handler.ts'
import { KnownSchemas } from '../formats/known-schemas.ts'
import { askRegistry } from '../formats/registry-answers.ts'
import { PyrallelError } from '../model/errors.ts'
import type { SchemaRegistry } from '../registry/schema-registry.ts'
import type { Clock } from '../time/clock.ts'

/** @throws PyrallelError PYR_CONFIG_INVALID when the config does not say enough */
export type OpenRegistry = () => SchemaRegistry

export class RuntimeSchemas {
  readonly #open: OpenRegistry | undefined
  readonly #clock: Clock
  #registry: SchemaRegistry | undefined
  #known: KnownSchemas | undefined

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

  close(): void {
    this.#registry?.close()
  }
}
