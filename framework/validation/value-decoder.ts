/** From the bytes of a value to what the handler's type says, or to the reason why not. Never tells the payload itself. */
import { isUtf8 } from 'node:buffer'
import type { TSchema } from 'typebox'
import { PyrallelError, toError } from '../model/errors.ts'
import { cutText, MAX_MESSAGE } from '../model/plain-text.ts'
import type { RecordHeader } from '../model/record.ts'
import type { HandlerFailure } from '../model/work.ts'
import { inexactNumberAt } from './exact-numbers.ts'
import { expectation } from './expectation.ts'
import { namesRegistrySchema, registryFraming } from './registry-framing.ts'
import { untold } from './slow-patterns.ts'
import { ValueCheck } from './value-check.ts'

/** Stands in for a value that cannot be handled. No JSON value is an instance of it. */
export class RejectedValue {
  readonly failure: HandlerFailure

  /** @param name what dead letters are told apart by, where the reason alone would not do */
  constructor(
    reason: 'undecodable' | 'invalid',
    message: string,
    name = reason === 'undecodable' ? 'UndecodableValue' : 'InvalidValue',
  ) {
    this.failure = { reason, name, message: cutText(message, MAX_MESSAGE), retryable: false }
  }
}

/** Up to this length the place of a syntax error that the parser does not tell is searched for; it costs some 16 parses. Characters. */
const MAX_SEARCHED = 65_536
/** No stack is used up by a value of fewer levels: then something else is wrong. */
const DEEP_LEVELS = 64
/** What a lost byte becomes when bytes are read as UTF-8. */
const REPLACEMENT = '\ufffd'
const NO_HEADERS: readonly RecordHeader[] = []

/** What dead letters are told apart by. */
export const INEXACT_NUMBER = 'InexactNumber'

export class ValueDecoder {
  readonly #check: ValueCheck | undefined
  readonly #isExact: boolean

  private constructor(check: ValueCheck | undefined, isExact: boolean) {
    this.#check = check
    this.#isExact = isExact
  }

  /**
   * Compiles the schema once.
   * @throws PyrallelError PYR_HANDLER_OPTION when the schema cannot be compiled
   */
  static async of(schema: TSchema | undefined, handlerId: string, rules = untold('')): Promise<ValueDecoder> {
    if (schema === undefined) return new ValueDecoder(undefined, false)
    try {
      return new ValueDecoder(await ValueCheck.of(schema, rules), false)
    } catch (thrown) {
      const cause = toError(thrown)
      const message = `Handler ${handlerId}: its schema cannot be compiled: ${cause.message}. Correct the schema of its topic.`
      throw new PyrallelError('PYR_HANDLER_OPTION', message, { cause })
    }
  }

  /** Of values in a registry's JSON Schema: those with numbers that would be rounded are rejected. */
  static exact(check: ValueCheck): ValueDecoder {
    return new ValueDecoder(check, true)
  }

  /**
   * The decoded and validated value, or a `RejectedValue`. A tombstone is `null` and passes where the schema admits null. Total: a value that is
   * too much for the parser or the validator is the value's fault, and thrown from here it would end the process at every start.
   * @param headers of the record: looked at where the value is not JSON, and only to say why
   */
  decode(bytes: Buffer | null, headers: readonly RecordHeader[] = NO_HEADERS): unknown {
    if (bytes === null) return this.#validate(null, '')
    try {
      return this.#parse(bytes, bytes.toString(), headers)
    } catch (thrown) {
      return new RejectedValue('undecodable', `the value cannot be read: ${toError(thrown).message}`)
    }
  }

