/** Log lines on their way from a thread to the process's one logger: same bindings, same fields, same errors. Writes nothing itself. */
import { toError } from '../../../model/errors.ts'
import type { Logger } from '../../../model/logger.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface LogLine {
  readonly level: LogLevel
  /** JSON of an object. */
  readonly bindings: string
  /** JSON of an object, without `err` when that is an error. */
  readonly fields: string
  readonly error?: LoggedError
  readonly message: string
}

/** An error as plain data, its own properties as JSON. */
export interface LoggedError {
  readonly type: string
  readonly name: string
  readonly message: string
  readonly stack?: string
  readonly properties: string
  readonly cause?: LoggedError
}

const MAX_CAUSES = 4
const CANNOT_BE_SHOWN = '[cannot be shown]'

/** A logger whose lines go to `post`. What cannot be written as JSON is replaced, field by field: a log call never throws. */
export class PostingLogger implements Logger {
  readonly #post: (line: LogLine) => void
  readonly #bindings: object
  #bindingsText: string | undefined

  constructor(post: (line: LogLine) => void, bindings: object = {}) {
    this.#post = post
    this.#bindings = bindings
  }

  debug(fields: object, message: string): void {
    this.#write('debug', fields, message)
  }

  info(fields: object, message: string): void {
    this.#write('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#write('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.#write('error', fields, message)
  }

  child(bindings: object): Logger {
    return new PostingLogger(this.#post, together(this.#bindings, bindings))
  }

  #write(level: LogLevel, given: unknown, message: unknown): void {
    this.#bindingsText ??= jsonOf(this.#bindings)
    const { error, fields } = parted(given)
    const text = typeof given === 'string' ? given : textOf(message ?? error?.message ?? '')
    const line = { level, bindings: this.#bindingsText, message: text, fields: jsonOf(fields) }
    this.#post(error === undefined ? line : { ...line, error })
  }
}

/** Says a thread's line as if it had been said here. */
export function replay(log: Logger, line: LogLine): void {
  try {
    const fields = JSON.parse(line.fields) as object
    const bound = log.child(JSON.parse(line.bindings) as object)
    bound[line.level](line.error === undefined ? fields : { err: errorOf(line.error), ...fields }, line.message)
  } catch (thrown) {
    // The handler that has said it cannot be told any more, and the other threads have done nothing wrong.
    log.warn({ line: line.message, err: toError(thrown) }, 'a log line of a thread could not be written')
  }
}

/** What was given to a log call, read as pino does: an error, or fields with one as `err`, or nothing of the kind. */
function parted(given: unknown): { readonly error?: LoggedError; readonly fields: object } {
  if ((typeof given !== 'object' && typeof given !== 'function') || given === null) return { fields: {} }
  try {
    if (given instanceof Error) return { error: describeError(given, 0), fields: {} }
    const { err, ...others } = given as { readonly err?: unknown }
    return err instanceof Error ? { error: describeError(err, 0), fields: others } : { fields: given }
  } catch {
    return { fields: given }
  }
}

/** JSON of an object, whatever it is: also of one that refers to itself, or has a `toJSON` that says something else. */
function jsonOf(fields: object): string {
  try {
    const text = JSON.stringify(fields, plain)
    if (text?.startsWith('{')) return text
  } catch {
    // Field by field, then.
  }
  return JSON.stringify(readable(fields))
}

function together(bindings: object, more: object): object {
  try {
    return { ...bindings, ...more }
  } catch {
    return { ...bindings, ...readable(more) }
  }
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

/** A copy that JSON can carry, with a word in place of each value that cannot be shown: it refers to itself, or its getter or `toJSON` throws. */
function readable(fields: object): object {
  const read = (name: string): unknown => {
    try {
      const text = JSON.stringify((fields as Readonly<Record<string, unknown>>)[name], plain)
      return text === undefined ? undefined : JSON.parse(text)
    } catch {
      return CANNOT_BE_SHOWN
    }
  }
  try {
    return Object.fromEntries(Object.keys(fields).map((name) => [name, read(name)]))
  } catch {
    return {}
  }
}

function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return CANNOT_BE_SHOWN
  }
}

function describeError(error: Error, depth: number): LoggedError {
  const { cause, ...own } = error as Error & { readonly cause?: unknown }
  return {
    type: typeof error.constructor === 'function' ? error.constructor.name : textOf(error.name),
    name: textOf(error.name),
    message: textOf(error.message),
    ...(typeof error.stack === 'string' ? { stack: error.stack } : {}),
    properties: jsonOf(own),
    ...(error.cause instanceof Error && depth < MAX_CAUSES ? { cause: describeError(error.cause, depth + 1) } : {}),
  }
}

/** An error that serializers take for the thread's: its class is known by name only. */
function errorOf(text: LoggedError): Error {
  const error = new Error(text.message, text.cause === undefined ? undefined : { cause: errorOf(text.cause) })
  const hidden = (value: unknown) => ({ value, enumerable: false, configurable: true, writable: true })
  // Not by assignment, which a property called __proto__ would turn into another prototype.
  for (const [name, value] of Object.entries(JSON.parse(text.properties) as object))
    Object.defineProperty(error, name, { value, enumerable: true, configurable: true, writable: true })
  Object.defineProperties(error, {
    name: hidden(text.name),
    stack: hidden(text.stack),
    constructor: hidden(Object.defineProperty(() => {}, 'name', { value: text.type })),
  })
  return error
}
