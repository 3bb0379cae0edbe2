/** The thread of the conformance suite's handler `nested`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { nested } from '../engine-handlers.ts'

runThread({ default: nested })
