/** `simulate`: what users find out about their own handlers. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DeadLetter, handler } from '../../../framework/api/handler.ts'
import { topicsMatching } from '../../../framework/api/topic.ts'
import { type Happened, SimulationFailure, simulate } from '../../../framework/testing/index.ts'
import { type BankServices, config, newBank, requireChargedOnce, routesOf, threeOrders } from './simulated-bank.ts'

const scenario = { config, records: threeOrders, services: newBank, check: requireChargedOnce }
const chargesAtOnce = routesOf((record, bank) => bank.charge(record.value.id))
const looksBefore = routesOf(async (record, bank) => {
  if (await bank.hasCharged(record.value.id)) return
  await new Promise((resolve) => setTimeout(resolve, 20))
  await bank.charge(record.value.id)
})
const sendsItsKey = routesOf((record, bank) => bank.charge(record.value.id, record.value.id))

async function failureOf(simulation: Promise<unknown>): Promise<SimulationFailure> {
  const thrown = await simulation.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(thrown instanceof SimulationFailure, String(thrown))
  return thrown
}

describe('a simulation of handlers', () => {
  it('finds a handler that charges without looking, by one disturbance, and tells what happened', async () => {
    const failure = await failureOf(simulate({ ...scenario, routes: chargesAtOnce }))
    assert.equal(failure.steps, 1)
    assert.match(failure.message, /^The check fails: order [abc] was charged [23] times\n/)
    assert.match(failure.message, /\nThe shortest schedule in which it fails, 1 step with 1 process, 1 partition:\n/)
    assert.match(failure.message, /\n +0 ms {2}process 1 {2}charge begins with orders\[0\]@0\n/)
    assert.match(failure.message, new RegExp(`simulate\\({ ..., seeds: \\[${failure.seed}\\] }\\)$`))
    assert.ok(failure.cause instanceof Error && failure.cause.message.startsWith('order '))
  })

  it('finds the race that is left when a handler looks first', async () => {
    const failure = await failureOf(simulate({ ...scenario, routes: looksBefore }))
    assert.match(failure.message, /its partitions go to others while it runs/)
    assert.equal(failure.steps, 1)
  })

  it('finds nothing in a handler that sends the id of the order as its idempotency key, whatever befalls it', async () => {
    const { schedules, attempts, disturbances } = await simulate({ ...scenario, routes: sendsItsKey, seeds: 100 })
    assert.equal(schedules, 100)
    assert.ok(attempts > 350, `${attempts} attempts: each order runs in each schedule, and again after disturbances`)
    const idle = Object.entries(disturbances).filter(
      ([kind, count]) => count === 0 && !kind.endsWith('publish') && !kind.includes('publish-'),
    )
    assert.deepEqual(idle, [])
  })

  it('has every record that is parked tried once more in the end, and given up if it fails again', async () => {
    const retry = { attempts: 1, then: 'park' } as const
    const failsOnce = routesOf(
      (record, bank) => {
        if (record.value.id === 'a' || (record.value.id === 'b' && record.attempt === 1)) throw new Error('refused')
        return bank.charge(record.value.id, record.value.id)
      },
      { retry },
    )
    const check = ({ records, services }: Happened<BankServices>) => {
      const dead = records.filter(({ outcome }) => outcome === 'dead').length
      if (dead !== 1) throw new Error(`${dead} records were given up`)
      if (services.bank.charges.join() !== 'b,c' && services.bank.charges.join() !== 'c,b')
        throw new Error(`charged: ${services.bank.charges}`)
    }
    const { schedules } = await simulate({ ...scenario, routes: failsOnce, check, seeds: 60 })
    assert.equal(schedules, 60)
  })

  it('plays a seed again as it was, whichever were played before it', async () => {
    const all = await failureOf(simulate({ ...scenario, routes: chargesAtOnce }))
    const one = await failureOf(simulate({ ...scenario, routes: chargesAtOnce, seeds: [all.seed] }))
    assert.equal(one.message, all.message)
  })

  it('leaves out each step that is not needed: three charges take two disturbances', async () => {
    const check = ({ services }: { readonly services: BankServices }) => {
      if (services.bank.charges.filter((id) => id === 'a').length > 2) throw new Error('charged three times')
    }
    const failure = await failureOf(simulate({ ...scenario, routes: chargesAtOnce, check }))
    assert.equal(failure.steps, 2)
  })

  it('fails at once where the check fails though nothing is disturbed', async () => {
    const routes = routesOf(() => {})
    const failure = await failureOf(simulate({ ...scenario, routes }))
    assert.deepEqual([failure.seed, failure.steps], [0, 0])
    assert.match(
      failure.message,
      /^The check fails: order a was charged 0 times\n\nIt fails though nothing is disturbed/,
    )
  })

  it('waits for a check that is asynchronous, with the time of the machine', async () => {
    const check = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      throw new Error('rejected')
    }
    const failure = await failureOf(simulate({ ...scenario, routes: sendsItsKey, check }))
    assert.match(failure.message, /^The check fails: rejected\n/)
  })

  it('makes the services anew for each run', async () => {
    const made = new Set<BankServices>()
    const check = ({ services }: { readonly services: BankServices }) => {
      assert.equal(made.has(services), false)
      made.add(services)
    }
    await simulate({ ...scenario, routes: sendsItsKey, check, seeds: 5 })
    assert.equal(made.size, 6)
  })

  it('does nothing more in a process that was killed', async () => {
    // The charge is the last thing that it does, so each that was made belongs to an attempt that has returned.
    const routes = routesOf(async (record, bank) => {
      await bank.hasCharged('whatever')
      await new Promise((resolve) => setTimeout(resolve, 10))
      bank.charges.push(record.value.id)
    })
    let cuts = 0
    await simulate({
      ...scenario,
      routes,
      check: ({ services, attempts }) => {
        cuts += attempts.filter(({ end }) => end === 'cut').length
        assert.equal(services.bank.charges.length, attempts.filter(({ end }) => end === 'returned').length)
      },
      seeds: 60,
    })
    assert.ok(cuts > 5, `${cuts} attempts were cut`)
  })

  it('tells each attempt, and what has become of each record', async () => {
    const routes = routesOf(
      async (record, bank, context) => {
        if (record.value.id === 'a') throw new DeadLetter('declined')
        if (record.value.id === 'b' && record.attempt === 1) throw new Error('busy')
        await bank.charge(record.value.id)
        await context.publish('invoices', { order: record.value.id }, { key: record.key })
      },
      { filter: (record) => record.value.id !== 'c' },
    )
    await simulate({
      ...scenario,
      routes,
      check: ({ seed, attempts, records, published }) => {
        if (seed > 0) return
        const told = attempts.map(({ place, attempt, end, process }) => `${process} ${place} ${attempt} ${end}`)
        assert.deepEqual(told, ['1 orders[0]@0 1 threw', '1 orders[0]@1 1 threw', '1 orders[0]@1 2 returned'])
        assert.deepEqual(
          records.map(({ key, outcome }) => [key, outcome]),
          [
            ['c1', 'dead'],
            ['c1', 'done'],
            ['c2', 'filtered'],
          ],
        )
        assert.deepEqual(published, [{ topic: 'invoices', key: 'c1', value: { order: 'b' }, headers: {} }])
      },
      seeds: 3,
    })
  })

  it('takes few turns of the event loop for a schedule, however long the time is that passes in it', async (t) => {
    const own = setImmediate
    let turns = 0
    const counting = (run: (...args: unknown[]) => void, ...args: unknown[]) => {
      turns += 1
      return own(run, ...args)
    }
    Object.assign(globalThis, { setImmediate: counting })
    t.after(() => Object.assign(globalThis, { setImmediate: own }))
    const routes = routesOf(async (record, bank) => {
      await bank.hasCharged(record.value.id)
      await bank.charge(record.value.id, record.value.id)
    })
    await simulate({ ...scenario, routes, seeds: 50 })
    t.diagnostic(`${Math.round(turns / 51)} turns for a schedule`)
    assert.ok(turns > 51 * 20 && turns < 51 * 200, `${turns} turns`)
  })

  it('runs handlers of a pattern, whose topics come with their first records', async () => {
    const seen = new Set<string>()
    const book = handler(topicsMatching<unknown>(/^orders\./), ({ topic }) => {
      seen.add(topic)
    })
    const routes = [{ id: 'book', file: 'handlers/book.ts', topic: book.topic.name, group: null, handler: book }]
    const records = ['orders.eu', 'orders.us'].map((topic) => ({ topic, key: 'k', value: { id: topic } }))
    const check = ({ records: handled }: { readonly records: readonly unknown[] }) => assert.equal(handled.length, 2)
    const { schedules } = await simulate({ config, routes, records, check, seeds: 20 })
    assert.deepEqual([schedules, [...seen].sort()], [20, ['orders.eu', 'orders.us']])
    const wrong = simulate({ config, routes, records: [{ topic: 'payments', value: 1 }], check })
    await assert.rejects(wrong, /no handler of routes reads 'payments'/)
  })
})
