/** The thread of the handler `copiesJson`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { copiesJson } from '../engine-handlers.ts'

runThread({ default: copiesJson })
