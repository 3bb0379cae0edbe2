/**
 * Keeps what has ended a consumer for good, and why. librdkafka tells of it once, by one of several ways: an error beside records of the same
 * `consume` is dropped by the binding, and only the log has the reason. So all of them are listened to.
 */
import { PyrallelError } from '../../model/errors.ts'
import type { Clock } from '../../time/clock.ts'
import { sleep } from '../../time/wait.ts'
import { faultCodes, groupTaken, isFatal, isGroupTaken } from '../faults/codes.ts'
import type { ErrorReport } from '../faults/error-report.ts'
import { withMissingRight } from '../faults/missing-rights.ts'
import type { NativeConsumer, NativeError } from './binding.ts'
import { nativeError } from './errors.ts'

/** `[thrd:main]: Fatal error: Broker: Group authorization failed: ...` */
const preamble = /^\[thrd:[^\]]*\]: (?:Fatal error: )?/
/** How long the log may take to say what `Local: Fatal error` was. It comes by a way of its own, some milliseconds before or after. */
const REASON_WAIT_MS = 200

export class FatalFault {
  readonly #group: string
  readonly #errors: ErrorReport
  #error: PyrallelError | undefined
  #lacksReason = false

  constructor(native: Pick<NativeConsumer, 'on'>, group: string, errors: ErrorReport) {
    this.#group = group
    this.#errors = errors
    native.on('event.log', ({ fac, message }) => {
      if (fac !== 'FATAL') return
      this.#error = this.#cannotGoOn(message.replace(preamble, ''), new Error(message))
      this.#lacksReason = false
      this.#count()
    })
    native.on('event.error', (error) => this.note(nativeError(error)))
  }

  get error(): PyrallelError | undefined {
    return this.#error
  }

  /** @returns whether the error is one that ends the consumer */
  note(error: NativeError): boolean {
    if (!isFatal(error)) return false
    this.set(error as unknown as Error)
    return true
  }

  /** Waits a moment for the reason where only that is known which librdkafka says of every fatal error. */
  async explained(clock: Clock): Promise<void> {
    if (!this.#lacksReason) return
    await sleep(clock, REASON_WAIT_MS)
    this.#lacksReason = false
  }

  /** The first stays, apart from that the log may know the reason better. */
  set(error: Error): void {
    if (this.#error === undefined) {
      this.#error = error instanceof PyrallelError ? error : this.#cannotGoOn(error.message, error)
      this.#lacksReason = nativeError(error).code === faultCodes.FATAL
    }
    this.#count()
  }

  #count(): void {
    this.#errors.count({ code: faultCodes.FATAL })
  }

  #cannotGoOn(why: string, cause: Error): PyrallelError {
    const error = nativeError(cause)
    if (isGroupTaken(error)) return groupTaken(this.#group, { message: why, code: error.code })
    const reason = withMissingRight({ code: error.code, message: why }, { operation: 'Read', group: this.#group })
    return new PyrallelError('PYR_KAFKA', `The Kafka consumer cannot go on: ${reason}.`, { cause })
  }
}
