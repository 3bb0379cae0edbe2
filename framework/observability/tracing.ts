/**
 * OpenTelemetry: continues the trace that a record's headers carry (W3C) in its handler, and in what is published. The one module that knows
 * the library; it is not even loaded unless the process has registered a tracer provider. Attributes: semantic conventions for messaging.
 */
import type { Attributes, Context, Span, TextMapGetter, TextMapSetter } from '@opentelemetry/api'
import type { AttemptSpan, AttemptTracer } from '../execution-plane/attempt-tracer.ts'
import { toError } from '../model/errors.ts'
import type { KafkaRecord, OutgoingRecord, RecordHeader } from '../model/record.ts'
import type { Outcome } from '../model/work.ts'

type Api = typeof import('@opentelemetry/api')

/** The version 1 of the API, which the library promises to keep, holds all that is registered under this name. */
const registry = Symbol.for('opentelemetry.js.api.1')

/** Produces a record inside a span of its own, with that span's context in its headers. */
export type PublishTracer = <T>(record: OutgoingRecord, produce: (record: OutgoingRecord) => Promise<T>) => Promise<T>

export interface TracedHandler {
  readonly handlerId: string
  readonly group: string
}

/** @returns undefined when no tracer provider is registered; registered later, it is not seen */
export async function loadTracing(): Promise<Tracing | undefined> {
  const registered = (globalThis as { readonly [registry]?: { readonly trace?: unknown } })[registry]
  return registered?.trace === undefined ? undefined : new Tracing(await import('@opentelemetry/api'))
}

export class Tracing {
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  attemptTracer(handler: TracedHandler): AttemptTracer {
    const { propagation, trace, SpanKind, ROOT_CONTEXT } = this.#api
    const tracer = trace.getTracer('pyrallel')
    return (record, attempt) => {
      const parent = propagation.extract(ROOT_CONTEXT, record.headers, headerGetter)
      const options = { kind: SpanKind.CONSUMER, attributes: attributesOf(record, attempt, handler) }
      const span = tracer.startSpan(`process ${record.topic}`, options, parent)
      return new OpenSpan(this.#api, span, trace.setSpan(parent, span))
    }
  }

  get publishTracer(): PublishTracer {
    const { context, propagation, trace, SpanKind, SpanStatusCode } = this.#api
    const tracer = trace.getTracer('pyrallel')
    return async (record, produce) => {
      const attributes = {
        'messaging.system': 'kafka',
        'messaging.destination.name': record.topic,
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
      }
      const span = tracer.startSpan(`send ${record.topic}`, { kind: SpanKind.PRODUCER, attributes })
      const headers = [...record.headers]
      propagation.inject(trace.setSpan(context.active(), span), headers, headerSetter)
      try {
        return await produce({ ...record, headers })
      } catch (thrown) {
        const { name, message } = toError(thrown)
        span.setAttribute('error.type', name)
        span.setStatus({ code: SpanStatusCode.ERROR, message })
        throw thrown
      } finally {
        span.end()
      }
    }
  }
}

class OpenSpan implements AttemptSpan {
  readonly #api: Api
  readonly #span: Span
  readonly #context: Context

  constructor(api: Api, span: Span, context: Context) {
    this.#api = api
    this.#span = span
    this.#context = context
  }

  run<T>(call: () => T): T {
    return this.#api.context.with(this.#context, call)
  }

  end(outcome: Outcome): void {
    const failure = failureOf(outcome)
    if (failure !== undefined) {
      this.#span.setAttribute('error.type', failure.name)
      this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: failure.message })
    }
    this.#span.end()
  }
}

function failureOf(outcome: Outcome): { readonly name: string; readonly message: string } | undefined {
  switch (outcome.kind) {
    case 'succeeded':
      return undefined
    case 'failed':
    case 'timed-out':
    case 'interrupted':
      return outcome.failure
    case 'partial':
      return outcome.failures.values().next().value
  }
}

/** One literal and no spreads: this runs for every attempt. */
function attributesOf(record: KafkaRecord, attempt: number, { group, handlerId }: TracedHandler): Attributes {
  const attributes: Attributes = {
    'messaging.system': 'kafka',
    'messaging.destination.name': record.topic,
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.partition.id': String(record.partition),
    'messaging.kafka.offset': record.offset,
    'messaging.consumer.group.name': group,
    'pyrallel.handler': handlerId,
    'pyrallel.attempt': attempt,
  }
  if (record.key !== null) attributes['messaging.kafka.message.key'] = record.key.toString()
  if (record.value === null) attributes['messaging.kafka.message.tombstone'] = true
  return attributes
}

const headerGetter: TextMapGetter<readonly RecordHeader[]> = {
  keys: (headers) => headers.map(([name]) => name),
  get: (headers, key) => headers.findLast(([name]) => name.toLowerCase() === key)?.[1]?.toString(),
}

/** Replaces: a handler that passes the headers of its record on would else send two contexts. */
const headerSetter: TextMapSetter<RecordHeader[]> = {
  set(headers, key, value) {
    const index = headers.findIndex(([name]) => name.toLowerCase() === key)
    const header: RecordHeader = [key, Buffer.from(value)]
    if (index < 0) headers.push(header)
    else headers[index] = header
  },
}
