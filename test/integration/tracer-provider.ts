/** Stands for a user's OpenTelemetry SDK: registers a tracer provider through the same API, and keeps the spans. Not a test itself. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  type Context,
  context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'

export interface SeenSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  readonly attributes: Attributes
  readonly links: readonly Link[]
  status: SpanStatusCode
  ends: number
}

export const spans: SeenSpan[] = []
const storage = new AsyncLocalStorage<Context>()

function startSpan(name: string, options: SpanOptions, from: Context): Span {
  const parent = trace.getSpanContext(from)
  const spanId = (spans.length + 1).toString(16).padStart(16, '0')
  const traceId = parent?.traceId ?? 'f'.repeat(32)
  const { kind = SpanKind.INTERNAL, attributes = {}, links = [] } = options
  const seen: SeenSpan = {
    ...{ name, kind, traceId, spanId, parentId: parent?.spanId },
    attributes: { ...attributes },
    links,
    status: SpanStatusCode.UNSET,
    ends: 0,
  }
  spans.push(seen)
  const spanContext: SpanContext = { traceId, spanId, traceFlags: 1 }
  const span = {
    spanContext: () => spanContext,
    setAttribute: (key: string, value: string) => {
      seen.attributes[key] = value
    },
    setStatus: ({ code }: { code: SpanStatusCode }) => {
      seen.status = code
    },
    end: () => {
      seen.ends += 1
    },
  }
  return span as unknown as Span
}

/** What an SDK does at the start of a process, or of a thread. */
export function register(): void {
  trace.setGlobalTracerProvider({
    getTracer: () => ({
      startSpan: (name, options = {}, from = context.active()) => startSpan(name, options, from),
      startActiveSpan: () => assert.fail('not used'),
    }),
  })
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, call, self, ...args) => storage.run(active, () => call.apply(self, args)),
    bind: (_active, target) => target,
    enable: () => assert.fail('not used'),
    disable() {
      return this
    },
  })
  propagation.setGlobalPropagator({
    fields: () => ['traceparent'],
    inject(from, carrier, setter) {
      const of = trace.getSpanContext(from)
      if (of !== undefined) setter.set(carrier, 'traceparent', `00-${of.traceId}-${of.spanId}-01`)
    },
    extract(from, carrier, getter) {
      const [, traceId, spanId] = String(getter.get(carrier, 'traceparent') ?? '').split('-')
      if (traceId === undefined || spanId === undefined) return from
      return trace.setSpanContext(from, { traceId, spanId, traceFlags: 1, isRemote: true })
    },
  })
}
