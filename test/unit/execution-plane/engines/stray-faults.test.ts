/** Who is to blame for what nobody handles: attempts are followed from the first fault on, and the process goes on where an attempt may be to blame. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type HandlerFunction, handler } from '../../../../framework/api/handler.ts'
import { AsyncEngine } from '../../../../framework/execution-plane/engines/async-engine.ts'
import { StrayFaults } from '../../../../framework/execution-plane/engines/stray-faults.ts'
import type { CompletionEvent, Epoch } from '../../../../framework/model/work.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { withoutListenersOfFaults } from '../../../listeners-of-faults.ts'
import { recordedLog } from '../../kafka/recorded-log.ts'

async function arranged(t: TestContext, run: HandlerFunction<unknown>) {
  const { log, lines } = recordedLog()
  const clock = new ManualClock()
  const uncaught: Error[] = []
  const faults = new StrayFaults({ log, onException: (error) => uncaught.push(error), clock })
  faults.listen()
  const completions: CompletionEvent[] = []
  const engine = new AsyncEngine({
    handlerId: 'billing',
    definition: handler<unknown>('orders', run),
    concurrency: 100,
    timeoutMs: 1_000,
    abandonAfterMs: 100,
    publish: async () => {},
    log,
    clock,
    attribution: faults.attribution,
  })
  await engine.start((completion) => completions.push(completion))
  t.after(async () => {
    await engine.close(0)
    faults.close()
  })
  const submit = (id: number) => {
    const record = { topic: 'orders', partition: 0, offset: id, key: null, value: Buffer.from('{}'), headers: [] }
    const records = [{ ...record, timestamp: 0 }]
    engine.submit({ id, handlerId: 'billing', epoch: 1 as Epoch, records, attempts: [1] })
  }
  const errors = () => lines.filter(({ level }) => level === 'error')
  return { engine, clock, faults, completions, errors, uncaught, submit }
}

const fault = (message: string) => new Error(message)
const later = (act: () => void) =>
  new Promise<void>((resolve) =>
    setTimeout(() => {
      resolve()
      act()
    }),
  )

describe('a fault that nobody handles', () => {
  withoutListenersOfFaults()

  it('lists what is in flight when it is the first, an exception too; the next one of these records fails its attempt', async (t) => {
    const { clock, completions, errors, uncaught, submit } = await arranged(t, ({ offset }) => {
      if (offset === 1) setTimeout(() => assert.fail('of the first'))
      return new Promise(() => {})
    })
    submit(1)
    submit(2)
    await nextTurn()
    await later(() => {})
    const [told] = errors()
    assert.equal(told?.message, 'an exception that nobody catches; it may belong to a record in flight')
    assert.deepEqual((told!.fields as { readonly records: unknown }).records, [
      { handler: 'billing', record: 'orders[0]@1', recordCount: 1 },
      { handler: 'billing', record: 'orders[0]@2', recordCount: 1 },
    ])
    assert.deepEqual(uncaught, [])
    // What was in flight is over; now every attempt is followed.
    clock.advance(1_100)
    assert.deepEqual(
      completions.map(({ outcome }) => outcome.kind),
      ['timed-out', 'timed-out'],
    )
    submit(1)
    await nextTurn()
    await later(() => {})
    clock.advance(100)
    const { outcome } = completions[2]!
    assert.ok(outcome.kind === 'failed')
    assert.match(outcome.failure.message, /^of the first/)
    assert.deepEqual(uncaught, [])
  })

  it('is a line when it is a rejection of no attempt, told once in ten seconds', async (t) => {
    const { clock, errors, uncaught } = await arranged(t, () => {})
    for (let times = 0; times < 3; times++) {
      void Promise.reject(fault('of nobody'))
      await nextTurn()
    }
    clock.advance(10_000)
    void Promise.reject(fault('of nobody'))
    await nextTurn()
    assert.deepEqual(
      errors().map(({ message, fields }) => [message, (fields as { readonly suppressed: number }).suppressed]),
      [
        ['a rejection that nobody handles; it belongs to no record that is known', 0],
        ['a rejection that nobody handles; it belongs to no record that is known', 2],
      ],
    )
    assert.deepEqual(uncaught, [])
  })

  it('is for whoever stops the process when it is an exception, and nothing is in flight', async (t) => {
    const { errors, uncaught } = await arranged(t, () => {})
    await later(() => {
      throw fault('of nobody')
    })
    await nextTurn()
    assert.deepEqual(uncaught, [fault('of nobody')])
    assert.deepEqual(errors(), [])
  })

  it('is for whoever stops the process when all that is in flight is followed, and it is of none', async (t) => {
    const { clock, faults, uncaught, submit } = await arranged(t, () => new Promise(() => {}))
    faults.followAll()
    clock.advance(1)
    submit(1)
    await nextTurn()
    await later(() => {
      throw fault('of nobody')
    })
    await nextTurn()
    assert.equal(uncaught.length, 1)
  })

  it('costs nothing before the first one: no attempt is followed', async (t) => {
    let hasBegun: boolean | undefined
    const { faults, submit } = await arranged(t, () => {
      hasBegun = faults.attribution.hasBegun
    })
    submit(1)
    await nextTurn()
    assert.equal(hasBegun, false)
  })

  it('is not of the attempt whose publish has ended before it, in what the engine does then', async (t) => {
    const seen: unknown[] = []
    const { faults, submit, completions } = await arranged(t, (_record, { publish }) => {
      void publish('invoices', 1)
    })
    faults.followAll()
    Object.defineProperty(completions, 'push', {
      value: () => seen.push(faults.attribution.current()),
    })
    submit(1)
    await nextTurn()
    await nextTurn()
    assert.deepEqual(seen, [undefined])
  })
})
