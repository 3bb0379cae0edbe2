/** An engine that is exchanged while it runs, under the conformance suite: before, and after its code has been replaced. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type HandlerDefinition, handler } from '../../framework/api/handler.ts'
import { AsyncEngine } from '../../framework/execution-plane/engines/async-engine.ts'
import type { ExecutionEngine } from '../../framework/execution-plane/execution-engine.ts'
import { SwappableEngine } from '../../framework/execution-plane/swappable-engine.ts'
import { systemClock } from '../../framework/time/clock.ts'
import {
  batched,
  checked,
  doesAsTold,
  inFormat,
  inFormatBatch,
  inJson,
  inProtobuf,
  keyed,
  keyedBatch,
  NEWS,
  nested,
} from './engine-handlers.ts'
import { EngineHarness, type EngineSetup, keepingOf } from './engine-harness.ts'
import { describeExecutionEngine } from './execution-engine.suite.ts'
import { scripted, scriptedBatch } from './scripted-handlers.ts'

const handlers = {
  doesAsTold,
  checked,
  nested,
  batched,
  scripted,
  scriptedBatch,
  inFormat,
  inFormatBatch,
  inJson,
  inProtobuf,
  keyed,
  keyedBatch,
}
const FINISH_MS = 60_000

function anEngine(given: EngineSetup): ExecutionEngine {
  const { handlerName, ...setup } = given
  const definition = handlers[handlerName] as HandlerDefinition<unknown>
  const keeping = keepingOf(given)
  return new AsyncEngine({ ...setup, handlerId: 'suite', definition, keeping, clock: systemClock() })
}

describeExecutionEngine('SwappableEngine', { canKill: false }, (setup) => new SwappableEngine(anEngine(setup)))

/** Replaced as soon as it has started, so that the suite runs on the second engine. */
class Replaced extends SwappableEngine {
  readonly #next: ExecutionEngine

  constructor(setup: EngineSetup) {
    super(anEngine(setup))
    this.#next = anEngine(setup)
  }

