import { handler, topic } from 'pyrallel'

export interface Order {
  readonly id: string
}

export const orders = topic<Order>('orders.created', { key: ({ id }) => id })

export default handler(orders, async ({ value }, { services }) => {
  await services.payments.charge(value.id)
})
