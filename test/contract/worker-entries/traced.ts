/** The thread of a handler that publishes the spans it has seen; its tracer provider is registered in its setup. */

import { handler } from '../../../framework/api/handler.ts'
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { register, spans } from '../../integration/tracer-provider.ts'

const seen = { toJSON: () => spans.map(({ name, traceId, parentId }) => [name, traceId, parentId]) }

runThread({
  default: handler('orders', async (_record, { publish }) => {
    await publish('invoices', seen)
  }),
  setup: register,
})
