/** Tells of errors that a client goes on after: each is counted, and of each the log has one line per interval. Decides nothing. */
import type { ClientErrorCode } from '../../model/events.ts'
import type { Logger } from '../../model/logger.ts'
import type { Clock } from '../../time/clock.ts'
import { LogGate } from '../../time/log-gate.ts'
import { type ClientFault, clientErrorCode, type ErrorFacts } from './codes.ts'

const LOG_INTERVAL_MS = 10_000

export class ErrorReport {
  readonly #log: Logger
  readonly #gate: LogGate
  readonly #onError: ((code: ClientErrorCode) => void) | undefined
  #hasFatal = false

  constructor(log: Logger, clock: Clock, onError?: (code: ClientErrorCode) => void) {
    this.#log = log
    this.#gate = new LogGate(clock, LOG_INTERVAL_MS)
    this.#onError = onError
  }

  tell(error: ClientFault, sentence: string, facts: object = {}): void {
    this.count(error)
    // By what is said, not by the code alone: two errors of one code would hide each other.
    const suppressed = this.#gate.pass(error.code, `${sentence}: ${error.message}`)
    if (suppressed === undefined) return
    this.#log.warn({ errorMessage: error.message, code: error.code, ...facts, suppressed }, sentence)
  }

  /** For what the log tells in words of its own. */
  count(error: ErrorFacts): void {
    const code = clientErrorCode(error)
    // Told in several ways, and it is the end once.
    if (code === 'FATAL' && this.#hasFatal) return
    this.#hasFatal ||= code === 'FATAL'
    this.#onError?.(code)
  }
}
