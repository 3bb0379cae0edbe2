/** Traces through a runtime on the in-memory cluster, on the event loop and in worker threads. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  type BatchFunction,
  batchHandler,
  type HandlerDefinition,
  type HandlerFunction,
  type HandlerOptions,
  handler,
  type ThreadContext,
} from '../../framework/api/handler.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { KafkaRecord } from '../../framework/model/record.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import { loadTracing } from '../../framework/tracing/tracing.ts'
import { bundledEntries } from '../contract/worker-entries/bundle.ts'
import { publishSpan } from './traced-batch.ts'
import { register, spans } from './tracer-provider.ts'

const { traced, tracedBatch } = await bundledEntries('traced', 'tracedBatch')

type Headers = KafkaRecord['headers']

/** Runs one record through the handler, and returns what came to `invoices`. */
function handle(
  run: HandlerFunction<unknown, ThreadContext>,
  headers: Headers,
  worker?: { readonly entry: string },
): Promise<readonly KafkaRecord[]> {
  const options: HandlerOptions<unknown> = worker === undefined ? {} : { engine: 'worker', worker: { threads: 1 } }
  return handleAll(handler('orders', options, run), [headers], worker)
}

/** Runs a record for each headers, which are all there from the beginning, and returns what came to `invoices`. */
async function handleAll(
  definition: HandlerDefinition<unknown>,
  all: readonly Headers[],
  worker?: { readonly entry: string },
  key = 'c',
): Promise<readonly KafkaRecord[]> {
  const cluster = memoryCluster()
  for (const topic of ['orders', 'orders.shop.dlq', 'invoices']) cluster.createTopic(topic, 1)
  for (const [index, headers] of all.entries()) {
    cluster.append({ topic: 'orders', key: Buffer.from(`${key}${index + 1}`), value: Buffer.from('{}'), headers })
  }
  const config = resolveConfig({ group: 'shop', handlers: { retry: { attempts: 1 } } }, 'the test')
  const registered = { id: 'bill', file: 'handlers/bill.ts', topic: 'orders', group: null }
  let settled = 0
  let onDone = () => {}
  const done = new Promise<void>((resolve) => {
    onDone = resolve
  })
  const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
  const runtime = createRuntime({
    connection: cluster.connection(),
    handlers: resolveHandlers([{ ...registered, ...worker, handler: definition }], config),
    startFrom: 'earliest',
    limits: config.limits,
    commit: config.commit,
    shutdown: config.shutdown,
    log,
    onEvent: ({ kind }) => {
      if (kind === 'record.done' || kind === 'record.dead') settled += 1
      if (settled === all.length) onDone()
    },
  })
  try {
    await runtime.start()
    await done
  } finally {
    await runtime.stop()
  }
  return cluster.log('invoices', 0).read(0, 10)
}

const traceId = 'a'.repeat(32)
const traceparent: KafkaRecord['headers'][number] = ['traceparent', Buffer.from(`00-${traceId}-${'b'.repeat(16)}-01`)]

describe('a runtime in a process without a tracer provider', { timeout: 240_000 }, () => {
  it('does not trace without a tracer provider', async () => {
    assert.equal(await loadTracing(), undefined)
    const published = await handle((_record, { publish }) => publish('invoices', {}), [traceparent])
    assert.deepEqual(
      published.map(({ headers }) => headers),
      [[]],
    )
  })
})

describe('a runtime in a process with a tracer provider', { timeout: 240_000 }, () => {
  before(register)
  after(() => {
    trace.disable()
    context.disable()
    propagation.disable()
  })

  it('continues the trace of the headers in the handler, and in what it publishes', async () => {
    spans.length = 0
    const run: HandlerFunction<unknown, ThreadContext> = async (_record, { publish }) => {
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

  it('gives a batch of one record the span of that record', async () => {
    spans.length = 0
    const one = batchHandler('orders', { batch: { size: 1 } }, () => {})
    await handleAll(one, [[traceparent]])
    const [processed] = spans
    assert.deepEqual([processed?.traceId, processed?.parentId, processed?.links], [traceId, 'b'.repeat(16), []])
    assert.deepEqual(
      [processed?.attributes['messaging.kafka.offset'], processed?.attributes['messaging.batch.message_count']],
      [0, undefined],
    )
  })

  it('has 256 bytes of a key, and says that there are more', async () => {
    spans.length = 0
    await handleAll(
      handler('orders', () => {}),
      [[]],
      undefined,
      'k'.repeat(100_000),
    )
    assert.equal(spans[0]?.attributes['messaging.kafka.message.key'], `${'k'.repeat(256)}…`)
  })

  it('begins a trace where the headers carry none', async () => {
    spans.length = 0
    await handle(() => {}, [])
    assert.deepEqual([spans[0]?.parentId, spans[0]?.ends], [undefined, 1])
  })
})

describe('a worker handler whose thread registers a tracer provider in its setup', { timeout: 240_000 }, () => {
  it('continues the trace of the headers in the thread, and in what it publishes', async () => {
    const [published] = await handle(() => assert.fail('ran on the main thread'), [traceparent], { entry: traced })
    const headers = new Map(published?.headers.map(([name, value]) => [name, String(value)]))
    // The first span of the thread is its attempt, the second one what it sends.
    assert.equal(headers.get('traceparent'), `00-${traceId}-0000000000000002-01`)
    assert.deepEqual(JSON.parse(String(published?.value)), [['process orders', traceId, 'b'.repeat(16)]])
  })
})

/** Three records of three traces and one of none, in one call. */
const ofTraces: readonly Headers[] = [
  ...['a', 'b', 'c'].map(
    (letter): Headers => [['traceparent', Buffer.from(`00-${letter.repeat(32)}-${letter.repeat(16)}-01`)]],
  ),
  [],
]
const batch = { size: ofTraces.length, wait: '1m' } as const

describe('a batch of records of several traces', { timeout: 240_000 }, () => {
  before(register)
  after(() => {
    trace.disable()
    context.disable()
    propagation.disable()
  })

  for (const engine of ['async', 'worker'] as const) {
    it(`begins a trace of its own that links to each of them, and is continued in what it publishes: ${engine}`, async () => {
      spans.length = 0
      const run: BatchFunction<unknown, ThreadContext> =
        engine === 'async' ? publishSpan : () => assert.fail('ran on the main thread')
      const worker = engine === 'async' ? undefined : { entry: tracedBatch }
      const options = engine === 'async' ? { batch } : { batch, engine, worker: { threads: 1 } }
      const [published] = await handleAll(batchHandler('orders', options, run), ofTraces, worker)
      const { links, attributes, parentId, traceId: own } = JSON.parse(String(published?.value))
      const linked = (letter: string, offset: number) => ({
        traceId: letter.repeat(32),
        attributes: {
          'messaging.kafka.offset': offset,
          'messaging.kafka.message.key': `c${offset + 1}`,
          'pyrallel.attempt': 1,
        },
      })
      assert.deepEqual(links, [linked('a', 0), linked('b', 1), linked('c', 2)])
      assert.deepEqual(attributes, {
        'messaging.system': 'kafka',
        'messaging.destination.name': 'orders',
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.partition.id': '0',
        'messaging.batch.message_count': 4,
        'messaging.consumer.group.name': 'shop',
        'pyrallel.handler': 'bill',
      })
      // The provider of these tests gives this number to every trace that begins.
      assert.deepEqual([parentId, own], [undefined, 'f'.repeat(32)])
      const headers = new Map(published?.headers.map(([name, value]) => [name, String(value)]))
      assert.equal(headers.get('traceparent'), `00-${own}-0000000000000002-01`)
    })
  }
})
