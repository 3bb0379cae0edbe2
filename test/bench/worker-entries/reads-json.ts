/** The thread of a benchmark's handler that does nothing with values in plain JSON. */
import { handler } from '../../../framework/api/handler.ts'
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { jsonOrders } from '../formatted-orders.ts'

runThread({ default: handler(jsonOrders, () => {}) })
