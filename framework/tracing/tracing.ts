/**
 * OpenTelemetry: continues the trace that a record's headers carry (W3C) in its handler, and in what is published. The one module that knows
 * the library; it is not even loaded unless the process has registered a tracer provider. Attributes: semantic conventions for messaging.
 */
import type { Attributes, Context, Link, Span, SpanOptions, TextMapGetter, TextMapSetter } from '@opentelemetry/api'
import { bug, toError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { keyLine, MAX_KEY_BYTES } from '../model/plain-text.ts'
import type { KafkaRecord, OutgoingRecord, RecordHeader } from '../model/record.ts'
import type { Outcome } from '../model/work.ts'
import type { AttemptSpan, AttemptTracer } from './attempt-tracer.ts'

type Api = typeof import('@opentelemetry/api')

/** The version 1 of the API, which the library promises to keep, holds all that is registered under this name. */
const registry = Symbol.for('opentelemetry.js.api.1')

/** Produces a record inside a span of its own, with that span's context in its headers. */
export type PublishTracer = <T>(record: OutgoingRecord, produce: (record: OutgoingRecord) => Promise<T>) => Promise<T>

export interface TracedHandler {
  readonly handlerId: string
  readonly group: string
}

/** A copy of the API takes nothing that an older one has registered, and then hands out spans that record nothing. */
const NOT_SEEN =
  'a tracer provider is registered with an older copy of @opentelemetry/api than ours, so no spans are made: install one copy; `npm ls @opentelemetry/api` shows both'

interface Registered {
  /** Of the copy of the API that has registered it. */
  readonly version?: string
  readonly trace?: unknown
}

/** @returns undefined when no tracer provider is registered; registered later, it is not seen */
export async function loadTracing(log?: Logger): Promise<Tracing | undefined> {
  const registered = (globalThis as { readonly [registry]?: Registered })[registry]
  if (registered?.trace === undefined) return undefined
  const api = await import('@opentelemetry/api')
  if (api.trace.getTracerProvider() === registered.trace) return new Tracing(api)
  const { version } = registered
  if (log === undefined) process.emitWarning(`${NOT_SEEN} (${version})`)
  else log.warn({ registeredWith: version }, NOT_SEEN)
  return undefined
}

export class Tracing {
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  attemptTracer(handler: TracedHandler): AttemptTracer {
    const { trace, SpanKind, ROOT_CONTEXT } = this.#api
    const tracer = trace.getTracer('pyrallel')
    const kind = SpanKind.CONSUMER
    const begin = (topic: string, options: SpanOptions, parent: Context) => {
      const span = tracer.startSpan(`process ${topic}`, options, parent)
      return new OpenSpan(this.#api, span, trace.setSpan(parent, span))
    }
    return ({ records, attempts }) => {
      const [record] = records
      if (record === undefined) throw bug('Tracing', 'an attempt has no record')
      if (records.length === 1) {
        const attributes = recordAttributes(commonAttributes(record, handler), record, attempts[0])
        return begin(record.topic, { kind, attributes }, this.#contextOf(record))
      }
      // The records come from different traces: one of them as the parent would claim the others' work, and what is published, for itself.
      const links = records.flatMap((each, index) => this.#linkTo(each, attempts[index]))
      const attributes = commonAttributes(record, handler)
      attributes['messaging.batch.message_count'] = records.length
      return begin(record.topic, { kind, attributes, links, root: true }, ROOT_CONTEXT)
    }
  }

  #contextOf({ headers }: KafkaRecord): Context {
    return this.#api.propagation.extract(this.#api.ROOT_CONTEXT, headers, headerGetter)
  }

  /** None where the record's headers carry no trace. */
  #linkTo(record: KafkaRecord, attempt: number | undefined): Link[] {
    const context = this.#api.trace.getSpanContext(this.#contextOf(record))
    return context === undefined ? [] : [{ context, attributes: recordAttributes({}, record, attempt) }]
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
    case 'not-ready':
      return { name: 'NotReady', message: outcome.why }
    case 'partial':
      return outcome.failures.values().next().value
  }
}

/** One literal and no spreads: this runs for every attempt. A batch's records are all of one partition. */
function commonAttributes({ topic, partition }: KafkaRecord, { group, handlerId }: TracedHandler): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.destination.name': topic,
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.partition.id': String(partition),
    'messaging.consumer.group.name': group,
    'pyrallel.handler': handlerId,
  }
}

/** Adds what is true of one record only: it stands on the span of its attempt, or on the link from the span of its batch. */
function recordAttributes(attributes: Attributes, record: KafkaRecord, attempt: number | undefined): Attributes {
  attributes['messaging.kafka.offset'] = record.offset
  if (attempt !== undefined) attributes['pyrallel.attempt'] = attempt
  if (record.key !== null) attributes['messaging.kafka.message.key'] = keyLine(record.key, MAX_KEY_BYTES)
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
