/** The limit that manifests and images give a process to end in: no step of the stop can pass it, whatever hangs. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LAST_LINES_MS, STOP_SLACK_MS, shutdownLimitMs } from '../../../framework/runtime/shutdown-limit.ts'
import { stopRuntime } from '../../../framework/runtime/stop-runtime.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../kafka/recorded-log.ts'

const drainMs = 30_000
const steps = ['groups', 'begun', 'producer', 'connection', 'operations'] as const
type Step = (typeof steps)[number]

/** What a stop takes in which these steps never end, and which steps were come to. */
async function stopWith(hanging: readonly Step[]) {
  const clock = new ManualClock()
  const { log, lines } = recordedLog()
  const begun = new Set<Step>()
  const at = (step: Step): Promise<void> => {
    begun.add(step)
    return hanging.includes(step) ? new Promise(() => {}) : Promise.resolve()
  }
  const from = clock.now()
  let isOver = false
  const stopping = stopRuntime({
    groups: () => [{ stop: () => at('groups') }],
    begun: [at('begun')],
    producer: () => ({ close: () => at('producer') }),
    connection: { close: () => at('connection') },
    operations: () => ({ stop: () => at('operations') }),
    ...{ drainMs, clock, log },
  }).finally(() => {
    isOver = true
  })
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve))
    if (!isOver) clock.advance(100)
  }
  await stopping
  return { tookMs: clock.now() - from, begun, lines }
}

describe('the limit of a shutdown', { timeout: 20_000 }, () => {
  it('is the drain and the bounds of all that comes after it', () => {
    assert.equal(shutdownLimitMs({ shutdown: { drainMs } }), 45_000)
    assert.equal(shutdownLimitMs({ shutdown: { drainMs: 0 } }), 15_000)
  })

  for (const hanging of [...steps.map((step) => [step]), steps]) {
    it(`is kept when ${hanging.length === 1 ? hanging[0] : 'every step'} never ends`, async () => {
      const { tookMs } = await stopWith(hanging)
      // The promise of `stop()`, and what the process says and does after it.
      assert.ok(tookMs <= drainMs + STOP_SLACK_MS, `${tookMs} ms`)
      assert.ok(tookMs + LAST_LINES_MS < shutdownLimitMs({ shutdown: { drainMs } }))
    })
  }

  it('leaves a connection that does not close behind after a second, says so, and closes the pages for operators', async () => {
    const { tookMs, begun, lines } = await stopWith(['connection'])
    assert.ok(tookMs <= 1_100, `${tookMs} ms`)
    assert.ok(begun.has('operations'))
    const [told] = lines
    assert.equal(told?.level, 'warn')
    assert.match(told?.message ?? '', /connection is not closed/)
  })
})
