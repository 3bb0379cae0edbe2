/** Orders that are charged, and the bank that charges them: handlers that are simulated in tests. */
import {
  type HandlerContext,
  type HandlerOptions,
  type HandlerRecord,
  handler,
} from '../../../framework/api/handler.ts'
import { topic } from '../../../framework/api/topic.ts'
import type { RegisteredHandler } from '../../../framework/runtime/runtime.ts'

export interface Order {
  readonly id: string
  readonly customer: string
}

export const orders = topic<Order>('orders', { key: (order) => order.customer })

/** Does as it is told, but for a key that it has seen. */
export class Bank {
  /** Ids of orders, each as often as it was charged. */
  readonly charges: string[] = []
  readonly #keys = new Set<string>()

  async hasCharged(id: string): Promise<boolean> {
    return this.charges.includes(id)
  }

  async charge(id: string, idempotencyKey?: string): Promise<void> {
    if (idempotencyKey !== undefined && this.#keys.has(idempotencyKey)) return
    if (idempotencyKey !== undefined) this.#keys.add(idempotencyKey)
    this.charges.push(id)
  }
}

export interface BankServices {
  readonly bank: Bank
}

type Charge = (record: HandlerRecord<Order>, bank: Bank, context: HandlerContext) => unknown

/** One handler, and the services that it is given by the simulation. */
export function routesOf(
  charge: Charge,
  options: Pick<HandlerOptions<Order>, 'filter' | 'retry' | 'timeout'> = {},
): readonly RegisteredHandler[] {
  const run = (record: HandlerRecord<Order>, context: HandlerContext) => {
    const { bank }: Partial<BankServices> = context.services
    if (bank === undefined) throw new Error('the simulation was not given a bank')
    return charge(record, bank, context)
  }
  return [
    { id: 'charge', file: 'handlers/charge.ts', topic: 'orders', group: null, handler: handler(orders, options, run) },
  ]
}

/** Three orders of two customers. */
export const threeOrders = [
  { topic: orders, value: { id: 'a', customer: 'c1' } },
  { topic: orders, value: { id: 'b', customer: 'c1' } },
  { topic: orders, value: { id: 'c', customer: 'c2' } },
] as const

export const config = { group: 'billing' }

export const newBank = (): BankServices => ({ bank: new Bank() })

/** @throws Error when an order was charged more or less often than once */
export function requireChargedOnce({ services }: { readonly services: BankServices }): void {
  for (const { value } of threeOrders) {
    const times = services.bank.charges.filter((id) => id === value.id).length
    if (times !== 1) throw new Error(`order ${value.id} was charged ${times} times`)
  }
}
