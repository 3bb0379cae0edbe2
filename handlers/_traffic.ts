/** Traffic for `pyrallel dev --traffic`: customers who sign up, order, look at pages and move stock, with mistakes among them. */
import type { TrafficRecord, TrafficSource } from 'pyrallel'
import { orders, pageViews, signUps, stockMoves } from './_topics.ts'

const CUSTOMERS = 200

export const traffic: TrafficSource = function* (random) {
  for (let number = 1; ; number++) {
    const kind = random()
    if (kind < 0.5) yield order(number, random)
    else if (kind < 0.7) yield signUp(number, random)
    else if (kind < 0.85) yield stockMove(random)
    else yield pageView(random)
  }
}

function order(number: number, random: () => number): TrafficRecord {
  // A text is sent as it is: this producer has a bug.
  if (random() < 0.003) return { topic: orders, key: customer(random), value: '{"id": "o-' }
  const total = random() < 0.02 ? 0 : Math.ceil(random() * 1_000)
  return { topic: orders, value: { id: `o-${number}`, customerId: customer(random), total } }
}

function signUp(number: number, random: () => number): TrafficRecord {
  const domain = random() < 0.02 ? 'slow.example' : 'example.com'
  return { topic: signUps, value: { userId: customer(random), email: `user-${number}@${domain}` } }
}

function pageView(random: () => number): TrafficRecord {
  // 1 in 100 has a clock that was set back.
  const seconds = random() < 0.01 ? -1 : Math.ceil(random() * 90)
  return { topic: pageViews, value: { visitorId: customer(random), path: `/p/${Math.floor(random() * 50)}`, seconds } }
}

function stockMove(random: () => number): TrafficRecord {
  const sku = `ABC-${100 + Math.floor(random() * 20)}`
  const warehouse = random() < 0.5 ? 'north' : 'south'
  // 1 in 100 is more than the schema allows.
  const quantity = random() < 0.01 ? 100_000 : Math.ceil(random() * 40) - 20
  return { topic: stockMoves, value: { sku, warehouse, quantity } }
}

/** Some customers order far more than others, which is what makes the order of one key matter: the first one 3 % of all. */
function customer(random: () => number): string {
  return `c${1 + Math.floor(CUSTOMERS * random() ** 1.5)}`
}
