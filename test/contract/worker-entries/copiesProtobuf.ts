/** The thread of the conformance suite's handler `copiesProtobuf`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { copiesProtobuf } from '../engine-handlers.ts'

runThread({ default: copiesProtobuf })
