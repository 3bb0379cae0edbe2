// Made by `pyrallel generate` (format 2). Do not edit: change handlers/ and generate again.
import type { RegisteredHandler } from 'pyrallel'
import chargeOrderHandler from '../handlers/charge-order.ts'
import scorePageViewsHandler from '../handlers/score-page-views.ts'
import trackStockHandler from '../handlers/track-stock.ts'
import welcomeEmailHandler from '../handlers/welcome-email.ts'
import { Order, PageView, SignUp, topicSchemas } from './schemas.ts'

export const routes: readonly RegisteredHandler[] = [
  {
    id: 'charge-order',
    file: 'handlers/charge-order.ts',
    topic: 'orders.created',
    group: 'billing',
    schema: Order,
    publishes: ['invoices.issued'],
    topicSchemas,
    handler: chargeOrderHandler,
  },
  {
    id: 'score-page-views',
    file: 'handlers/score-page-views.ts',
    topic: 'pages.viewed',
    group: null,
    entry: new URL('./workers/score-page-views.ts', import.meta.url).href,
    schema: PageView,
    publishes: [],
    topicSchemas,
    handler: scorePageViewsHandler,
  },
  {
    id: 'track-stock',
    file: 'handlers/track-stock.ts',
    topic: 'stock.moved',
    group: null,
    publishes: [],
    topicSchemas,
    handler: trackStockHandler,
  },
  {
    id: 'welcome-email',
    file: 'handlers/welcome-email.ts',
    topic: 'users.signed-up',
    group: null,
    schema: SignUp,
    publishes: [],
    topicSchemas,
    handler: welcomeEmailHandler,
  },
]
