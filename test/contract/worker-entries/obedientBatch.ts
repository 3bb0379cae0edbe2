/** The thread of the batch handler that does what the plans of its records say. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { obedientBatch } from '../../simulation/obedient-handlers.ts'

runThread({ default: obedientBatch })
