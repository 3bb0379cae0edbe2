/** The thread of the conformance suite's handler `keyed`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { keyed } from '../engine-handlers.ts'

runThread({ default: keyed })
