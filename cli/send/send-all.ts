/** Produces records one after the other, paced when asked to, and remembers where each went. Prints nothing. */
import type { RecordPlace, RecordProducer } from '../../framework/kafka/kafka-client.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import type { Clock } from '../../framework/time/clock.ts'
import type { TypedRecord } from './send-record.ts'

export interface Sending {
  readonly producer: RecordProducer
  readonly count: number
  /** Records per second; `undefined`: as fast as they can be handed over. */
  readonly rate: number | undefined
  readonly clock: Clock
  /** Called once for each record. */
  readonly next: () => TypedRecord
}

export interface Sent {
  /** Of each record, in the order of production. */
  readonly places: readonly RecordPlace[]
  /** Of each record, as it is shown. */
  readonly keys: readonly (string | null)[]
  readonly tookMs: number
}

/** On their way at most: what is not acknowledged is in memory. */
const OUTSTANDING = 1_000

/** Rejects with the first that was refused, and says how many were not. */
export async function sendAll({ producer, count, rate, clock, next }: Sending): Promise<Sent> {
  const startedAt = clock.now()
  const places: RecordPlace[] = []
  const keys: (string | null)[] = []
  let waiting: Promise<RecordPlace>[] = []
  const settle = async () => {
    const results = await Promise.allSettled(waiting)
    waiting = []
    for (const result of results) if (result.status === 'fulfilled') places.push(result.value)
    const refused = results.find((result) => result.status === 'rejected')
    if (refused !== undefined) throw withCount(refused.reason, places.length, count)
  }
  for (let sent = 0; sent < count; sent++) {
    if (rate !== undefined) await until(clock, startedAt + (sent * 1_000) / rate)
    const { record, key } = next()
    keys.push(key)
    const produced = producer.produce(record)
    // Looked at when it is its turn; until then, a refusal is not unhandled.
    produced.catch(() => {})
    waiting.push(produced)
    if (waiting.length >= OUTSTANDING) await settle()
  }
  await settle()
  return { places, keys, tookMs: Math.round(clock.now() - startedAt) }
}

/** One that was to be sent alone needs no count. */
function withCount(thrown: unknown, done: number, count: number): Error {
  const error = toError(thrown)
  if (!(error instanceof PyrallelError) || count === 1) return error
  const { code, message, retriable } = error
  const facts = `${message} ${done} of ${count} were acknowledged; others may have been written, too.`
  return new PyrallelError(code, facts, { cause: error, retriable })
}

function until(clock: Clock, due: number): Promise<void> {
  const left = due - clock.now()
  return left <= 0 ? Promise.resolve() : new Promise((resolve) => clock.setTimer(left, resolve))
}
