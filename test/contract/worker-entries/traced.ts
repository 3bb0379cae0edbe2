/** The thread of a handler that publishes the spans it has seen; its tracer provider is registered in its setup. */
import { runThread } from '../../../framework/execution-plane/worker-main.ts'
import { handler } from '../../../framework/handler.ts'
import { register, spans } from '../../integration/tracer-provider.ts'

const seen = { toJSON: () => spans.map(({ name, traceId, parentId }) => [name, traceId, parentId]) }

runThread({
  default: handler('orders', async (_record, { publish }) => {
    await publish('invoices', seen)
  }),
  setup: register,
})
