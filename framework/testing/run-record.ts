/** Runs a handler once with the bytes of a record as Kafka has it. Needs no broker; publishes nothing anywhere. */
import type { HandlerDefinition } from '../api/handler.ts'
import { PyrallelError } from '../model/errors.ts'
import type { KafkaRecord } from '../model/record.ts'
import type { RegisteredHandler } from '../runtime/runtime.ts'
import { withSchemas } from '../validation/derived-schema.ts'
import { type AttemptResult, resultOf } from './run-attempt.ts'
import { type CallOptions, runCall } from './run-call.ts'

export interface RecordRunOptions extends CallOptions {
  /** Which try it is. Default 1. */
  readonly attempt?: number
}

/**
 * `await runRecord(routes, 'charge-order', { topic, partition, offset, timestamp, key, value, headers })`, with the `routes` of `generated/routes.ts`.
 * Unlike `runAttempt`, it checks the value against the schema that was derived from its type, and takes bytes that are no JSON.
 * @throws PyrallelError PYR_USAGE where no handler has that id
 */
export async function runRecord(
  routes: readonly RegisteredHandler[],
  handlerId: string,
  record: KafkaRecord,
  options: RecordRunOptions = {},
): Promise<AttemptResult> {
  const found = routes.find(({ id }) => id === handlerId)
  if (found === undefined) {
    const known = routes.map(({ id }) => id).join(', ')
    throw new PyrallelError('PYR_USAGE', `There is no handler '${handlerId}' in these routes. There are: ${known}.`)
  }
  const definition: HandlerDefinition<unknown> = withSchemas(
    found.handler,
    (topic) => routes.find((route) => route.id === handlerId && route.topic === topic)?.schema,
  )
  return resultOf(await runCall(definition, [record], [options.attempt ?? 1], options, found.topicFormats))
}
