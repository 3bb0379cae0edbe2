/** The thread of a benchmark's handler that does nothing with values in a registry's JSON Schema. */
import { handler } from '../../../framework/api/handler.ts'
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { jsonSchemaOrders } from '../formatted-orders.ts'

runThread({ default: handler(jsonSchemaOrders, () => {}) })
