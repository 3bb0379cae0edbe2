/** The thread of the conformance suite's handler `batched`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { batched } from '../engine-handlers.ts'

runThread({ default: batched })
