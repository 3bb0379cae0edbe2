/** The thread of the conformance suite's handler `inProtobuf`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { inProtobuf } from '../engine-handlers.ts'

runThread({ default: inProtobuf })
