/** The topics of the example app: the one truth about their types, shared by handlers, publishers and the traffic. */
import { Type, topic } from 'pyrallel'

export interface SignUp {
  readonly userId: string
  readonly email: string
}

export interface Order {
  readonly id: string
  readonly customerId: string
  /** @minimum 0 */
  readonly total: number
}

export interface Invoice {
  readonly orderId: string
  readonly customerId: string
  readonly amount: number
}

export interface PageView {
  readonly visitorId: string
  readonly path: string
  readonly seconds: number
}

/** The type is the schema: what is in the topic is checked against `SignUp` before a handler sees it. */
export const signUps = topic<SignUp>('users.signed-up', { key: (signUp) => signUp.userId })

/** `key` decides which orders keep their order: those of one customer. */
export const orders = topic<Order>('orders.created', { key: (order) => order.customerId })

export const pageViews = topic<PageView>('pages.viewed', { key: (view) => view.visitorId })

export const invoices = topic<Invoice>('invoices.issued', { key: (invoice) => invoice.customerId })

/** With a schema of one's own, the type is inferred from it. */
export const stockMoves = topic('stock.moved', {
  key: (move) => move.sku,
  schema: Type.Object({
    sku: Type.String({ pattern: '^[A-Z]{3}-\\d{3}$' }),
    warehouse: Type.Union([Type.Literal('north'), Type.Literal('south')]),
    quantity: Type.Integer({ minimum: -1_000, maximum: 1_000 }),
  }),
})
