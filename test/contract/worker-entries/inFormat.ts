/** The thread of the conformance suite's handler `inFormat`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { inFormat } from '../engine-handlers.ts'

runThread({ default: inFormat })
