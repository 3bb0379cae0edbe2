/** A user's project whose group has `commit.exactlyOnce`, and the check that says whether each order has its invoice once, in the order of its customer. */
import { handler } from '../../../framework/api/handler.ts'
import { topic } from '../../../framework/api/topic.ts'
import type { Happened } from '../../../framework/testing/index.ts'

export interface Order {
  readonly id: string
  readonly customer: string
}

export const orders = topic<Order>('orders', { key: (order) => order.customer })
export const invoices = topic<Order>('invoices', { key: (order) => order.customer })
export const exactlyOnce = { group: 'billing', commit: { exactlyOnce: true } }

/** Two orders of each of two customers. */
export const records = ['a', 'b', 'c', 'd'].map((id, index) => ({
  topic: orders,
  value: { id, customer: `c${index % 2}` },
}))

const invoice = handler(orders, async ({ value }, { publish }) => {
  await new Promise((resolve) => setTimeout(resolve, 5))
  await publish(invoices, value)
})

export const routes = [
  { id: 'invoice', file: 'handlers/invoice.ts', topic: 'orders', group: null, handler: invoice },
] as const

export function publishedTo(name: string, { published }: Happened): readonly string[] {
  return published.filter(({ topic: to }) => to === name).map(({ value }) => (value as Order).id)
}

/** @throws Error where an invoice is missing, double, or before one of an earlier order of its customer */
export function requireInvoicedOnce(happened: Happened): void {
  const ids = publishedTo('invoices', happened)
  if ([...ids].sort().join() !== 'a,b,c,d') throw new Error(`invoices: ${ids}`)
  const isInOrder = ids.indexOf('a') < ids.indexOf('c') && ids.indexOf('b') < ids.indexOf('d')
  if (!isInOrder) throw new Error(`not in the order of their customers: ${ids}`)
}
