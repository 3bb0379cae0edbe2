/** Runs a handler once, as Pyrallel would: decoded, checked, with a deadline and a context. Needs no broker; publishes nothing anywhere. */
import { AsyncEngine } from '../execution-plane/async-engine.ts'
import type { HandlerDefinition } from '../handler.ts'
import { type Duration, durationMs } from '../model/duration.ts'
import type { Logger } from '../model/logger.ts'
import type { OutgoingRecord } from '../model/record.ts'
import type { CompletionEvent, Epoch, HandlerFailure } from '../model/work.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { publisher } from '../runtime/publisher.ts'

export interface AttemptInput<T> {
  readonly value: T
  /** Default: what the topic's `key` says of the value, else none. */
  readonly key?: string | null
  readonly headers?: Readonly<Record<string, string>>
  /** Which try it is. Default 1. */
  readonly attempt?: number
  /** Default the handler's own `timeout`, else 30 s. */
  readonly timeout?: Duration
  /** Default the system's. With a manual clock, time stands still until the test moves it. */
  readonly clock?: Clock
}

export interface PublishedValue {
  readonly topic: string
  readonly key: string | null
  readonly value: unknown
  readonly headers: Readonly<Record<string, string>>
}

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

export interface AttemptResult {
  /** What would become of the record: `retry` unless its attempts are used up, `dead` at once. */
  readonly outcome: 'done' | 'filtered' | 'retry' | 'dead'
  /** Why, when it is `retry` or `dead`. */
  readonly failure: HandlerFailure | undefined
  /** In the order of their calls. */
  readonly published: readonly PublishedValue[]
  readonly logged: readonly LoggedLine[]
}

const STANDARD_TIMEOUT = '30s'
const CLOSE_MS = 1_000

/**
 * `const { outcome, published } = await runAttempt(chargeOrder, { value: { id: 'o1', total: 5 } })`.
 * A value that does not satisfy the topic's schema is `dead`, as it would be in production.
 */
export async function runAttempt<T>(handler: HandlerDefinition<T>, input: AttemptInput<T>): Promise<AttemptResult> {
  const { topic, options } = handler
  const published: PublishedValue[] = []
  const logged: LoggedLine[] = []
  const engine = new AsyncEngine({
    handlerId: options.id ?? 'handler',
    concurrency: 1,
    timeoutMs: durationMs(input.timeout ?? options.timeout ?? STANDARD_TIMEOUT, 'option timeout'),
    abandonAfterMs: 0,
    // The value that it is given is checked against its schema before it is called, as with every engine.
    definition: handler as HandlerDefinition<unknown>,
    publish: publisher({
      produce: async (record) => {
        published.push(publishedValue(record))
      },
      close: async () => {},
    }),
    log: collectingLog(logged),
    clock: input.clock ?? systemClock(),
  })
  const completion = new Promise<CompletionEvent>((resolve, reject) => {
    engine.start(resolve).then(() => engine.submit(workItem(topic.name, topic.key, input)), reject)
  })
  try {
    return { ...verdict(await completion), published, logged }
  } finally {
    await engine.close(CLOSE_MS)
  }
}

function workItem<T>(topic: string, keyOf: ((value: T) => string | null) | undefined, input: AttemptInput<T>) {
  const { value, attempt = 1, headers = {} } = input
  const key = input.key === undefined ? (keyOf?.(value) ?? null) : input.key
  const record = {
    topic,
    partition: 0,
    offset: 0,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(JSON.stringify(value) ?? ''),
    headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const),
    timestamp: 0,
  }
  return { id: 1, handlerId: 'handler', epoch: 1 as Epoch, records: [record], attempts: [attempt] }
}

function verdict({ outcome }: CompletionEvent): Pick<AttemptResult, 'outcome' | 'failure'> {
  switch (outcome.kind) {
    case 'succeeded':
      return { outcome: outcome.filtered === true ? 'filtered' : 'done', failure: undefined }
    case 'failed':
    case 'timed-out':
    case 'interrupted':
      return { outcome: outcome.failure.retryable ? 'retry' : 'dead', failure: outcome.failure }
    case 'partial': {
      const [failure] = outcome.failures.values()
      return { outcome: failure?.retryable === false ? 'dead' : 'retry', failure }
    }
  }
}

function publishedValue({ topic, key, value, headers }: OutgoingRecord): PublishedValue {
  return {
    topic,
    key: key === null ? null : key.toString(),
    value: value === null ? null : JSON.parse(value.toString()),
    headers: Object.fromEntries(headers.map(([name, bytes]) => [name, bytes?.toString() ?? ''])),
  }
}

function collectingLog(lines: LoggedLine[]): Logger {
  const at = (level: LoggedLine['level']) => (fields: object, message: string) => {
    lines.push({ level, fields, message })
  }
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
  return log
}
