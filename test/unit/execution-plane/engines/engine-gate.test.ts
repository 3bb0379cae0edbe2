/** The gate of every engine: who comes in, and the steps of an end, each at its time. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { EngineGate, type GatedEngine } from '../../../../framework/execution-plane/engines/engine-gate.ts'
import type { Logger } from '../../../../framework/model/logger.ts'
import type { CompletionEvent, Epoch, Outcome, WorkItem } from '../../../../framework/model/work.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'

const succeeded: Outcome = { kind: 'succeeded' }

function item(id: number): WorkItem {
  return { id, handlerId: 'billing', epoch: 1 as Epoch, records: [], attempts: [1] }
}

interface Arrangement {
  readonly gate: EngineGate
  readonly clock: ManualClock
  /** What the engine behind it was told, in order. */
  readonly told: string[]
  /** Fields of warnings. */
  readonly warned: object[]
  readonly completions: CompletionEvent[]
}

function gateOf({
  concurrency = 2,
  unwindMs = 50,
  isOpen = true,
  onCompletion = () => {},
  ...engine
}: {
  readonly concurrency?: number
  readonly unwindMs?: number
  readonly isOpen?: boolean
  readonly onCompletion?: () => void
} & Partial<GatedEngine> = {}): Arrangement {
  const clock = new ManualClock()
  const told: string[] = []
  const warned: object[] = []
  const log: Logger = { debug() {}, info() {}, warn: (facts) => warned.push(facts), error() {}, child: () => log }
  const completions: CompletionEvent[] = []
  const gate = new EngineGate(
    { handlerId: 'billing', concurrency, unwindMs, log, clock },
    {
      onClosing: () => told.push('closing'),
      onGraceOver: (reason) => told.push(`signals: ${reason}`),
      cut: (reason) => told.push(`cut: ${reason}`),
      end: () => {
        told.push('end')
      },
      ...engine,
    },
  )
  if (isOpen) {
    gate.beginStart((completion) => {
      completions.push(completion)
      onCompletion()
    })
    gate.opened()
  }
  return { gate, clock, told, warned, completions }
}

async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  const settle = () => {
    isSettled = true
  }
  promise.then(settle, settle)
  await nextTurn()
  return isSettled
}

describe('the admission of an engine', () => {
  it('refuses an item before the engine has started, and while it is starting', () => {
    const { gate } = gateOf({ isOpen: false })
    assert.throws(() => gate.requireRoom(0), { code: 'PYR_ENGINE_NOT_STARTED' })
    gate.beginStart(() => {})
    assert.throws(() => gate.requireRoom(0), { code: 'PYR_ENGINE_NOT_STARTED' })
    gate.opened()
    gate.admit()
    assert.equal(gate.open, 1)
  })

  it('refuses an item once all slots are in use, says how many, and does not count it', () => {
    const { gate } = gateOf({ concurrency: 2 })
    gate.admit()
    gate.admit()
    const message = 'The engine of billing uses 2 of 2 slots. Submit only while there is capacity.'
    assert.throws(() => gate.requireRoom(2), { code: 'PYR_ENGINE_FULL', message })
    assert.equal(gate.open, 2)
  })

  it('refuses items and a start once close() was called, however far the close has come', async () => {
    const { gate } = gateOf()
    gate.admit()
    const closed = gate.close(1_000)
    assert.throws(() => gate.requireRoom(0), { code: 'PYR_ENGINE_CLOSED' })
    gate.complete(item(1), succeeded, 0)
    await closed
    assert.throws(() => gate.requireRoom(0), { code: 'PYR_ENGINE_CLOSED' })
    assert.throws(() => gate.beginStart(() => {}), { code: 'PYR_ENGINE_CLOSED' })
  })

  it('takes a second start for a bug', () => {
    const { gate } = gateOf()
    assert.throws(() => gate.beginStart(() => {}), { code: 'PYR_BUG' })
  })

  it('stays shut when the engine is closed while it is starting', async () => {
    const { gate } = gateOf({ isOpen: false })
    gate.beginStart(() => {})
    await gate.close(0)
    gate.opened()
    assert.equal(gate.isClosed, true)
    assert.throws(() => gate.requireRoom(0), { code: 'PYR_ENGINE_CLOSED' })
  })
})

