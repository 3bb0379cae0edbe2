/** Publishing from code that is no handler: an HTTP server, a script, a job. One idempotent producer, and no consumer. */

import type { Publish } from '../api/handler.ts'
import type { KafkaConnection } from '../kafka/kafka-client.ts'
import { closeAfterFailure } from '../model/closers.ts'
import { PyrallelError } from '../model/errors.ts'
import { inOrder } from '../model/in-order.ts'
import { loadTracing } from '../tracing/tracing.ts'
import { publisher } from './publisher.ts'

const CHECK_TIMEOUT_MS = 10_000
const CLOSE_TIMEOUT_MS = 10_000

export interface Publisher {
  /** As in handlers: validates against the topic's schema, and settles when the broker has acknowledged. A full queue is waited for. */
  readonly publish: Publish
  /**
   * Waits at most `timeoutMs` (default 10 s) for what is not acknowledged yet, whose `publish` rejects then, and closes the connection. May be called
   * twice: the second call waits for the first.
   */
  close(timeoutMs?: number): Promise<void>
}

/**
 * Connects a producer. The connection belongs to the publisher from then on, which closes it.
 * @throws PyrallelError PYR_BROKER_UNREACHABLE or PYR_AUTH_FAILED when no broker can be talked to
 */
export async function connectPublisher(connection: KafkaConnection): Promise<Publisher> {
  const { producer, tracing } = await opened(connection)
  const publish = publisher(producer, tracing?.publishTracer)
  let closing: Promise<void> | undefined
  const close = (timeoutMs: number) => inOrder([() => producer.close(timeoutMs), () => connection.close()])
  return {
    publish: (to, value, options) => {
      if (closing === undefined) return publish(to, value, options)
      return Promise.reject(new PyrallelError('PYR_CLIENT_CLOSED', 'publish() was called after close().'))
    },
    close: (timeoutMs = CLOSE_TIMEOUT_MS) => {
      closing ??= close(timeoutMs)
      return closing
    },
  }
}

/** Leaves nothing open where nobody answers. */
async function opened(connection: KafkaConnection) {
  try {
    await connection.check(CHECK_TIMEOUT_MS)
    // The producer last: whatever fails before, only the connection is open.
    const tracing = await loadTracing()
    return { tracing, producer: await connection.producer() }
  } catch (thrown) {
    await closeAfterFailure(() => connection.close())
    throw thrown
  }
}
