/** Why a record was not produced, with the topic and the next step. Pure. */
import { PyrallelError } from '../../model/errors.ts'
import { type ClientFault, faultCodes, isFatal, isRetriable } from './codes.ts'
import { withMissingRight } from './missing-rights.ts'

export function produceError(error: ClientFault, topic: string): PyrallelError {
  if (error.code === faultCodes.MSG_SIZE_TOO_LARGE) {
    const facts = `The record was not produced to ${topic}: it is larger than the client (message.max.bytes) or the topic (max.message.bytes) allows.`
    return new PyrallelError('PYR_RECORD_TOO_LARGE', facts, { cause: error })
  }
  const unknown = error.code === faultCodes.UNKNOWN_TOPIC || error.code === faultCodes.UNKNOWN_TOPIC_OR_PART
  return new PyrallelError(
    unknown ? 'PYR_TOPIC_UNKNOWN' : 'PYR_PRODUCE_FAILED',
    unknown
      ? `The record was not produced: topic ${topic} does not exist on the broker. Create it, or check its name.`
      : `The record was not produced to ${topic}: ${withMissingRight(error, { operation: 'Write', topic })} (${error.code}).`,
    // A producer that has failed for good is replaced, and the next one may succeed.
    { cause: error, retriable: isRetriable(error) || isFatal(error) },
  )
}
