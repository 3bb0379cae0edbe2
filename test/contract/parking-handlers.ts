/** Handlers of records that fail until the attempt that they name, the same on every engine. Not a test itself. */
import { batchHandler, type HandlerRecord, handler } from '../../framework/api/handler.ts'
import type { EngineKind } from '../../framework/model/work.ts'

export interface Failing {
  readonly id: number
  /** Its first attempts fail, as many as this says. */
  readonly fails: number
}

export function parking(engine: EngineKind, then: 'park' | 'park-alone' = 'park') {
  const retry = { attempts: 2, backoff: 'fixed', min: 1, max: 1, jitter: false, then } as const
  const options = { engine, retry, deadLetter: { topic: 'work.dlq' } } as const
  const run = ({ value, attempt }: HandlerRecord<Failing>): void => {
    if (attempt <= value.fails) throw new Error(`record ${value.id}, attempt ${attempt}`)
  }
  return {
    single: handler<Failing>('work', options, run),
    batch: batchHandler<Failing>('work', { ...options, batch: { size: 4, wait: 5 } }, (batch) => {
      for (const record of batch) {
        try {
          run(record)
        } catch (thrown) {
          batch.fail(record, thrown as Error)
        }
      }
    }),
  }
}