describe('the end of an engine', () => {
  it('comes at once when nothing is in flight', async () => {
    const { gate, told, clock } = gateOf()
    await gate.close(1_000)
    assert.deepEqual(told, ['closing', 'end'])
    assert.equal(gate.isClosed, true)
    assert.equal(clock.pendingTimers, 0)
  })

  it('waits for what is in flight, and leaves no timer when that ends within the grace', async () => {
    const { gate, told, clock, completions } = gateOf()
    gate.admit()
    const closed = gate.close(1_000)
    assert.equal(await hasSettled(closed), false)
    gate.complete(item(7), succeeded, 3)
    await closed
    assert.deepEqual(completions, [{ workId: 7, outcome: succeeded, durationMs: 3 }])
    assert.deepEqual(told, ['closing', 'end'])
    assert.equal(clock.pendingTimers, 0)
  })

  it('fires the signals when the grace is over, and cuts what is left after the time to unwind, with a warning', async () => {
    const { gate, told, warned, clock } = gateOf({ unwindMs: 50 })
    gate.admit()
    const closed = gate.close(1_000)
    clock.advance(999)
    assert.deepEqual(told, ['closing'])
    clock.advance(1)
    assert.deepEqual(told, ['closing', 'signals: the engine is closing'])
    assert.equal(gate.isCutting, true)
    clock.advance(49)
    assert.equal(told.length, 2)
    assert.deepEqual(warned, [])
    clock.advance(1)
    assert.equal(told.at(-1), 'cut: the engine is closing')
    assert.deepEqual(warned, [{ handler: 'billing', leftBehind: 1 }])
    gate.complete(item(1), succeeded, 0)
    await closed
    assert.equal(told.at(-1), 'end')
  })

  it('gives one turn of the event loop where there is no time to unwind', async () => {
    const { gate, told } = gateOf({ unwindMs: 0 })
    gate.admit()
    const closed = gate.close(0)
    assert.deepEqual(told, ['closing', 'signals: the engine is closing'])
    await nextTurn()
    assert.equal(told.at(-1), 'cut: the engine is closing')
    gate.complete(item(1), succeeded, 0)
    await closed
  })

  for (const unwindMs of [0, 50]) {
    it(`cuts nothing when all has ended in the time to unwind (${unwindMs} ms)`, async () => {
      const { gate, told, clock } = gateOf({ unwindMs })
      gate.admit()
      const closed = gate.close(0)
      gate.complete(item(1), succeeded, 0)
      await closed
      clock.advance(100)
      await nextTurn()
      assert.deepEqual(told, ['closing', 'signals: the engine is closing', 'end'])
    })
  }

  it('comes sooner by a second close() with less grace, and no later by one with more', async () => {
    const { gate, told, clock } = gateOf()
    gate.admit()
    const first = gate.close(1_000)
    assert.equal(gate.close(5_000), first)
    assert.equal(gate.graceLeftMs, 1_000)
    assert.equal(gate.close(10), first)
    assert.equal(gate.graceLeftMs, 10)
    clock.advance(10)
    assert.deepEqual(told, ['closing', 'signals: the engine is closing'])
    gate.complete(item(1), succeeded, 0)
    await first
    assert.equal(clock.pendingTimers, 0)
  })

  it('tells an engine that is ending already when less of the grace is left', async () => {
    let finish = () => {}
    const ending = new Promise<void>((resolve) => {
      finish = resolve
    })
    const left: number[] = []
    const arranged: Arrangement = gateOf({
      end: () => {
        left.push(arranged.gate.graceLeftMs)
        return ending
      },
    })
    const closed = arranged.gate.close(1_000)
    void arranged.gate.close(2_000)
    void arranged.gate.close(5)
    assert.deepEqual(left, [1_000, 5])
    assert.equal(await hasSettled(closed), false)
    finish()
    await closed
  })

  it('comes although a listener of completions throws', async () => {
    const { gate } = gateOf({
      onCompletion: () => {
        throw new Error('a listener')
      },
    })
    gate.admit()
    const closed = gate.close(1_000)
    assert.throws(() => gate.complete(item(1), succeeded, 0), /a listener/)
    await closed
    assert.equal(gate.open, 0)
  })
})
