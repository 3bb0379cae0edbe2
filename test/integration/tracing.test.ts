/** Traces through a runtime on the in-memory cluster. The provider below stands for a user's OpenTelemetry SDK: it registers through the same API. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { after, before, describe, it } from 'node:test'
import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { type HandlerFunction, handler } from '../../framework/handler.ts'
import { memoryCluster } from '../../framework/kafka/memory-client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { KafkaRecord } from '../../framework/model/record.ts'
import { loadTracing } from '../../framework/observability/tracing.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveConfig } from '../../framework/runtime/resolve-config.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'

interface SeenSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  readonly attributes: Attributes
  status: SpanStatusCode
  ends: number
}

const spans: SeenSpan[] = []
const storage = new AsyncLocalStorage<Context>()

function startSpan(name: string, options: { kind?: SpanKind; attributes?: Attributes }, from: Context): Span {
  const parent = trace.getSpanContext(from)
  const spanId = (spans.length + 1).toString(16).padStart(16, '0')
  const traceId = parent?.traceId ?? 'f'.repeat(32)
  const { kind = SpanKind.INTERNAL, attributes = {} } = options
  const seen: SeenSpan = {
    ...{ name, kind, traceId, spanId, parentId: parent?.spanId },
    attributes: { ...attributes },
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

/** What an SDK does at the start of a process. */
function register(): void {
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

/** Runs one record through the handler, and returns what came to `invoices`. */
async function handle(run: HandlerFunction<unknown>, headers: KafkaRecord['headers']): Promise<readonly KafkaRecord[]> {
  const cluster = memoryCluster()
  for (const topic of ['orders', 'orders.shop.dlq', 'invoices']) cluster.createTopic(topic, 1)
  const config = resolveConfig({ group: 'shop', handlers: { retry: { attempts: 1 } } }, 'the test')
  const registered = { id: 'bill', file: 'handlers/bill.ts', topic: 'orders', group: null }
  let onDone = () => {}
  const done = new Promise<void>((resolve) => {
    onDone = resolve
  })
  const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
  const runtime = createRuntime({
    connection: cluster.connection(),
    handlers: resolveHandlers([{ ...registered, handler: handler('orders', run) }], config),
    startFrom: 'earliest',
    limits: config.limits,
    commit: config.commit,
    lifecycle: config.shutdown,
    log,
    onEvent: ({ kind }) => {
      if (kind === 'record.done' || kind === 'record.dead') onDone()
    },
  })
  try {
    await runtime.start()
    cluster.append({ topic: 'orders', key: Buffer.from('c1'), value: Buffer.from('{}'), headers })
    await done
  } finally {
    await runtime.stop()
  }
  const invoices = cluster.log('invoices', 0)
  return invoices.read(0, 10)
}

const traceId = 'a'.repeat(32)
const traceparent: KafkaRecord['headers'][number] = ['traceparent', Buffer.from(`00-${traceId}-${'b'.repeat(16)}-01`)]

describe('a runtime in a process without a tracer provider', () => {
  it('does not trace', async () => {
    assert.equal(await loadTracing(), undefined)
    const published = await handle((_record, { publish }) => publish('invoices', {}), [traceparent])
    assert.deepEqual(
      published.map(({ headers }) => headers),
      [[]],
    )
  })
})

describe('a runtime in a process with a tracer provider', () => {
  before(register)
  after(() => {
    trace.disable()
    context.disable()
    propagation.disable()
  })

  it('continues the trace of the headers in the handler, and in what it publishes', async () => {
    spans.length = 0
    const run: HandlerFunction<unknown> = async (_record, { publish }) => {
      await new Promise((resolve) => setImmediate(resolve))
      await publish('invoices', { total: 1 }, { headers: { traceparent: 'old', note: 'kept' } })
    }
    const published = await handle(run, [traceparent])
    const [processed, sent] = spans
    assert.equal(spans.length, 2)
    assert.deepEqual(
      [processed?.name, processed?.kind, processed?.traceId, processed?.parentId, processed?.ends, processed?.status],
      ['process orders', SpanKind.CONSUMER, traceId, 'b'.repeat(16), 1, SpanStatusCode.UNSET],
    )
    assert.deepEqual(processed?.attributes, {
      'messaging.system': 'kafka',
      'messaging.destination.name': 'orders',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.partition.id': '0',
      'messaging.kafka.offset': 0,
      'messaging.kafka.message.key': 'c1',
      'messaging.consumer.group.name': 'shop',
      'pyrallel.handler': 'bill',
      'pyrallel.attempt': 1,
    })
    assert.deepEqual(
      [sent?.name, sent?.kind, sent?.traceId, sent?.parentId, sent?.ends],
      ['send invoices', SpanKind.PRODUCER, traceId, processed?.spanId, 1],
    )
    assert.deepEqual(
      published.map(({ headers }) => headers.map(([name, value]) => `${name}: ${value}`)),
      [[`traceparent: 00-${traceId}-${sent?.spanId}-01`, 'note: kept']],
    )
  })

  it('ends the span of a handler that fails with its error', async () => {
    spans.length = 0
    await handle(() => {
      throw new RangeError('too much')
    }, [traceparent])
    const [processed] = spans
    assert.deepEqual(
      [processed?.ends, processed?.status, processed?.attributes['error.type']],
      [1, SpanStatusCode.ERROR, 'RangeError'],
    )
  })

  it('begins a trace where the headers carry none', async () => {
    spans.length = 0
    await handle(() => {}, [])
    assert.deepEqual([spans[0]?.parentId, spans[0]?.ends], [undefined, 1])
  })
})
