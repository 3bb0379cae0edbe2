import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { handler } from '../../../../framework/api/handler.ts'
import { PreparedHandler } from '../../../../framework/execution-plane/attempt/prepared-handler.ts'
import { TickRuns } from '../../../../framework/execution-plane/attempt/tick-runs.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../../kafka/recorded-log.ts'

describe('a tick that is told of its deadline', () => {
  it('has timed out, though the timer came some microseconds early', async () => {
    const clock = new ManualClock()
    const early = {
      now: () => clock.now(),
      atTurnEnd: (run: () => void) => clock.atTurnEnd(run),
      setTimer: (delayMs: number, fire: () => void) => clock.setTimer(delayMs - 0.01, fire),
    }
    const definition = handler<unknown>(
      'orders',
      {
        every: '1s',
        tick: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })),
      },
      () => {},
    )
    const setup = { handlerId: 'bill', definition, timeoutMs: 100, publish: async () => {}, log: recordedLog().log }
    const ticks = new TickRuns(await PreparedHandler.of({ ...setup, clock: early }))
    const running = ticks.run({ of: null, isDraining: false })
    clock.advance(99.995)
    const outcome = await running
    assert.equal(outcome.kind === 'failed' && outcome.failure.reason, 'timeout')
    assert.deepEqual([ticks.isIdle, clock.pendingTimers], [true, 0])
  })
})
