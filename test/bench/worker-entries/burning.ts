/** The thread of the benchmark's handlers: computes as long as each record says; 0 rounds are a handler that does nothing. */

import { handler } from '../../../framework/api/handler.ts'
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { burn } from '../cpu-work.ts'

export interface Load {
  readonly rounds: number
}

runThread({ default: handler<Load>('bench', (record) => void burn(record.value.rounds)) })
