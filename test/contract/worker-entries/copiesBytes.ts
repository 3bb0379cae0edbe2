/** The thread of the handler `copiesBytes`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { copiesBytes } from '../engine-handlers.ts'

runThread({ default: copiesBytes })
