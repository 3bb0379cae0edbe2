import { handler } from 'pyrallel'
import { flagged, payments } from '../topics.ts'

/** In euro. */
const LIMIT = 10_000

export default handler(payments, async (record, context) => {
  const payment = record.value
  // The amount is the exact text of a decimal, such as 12000.50. To compare it, a number is exact enough.
  if (Number(payment.amount) < LIMIT) return
  await context.publish(flagged, payment)
  // The id is a bigint, which is never rounded. JSON, and so the log, has it as a text.
  context.log.info({ payment: String(payment.id), amount: payment.amount }, 'payment flagged')
})
