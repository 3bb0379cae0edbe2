// Made by `pyrallel generate` (format 2). Do not edit: change handlers/ and generate again.
import { Type } from 'pyrallel'

export const Invoice = Type.Object({
  orderId: Type.String(),
  customerId: Type.String(),
  amount: Type.Number(),
})

export const Order = Type.Object({
  id: Type.String(),
  customerId: Type.String(),
  total: Type.Number({ minimum: 0 }),
})

export const PageView = Type.Object({
  visitorId: Type.String(),
  path: Type.String(),
  seconds: Type.Number(),
})

export const SignUp = Type.Object({
  userId: Type.String(),
  email: Type.String(),
})

/** What `publish` and `send` check a value against. */
export const topicSchemas = {
  'invoices.issued': Invoice,
  'orders.created': Order,
  'pages.viewed': PageView,
  'users.signed-up': SignUp,
}
