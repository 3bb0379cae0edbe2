/**
 * Keeps what has ended a consumer for good, and why. librdkafka tells of it once, by one of several ways: an error beside records of the same
 * `consume` is dropped by the binding, and only the log has the reason. So all of them are listened to.
 */
import { PyrallelError } from '../model/errors.ts'
import type { NativeConsumer, NativeError } from './librdkafka-binding.ts'
import { isFatal } from './librdkafka-errors.ts'

/** `[thrd:main]: Fatal error: Broker: Group authorization failed: ...` */
const preamble = /^\[thrd:[^\]]*\]: (?:Fatal error: )?/

export class FatalFault {
  #error: PyrallelError | undefined

  constructor(native: Pick<NativeConsumer, 'on'>) {
    native.on('event.log', ({ fac, message }) => {
      if (fac === 'FATAL') this.#error = cannotGoOn(message.replace(preamble, ''), new Error(message))
    })
    native.on('event.error', (error) => this.note(error))
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

  /** The first stays, apart from that the log may know the reason better. */
  set(error: Error): void {
    this.#error ??= error instanceof PyrallelError ? error : cannotGoOn(error.message, error)
  }
}

function cannotGoOn(why: string, cause: Error): PyrallelError {
  return new PyrallelError('PYR_KAFKA', `The Kafka consumer cannot go on: ${why}.`, { cause })
}
