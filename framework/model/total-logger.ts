/** A logger whose calls never throw, for lines of our own: what they are written to may be anybody's, and a record must not be lost to its log. */
import { toError } from './errors.ts'
import type { Logger } from './logger.ts'

export function totalLogger(log: Logger): Logger {
  return log instanceof TotalLogger ? log : new TotalLogger(log)
}

type Level = 'debug' | 'info' | 'warn' | 'error'

class TotalLogger implements Logger {
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
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

  /** One that cannot be made: its lines go on without these bindings. */
  child(bindings: object): Logger {
    try {
      return new TotalLogger(this.#log.child(bindings))
    } catch (thrown) {
      this.#tellOf(thrown, 'a logger could not be bound to its facts')
      return this
    }
  }

  isLevelEnabled(level: string): boolean {
    return this.#log.isLevelEnabled?.(level) !== false
  }

  #write(level: Level, fields: object, message: string): void {
    try {
      this.#log[level](fields, message)
    } catch (thrown) {
      this.#tellOf(thrown, `a log line could not be written: ${message}`)
    }
  }

  /** The fields may be what it has stumbled over. */
  #tellOf(thrown: unknown, message: string): void {
    try {
      this.#log.error({ errorMessage: toError(thrown).message }, message)
    } catch {
      // It takes nothing at all: there is nobody to tell.
    }
  }
}
