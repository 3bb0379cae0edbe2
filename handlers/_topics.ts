/** The topics of the example app: the one truth about their types, shared by handlers, publishers and the traffic. */
import { topic } from 'pyrallel'
import { Type } from 'typebox'

export interface SignUp {
  readonly userId: string
  readonly email: string
}

export interface Order {
  readonly id: string
  readonly customerId: string
  readonly total: number
}

export interface Invoice {
  readonly orderId: string
  readonly customerId: string
  readonly amount: number
}

/** Values are typed, not checked: what is in the topic is taken at its word. */
export const signUps = topic<SignUp>('users.signed-up', { key: (signUp) => signUp.userId })

/** `key` decides which orders keep their order: those of one customer. */
export const orders = topic<Order>('orders.created', { key: (order) => order.customerId })

export const invoices = topic<Invoice>('invoices.issued', { key: (invoice) => invoice.customerId })

/** With a schema, the type is inferred, and every value is checked before a handler sees it. */
export const stockMoves = topic('stock.moved', {
  key: (move) => move.sku,
  schema: Type.Object({
    sku: Type.String({ pattern: '^[A-Z]{3}-\\d{3}$' }),
    warehouse: Type.Union([Type.Literal('north'), Type.Literal('south')]),
    quantity: Type.Integer({ minimum: -1_000, maximum: 1_000 }),
  }),
})
