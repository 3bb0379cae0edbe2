/** Traces through a runtime on the in-memory cluster, on the event loop and in worker threads. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { type HandlerFunction, type HandlerOptions, handler } from '../../framework/handler.ts'
import { memoryCluster } from '../../framework/kafka/memory-client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { KafkaRecord } from '../../framework/model/record.ts'
import { loadTracing } from '../../framework/observability/tracing.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveConfig } from '../../framework/runtime/resolve-config.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import { bundledEntries } from '../contract/worker-entries/bundle.ts'
import { register, spans } from './tracer-provider.ts'

const { traced } = await bundledEntries('traced')

/** Runs one record through the handler, and returns what came to `invoices`. */
async function handle(
  run: HandlerFunction<unknown>,
  headers: KafkaRecord['headers'],
  worker?: { readonly entry: string },
): Promise<readonly KafkaRecord[]> {
  const options: HandlerOptions<unknown> = worker === undefined ? {} : { engine: 'worker', worker: { threads: 1 } }
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
    handlers: resolveHandlers([{ ...registered, ...worker, handler: handler('orders', options, run) }], config),
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

describe('a worker handler whose thread registers a tracer provider in its setup', () => {
  it('continues the trace of the headers in the thread, and in what it publishes', async () => {
    const [published] = await handle(() => assert.fail('ran on the main thread'), [traceparent], { entry: traced })
    const headers = new Map(published?.headers.map(([name, value]) => [name, String(value)]))
    // The first span of the thread is its attempt, the second one what it sends.
    assert.equal(headers.get('traceparent'), `00-${traceId}-0000000000000002-01`)
    assert.deepEqual(JSON.parse(String(published?.value)), [['process orders', traceId, 'b'.repeat(16)]])
  })
})
