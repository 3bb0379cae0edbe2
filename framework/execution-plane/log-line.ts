/** Log lines on their way from a thread to the process's one logger: same bindings, same fields, same errors. Writes nothing itself. */
import type { Logger } from '../model/logger.ts'

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
    return new PostingLogger(this.#post, { ...this.#bindings, ...bindings })
  }

  #write(level: LogLevel, given: object, message: string): void {
    this.#bindingsText ??= jsonOf(this.#bindings)
    // pino's own reading of `log.error(error, 'message')`.
    const { err, ...others } = given instanceof Error ? { err: given } : (given as { readonly err?: unknown })
    const line = { level, bindings: this.#bindingsText, message: String(message) }
    if (err instanceof Error) this.#post({ ...line, fields: jsonOf(others), error: describeError(err, 0) })
    else this.#post({ ...line, fields: jsonOf(given) })
  }
}

/** Says a thread's line as if it had been said here. */
export function replay(log: Logger, line: LogLine): void {
  const fields = JSON.parse(line.fields) as object
  const bound = log.child(JSON.parse(line.bindings) as object)
  bound[line.level](line.error === undefined ? fields : { err: errorOf(line.error), ...fields }, line.message)
}

function jsonOf(fields: object): string {
  try {
    return JSON.stringify(fields, plain)
  } catch {
    const shown = Object.entries(fields).map(([name, value]) => [name, shownValue(value)])
    return JSON.stringify(Object.fromEntries(shown))
  }
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

/** A value, or a word in its place: it refers to itself, or its `toJSON` throws. */
function shownValue(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value, plain) ?? 'null')
  } catch {
    return '[cannot be shown]'
  }
}

function describeError(error: Error, depth: number): LoggedError {
  const { cause, ...own } = error as Error & { readonly cause?: unknown }
  return {
    type: typeof error.constructor === 'function' ? error.constructor.name : error.name,
    name: String(error.name),
    message: String(error.message),
    ...(typeof error.stack === 'string' ? { stack: error.stack } : {}),
    properties: jsonOf(own),
    ...(error.cause instanceof Error && depth < MAX_CAUSES ? { cause: describeError(error.cause, depth + 1) } : {}),
  }
}

/** An error that serializers take for the thread's: its class is known by name only. */
function errorOf(text: LoggedError): Error {
  const error = new Error(text.message, text.cause === undefined ? undefined : { cause: errorOf(text.cause) })
  const hidden = (value: unknown) => ({ value, enumerable: false, configurable: true, writable: true })
  Object.assign(error, JSON.parse(text.properties) as object)
  Object.defineProperties(error, {
    name: hidden(text.name),
    stack: hidden(text.stack),
    constructor: hidden(Object.defineProperty(() => {}, 'name', { value: text.type })),
  })
  return error
}
