/** The thread of the conformance suite's handler `keyedBatch`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { keyedBatch } from '../engine-handlers.ts'

runThread({ default: keyedBatch })
