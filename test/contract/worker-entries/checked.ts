/** The thread of the conformance suite's handler `checked`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { checked } from '../engine-handlers.ts'

runThread({ default: checked })
