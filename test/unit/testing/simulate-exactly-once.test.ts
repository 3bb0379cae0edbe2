/** `simulate` of a project with `commit.exactlyOnce`: what is published is there once, whatever befalls its processes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DeadLetter, handler } from '../../../framework/api/handler.ts'
import { type Happened, SimulationFailure, simulate } from '../../../framework/testing/index.ts'
import {
  exactlyOnce,
  invoices,
  type Order,
  orders,
  publishedTo,
  records,
  requireInvoicedOnce,
  routes,
} from '../../simulation/user/invoices.ts'

const book = handler(invoices, { group: 'accounts' }, ({ value }, { publish }) =>
  publish('ledger', value, { key: 'all' }),
)
const bookRoute = { id: 'book', file: 'handlers/book.ts', topic: 'invoices', group: 'accounts', handler: book }

async function failureOf(simulation: Promise<unknown>): Promise<SimulationFailure> {
  const thrown = await simulation.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(thrown instanceof SimulationFailure, String(thrown))
  return thrown
}

describe('a simulation of handlers whose config has exactlyOnce', () => {
  it('finds no invoice that is missing, double or out of order, whatever befalls the processes', async () => {
    const common = { config: exactlyOnce, routes, records, check: requireInvoicedOnce }
    const { schedules, attempts, disturbances } = await simulate({ ...common, seeds: 300 })
    assert.equal(schedules, 300)
    assert.ok(attempts > 1_300, `${attempts} attempts: each order runs in each schedule, and again after disturbances`)
    const idle = Object.entries(disturbances).filter(([kind, count]) => count === 0 && !kind.endsWith('call-answer'))
    assert.deepEqual(
      idle.map(([kind]) => kind),
      ['slow-call', 'refuse-call'],
    )
  })

  it('finds the same handlers to publish twice without it', async () => {
    const config = { group: 'billing' }
    const failure = await failureOf(simulate({ config, routes, records, check: requireInvoicedOnce }))
    assert.match(failure.message, /^The check fails: invoices: /)
    assert.equal(failure.steps, 1)
  })

  it('goes on where a handler reads what another has published, and tells what readers of committed records saw', async () => {
    const check = (happened: Happened) => {
      requireInvoicedOnce(happened)
      assert.deepEqual([...publishedTo('ledger', happened)].sort(), ['a', 'b', 'c', 'd'])
      const booked = happened.records.filter((each) => each.handler === 'book')
      assert.deepEqual([booked.length, booked.every(({ outcome }) => outcome === 'done')], [4, true])
    }
    const { schedules } = await simulate({
      config: exactlyOnce,
      routes: [...routes, bookRoute],
      records,
      check,
      seeds: 100,
    })
    assert.equal(schedules, 100)
  })

  it('has no output of an attempt that failed, and none of a record that was given up', async () => {
    const declines = handler(
      orders,
      { retry: { attempts: 2, delay: () => '10ms' } },
      async ({ value, attempt }, { publish }) => {
        await publish(invoices, value)
        if (value.id === 'a') throw new DeadLetter('declined')
        if (value.id === 'b' && attempt === 1) throw new Error('busy')
      },
    )
    const own = [{ id: 'invoice', file: 'handlers/invoice.ts', topic: 'orders', group: null, handler: declines }]
    const check = (happened: Happened) => {
      assert.deepEqual([...publishedTo('invoices', happened)].sort(), ['b', 'c', 'd'])
      assert.deepEqual(
        happened.records.filter(({ outcome }) => outcome === 'dead').map(({ value }) => (value as Order).id),
        ['a'],
      )
    }
    await simulate({ config: exactlyOnce, routes: own, records, check, seeds: 100 })
  })
})
