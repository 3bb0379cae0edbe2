/**
 * The handlers that the engine conformance suite runs. A module of its own, as a worker engine loads handlers by file and name;
 * for the same reason they talk to the test through records, logs and publishes only, and never through shared variables.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Type } from 'typebox'
import { avro, jsonSchema, type PulledSchema, protobuf } from '../../framework/api/format.ts'
import {
  type Batch,
  batchHandler,
  DeadLetter,
  type HandlerContext,
  type HandlerRecord,
  handler,
  RetryAfter,
  type TickContext,
} from '../../framework/api/handler.ts'
import { topic } from '../../framework/api/topic.ts'

export interface Order {
  /** What the handler has to do. */
  readonly do: keyof typeof actions
  /** Names the record in what it publishes. */
  readonly name?: string
}

/** A publish to this topic is acknowledged when the test opens the gate of that name. */
export const GATE = 'gate'
/** Publishes to this topic are acknowledged at once; the test reads them. */
export const NEWS = 'news'

class CardRefused extends Error {}
class HopelessCase extends Error {}

/** How a handler goes on that has left behind what fails. */
async function afterAside({ value }: HandlerRecord<Order>, { signal, publish }: HandlerContext): Promise<void> {
  if (value.name === 'never settles') return new Promise(() => {})
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  if (value.name === 'returns') return
  await publish(NEWS, `signal: ${(signal.reason as Error).name}`)
  signal.throwIfAborted()
}

type Action = (record: HandlerRecord<Order>, context: HandlerContext) => unknown

const actions = {
  return: () => undefined,
  returnLater: async () => {
    await nextTurn()
  },
  returnThenable: () => ({
    // A thenable that is no promise is what the engine must cope with.
    then: (done: () => void) => done(),
  }),
  throw: () => {
    throw new Error('thrown at once')
  },
  reject: async () => {
    await nextTurn()
    throw new Error('rejected later')
  },
  throwSubclass: () => {
    throw new CardRefused('card refused')
  },
  throwWithCause: () => {
    throw new Error('outer', { cause: new Error('the reason behind') })
  },
  throwText: () => {
    throw 'only a text'
  },
  throwNothing: () => {
    throw undefined
  },
  throwHopeless: () => {
    throw new HopelessCase('no use in trying again')
  },
  rejectHopeless: async () => {
    await nextTurn()
    throw new HopelessCase('no use in trying again')
  },
  retryAfter: () => {
    throw new RetryAfter('10s', 'gateway busy')
  },
  deadLetter: () => {
    throw new DeadLetter('card declined')
  },
  hang: () => new Promise(() => {}),
  /** Settles when its gate opens, and heeds no signal. */
  wait: async (record, context) => {
    await context.publish(GATE, record.value.name)
  },
  /** Tells that it runs, then ends as soon as its signal fires. */
  untilAborted: async (record, context) => {
    const { signal } = context
    await context.publish(NEWS, `${record.value.name} runs`)
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    signal.throwIfAborted()
  },
  /** Looks at its signal for the first time after its gate has opened. */
  lateLook: async (record, context) => {
    await context.publish(GATE, record.value.name)
    await context.publish(NEWS, `aborted: ${context.signal.aborted}`)
  },
  /** The habit that must not be taken for success: it is told to stop, and returns. */
  leaveWhenAborted: async (record, context) => {
    const { signal } = context
    await context.publish(NEWS, `${record.value.name} runs`)
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  },
  publishUnawaited: (record, context) => {
    void context.publish(GATE, record.value.name)
  },
  publishCaught: async (record, context) => {
    await context.publish(GATE, record.value.name).catch(() => {})
  },
  /** Goes on after its end, and logs what it meets there. */
  linger: (_record, context) => {
    void (async () => {
      await nextTurn()
      await nextTurn()
      context.log.info({ isAborted: context.signal.aborted }, 'its signal')
      await context.publish(NEWS, 'too late').catch((error) => context.log.info({ code: error.code }, 'its publish'))
    })()
  },
  rejectAside: async (record, context) => {
    void Promise.reject(new CardRefused('beside the handler'))
    await afterAside(record, context)
  },
  giveUpAside: async (record, context) => {
    void Promise.reject(new DeadLetter('beside the handler'))
    await afterAside(record, context)
  },
  throwAside: async (record, context) => {
    setTimeout(() => {
      throw new CardRefused('beside the handler')
    })
    await afterAside(record, context)
  },
  rejectLate: () => {
    setTimeout(() => void Promise.reject(new CardRefused('beside the handler')), 1)
  },
  throwLate: () => {
    setTimeout(() => {
      throw new CardRefused('beside the handler')
    }, 1)
  },
  tell: async (record, context) => {
    const { topic, partition, offset, key, attempt, id } = record
    context.log.info({ step: 1 }, 'before')
    await context.publish(GATE, record.value.name)
    context.log.info({ step: 2 }, 'after')
    await context.publish(NEWS, {
      topic,
      partition,
      offset,
      key,
      attempt,
      id,
      trace: record.headers.get('traceparent'),
    })
  },
  countRuns: (record, context) => {
    void context.publish(NEWS, `${record.value.name} ran`)
    throw new Error('fails every time')
  },
  /** For engines that can kill: never gives the thread back. */
  spin: () => {
    for (;;);
  },
  /** For engines with threads: takes its thread with it. */
  exit: () => process.exit(1),
  /** What the ticks of its thread, or of the process, do from then on. */
  setTick: ({ value }) => {
    tickDoes = value.name as keyof typeof ticks
  },
} satisfies Record<string, Action>

