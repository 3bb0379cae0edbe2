/** Rejections and exceptions of this process, or thread, that nobody handles: tells each to the attempt that it came from. Ends nothing itself. */
import { toError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import { totalLogger } from '../../model/total-logger.ts'
import { type Clock, systemClock } from '../../time/clock.ts'
import { LogGate } from '../../time/log-gate.ts'
import { type Attributable, Attribution } from '../attempt/attribution.ts'

export interface StrayFaultsOptions {
  readonly log: Logger
  /** An exception that belongs to no attempt. What is in memory may be broken by now: stop in order, or throw it to end at once. */
  readonly onException: (error: Error) => void
  /** Default the system's. */
  readonly clock?: Clock
}

/** The same kind of fault is told so often. Milliseconds. */
const INTERVAL_MS = 10_000
/** A line names so many records. */
const MAX_NAMED = 20

/**
 * A fault of an attempt that runs fails it; of one that is over, it is a line that names its record, which stays as it was. Of no attempt, a
 * rejection is a line, and an exception is `onException`'s.
 *
 * Attempts are followed from the first fault on, because following costs every record something, and most processes never need it. That first one can be of
 * any attempt that is in flight: the line lists them, and an exception does not end the process as long as one of them may have thrown it.
 */
export class StrayFaults {
  readonly attribution = new Attribution()
  readonly #log: Logger
  readonly #clock: Clock
  readonly #gate: LogGate
  readonly #onException: (error: Error) => void

  constructor({ log, onException, clock = systemClock() }: StrayFaultsOptions) {
    this.#log = totalLogger(log)
    this.#clock = clock
    this.#gate = new LogGate(clock, INTERVAL_MS)
    this.#onException = onException
  }

  /** From now on, this process does not end by itself of a rejection or an exception. */
  listen(): void {
    process.on('unhandledRejection', this.#onRejection)
    process.on('uncaughtException', this.#onThrow)
  }

  close(): void {
    process.off('unhandledRejection', this.#onRejection)
    process.off('uncaughtException', this.#onThrow)
  }

  /** Follows attempts from now on, instead of from the first fault on. */
  followAll(): void {
    this.attribution.begin(this.#clock.now())
  }

  readonly #onRejection = (reason: unknown): void => {
    const suspects = this.#blame(reason)
    if (suspects !== undefined)
      this.#tell('a rejection that nobody handles; it belongs to no record that is known', reason, suspects)
  }

  readonly #onThrow = (thrown: unknown): void => {
    const suspects = this.#blame(thrown)
    if (suspects === undefined) return
    if (suspects.length > 0)
      this.#tell('an exception that nobody catches; it may belong to a record in flight', thrown, suspects)
    else this.#onException(toError(thrown))
  }

  /** @returns undefined when its attempt is known, and was told; else those that it may be of */
  #blame(thrown: unknown): readonly Attributable[] | undefined {
    const { attribution } = this
    const attempt = attribution.current()
    if (attempt !== undefined) {
      attribution.outside(() => attempt.strayed(thrown))
      return undefined
    }
    this.followAll()
    return attribution.unfollowed()
  }

  #tell(sentence: string, thrown: unknown, suspects: readonly Attributable[]): void {
    const suppressed = this.#gate.pass(sentence)
    if (suppressed === undefined) return
    const inFlight = suspects.slice(0, MAX_NAMED).map(({ place }) => place)
    const facts = { err: toError(thrown), suppressed, inFlight: suspects.length, records: inFlight }
    this.#log.error(facts, sentence)
  }
}
