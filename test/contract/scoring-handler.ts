/**
 * A batch handler for whole runtimes: publishes what it is handed, fails what it is told to, and throws when the batch has a poisoned record, and
 * ends its thread when it has a deadly one.
 */
import { batchHandler, type HandlerDefinition } from '../../framework/api/handler.ts'
import type { EngineKind } from '../../framework/model/work.ts'

export interface View {
  readonly number: number
  readonly is?: 'poison' | 'deadly' | 'refused' | 'refused once'
}

export const scoring = (engine: EngineKind): HandlerDefinition<View> =>
  batchHandler<View>(
    'views',
    { engine, batch: { size: 32, wait: '20ms' }, retry: { attempts: 2, min: 1, max: 5 }, ...threadsOf(engine) },
    async (batch, context) => {
      const numbers = [...batch].map(({ value }) => value.number)
      await context.publish('calls', numbers)
      if ([...batch].some(({ value }) => value.is === 'poison')) throw new Error('poisoned')
      if ([...batch].some(({ value }) => value.is === 'deadly')) process.exit(7)
      for (const record of batch) {
        const { is } = record.value
        if (is === 'refused' || (is === 'refused once' && record.attempt === 1))
          batch.fail(record, new Error('no score'))
      }
    },
  )

function threadsOf(engine: EngineKind) {
  return engine === 'worker' ? { worker: { threads: 2 } } : {}
}
