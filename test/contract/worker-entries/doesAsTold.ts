/** The thread of the conformance suite's handler `doesAsTold`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { doesAsTold } from '../engine-handlers.ts'

runThread({ default: doesAsTold })
