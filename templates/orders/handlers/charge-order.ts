import { DeadLetter, handler, RetryAfter } from 'pyrallel'
import { invoices, orders } from '../topics.ts'
import { charge } from './_gateway.ts'

export default handler(
  orders,
  {
    // Offsets belong to the group: with one of its own, this handler can be replayed without touching the others.
    group: '{{name}}-billing',
    timeout: '5s',
    // Free orders are done at once.
    filter: (record) => record.value.total > 0,
  },
  async (record, context) => {
    const { id, customerId, total } = record.value
    // The order's own id, not the record's: whatever is sent or run twice is charged once.
    const result = await charge(total, { idempotencyKey: id, signal: context.signal })
    if (result === 'busy') throw new RetryAfter('300ms', 'gateway busy')
    // No further attempt would change this: to the dead-letter topic.
    if (result === 'declined') throw new DeadLetter('card declined')
    await context.publish(invoices, { orderId: id, customerId, amount: total })
  },
)
