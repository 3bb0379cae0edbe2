/** What every engine owes to what a handler does again and again without a record. A part of execution-engine.suite.ts. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TickOrder } from '../../framework/model/tick.ts'
import { type CreateEngine, EngineHarness } from './engine-harness.ts'

const order: TickOrder = { of: null, isDraining: false, signal: new AbortController().signal }

export function describeTicks(create: CreateEngine): void {
  describe('and ticks', () => {
    async function ticking(what: string, setup: Parameters<typeof EngineHarness.started>[1] = {}) {
      const harness = await EngineHarness.started(create, setup)
      await harness.outcomeOf(harness.order({ do: 'setTick', name: what }))
      return harness
    }

    it("12. runs the handler's own function, which is told what the tick is for", async () => {
      await using harness = await ticking('tell')
      const outcome = await harness.engine.tick({ ...order, isDraining: true })
      assert.equal(outcome.kind, 'done')
      assert.ok(outcome.durationMs >= 0)
      assert.deepEqual(harness.news, [{ partition: null, isDraining: true }])
    })

    it('12. tells what it threw as plain data, and does not reject', async () => {
      await using harness = await ticking('throw')
      const outcome = await harness.engine.tick(order)
      const failure = outcome.kind === 'failed' ? outcome.failure : undefined
      assert.deepEqual([failure?.reason, failure?.name, failure?.message], ['handler', 'CardRefused', 'the tick fails'])
      assert.match(failure?.stack ?? '', /engine-handlers/)
    })

    it('12. ends once what it has published is acknowledged, and fails with it', async () => {
      await using harness = await ticking('publishAside')
      let hasEnded = false
      const ended = harness.engine.tick(order).then((outcome) => {
        hasEnded = true
        return outcome
      })
      await harness.atGate('tick')
      await harness.outcomeOf(harness.order({ do: 'return' }))
      assert.equal(hasEnded, false)
      harness.refuse('tick', new Error('the topic is gone'))
      const outcome = await ended
      assert.match(outcome.kind === 'failed' ? outcome.failure.message : '', /the topic is gone/)
    })

    it('12. takes no slot, and goes on while all slots are taken', async () => {
      await using harness = await EngineHarness.started(create, { concurrency: 2 })
      await harness.outcomeOf(harness.order({ do: 'setTick', name: 'tell' }))
      for (const name of ['a', 'b']) {
        harness.order({ do: 'wait', name })
        await harness.atGate(name)
      }
      assert.equal((await harness.engine.tick(order)).kind, 'done')
      assert.equal(harness.engine.inFlight, 2)
      for (const name of ['a', 'b']) harness.open(name)
      await harness.until(() => harness.engine.inFlight === 0)
    })

    it("12. fires the signal at the handler's timeout, and counts it as failed", async () => {
      await using harness = await ticking('untilAborted', { timeoutMs: 100 })
      const outcome = await harness.engine.tick(order)
      assert.equal(outcome.kind === 'failed' && outcome.failure.reason, 'timeout')
      assert.deepEqual(harness.news, ['TimeoutError'])
    })

    it('12. is answered by a second close with less time, and the first ends with it', {
      timeout: 20_000,
    }, async () => {
      await using harness = await ticking('never')
      const running = harness.engine.tick(order)
      await harness.outcomeOf(harness.order({ do: 'return' }))
      const first = harness.engine.close(60_000)
      await nextTurn()
      await Promise.all([first, harness.engine.close(50)])
      assert.equal((await running).kind, 'failed')
    })

    it('12. is answered at the close, whatever it does, and after it', async () => {
      await using harness = await ticking('never')
      const running = harness.engine.tick(order)
      // Taken up by now, where it has a way to go.
      await harness.outcomeOf(harness.order({ do: 'return' }))
      await harness.engine.close(0)
      assert.equal((await running).kind, 'failed')
      assert.equal((await harness.engine.tick(order)).kind, 'failed')
    })
  })
}
