/** The thread of a handler whose schemas were derived from types, as `pyrallel generate` would write it. */
import { Type } from 'typebox'
import { handler } from '../../../framework/api/handler.ts'
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'

interface Order {
  readonly id: string
  readonly total: number
}

const OrderSchema = Type.Object({ id: Type.String(), total: Type.Number() })

runThread(
  {
    default: handler<Order>('orders', async (record, { publish }) => {
      await publish('invoices', record.value.total < 0 ? { amount: 'negative' } : { amount: record.value.total })
    }),
  },
  { schema: OrderSchema, topicSchemas: { invoices: Type.Object({ amount: Type.Number() }) } },
)
