/** What the programs do with an order: a line in a file for each, with who has saved it, written at once, so that a kill loses nothing of what was done. */
import { appendFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

interface Order {
  readonly id: string
}

export async function save(order: Order): Promise<void> {
  await saveAll([order])
}

export async function saveAll(orders: readonly Order[]): Promise<void> {
  // As a database takes it; shorter for orders that come together.
  await delay(Number(process.env.SAVE_MS) + orders.length)
  appendFileSync(process.env.SAVED ?? '', orders.map(({ id }) => `${id} ${process.pid}\n`).join(''))
}
