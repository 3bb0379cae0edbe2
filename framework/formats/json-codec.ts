/** Reads and writes values in JSON with a JSON Schema: they are what the pulled schema says, whatever version they were written with. */
import type { PulledSchema } from '../api/format.ts'
import { toError } from '../model/errors.ts'
import { inexactNumberAt } from '../validation/exact-numbers.ts'
import { expectation } from '../validation/expectation.ts'
import type { PatternRules } from '../validation/guarded-patterns.ts'
import { untold } from '../validation/slow-patterns.ts'
import { ValueCheck } from '../validation/value-check.ts'
import { ValueDecoder } from '../validation/value-decoder.ts'
import { readJsonSchema } from './json-schema.ts'
import type { WriterSchema } from './known-schemas.ts'

export class JsonCodec {
  readonly admitsNull: boolean
  readonly #check: ValueCheck
  readonly #decoder: ValueDecoder

  /** @throws Error when the schema is none, or is not read here */
  constructor(
    { text, references = [] }: Pick<PulledSchema<unknown>, 'text' | 'references'>,
    rules: PatternRules = untold(''),
  ) {
    this.#check = ValueCheck.made(readJsonSchema(text, references), rules)
    this.#decoder = ValueDecoder.exact(this.#check)
    this.admitsNull = this.#check.accepts(null)
  }

  /** The schema that it was written with is asked for all the same: with rules, the value would be another one. */
  readerOf({ format }: WriterSchema): (bytes: Buffer, from: number) => unknown {
    if (format !== 'json-schema') throw new Error(`it was written as ${format}, and JSON is wanted`)
    return (bytes, from) => this.#decoder.decode(bytes.subarray(from))
  }

  encode(value: unknown): Buffer {
    const text = textOf(value)
    // What is checked is what is sent: the text, read again.
    const sent: unknown = JSON.parse(text)
    if (!this.#check.accepts(sent)) {
      throw new Error(this.#check.explain(sent, text.length, (misfits) => expectation(this.#check, sent, misfits)))
    }
    const at = inexactNumberAt(text)
    if (at !== undefined) {
      throw new Error(
        `its number at character ${at} of ${text.length} is whole and beyond 2^53, where JavaScript has rounded it: a text carries it`,
      )
    }
    return Buffer.from(text)
  }
}

function textOf(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (thrown) {
    const { message } = toError(thrown)
    const why = message.includes('BigInt')
      ? 'a whole number in it is a bigint, or beyond 2^53, which JSON does not carry here: a text does, String(id) say'
      : `it cannot be made JSON (${message})`
    throw new Error(why, { cause: thrown })
  }
  if (text === undefined) throw new Error(`it is ${typeof value}, which JSON cannot carry`)
  return text
}
