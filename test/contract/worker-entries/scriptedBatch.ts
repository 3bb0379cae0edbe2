/** The thread of the conformance suite's handler `scriptedBatch`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { scriptedBatch } from '../scripted-handlers.ts'

runThread({ default: scriptedBatch })
