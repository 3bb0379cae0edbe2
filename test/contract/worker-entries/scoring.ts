/** The thread of a batch handler: see test/integration/batch-handlers.test.ts, which runs the same handler on the event loop too. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { scoring } from '../scoring-handler.ts'

runThread({ default: scoring('worker') })