let tickDoes: keyof typeof ticks = 'nothing'

const ticks = {
  nothing: () => undefined,
  tell: ({ publish, partition, isDraining }) => publish(NEWS, { partition, isDraining }),
  throw: () => {
    throw new CardRefused('the tick fails')
  },
  publishAside: ({ publish }) => {
    void publish(GATE, 'tick')
  },
  untilAborted: async ({ signal, publish }) => {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    await publish(NEWS, (signal.reason as Error).name)
  },
  never: () => new Promise(() => {}),
  spin: () => {
    for (;;);
  },
} satisfies Record<string, (context: TickContext) => unknown>

export const doesAsTold = handler<Order>(
  'orders',
  {
    retry: { when: (error) => !(error instanceof HopelessCase) },
    every: '10s',
    tick: (context) => (ticks[tickDoes] as (context: TickContext) => unknown)(context),
  },
  (record, context) => {
    const action: Action = actions[record.value.do]
    return action(record, context)
  },
)

export const checked = handler(
  'amounts',
  { schema: Type.Object({ amount: Type.Number({ minimum: 0 }) }), filter: (record) => record.value.amount !== 0 },
  async (record, context) => {
    await context.publish(NEWS, record.value.amount)
  },
)

/** A long in Avro, as it was pulled. */
export const amount: PulledSchema<bigint> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'amounts-value',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text: '"long"',
}

const amounts = topic('orders', { format: avro(amount) })

export const inFormat = handler(amounts, {}, async (record, context) => {
  await context.publish(NEWS, String(record.value))
})

export const inFormatBatch = batchHandler(amounts, {}, async (batch, context) => {
  await context.publish(
    NEWS,
    [...batch].map(({ value }) => String(value)),
  )
})

interface Place {
  readonly tenant: string
  readonly id: bigint
}

const placeKey: PulledSchema<Place> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'orders-key',
  id: 9,
  guid: null,
  fingerprint: 'f00d',
  text: '{"type":"record","name":"Place","fields":[{"name":"tenant","type":"string"},{"name":"id","type":"long"}]}',
}
const placed = topic('orders', { format: avro(amount), keyFormat: avro(placeKey) })
const told = (key: Place | null, value: bigint) =>
  `${key === null ? 'no key' : `${key.tenant} ${key.id + 1n}`}: ${value}`

export const keyed = handler(placed, { filter: ({ key }) => key?.id !== 0n }, async ({ key, value }, context) => {
  await context.publish(NEWS, told(key, value))
})

export const keyedBatch = batchHandler(placed, {}, async (batch, context) => {
  await context.publish(
    NEWS,
    [...batch].map(({ key, value }) => told(key, value)),
  )
})

const named: PulledSchema<{ readonly name: string }> = {
  kind: 'pyrallel.schema',
  format: 'json-schema',
  subject: 'orders-value',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text: '{"type":"object","properties":{"name":{"type":"string"},"id":{"type":"integer"}},"required":["name"]}',
}
const namedOrders = topic('orders', { format: jsonSchema(named) })
const namedCopies = topic('copies', { format: jsonSchema(named) })

export const inJson = handler(namedOrders, {}, async (record, context) => {
  await context.publish(NEWS, record.value.name)
})

const guid = '89791762-2336-4186-9674-299b90a802e2'

const proto: PulledSchema<{ readonly id: bigint }> = {
  kind: 'pyrallel.schema',
  format: 'protobuf',
  subject: 'orders-value',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text: 'syntax = "proto3"; package shop; message Order { int64 id = 1; }',
}
const protoOrders = topic('orders', { format: protobuf(proto) })
const protoCopies = topic('copies', { format: protobuf(proto) })
const protoInHeader = topic('in-header', { format: protobuf({ ...proto, guid }, { framing: 'header' }) })

export const inProtobuf = handler(protoOrders, {}, async (record, context) => {
  await context.publish(NEWS, String(record.value.id))
})

/** Publishes in Protobuf what it has read so. */
export const copiesProtobuf = handler(protoOrders, {}, async (record, context) => {
  for (const to of [protoCopies, protoInHeader]) await context.publish(to, record.value)
})

