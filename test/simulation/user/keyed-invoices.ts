/** The same project with keys in a registry's format: a process asks for their schema first, and no order is invoiced before its key can be read. */
import { avro, type PulledSchema } from '../../../framework/api/format.ts'
import { handler } from '../../../framework/api/handler.ts'
import { topic } from '../../../framework/api/topic.ts'
import type { Happened } from '../../../framework/testing/index.ts'
import { type Order, requireInvoicedOnce } from './invoices.ts'

interface CustomerKey {
  readonly customer: string
}

const customerKey: PulledSchema<CustomerKey> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'orders-key',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text: '{"type":"record","name":"CustomerKey","fields":[{"name":"customer","type":"string"}]}',
}
const keyFormat = avro(customerKey)
const key = ({ customer }: Order): CustomerKey => ({ customer })
const orders = topic<Order, CustomerKey>('orders', { keyFormat, key })
const invoices = topic<Order, CustomerKey>('invoices', { keyFormat, key })

/** Two orders of each of two customers. */
export const keyedRecords = ['a', 'b', 'c', 'd'].map((id, index) => ({
  topic: orders,
  value: { id, customer: `c${index % 2}` },
}))

const invoice = handler(orders, async (record, { publish }) => {
  await new Promise((resolve) => setTimeout(resolve, 5))
  await publish(invoices, record.value)
})

export const keyedRoutes = [
  { id: 'invoice', file: 'handlers/invoice.ts', topic: 'orders', group: null, handler: invoice },
] as const

/** @throws Error as `requireInvoicedOnce`, and where a handler has met, or an invoice has, another key than its customer's */
export function requireKeyedOnce(happened: Happened): void {
  requireInvoicedOnce(happened)
  for (const { key: met, value } of [...happened.attempts, ...happened.published]) {
    const { customer } = value as Order
    if ((met as CustomerKey | null)?.customer !== customer)
      throw new Error(`another key than ${customer}: ${JSON.stringify(met)}`)
  }
}
