/** The thread of the conformance suite's handler `scripted`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { scripted } from '../scripted-handlers.ts'

runThread({ default: scripted })