const namedInHeader = topic('in-header', { format: jsonSchema({ ...named, guid }, { framing: 'header' }) })
const namedByGuid = topic('by-guid', { format: jsonSchema({ ...named, guid }, { framing: 'guid' }) })

/** Publishes in JSON with a schema what it has read so, in each framing, with a header of another value's schema. */
export const copiesJson = handler(namedOrders, {}, async (record, context) => {
  const headers = { trace: 't', __value_schema_id: 'of another value' }
  for (const to of [namedCopies, namedInHeader, namedByGuid]) await context.publish(to, record.value, { headers })
})

const work = topic('work', { values: 'bytes' })
const copies = topic('copies', { values: 'bytes' })

/** Publishes the bytes that it has read, by definition; and back into its own topic, by name, those that say so. */
export const copiesBytes = handler(work, {}, async (record, { publish }) => {
  const { value } = record
  const isFirst = value?.[0] === 0xff
  await publish(copies, value)
  if (isFirst && value !== null) await publish('work', value.fill(0xfe))
})

/** A tree: its schema refers to itself. */
export const nested = handler(
  'trees',
  { schema: Type.Cyclic({ Node: Type.Object({ inner: Type.Union([Type.Null(), Type.Ref('Node')]) }) }, 'Node') },
  () => undefined,
)

const Part = Type.Object({
  do: Type.Union(
    [
      'nothing',
      'fail',
      'giveUp',
      'later',
      'pause',
      'throw',
      'hang',
      'wait',
      'failStranger',
      'failLate',
      'reportItems',
      'reportResults',
      'reportLater',
    ].map((what) => Type.Literal(what)),
  ),
  skip: Type.Optional(Type.Boolean()),
})

/** Does what each record of a batch says, and publishes what it was handed. */
export const batched = batchHandler(
  'orders',
  { schema: Part, filter: (record) => record.value.skip !== true },
  async (batch, context) => {
    context.log.info({ size: batch.size }, 'a batch')
    await context.publish(
      NEWS,
      [...batch].map(({ offset, key, attempt }) => [offset, key, attempt]),
    )
    for (const record of batch) {
      if (record.value.do === 'fail') batch.fail(record, new CardRefused(`no ${record.offset}`))
      if (record.value.do === 'giveUp') batch.fail(record, new DeadLetter('never'))
      if (record.value.do === 'later') batch.fail(record, new RetryAfter('10s', 'busy'))
      if (record.value.do === 'pause') throw new RetryAfter('10s', 'busy')
      if (record.value.do === 'failStranger') batch.fail({ ...record }, new Error('whose?'))
      if (record.value.do === 'throw') throw new Error('all of it')
      if (record.value.do === 'wait') await context.publish(GATE, 'batch')
      if (record.value.do === 'hang' && !context.signal.aborted)
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true }))
      if (record.value.do === 'failLate') setImmediate(() => setImmediate(() => failLate(batch, record, context)))
      if (record.value.do in reports) return reports[record.value.do as keyof typeof reports]() as never
    }
  },
)

/** What other platforms read in the result of a batch function. */
const reports = {
  reportItems: () => ({ batchItemFailures: [{ itemIdentifier: '1' }] }),
  reportResults: () => Promise.allSettled([Promise.reject(new CardRefused('one of them'))]),
  reportLater: async () => ({ batchItemFailures: [] }),
}

function failLate(batch: Batch<unknown>, record: HandlerRecord<unknown>, { log }: HandlerContext): void {
  try {
    batch.fail(record, new CardRefused('found out too late'))
  } catch (error) {
    log.info({ code: (error as { readonly code?: string }).code }, 'batch.fail threw')
  }
}

const place = { kind: 'pyrallel.schema', format: 'avro', guid: null, fingerprint: 'f00d', text: '"long"' } as const
const longs = avro<bigint>({ ...place, subject: 'longs', id: 7 })
const inHeader = avro<bigint>(
  { ...place, subject: 'headed', id: 8, guid: '0f0e0d0c-0b0a-0908-0706-050403020100' },
  { framing: 'header' },
)

/** What topics have that `namesTopics` only names. */
export const namedFormats = {
  copies: { format: longs, keyFormat: longs },
  'in-header': { format: inHeader },
  raw: { values: 'bytes' },
} as const

/** Publishes by names of topics, whatever the record says. */
export const namesTopics = handler<string>('orders', async ({ value }, { publish }) => {
  if (value === 'wrong') await publish('copies', { id: 1 })
  if (value === 'no bytes') await publish('raw', { id: 1 })
  await publish('copies', 5n, { key: 6n as never })
  await publish('in-header', 7n)
  await publish('raw', Buffer.from('as they are'))
  await publish(NEWS, 'in JSON')
})
