/** The thread of a batch handler that publishes what its own span has: who its parent is, its links, its attributes. */

import { batchHandler } from '../../../framework/api/handler.ts'
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { publishSpan } from '../../integration/traced-batch.ts'
import { register } from '../../integration/tracer-provider.ts'

runThread({
  default: batchHandler('orders', { batch: { size: 4, wait: '1m' } }, publishSpan),
  setup: register,
})
