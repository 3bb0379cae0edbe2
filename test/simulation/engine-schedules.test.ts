/** The schedules of the simulation, played with real engines: what holds for outcomes that a schedule makes up holds for theirs, too. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ExecutionEngine } from '../../framework/execution-plane/execution-engine.ts'
import type { CompletionEvent } from '../../framework/model/work.ts'
import { bundledEntries } from '../contract/worker-entries/bundle.ts'
import { withoutListenersOfFaults } from '../listeners-of-faults.ts'
import { met } from './engine-books.ts'
import { workerHost } from './engine-hosts.ts'
import { type Host, playWithEngines } from './engine-play.ts'
import { Violation } from './oracle.ts'
import { isOfExactlyOnce, playAll, playAllThreads, playAsync } from './run-engine-schedules.ts'
import { met as metByThreads } from './thread-play.ts'

const ASYNC_SCHEDULES = 300
const WORKER_SCHEDULES = 30
const THREAD_SCHEDULES = 400
const LIMIT = { timeout: 180_000 }

withoutListenersOfFaults()

describe('schedules with real engines', LIMIT, () => {
  it(`hold every invariant with AsyncEngine, over ${ASYNC_SCHEDULES} of them`, async () => {
    await playAll(1, ASYNC_SCHEDULES, playAsync)
  })

  it(`hold every invariant with WorkerEngine, over ${WORKER_SCHEDULES} of them`, async () => {
    const { obedient, obedientBatch } = await bundledEntries('obedient', 'obedientBatch')
    const hosts = new Map<string, readonly Host[]>()
    const kind = (isBatch: boolean, isKept: boolean) => `batch: ${isBatch}, kept: ${isKept}`
    for (const isKept of [false, true]) {
      for (const isBatch of [false, true]) {
        const common = { entry: isBatch ? obedientBatch : obedient, concurrency: 40, isBatch, isKept }
        const each = [workerHost({ ...common, threads: 1 }), workerHost({ ...common, threads: 2, recycleAfter: 300 })]
        hosts.set(kind(isBatch, isKept), await Promise.all(each))
      }
    }
    try {
      await playAll(1, WORKER_SCHEDULES, (schedule) => {
        const isKept = isOfExactlyOnce(schedule)
        const ofKind = hosts.get(kind(schedule.setup.batch !== undefined, isKept)) ?? []
        return playWithEngines(schedule, { hosts: ofKind, patience: 10_000, hasThreads: true, isKept })
      })
    } finally {
      await Promise.all([...hosts.values()].flat().map(({ engine }) => engine.close(0)))
    }
  })

  it(`hold no healthy record behind bad ones of which threads die, over ${THREAD_SCHEDULES} of them`, async () => {
    await playAllThreads(1, THREAD_SCHEDULES)
    assert.ok(metByThreads.recalled >= 1_000, `${metByThreads.recalled} items were taken back`)
  })

  it('have met what they are about', () => {
    for (const [what, count] of Object.entries(met)) assert.ok(count >= 20, `${what}: ${count}`)
  })
})

/** An engine that keeps its contract, but for what `tamper` does to some of its answers. */
function tampered(tamper: (completion: CompletionEvent, deliver: (completion: CompletionEvent) => void) => void) {
  return (engine: ExecutionEngine): ExecutionEngine => {
    let answers = 0
    const start = (onCompletion: (completion: CompletionEvent) => void) =>
      engine.start((completion) => {
        answers += 1
        if (answers % 20 === 0) tamper(completion, onCompletion)
        else onCompletion(completion)
      })
    return new Proxy(engine, {
      get(target, property) {
        if (property === 'start') return start
        const value: unknown = Reflect.get(target, property, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

describe('schedules with an engine that breaks its contract', LIMIT, () => {
  const table: readonly (readonly [what: string, invariant: string, tamper: Parameters<typeof tampered>[0]])[] = [
    [
      'completes an item twice',
      'TWICE',
      (completion, deliver) => {
        deliver(completion)
        setImmediate(() => deliver(completion))
      },
    ],
    ['never completes an item', 'LOST', () => {}],
    [
      'completes an item as another one',
      'TWICE',
      (completion, deliver) => deliver({ ...completion, workId: completion.workId + 1_000_000 }),
    ],
    [
      'says of every failure that it is a success',
      'OUTCOME',
      (completion, deliver) => deliver({ ...completion, outcome: { kind: 'succeeded' } }),
    ],
    [
      'interrupts what nobody gave up',
      'OUTCOME',
      ({ workId, durationMs }, deliver) => {
        const failure = { reason: 'interrupted', name: 'AbortError', message: 'why not', retryable: true } as const
        deliver({ workId, durationMs, outcome: { kind: 'interrupted', failure } })
      },
    ],
    [
      'leaves outputs behind',
      'OUTPUTS',
      ({ outcome, ...completion }, deliver) => {
        if (!('outputs' in outcome)) return deliver({ ...completion, outcome })
        const { outputs: _lost, ...bare } = outcome
        deliver({ ...completion, outcome: bare })
      },
    ],
    ['has no time', 'DURATION', (completion, deliver) => deliver({ ...completion, durationMs: Number.NaN })],
  ]
  for (const [what, invariant, tamper] of table) {
    it(`notice one that ${what}`, async () => {
      const found = (error: Error): boolean => error.cause instanceof Violation && error.cause.invariant === invariant
      await assert.rejects(
        playAll(1, 20, (schedule) => playAsync(schedule, tampered(tamper))),
        found,
      )
    })
  }

  it('notice one that completes inside submit()', async () => {
    const hasty = (engine: ExecutionEngine): ExecutionEngine => {
      let deliver: (completion: CompletionEvent) => void = () => {}
      return new Proxy(engine, {
        get(target, property) {
          if (property === 'start') {
            return (onCompletion: (completion: CompletionEvent) => void) => {
              deliver = onCompletion
              return target.start(onCompletion)
            }
          }
          if (property === 'submit')
            return ({ id }: { readonly id: number }) =>
              deliver({ workId: id, durationMs: 0, outcome: { kind: 'succeeded' } })
          const value: unknown = Reflect.get(target, property, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    }
    await assert.rejects(
      playAll(1, 20, (schedule) => playAsync(schedule, hasty)),
      (error: Error) => error.cause instanceof Violation && error.cause.invariant === 'INSIDE',
    )
  })
})
