import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { askToStop, listenToStopSignals } from '../../../../cli/terminal/stop-signals.ts'

function listening(t: TestContext) {
  let nowMs = 1_000
  const told: (string | number)[] = []
  const signals = listenToStopSignals({ now: () => nowMs, exit: (code) => told.push(code) })
  t.after(() => signals.close())
  signals.onSecond = (signal) => told.push(signal)
  const come = (signal: NodeJS.Signals, afterMs = 0) => {
    nowMs += afterMs
    process.emit(signal, signal)
  }
  return { signals, told, come, later: (ms: number) => (nowMs += ms) }
}

describe('signals to stop', () => {
  it('tell the first, whichever it is, and at a second one exit at once with its code', async (t) => {
    for (const [second, code] of [
      ['SIGHUP', 129],
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const { signals, told, come } = listening(t)
      come('SIGHUP')
      come(second, 501)
      assert.deepEqual([await signals.first, told], ['SIGHUP', [second, code]])
      signals.close()
    }
  })

  it('are one request when they come within half a second: a group gets a signal, and a parent hands it on', (t) => {
    const { told, come } = listening(t)
    come('SIGINT')
    come('SIGINT')
    come('SIGTERM', 250)
    come('SIGHUP', 250)
    assert.deepEqual(told, [])
    come('SIGINT', 1)
    assert.deepEqual(told, ['SIGINT', 130])
  })

  it('count half a second from the first one, so that copies do not put the second request off', (t) => {
    const { told, come } = listening(t)
    come('SIGTERM')
    come('SIGTERM', 300)
    come('SIGTERM', 300)
    assert.deepEqual(told, ['SIGTERM', 143])
  })

  it('of a key count each, however soon they come', (t) => {
    const { signals, told } = listening(t)
    signals.raise('SIGINT')
    signals.raise('SIGINT')
    assert.deepEqual(told, ['SIGINT', 130])
  })

  it('are never the second ones when they are for an output without a reader', async (t) => {
    const { signals, told, later } = listening(t)
    assert.equal(askToStop(), true)
    later(1_000)
    assert.equal(askToStop(), true)
    assert.deepEqual([await signals.first, told], ['SIGTERM', []])
    signals.close()
    assert.equal(askToStop(), false)
  })
})
