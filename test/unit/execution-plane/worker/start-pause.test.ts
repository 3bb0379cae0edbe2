/** How long those wait who try again to bring up a thread. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StartPause } from '../../../../framework/execution-plane/worker/start-pause.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'

function paused(failures: number): { pause: StartPause; clock: ManualClock } {
  const clock = new ManualClock()
  const pause = new StartPause(clock)
  for (let failure = 0; failure < failures; failure++) pause.onFailed()
  return { pause, clock }
}

/** Settled promises are heard in a turn. */
async function waitsMs({ pause, clock }: ReturnType<typeof paused>): Promise<number> {
  let isOver = false
  void pause.wait().then(() => {
    isOver = true
  })
  await clock.advanceAndSettle(0)
  let waited = 0
  for (; !isOver; waited += 50) await clock.advanceAndSettle(50)
  return waited
}

describe('the pause before a thread is brought up again', () => {
  it('grows from 100 ms after the second failure in a row to 30 s', async () => {
    assert.deepEqual(
      await Promise.all([0, 1, 2, 3, 4, 100].map((failures) => waitsMs(paused(failures)))),
      [0, 0, 100, 200, 400, 30_000],
    )
  })

  it('is over once a thread has completed something that was begun after the last failure, and not before', async () => {
    const { pause, clock } = paused(3)
    pause.onCompleted(2)
    assert.equal(await waitsMs({ pause, clock }), 200)
    pause.onCompleted(3)
    assert.deepEqual([pause.inARow, await waitsMs({ pause, clock })], [0, 0])
  })

  it('ends at once, and for good, when no thread is to be begun any more', async () => {
    const { pause, clock } = paused(10)
    const waiting = pause.wait()
    pause.end()
    await waiting
    await pause.wait()
    assert.equal(clock.pendingTimers, 0)
  })
})
