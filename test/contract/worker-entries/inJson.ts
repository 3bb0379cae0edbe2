/** The thread of the conformance suite's handler `inJson`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { inJson } from '../engine-handlers.ts'

runThread({ default: inJson })
