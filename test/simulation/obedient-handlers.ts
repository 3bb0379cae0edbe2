/** Handlers that do what the plan of their records says. They talk to the test through publishes and logs only, as they may run in a thread. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isMainThread } from 'node:worker_threads'
import {
  type Batch,
  batchHandler,
  DeadLetter,
  type HandlerContext,
  type HandlerRecord,
  handler,
  RetryAfter,
} from '../../framework/api/handler.ts'
import { isLeftOut, nameOf, type Plan, planOf, type Told } from './plan.ts'

/** What a handler publishes here is acknowledged at once. */
export const STARTS = 'starts'
/** Published for all of a batch. */
export const BATCHES = 'batches'
/** As many as a thread gets, to be deaf for a while and not for ever. */
const DEAF_TURNS = 200

const filter = (record: HandlerRecord<Told>): boolean => !isLeftOut(record.value)

export const obedient = handler<Told>('orders', { filter }, (record, context) => {
  const plan = planOf(record.value, record.attempt)
  tell(record, plan, context)
  if (plan.turns === 0 && plan.ending === 'return') return undefined
  if (plan.turns === 0 && plan.ending === 'throw') throw failureOf(record, plan)
  return obey(record, plan, context)
})

export const obedientBatch = batchHandler<Told>('orders', { filter }, async (batch, context) => {
  const plans = [...batch].map((record) => ({ record, plan: planOf(record.value, record.attempt) }))
  const [first] = plans
  if (first?.plan.isOfAll === true) {
    void context.publish(BATCHES, { uid: first.record.value.uid, attempt: first.record.attempt })
  }
  for (const { record, plan } of plans) tell(record, plan, context)
  for (const { record, plan } of plans) if (isFatal(plan)) await obey(record, plan, context)
  for (const { record, plan } of plans) await failAlone(batch, record, plan)
})

/** Ends the whole batch, and not only the record. */
export function isFatal({ ending }: Plan): boolean {
  const whole: readonly Plan['ending'][] = ['throw', 'pause', 'hang', 'deaf', 'exit', 'stray']
  return whole.includes(ending)
}

async function failAlone(batch: Batch<Told>, record: HandlerRecord<Told>, plan: Plan): Promise<void> {
  if (plan.turns > 2) await nextTurn()
  if (plan.ending !== 'return' && !isFatal(plan)) batch.fail(record, failureOf(record, plan))
}

async function obey(record: HandlerRecord<Told>, plan: Plan, { signal }: HandlerContext): Promise<void> {
  for (let turn = 0; turn < plan.turns; turn += 1) await nextTurn()
  switch (plan.ending) {
    case 'return':
      return
    case 'hang':
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      return signal.throwIfAborted()
    case 'deaf':
      for (let turn = 0; turn < DEAF_TURNS; turn += 1) await nextTurn()
      return
    case 'exit':
      // The main thread has more to do.
      if (isMainThread) throw failureOf(record, plan)
      process.exit(1)
      return
    case 'stray':
      void Promise.reject(failureOf(record, plan))
      // It is heard of after this turn's microtasks.
      for (let turn = 0; turn < 2; turn += 1) await nextTurn()
      return
    case 'throw':
    case 'reject':
    case 'retryAfter':
    case 'pause':
    case 'giveUp':
      throw failureOf(record, plan)
  }
}

function failureOf({ value, attempt }: HandlerRecord<Told>, { ending }: Plan): Error {
  const name = nameOf(value, attempt)
  if (ending === 'retryAfter' || ending === 'pause') return new RetryAfter('300ms', name)
  return ending === 'giveUp' ? new DeadLetter(name) : new Error(name)
}

function tell(record: HandlerRecord<Told>, { isTold, isLogged }: Plan, context: HandlerContext): void {
  const { value, attempt } = record
  if (isLogged) context.log.info({ uid: value.uid, of: attempt }, 'runs')
  if (isTold) void context.publish(STARTS, { uid: value.uid, attempt }, { of: record })
}