  #parse(bytes: Buffer, text: string, headers: readonly RecordHeader[]): unknown {
    // Truncated UTF-8 still makes a text, with a replacement character in it: accepted, it would be a silent change of the value.
    if (text.includes(REPLACEMENT) && !isUtf8(bytes)) {
      return notJson(bytes, headers, 'its bytes are not UTF-8')
    }
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      return notJson(bytes, headers, syntaxError(text, toError(error).message))
    }
    const inexactAt = this.#isExact ? inexactNumberAt(text) : undefined
    return inexactAt === undefined ? this.#validate(value, text) : inexact(inexactAt, text)
  }

  /** A schema that refers to itself is checked by functions that call themselves: as deep as the value is nested, until the stack is used up. */
  #validate(value: unknown, text: string): unknown {
    const check = this.#check
    if (check === undefined) return value
    try {
      if (check.accepts(value)) return value
    } catch (thrown) {
      return new RejectedValue('invalid', `the value cannot be checked against its schema: ${whyNot(text, thrown)}`)
    }
    return new RejectedValue('invalid', `the value does not satisfy its schema: ${misfit(check, value, text)}`)
  }
}

function inexact(at: number, text: string): RejectedValue {
  const facts = `the number at character ${at} of ${text.length} would be rounded, as it is beyond 2^53`
  return new RejectedValue('undecodable', `the value cannot be read: ${facts}`, INEXACT_NUMBER)
}

/** A value of a schema registry is told as such: what the parser says of it would send the reader after a typing error. */
function notJson(bytes: Buffer, headers: readonly RecordHeader[], why: string): RejectedValue {
  const framing = registryFraming(bytes)
  let told = why
  if (framing !== undefined) {
    told = `it begins with the ${framing}, as Avro, Protobuf and JSON Schema do; its topic has no format here, so JSON is wanted`
  } else if (namesRegistrySchema(headers)) {
    told = `${why}; its headers name a schema of a registry, and its topic has no format here`
  }
  return new RejectedValue('undecodable', `the value is not JSON: ${told}`)
}

/** Finding where a value goes wrong takes more of the stack than finding that it does. */
function misfit(check: ValueCheck, value: unknown, text: string): string {
  try {
    return check.explain(value, text.length, (misfits) => expectation(check, value, misfits))
  } catch (thrown) {
    return `where cannot be said: ${whyNot(text, thrown)}`
  }
}

function whyNot(text: string, thrown: unknown): string {
  const levels = nestingOf(text)
  if (!(thrown instanceof RangeError) || levels < DEEP_LEVELS) return toError(thrown).message
  return `it is nested too deeply (${levels} levels)`
}

/** Arrays and objects inside of each other, at most. Without recursion: it is asked about what has used up the stack. */
function nestingOf(json: string): number {
  let [level, deepest, isInText] = [0, 0, false]
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '"') isInText = !isInText
    else if (isInText) at += character === '\\' ? 1 : 0
    else if (character === '[' || character === '{') deepest = Math.max(deepest, ++level)
    else if (character === ']' || character === '}') level--
  }
  return deepest
}

/** The parser's words without the piece of the payload that it quotes, and where it stopped. */
function syntaxError(text: string, message: string): string {
  // What it quotes stands in double quotes, so that a payload cannot get in here.
  const placed = /^([^"]+?)(?: in JSON)? at position (\d+)/.exec(message)
  if (placed !== null) return `${placed[1]} at character ${placed[2]} of ${text.length}`
  if (message.startsWith('Unexpected end')) return `Unexpected end at character ${text.length} of ${text.length}`
  if (!message.startsWith('Unexpected token') || text.length > MAX_SEARCHED)
    return `a syntax error in ${text.length} characters`
  return `Unexpected token at character ${unexpectedTokenAt(text)} of ${text.length}`
}

/** The parser quotes what is around an unexpected token, and keeps its place to itself. The shortest prefix that has it ends there. */
function unexpectedTokenAt(text: string): number {
  let shorter = 0
  let longer = text.length
  while (longer - shorter > 1) {
    const middle = (shorter + longer) >>> 1
    if (hasUnexpectedToken(text.slice(0, middle))) longer = middle
    else shorter = middle
  }
  return longer - 1
}

function hasUnexpectedToken(prefix: string): boolean {
  try {
    JSON.parse(prefix)
    return false
  } catch (error) {
    return toError(error).message.startsWith('Unexpected token')
  }
}