  override async start(onCompletion: Parameters<ExecutionEngine['start']>[0]): Promise<void> {
    await super.start(onCompletion)
    await this.replace(this.#next, FINISH_MS)
  }
}

describeExecutionEngine('SwappableEngine after a replacement', { canKill: false }, (setup) => new Replaced(setup))

describe('replacing the code of an engine', () => {
  /** Publishes its name, so that the test sees which code has run. */
  function named(name: string, setup: EngineSetup): ExecutionEngine {
    const definition = handler<{ readonly wait?: string }>('orders', async (record, context) => {
      if (record.value.wait !== undefined) await context.publish('gate', record.value.wait)
      await context.publish(NEWS, name)
    })
    const ofUnknown = definition as HandlerDefinition<unknown>
    return new AsyncEngine({ ...setup, handlerId: 'suite', definition: ofUnknown, clock: systemClock() })
  }

  async function started(over: Partial<EngineSetup> = {}) {
    let setup: EngineSetup | undefined
    const harness = await EngineHarness.started((given) => {
      setup = given
      return new SwappableEngine(named('old', given))
    }, over)
    const engine = harness.engine as SwappableEngine
    return {
      harness,
      engine,
      next: (name: string, changed: Partial<EngineSetup> = {}) => named(name, { ...setup!, ...changed }),
    }
  }
  const value = (body: object) => Buffer.from(JSON.stringify(body))

  it('lets attempts in flight finish on the old code, and says how many, while new ones run the new', async () => {
    const { harness, engine, next } = await started()
    await using _ = harness
    const slow = harness.submit(value({ wait: 'slow' }))
    await harness.atGate('slow')
    assert.equal(await engine.replace(next('new'), FINISH_MS), 1)
    const fast = harness.submit(value({}))
    await harness.outcomeOf(fast)
    assert.deepEqual(harness.news, ['new'])
    assert.equal(engine.inFlight, 1)
    harness.open('slow')
    assert.equal((await harness.outcomeOf(slow)).kind, 'succeeded')
    assert.deepEqual(harness.news, ['new', 'old'])
    assert.equal(engine.inFlight, 0)
  })

  it('shows the threads of the old code as long as something runs on them', async () => {
    const { harness, engine, next } = await started()
    await using _ = harness
    const view = {
      state: 'open',
      isApart: false,
      running: [],
      runningCount: 0,
      waiting: 0,
      heapUsedBytes: null,
    } as const
    const withThread = (code: ExecutionEngine, handlerId: string, threadId: number) =>
      Object.assign(code, { threadViews: () => [{ ...view, handlerId, threadId }] })
    assert.deepEqual(engine.threadViews(), [])
    await engine.replace(withThread(next('middle'), 'middle', 1), FINISH_MS)
    const slow = harness.submit(value({ wait: 'slow' }))
    await harness.atGate('slow')
    await engine.replace(withThread(next('new'), 'new', 2), FINISH_MS)
    const shown = () => engine.threadViews().map(({ handlerId }) => handlerId)
    assert.deepEqual(shown(), ['new', 'middle'])
    harness.open('slow')
    await harness.outcomeOf(slow)
    await harness.polled(() => shown().length === 1)
    assert.deepEqual(shown(), ['new'])
  })

  it('lets the old code tick as long as its attempts run, and tells the worse of the outcomes', async () => {
    const ticks: string[] = []
    const ticking = (name: string, setup: EngineSetup) => {
      const code = handler<{ readonly wait?: string }>(
        'orders',
        {
          every: '10s',
          tick: () => {
            ticks.push(name)
            if (name === 'old') throw new Error('the old code fails')
          },
        },
        async (record, context) => {
          if (record.value.wait !== undefined) await context.publish('gate', record.value.wait)
        },
      )
      const definition = code as HandlerDefinition<unknown>
      return new AsyncEngine({ ...setup, handlerId: 'suite', definition, clock: systemClock() })
    }
    let next: () => ExecutionEngine = () => assert.fail('not made yet')
    await using harness = await EngineHarness.started((setup) => {
      next = () => ticking('new', setup)
      return new SwappableEngine(ticking('old', setup))
    })
    const engine = harness.engine as SwappableEngine
    const order = { of: null, isDraining: false, signal: new AbortController().signal }
    const slow = harness.submit(value({ wait: 'slow' }))
    await harness.atGate('slow')
    await engine.replace(next(), FINISH_MS)
    const both = await engine.tick(order)
    assert.equal(both.kind === 'failed' && both.failure.message, 'the old code fails')
    assert.deepEqual(ticks.sort(), ['new', 'old'])
    harness.open('slow')
    await harness.outcomeOf(slow)
    await harness.polled(() => engine.inFlight === 0)
    assert.equal((await engine.tick(order)).kind, 'done')
    assert.deepEqual(ticks, ['new', 'old', 'new'])
  })

  it('runs what was submitted, and not started, before the replacement', async () => {
    const { harness, engine, next } = await started()
    await using _ = harness
    const ids = [1, 2, 3].map(() => harness.submit(value({})))
    await engine.replace(next('new'), FINISH_MS)
    for (const id of ids) assert.equal((await harness.outcomeOf(id)).kind, 'succeeded')
  })

  it('goes on with the old code when the new cannot start', async () => {
    const { harness, engine, next } = await started()
    await using _ = harness
    const broken: ExecutionEngine = next('broken')
    broken.start = () => Promise.reject(new Error('cannot start'))
    await assert.rejects(engine.replace(broken, FINISH_MS), /cannot start/)
    await harness.outcomeOf(harness.submit(value({})))
    assert.deepEqual(harness.news, ['old'])
  })

  it('fires the signals of the old code too, when attempts are aborted', async () => {
    const { harness, engine, next } = await started({ timeoutMs: 60_000 })
    await using _ = harness
    harness.submit(value({ wait: 'never' }))
    await harness.atGate('never')
    await engine.replace(next('new'), FINISH_MS)
    const closing = engine.close(0)
    await closing
    assert.equal(harness.completions[0]?.outcome.kind, 'interrupted')
  })

  it('survives replacement upon replacement, each finishing what it began', async () => {
    const { harness, engine, next } = await started()
    await using _ = harness
    for (const name of ['a', 'b', 'c']) {
      harness.submit(value({ wait: name }))
      await harness.atGate(name)
      await engine.replace(next(`after ${name}`), FINISH_MS)
    }
    assert.equal(engine.inFlight, 3)
    for (const name of ['c', 'a', 'b']) harness.open(name)
    await harness.until(() => harness.completions.length === 3)
    assert.deepEqual(harness.news, ['after b', 'old', 'after a'])
  })

  it('counts a slot that an abandoned handler of the old code still holds, until that is closed', async () => {
    const { harness, engine, next } = await started({ timeoutMs: 20, abandonAfterMs: 0, concurrency: 4 })
    await using _ = harness
    const left = harness.submit(value({ wait: 'left' }))
    const other = harness.submit(value({ wait: 'other' }))
    await harness.outcomeOf(left)
    await harness.outcomeOf(other)
    assert.equal(engine.capacity, 2)
    await engine.replace(next('new', { concurrency: 9 }), FINISH_MS)
    await harness.outcomeOf(harness.submit(value({})))
    assert.equal(engine.capacity, 9)
  })

  it('starts nothing when it has been closed meanwhile', async () => {
    const { harness, engine, next } = await started()
    await using _ = harness
    const late = next('late')
    const replacing = engine.replace(late, FINISH_MS)
    await engine.close(0)
    assert.equal(await replacing, 0)
    assert.throws(() => engine.submit({ id: 99, handlerId: 'suite', epoch: 1 as never, records: [], attempts: [] }), {
      code: 'PYR_ENGINE_CLOSED',
    })
  })

  it('closes, when it is closed, one that is coming up and may never be', async () => {
    const { harness, engine } = await started()
    await using _ = harness
    let hasEnded = () => {}
    const ended = new Promise<void>((resolve) => {
      hasEnded = resolve
    })
    const hung: ExecutionEngine = {
      capacity: 1,
      inFlight: 0,
      abandoned: 0,
      start: () => ended,
      submit: () => assert.fail('it never came up'),
      abort: () => {},
      recall: () => {},
      tick: () => assert.fail('it never came up'),
      close: async () => hasEnded(),
    }
    const replacing = engine.replace(hung, FINISH_MS)
    await engine.close(0)
    assert.equal(await replacing, 0)
  })
})
