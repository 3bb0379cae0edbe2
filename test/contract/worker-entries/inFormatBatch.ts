/** The thread of the conformance suite's handler `inFormatBatch`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { inFormatBatch } from '../engine-handlers.ts'

runThread({ default: inFormatBatch })
