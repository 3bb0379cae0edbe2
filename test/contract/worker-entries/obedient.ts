/** The thread of the handler that does what the plan of its record says. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { obedient } from '../../simulation/obedient-handlers.ts'

runThread({ default: obedient })
