/** The thread of the benchmark's batch handler: computes as long as each record says. */

import { batchHandler } from '../../../framework/api/handler.ts'
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { burn } from '../cpu-work.ts'
import type { Load } from './burning.ts'

runThread({
  default: batchHandler<Load>('bench', (batch) => {
    for (const { value } of batch) burn(value.rounds)
  }),
})
