/** What the async engine promises beyond the conformance suite: exact deadlines, no timer left, and an event loop that goes on. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Type } from 'typebox'
import {
  DeadLetter,
  type HandlerContext,
  type HandlerFunction,
  type HandlerOptions,
  handler,
} from '../../../../framework/api/handler.ts'
import { topic } from '../../../../framework/api/topic.ts'
import { AsyncEngine, type AsyncEngineOptions } from '../../../../framework/execution-plane/engines/async-engine.ts'
import type { Logger } from '../../../../framework/model/logger.ts'
import type { CompletionEvent, Epoch, WorkItem } from '../../../../framework/model/work.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'

interface Arrangement {
  readonly engine: AsyncEngine
  readonly clock: ManualClock
  readonly completions: readonly CompletionEvent[]
  readonly logged: readonly string[]
}

async function started(
  run: HandlerFunction<unknown>,
  overrides: Partial<AsyncEngineOptions> & {
    readonly filter?: HandlerOptions<unknown>['filter']
    readonly onCompletion?: () => void
  } = {},
): Promise<Arrangement> {
  const { filter, onCompletion, ...options } = overrides
  const clock = new ManualClock()
  const completions: CompletionEvent[] = []
  const logged: string[] = []
  const log: Logger = {
    debug: (_fields, message) => logged.push(message),
    info: (_fields, message) => logged.push(message),
    warn: (_fields, message) => logged.push(message),
    error: (_fields, message) => logged.push(message),
    child: () => log,
  }
  const engine = new AsyncEngine({
    handlerId: 'billing',
    definition: handler<unknown>('orders', filter === undefined ? {} : { filter }, run),
    concurrency: 1_000,
    timeoutMs: 100,
    abandonAfterMs: 50,
    publish: async () => {},
    log,
    clock,
    ...options,
  })
  await engine.start((completion) => {
    completions.push(completion)
    onCompletion?.()
  })
  return { engine, clock, completions, logged }
}

function item(id: number): WorkItem {
  const record = {
    topic: 'orders',
    partition: 0,
    offset: id,
    key: null,
    value: Buffer.from('{}'),
    headers: [],
    timestamp: 0,
  }
  return { id, handlerId: 'billing', epoch: 1 as Epoch, records: [record], attempts: [1] }
}

describe('AsyncEngine deadlines', () => {
  it('fires the signal at the deadline and gives the handler up abandonAfterMs later, to the millisecond', async () => {
    let context: HandlerContext | undefined
    const { engine, clock, completions } = await started((_record, given) => {
      context = given
      return new Promise(() => {})
    })
    engine.submit(item(1))
    await nextTurn()
    const { signal, deadline } = context!
    assert.equal(deadline, clock.now() + 100)
    clock.advance(99)
    assert.equal(signal.aborted, false)
    clock.advance(1)
    assert.equal(signal.aborted, true)
    assert.equal(signal.reason.name, 'TimeoutError')
    clock.advance(49)
    assert.equal(completions.length, 0)
    clock.advance(1)
    assert.equal(completions[0]!.outcome.kind, 'timed-out')
    assert.equal(completions[0]!.durationMs, 150)
    assert.equal(engine.abandoned, 1)
    assert.equal(clock.pendingTimers, 0)
  })

  it('times out a handler that succeeds after its deadline because it blocked the event loop', async () => {
    const { engine, clock, completions } = await started(() => clock.pass(100))
    engine.submit(item(1))
    await nextTurn()
    assert.equal(completions[0]!.outcome.kind, 'timed-out')
  })

  it('keeps where the handler was in the failure of a timed-out attempt', async () => {
    const { engine, clock, completions } = await started(
      (_record, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('query cancelled')))),
    )
    engine.submit(item(1))
    await nextTurn()
    clock.advance(100)
    await nextTurn()
    const { outcome } = completions[0]!
    assert.ok(outcome.kind === 'timed-out')
    assert.match(outcome.failure.stack ?? '', /query cancelled/)
  })

  it('holds no timer while nothing is in flight', async () => {
    const { engine, clock, completions } = await started(async () => {})
    assert.equal(clock.pendingTimers, 0)
    for (let id = 1; id <= 100; id++) engine.submit(item(id))
    await nextTurn()
    await nextTurn()
    assert.equal(completions.length, 100)
    assert.equal(clock.pendingTimers, 0)
  })

  it('logs when a handler is abandoned and when it settles after all', async () => {
    let settle = () => {}
    const { engine, clock, logged } = await started(
      () =>
        new Promise<void>((resolve) => {
          settle = resolve
        }),
    )
    engine.submit(item(1))
    await nextTurn()
    clock.advance(150)
    settle()
    await nextTurn()
    assert.deepEqual(logged, [
      'a handler ignores its signal and was abandoned; it keeps its slot',
      'an abandoned handler has settled',
    ])
  })
})

describe('AsyncEngine and the event loop', () => {
  it('lets the event loop turn while handlers that never wait use up its time', async () => {
    const startedInTurn = new Map<number, number>()
    let turn = 0
    const { engine, clock, completions } = await started(() => {
      startedInTurn.set(turn, (startedInTurn.get(turn) ?? 0) + 1)
      clock.pass(4)
    })
    for (let id = 1; id <= 30; id++) engine.submit(item(id))
    for (; completions.length < 30; turn++) await nextTurn()
    assert.equal(Math.max(...startedInTurn.values()), 3)
  })

  it('lets the event loop turn though each completion brings the next record, also when the clock stands still', async () => {
    let id = 0
    const feed = () => {
      if (id < 5_000) engine.submit(item(++id))
    }
    const { engine } = await started(() => {}, { concurrency: 1, onCompletion: feed })
    feed()
    let turns = 0
    for (; id < 5_000; turns++) await nextTurn()
    assert.ok(turns >= 5, `${turns} turns`)
  })
})

describe('AsyncEngine and its handler', () => {
  it('does not run an item that was aborted before its turn', async () => {
    let runs = 0
    const { engine, completions } = await started(() => {
      runs++
    })
    engine.submit(item(1))
    engine.submit(item(2))
    engine.abort(({ id }) => id === 1)
    await nextTurn()
    assert.deepEqual(
      completions.map(({ workId, outcome, durationMs }) => [workId, outcome.kind, durationMs]),
      [
        [1, 'interrupted', 0],
        [2, 'succeeded', 0],
      ],
    )
    assert.equal(runs, 1)
  })

  it('fails the attempt when the filter throws or says neither yes nor no', async () => {
    const throwing = () => {
      throw new Error('filter broke')
    }
    const promising = (() => Promise.resolve(false)) as unknown as () => boolean
    for (const [filter, message] of [
      [throwing, 'filter broke'],
      [promising, 'the filter returned object, not true or false'],
    ] as const) {
      const { engine, completions } = await started(() => assert.fail('the handler ran'), { filter })
      engine.submit(item(1))
      await nextTurn()
      const { outcome } = completions[0]!
      assert.ok(outcome.kind === 'failed')
      assert.equal(outcome.failure.message, message)
    }
  })

  it('lets a handler take publish, signal and log out of its context', async () => {
    const published: unknown[] = []
    const { engine, completions, logged } = await started(
      async (_record, { publish, signal, log }) => {
        log.info({}, 'running')
        await publish('invoices', signal.aborted)
      },
      { publish: async (_to, value) => void published.push(value) },
    )
    engine.submit(item(1))
    await nextTurn()
    await nextTurn()
    assert.deepEqual(published, [false])
    assert.deepEqual(logged, ['running'])
    assert.deepEqual(completions[0]!.outcome, { kind: 'succeeded' })
  })

  it('logs a fault that each attempt repeats once in ten seconds, with the number of those that were held back', async () => {
    const levels: string[] = []
    const facts: object[] = []
    const write = (level: string) => (fields: object) => {
      levels.push(level)
      facts.push(fields)
    }
    const log: Logger = {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: () => log,
    }
    const broken = () => {
      throw new TypeError('the rule is broken')
    }
    const fails = () => {
      throw new Error('no')
    }
    const definition = handler<unknown>('orders', { retry: { when: broken } }, fails)
    const { engine, clock } = await started(fails, { definition, log })
    for (const id of [1, 2, 3]) engine.submit(item(id))
    await nextTurn()
    clock.pass(10_000)
    engine.submit(item(4))
    await nextTurn()
    assert.deepEqual(levels, ['error', 'debug', 'debug', 'error'])
    assert.equal((facts[3] as { readonly suppressed?: number }).suppressed, 2)
  })

  it('refuses what a handler publishes that was given up, while it goes on', async () => {
    let context: HandlerContext | undefined
    const sent: unknown[] = []
    const { engine, clock, completions, logged } = await started(
      async (_record, given) => {
        context = given
        await new Promise(() => {})
      },
      { publish: async (_to, value) => void sent.push(value) },
    )
    engine.submit(item(1))
    await nextTurn()
    clock.advance(149)
    await context!.publish('invoices', 'in time')
    clock.advance(1)
    assert.equal(completions[0]!.outcome.kind, 'timed-out')
    await assert.rejects(context!.publish('invoices', 'while its retry runs'), { code: 'PYR_ATTEMPT_OVER' })
    assert.deepEqual(sent, ['in time'])
    assert.equal(logged.at(-1), 'a handler went on after the end of its attempt; what it did there does not count')
  })

  it('leaves no rejection unhandled when nobody looks after a publish that is refused', async () => {
    let context: HandlerContext | undefined
    const { engine } = await started((_record, given) => {
      context = given
    })
    engine.submit(item(1))
    await nextTurn()
    void context!.publish('invoices', 'too late')
    await nextTurn()
  })

  it('leaves a failed publish to a handler that catches it later', async () => {
    const { engine, completions } = await started(
      async (_record, { publish }) => {
        const publishing = publish('invoices', 1)
        await nextTurn()
        await publishing.catch(() => {})
      },
      { publish: () => Promise.reject(new Error('broker says no')) },
    )
    engine.submit(item(1))
    for (let turn = 0; turn < 4; turn++) await nextTurn()
    assert.deepEqual(completions[0]!.outcome, { kind: 'succeeded' })
  })

  it('keeps DeadLetter of an aborted attempt as the decision that it is', async () => {
    const { engine, completions } = await started(
      (_record, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new DeadLetter('declined')))),
    )
    engine.submit(item(1))
    await nextTurn()
    engine.abort(() => true)
    await nextTurn()
    assert.equal(completions[0]!.outcome.kind, 'failed')
  })

  it('refuses an item with more than one record', async () => {
    const { engine } = await started(() => {})
    const two = { ...item(1), records: [...item(1).records, ...item(2).records] }
    assert.throws(() => engine.submit(two), { code: 'PYR_BUG' })
    assert.equal(engine.inFlight, 0)
  })

  it('does not start with a schema that cannot be compiled, nor twice', async () => {
    const broken = topic('orders', { schema: Type.String({ pattern: '(' }) })
    await assert.rejects(
      started(() => {}, { definition: handler(broken, () => {}) as never }),
      { code: 'PYR_HANDLER_OPTION' },
    )
    const { engine } = await started(() => {})
    await assert.rejects(
      engine.start(() => {}),
      { code: 'PYR_BUG' },
    )
  })
})

describe('AsyncEngine.close', () => {
  it('leaves no timer, whichever state its attempts were in', async () => {
    const { engine, clock, completions, logged } = await started(() => new Promise(() => {}))
    engine.submit(item(1))
    await nextTurn()
    clock.advance(100)
    engine.submit(item(2))
    await nextTurn()
    engine.submit(item(3))
    const closing = engine.close(10)
    clock.advance(10)
    await closing
    assert.deepEqual(
      completions.map(({ outcome }) => outcome.kind),
      ['interrupted', 'interrupted', 'interrupted'],
    )
    assert.equal(clock.pendingTimers, 0)
    assert.deepEqual(logged, ['handlers were still running when the engine had to close'])
    clock.advance(1_000)
    await nextTurn()
    assert.equal(completions.length, 3)
  })

  it('drops the longer grace when a second call shortens it', async () => {
    const { engine, clock, completions } = await started(() => new Promise(() => {}), { timeoutMs: 90_000 })
    engine.submit(item(1))
    await nextTurn()
    const closing = engine.close(60_000)
    void engine.close(10)
    clock.advance(10)
    await closing
    assert.equal(completions.length, 1)
    assert.equal(clock.pendingTimers, 0)
  })

  it('settles at once when nothing is in flight', async () => {
    const { engine, clock } = await started(() => {})
    await engine.close(60_000)
    assert.equal(clock.pendingTimers, 0)
  })
})
