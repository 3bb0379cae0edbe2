/** The threads of handlers that park: see test/integration/parking.test.ts, which runs the same handlers on the event loop too. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { parking } from '../parking-handlers.ts'

runThread({ default: parking('worker').single })
