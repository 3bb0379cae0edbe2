/** The thread of the benchmark's batch handler: computes as long as each record says. */
import { runThread } from '../../../framework/execution-plane/worker-main.ts'
import { batchHandler } from '../../../framework/handler.ts'
import { burn } from '../cpu-work.ts'
import type { Load } from './burning.ts'

runThread({
  default: batchHandler<Load>('bench', (batch) => {
    for (const { value } of batch) burn(value.rounds)
  }),
})
