/** Handlers that publish as their records say, step by step: for what becomes of outputs. As engine-handlers.ts, they share no variables with the test. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type Batch,
  batchHandler,
  type ContextPublish,
  DeadLetter,
  type HandlerContext,
  type HandlerRecord,
  handler,
  RetryAfter,
} from '../../framework/api/handler.ts'

/** One thing that a handler does. Publishes go to `out`, where `to` names no other topic. */
export type Step =
  | {
      readonly publish: unknown
      readonly to?: string
      readonly key?: string
      readonly header?: string
      /** `own`: names the record itself; `copy`: what looks like it. */
      readonly of?: 'own' | 'copy'
      /** Default that it is awaited. */
      readonly how?: 'unawaited' | 'caught'
    }
  /** So many records of so many bytes. */
  | { readonly flood: number; readonly bytes: number }
  | { readonly throw: string }
  | { readonly giveUp: string }
  /** Of batches: this record has failed. */
  | { readonly fail: string }
  | { readonly pause: string }
  | { readonly log: string }
  | { readonly turns: number }
  | { readonly untilAborted: 'return' | 'throw' }
  /** The same bytes are used for the next header. */
  | { readonly reuse: readonly string[] }
  | { readonly publishLate: unknown }
  | { readonly exit: number }

export interface Script {
  readonly steps: readonly Step[]
  /** Left out by the filter. */
  readonly skip?: boolean
}

type Tell = (record: HandlerRecord<Script>, error: Error) => void

export const scripted = handler<Script>(
  'orders',
  {
    filter: ({ value }) => value.skip !== true,
    every: '10s',
    tick: ({ publish }) => publish('out', 'of a tick'),
  },
  async (record, context) => {
    for (const step of record.value.steps) await take(step, record, context, fail)
  },
)

export const scriptedBatch = batchHandler<Script>(
  'orders',
  { filter: ({ value }) => value.skip !== true },
  async (batch: Batch<Script>, context) => {
    const tell: Tell = (record, error) => batch.fail(record, error)
    for (const record of batch) for (const step of record.value.steps) await take(step, record, context, tell)
  },
)

const fail: Tell = (_record, error) => {
  throw error
}

async function take(step: Step, record: HandlerRecord<Script>, context: HandlerContext, tell: Tell): Promise<void> {
  const { publish } = context
  if ('publish' in step) await publishStep(step, record, publish)
  if ('flood' in step) for (let n = 0; n < step.flood; n++) await publish('out', 'x'.repeat(step.bytes - 2))
  if ('throw' in step) throw new Error(step.throw)
  if ('giveUp' in step) throw new DeadLetter(step.giveUp)
  if ('fail' in step) tell(record, new Error(step.fail))
  if ('pause' in step) throw new RetryAfter('10s', step.pause)
  if ('log' in step) context.log.info({}, step.log)
  if ('turns' in step) for (let turn = 0; turn < step.turns; turn++) await nextTurn()
  if ('untilAborted' in step) await untilAborted(step.untilAborted, context)
  if ('reuse' in step) await reuse(step.reuse, publish)
  if ('publishLate' in step) setImmediate(() => setImmediate(() => void publish('out', step.publishLate)))
  if ('exit' in step) process.exit(step.exit)
}

async function publishStep(
  { publish: value, to = 'out', key, header, of, how }: Extract<Step, { readonly publish: unknown }>,
  record: HandlerRecord<Script>,
  publish: ContextPublish,
): Promise<void> {
  const published = publish(to, value, {
    ...(key === undefined ? {} : { key }),
    ...(header === undefined ? {} : { headers: { header } }),
    ...(of === undefined ? {} : { of: of === 'own' ? record : { ...record, offset: record.offset + 1_000 } }),
  })
  if (how === undefined) await published
  if (how === 'caught') await published.catch(() => {})
}

async function untilAborted(how: 'return' | 'throw', { signal }: HandlerContext): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  if (how === 'throw') signal.throwIfAborted()
}

async function reuse(texts: readonly string[], publish: ContextPublish): Promise<void> {
  const bytes = Buffer.alloc(1)
  for (const text of texts) {
    bytes.write(text)
    await publish('out', text, { headers: { bytes } })
  }
}
