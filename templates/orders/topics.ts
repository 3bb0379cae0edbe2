// The truth about the types of all topics, shared by handlers and publishers.
import { topic } from 'pyrallel'

export interface Order {
  readonly id: string
  readonly customerId: string
  /** In cents. @minimum 0 */
  readonly total: number
}

export interface Invoice {
  readonly orderId: string
  readonly customerId: string
  readonly amount: number
}

/** `key` decides which orders keep their order: those of one customer. */
export const orders = topic<Order>('orders.created', { key: (order) => order.customerId })

export const invoices = topic<Invoice>('invoices.issued', { key: (invoice) => invoice.customerId })
