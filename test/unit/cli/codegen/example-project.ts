/** A project with one of everything that the generator reads; what is made of it stands in golden/. */

const topics = `import { topic, Type } from 'pyrallel'
import type { Address, Envelope } from '../types.ts'

/** Where an order stands. */
export type Status = 'new' | 'paid' | 'sent'

/** An order, as the shop writes it. */
export interface Order extends Envelope<'order'> {
  readonly customer: { readonly id: string; readonly address?: Address }
  readonly lines: readonly Line[]
  readonly status: Status
  readonly previous: Status | null
  /** In the currency of the shop. @minimum 0 */
  readonly total: number
  readonly notes?: Record<string, string>
}

interface Line { readonly sku: Sku; /** @minimum 1 @multipleOf 1 */ readonly count: number }

/** A stock keeping unit. @pattern ^[A-Z]{3}-\\d{3}$ */
type Sku = string

interface Category { readonly name: string; readonly parent?: Category }

export const orders = topic<Order>('orders.created', { key: (order) => order.customer.id })
export const categories = topic<Category>('categories')
export const stock = topic('stock.moved', {
  schema: Type.Object({ sku: Type.String({ minLength: 3 }), quantity: Type.Integer({ minimum: -10 }) }),
})
`

const types = `export interface Address { readonly street: string; readonly position: readonly [number, number] }
export interface Envelope<Kind extends string> { readonly kind: Kind; /** @format date-time */ readonly at: string }
`

export const exampleProject: Readonly<Record<string, string>> = {
  'handlers/_topics.ts': topics,
  'types.ts': types,
  'handlers/billing/charge-order.ts': `import { handler } from 'pyrallel'
import { orders, stock } from '../_topics.ts'

export default handler(orders, { group: 'billing', ordering: 'key' }, async (record, context) => {
  await context.publish(stock, { sku: record.value.lines[0]?.sku ?? '', quantity: -1 })
  await context.publish('orders.charged', { id: record.id })
})
`,
  'handlers/billing/delete.ts': `import { handler } from 'pyrallel'
import { orders } from '../_topics.ts'
export default handler(orders, { id: 'remove', ordering: 'unordered' }, () => {})
`,
  'handlers/score.ts': `import { handler } from 'pyrallel'
import { categories } from './_topics.ts'
export default handler(categories, { engine: 'worker' }, () => {})
`,
  'handlers/track-stock.ts': `import { handler } from 'pyrallel'
import { stock } from './_topics.ts'
export default handler(stock, () => {})
`,
  'handlers/welcome-email.ts': `import { handler } from 'pyrallel'
export default handler<{ userId: string; email: string | null }>('users.signed-up', () => {})
`,
  'handlers/anything.ts': "import { handler } from 'pyrallel'\nexport default handler('anything', () => {})\n",
}
