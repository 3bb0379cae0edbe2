// Made by `pyrallel generate` (format 1). Do not edit: change handlers/ and generate again.
import type { RegisteredHandler } from 'pyrallel'
import chargeOrderHandler from '../handlers/charge-order.ts'
import trackStockHandler from '../handlers/track-stock.ts'
import welcomeEmailHandler from '../handlers/welcome-email.ts'

export const routes: readonly RegisteredHandler[] = [
  {
    id: 'charge-order',
    file: 'handlers/charge-order.ts',
    topic: 'orders.created',
    group: 'billing',
    handler: chargeOrderHandler,
  },
  {
    id: 'track-stock',
    file: 'handlers/track-stock.ts',
    topic: 'stock.moved',
    group: null,
    handler: trackStockHandler,
  },
  {
    id: 'welcome-email',
    file: 'handlers/welcome-email.ts',
    topic: 'users.signed-up',
    group: null,
    handler: welcomeEmailHandler,
  },
]
