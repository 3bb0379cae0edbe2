/** What becomes of an attempt when something fails that its handler has started and does not await. A part of execution-engine.suite.ts. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { StrayFaults } from '../../framework/execution-plane/engines/stray-faults.ts'
import { withoutListenersOfFaults } from '../listeners-of-faults.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'
import { type CreateEngine, EngineHarness } from './engine-harness.ts'

const SHORT_MS = 60

export function describeStrayFaults(create: CreateEngine): void {
  describe('and what a handler does not await', () => {
    withoutListenersOfFaults()
    // Threads have listeners of their own.
    const faults = new StrayFaults({
      log: recordedLog().log,
      onException: (error) => {
        throw error
      },
    })
    before(() => {
      faults.followAll()
      faults.listen()
    })
    after(() => faults.close())
    const started = (setup: Parameters<typeof EngineHarness.started>[1] = {}) =>
      EngineHarness.started(create, { ...setup, attribution: faults.attribution })

    for (const aside of ['rejectAside', 'throwAside'] as const) {
      it(`1. fails the attempt that runs, fires its signal, and leaves the others alone: ${aside}`, async () => {
        await using harness = await started()
        const other = harness.order({ do: 'wait', name: 'other' })
        await harness.atGate('other')
        const failure = await harness.failureOf(harness.order({ do: aside, name: 'heeds its signal' }))
        assert.deepEqual([failure.reason, failure.name, failure.retryable], ['handler', 'CardRefused', true])
        assert.equal(failure.message, 'beside the handler (the handler does not await what threw this)')
        harness.open('other')
        assert.deepEqual(await harness.outcomeOf(other), { kind: 'succeeded' })
        assert.deepEqual(harness.news, ['signal: AbortError'])
      })
    }

    it('1. fails the attempt when what would have settled it has thrown instead, abandonAfterMs later', async () => {
      await using harness = await started({ abandonAfterMs: SHORT_MS })
      const failure = await harness.failureOf(harness.order({ do: 'throwAside', name: 'never settles' }))
      assert.match(failure.message, /^beside the handler /)
      assert.deepEqual(await harness.outcomeOf(harness.order({ do: 'return' })), { kind: 'succeeded' })
    })

    it('1. fails the attempt though the handler returns, when something failed before', async () => {
      await using harness = await started()
      const failure = await harness.failureOf(harness.order({ do: 'rejectAside', name: 'returns' }))
      assert.match(failure.message, /^beside the handler /)
    })

    it('1. gives a record up at once when DeadLetter is thrown there', async () => {
      await using harness = await started()
      const failure = await harness.failureOf(harness.order({ do: 'giveUpAside', name: 'returns' }))
      assert.deepEqual([failure.reason, failure.retryable], ['dead-letter', false])
    })

    for (const late of ['rejectLate', 'throwLate'] as const) {
      it(`2. leaves an attempt that is over as it was, and says so in a line with its record: ${late}`, async () => {
        await using harness = await started()
        const id = harness.order({ do: late }, { offset: 41, key: Buffer.from('k') })
        assert.deepEqual(await harness.outcomeOf(id), { kind: 'succeeded' })
        await harness.until(() => harness.logs.length > 0)
        const [{ level, message, fields }] = harness.logs as [(typeof harness.logs)[number]]
        assert.equal(level, 'error')
        assert.equal(message, 'what a handler left behind has failed; its attempt is over')
        assert.deepEqual([fields.topic, fields.offset, fields.key], ['orders', 41, 'k'])
        assert.equal((fields.failure as Error).message, 'beside the handler')
        assert.deepEqual(await harness.outcomeOf(harness.order({ do: 'return' })), { kind: 'succeeded' })
        assert.equal(harness.logs.length, 1)
      })
    }
  })
}
