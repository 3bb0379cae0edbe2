import { handler } from 'pyrallel'
import { invoices } from '../topics.ts'

export default handler(invoices, async (record, context) => {
  context.log.info({ order: record.value.orderId, amount: record.value.amount }, 'invoice sent')
})
