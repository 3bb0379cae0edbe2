/** A handler with all the knobs: calls a payment gateway that may be busy, decline, or be down for a moment. */
import { DeadLetter, handler, RetryAfter } from 'pyrallel'
import { charge } from './_services.ts'
import { invoices, orders } from './_topics.ts'

export default handler(
  orders,
  {
    // Offsets belong to the group: with one of its own, this handler could be replayed without touching the others.
    group: 'billing',
    // Orders of one customer are charged one after the other; those of different customers at the same time.
    ordering: 'key',
    concurrency: 64,
    timeout: '5s',
    // Free orders need no charge. They count as done at once.
    filter: (record) => record.value.total > 0,
    // For a demo of a few seconds. The default outlasts what fails over: 28 attempts in 5 to 10 minutes.
    retry: { attempts: 4, backoff: 'exponential', min: '100ms', max: '2s', jitter: true },
    deadLetter: { topic: 'orders.created.billing.dlq' },
  },
  async (record, context) => {
    const { id, customerId, total } = record.value
    // The order's own id: the same for every attempt, for a replay, and for a producer that has sent the order twice. If one of them has
    // charged, the gateway notices. `record.id` would be another one there.
    const result = await charge({ orderId: id, amount: total }, { idempotencyKey: id, signal: context.signal })
    // The gateway says when to come back: that replaces the back-off for this retry.
    if (result.status === 'throttled') throw new RetryAfter('300ms', 'gateway busy')
    // No further attempt would change this.
    if (result.status === 'declined') throw new DeadLetter('card declined')
    await context.publish(invoices, { orderId: id, customerId, amount: total })
  },
)
