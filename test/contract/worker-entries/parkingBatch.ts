/** As parking.ts, for batches. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { parking } from '../parking-handlers.ts'

runThread({ default: parking('worker').batch })
