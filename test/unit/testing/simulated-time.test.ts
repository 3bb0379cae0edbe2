/** Time in a simulation: of handlers it is moved by hand, of everybody else it is the machine's. Handlers that do not end are told. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { SimulationFailure, simulate } from '../../../framework/testing/index.ts'
import { config, newBank, routesOf, threeOrders } from './simulated-bank.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const scenario = { config, records: threeOrders, services: newBank, check: () => {} }

describe('the time of simulated handlers', () => {
  it('passes as fast as it can, whichever timer they wait for', async () => {
    const waited: number[] = []
    const routes = routesOf(
      async () => {
        const start = Date.now()
        await sleep(MINUTE_MS)
        await promisify(setTimeout)(MINUTE_MS)
        await new Promise((resolve) => setTimeout(resolve, MINUTE_MS))
        let ticks = 0
        await new Promise<void>((resolve) => {
          const timer = setInterval(() => {
            ticks += 1
            if (ticks < 2) return
            clearInterval(timer)
            resolve()
          }, MINUTE_MS)
        })
        const signal = AbortSignal.timeout(MINUTE_MS)
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        waited.push(Date.now() - start)
      },
      { timeout: '10m' },
    )
    await simulate({ ...scenario, config: { ...config, shutdown: { drain: '10m' } }, routes, seeds: [1] }).catch(
      () => {},
    )
    assert.deepEqual(new Set(waited.slice(0, 3)), new Set([6 * MINUTE_MS]))
  })

  it('is that of the record: its deadline and its date agree, and chance is the same for the same seed', async () => {
    const seen: unknown[] = []
    const routes = routesOf((_, __, context) => {
      seen.push([context.deadline - Date.now(), new Date().getFullYear(), Math.random()])
    })
    await simulate({ ...scenario, config: { ...config, handlers: { timeout: '7s' } }, routes, seeds: [3] })
    const first = seen.splice(0)
    assert.deepEqual(
      first.slice(0, 3).map((each) => Array.isArray(each) && each.slice(0, 2)),
      [
        [7_000, 2026],
        [7_000, 2026],
        [7_000, 2026],
      ],
    )
    await simulate({ ...scenario, config: { ...config, handlers: { timeout: '7s' } }, routes, seeds: [3] })
    assert.deepEqual(seen, first)
  })

  it('ends a wait at once when its signal aborts, as Node does', async () => {
    const errors: unknown[] = []
    const routes = routesOf(
      async (_, __, { signal }) => {
        await sleep(HOUR_MS, undefined, { signal }).catch((error: unknown) => {
          errors.push(error instanceof Error && [error.name, error.message])
          throw error
        })
      },
      { timeout: '1s', retry: { attempts: 1 } },
    )
    await simulate({ ...scenario, routes, seeds: [1] })
    assert.deepEqual(errors[0], ['AbortError', 'The operation was aborted'])
  })

  it('is given back to the process, also after a failure', async () => {
    const own = {
      setTimeout,
      setInterval,
      clearTimeout,
      setImmediate,
      Date,
      random: Math.random,
      after: AbortSignal.timeout,
    }
    const routes = routesOf(() => {})
    const check = () => {
      throw new Error('no')
    }
    await assert.rejects(simulate({ ...scenario, routes, check }), SimulationFailure)
    const now = {
      setTimeout,
      setInterval,
      clearTimeout,
      setImmediate,
      Date,
      random: Math.random,
      after: AbortSignal.timeout,
    }
    assert.deepEqual(now, own)
  })

  it('leaves the others in the process alone while it runs', async () => {
    const routes = routesOf(() => {})
    const before = Date.now()
    const simulation = simulate({ ...scenario, routes, seeds: 3 })
    assert.ok(Date.now() - before < HOUR_MS)
    await new Promise((resolve) => setTimeout(resolve, 1))
    await simulation
  })

  it('is of one simulation at a time', async () => {
    const routes = routesOf(() => {})
    const first = simulate({ ...scenario, routes, seeds: 1 })
    await assert.rejects(
      simulate({ ...scenario, routes, seeds: 1 }),
      /^TypeError: simulate\(\): another simulation runs/,
    )
    await first
    await simulate({ ...scenario, routes, seeds: 1 })
  })
})

describe('a simulated handler that does not end', () => {
  it('is told with its record, and what it may wait for', async () => {
    const routes = routesOf(
      async (record) => {
        if (record.value.id === 'b') await new Promise(() => {})
      },
      { timeout: '5s' },
    )
    await assert.rejects(simulate({ ...scenario, routes }), (error: unknown) => {
      assert.ok(error instanceof SimulationFailure)
      assert.match(error.message, /^charge hangs: it has not ended \d+ ms after its start with orders\[0\]@1\./)
      assert.match(error.message, /hand that in by services/)
      return true
    })
  })

  it('is no hang when it heeds its signal: its record is given up in the end', async () => {
    const routes = routesOf((_, __, { signal }) => sleep(HOUR_MS, undefined, { signal }), {
      timeout: '1s',
      retry: { attempts: 2, min: '1s', max: '1s' },
    })
    let dead = 0
    await simulate({
      ...scenario,
      routes,
      check: ({ records }) => {
        dead += records.filter(({ outcome }) => outcome === 'dead').length
      },
      seeds: 5,
    })
    assert.equal(dead, 6 * threeOrders.length)
  })

  it('leaves records undone when it fails for longer than an hour: they are told', async () => {
    const routes = routesOf(
      () => {
        throw new Error('no')
      },
      { retry: { attempts: 100, min: '30m', max: '30m', jitter: false } },
    )
    const failure = /^SimulationFailure: Not done an hour after the last step: orders\[0\]@0 of charge\./
    await assert.rejects(simulate({ ...scenario, routes }), failure)
  })
})
