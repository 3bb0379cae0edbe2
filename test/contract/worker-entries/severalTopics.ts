/** The thread of a handler of two topics, as it is generated: each topic has a schema of its own. */
import { Type } from 'typebox'
import { handler } from '../../../framework/api/handler.ts'
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'

const book = handler(['orders', 'payments'], { engine: 'worker' }, () => {})
const schemas = {
  orders: Type.Object({ total: Type.Number() }),
  payments: Type.Object({ amount: Type.Number() }),
}

runThread({ default: book }, { schemas, topicSchemas: {} })
