/** Stands in a bundle in the place of the client that `pyrallel build` has left out: asked for, it says how to get it. */
import { PyrallelError } from '../../model/errors.ts'

export function loadLibrdkafka(): never {
  throw new PyrallelError(
    'PYR_NATIVE_MISSING',
    "This build has the Kafka client in JavaScript only, as kafka.client was 'javascript' when it was made. Take PYRALLEL_KAFKA_CLIENT away, or build anew with another kafka.client.",
  )
}

export function loadJavascript(): never {
  throw new PyrallelError(
    'PYR_CLIENT_MISSING',
    "This build has no Kafka client in JavaScript. Write kafka.client: 'javascript' into pyrallel.config.ts, and build anew.",
  )
}
