/** Schedules of a simulation: the same for the same seed, and made as short as they can be. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reportOf } from '../../../framework/testing/simulation/report.ts'
import {
  calmSchedule,
  describeStep,
  type Schedule,
  scheduleOf,
  shortest,
  stepKinds,
} from '../../../framework/testing/simulation/schedule.ts'

const stepOf = (kind: (typeof stepKinds)[number], atMs = 0) => ({ kind, atMs, which: 0, forMs: 10 })

describe('a schedule of a simulation', () => {
  it('is the same for the same seed, in the order of time, and another for another', () => {
    const schedules = Array.from({ length: 200 }, (_, seed) => scheduleOf(seed))
    for (const [seed, schedule] of schedules.entries()) {
      assert.deepEqual(scheduleOf(seed), schedule)
      const times = schedule.steps.map(({ atMs }) => atMs)
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      )
    }
    assert.equal(new Set(schedules.map(({ steps }) => JSON.stringify(steps))).size, 200)
  })

  it('has every kind of step now and then, and each is told in words of its own', () => {
    const kinds = Array.from({ length: 200 }, (_, seed) => scheduleOf(seed).steps.map(({ kind }) => kind)).flat()
    assert.deepEqual(new Set(kinds), new Set(stepKinds))
    for (const isExactlyOnce of [false, true]) {
      const words = stepKinds.map((kind) => describeStep(stepOf(kind), isExactlyOnce))
      assert.equal(new Set(words).size, stepKinds.length)
    }
  })
})

describe('the report of a failure', () => {
  it('tells what befalls transactions in words of their own, where the config has exactlyOnce', () => {
    const schedule = { ...calmSchedule, seed: 3, steps: [stepOf('lose-publish-answer', 7)] }
    const failure = { kind: 'check', error: new Error('missing') } as const
    const [plain, inTransactions] = [false, true].map((isExactlyOnce) =>
      reportOf({ seed: 3, shortest: schedule, failure, lines: [], isExactlyOnce }),
    )
    assert.match(plain ?? '', / 7 ms {2}the next record that is published is written, and its answer is lost\n/)
    assert.match(inTransactions ?? '', / 7 ms {2}what is published next is written, and the commit of its transaction/)
  })
})

describe('the shortest schedule that fails', () => {
  const long: Schedule = {
    ...calmSchedule,
    processes: 3,
    partitions: 4,
    arrivalsMs: 30,
    steps: [stepOf('join'), stepOf('kill', 1), stepOf('stop', 2), stepOf('expel', 3), stepOf('refuse-call', 4)],
  }
  const has = ({ steps }: Schedule, kind: string) => steps.some((step) => step.kind === kind)

  it('has the steps that it needs and no other, one process, one partition and all records at once', async () => {
    const found = await shortest(long, async (each) => has(each, 'kill') && has(each, 'refuse-call'))
    assert.deepEqual(found, {
      ...long,
      processes: 1,
      partitions: 1,
      arrivalsMs: 0,
      steps: [stepOf('kill', 1), stepOf('refuse-call', 4)],
    })
  })

  it('keeps the processes that it needs', async () => {
    const found = await shortest(long, async ({ processes }) => processes > 1)
    assert.deepEqual([found.processes, found.partitions, found.steps.length], [3, 1, 0])
  })

  it('is a fresh one where no step of the first can be left out, and fewer would do', async () => {
    const fails = async (each: Schedule) => each.steps.length === 5 || (each.steps.length === 1 && has(each, 'kill'))
    const found = await shortest(long, fails)
    assert.deepEqual(
      found.steps.map(({ kind }) => kind),
      ['kill'],
    )
  })

  it('is looked for in at most 400 runs', async () => {
    let runs = 0
    const many = { ...long, steps: Array.from({ length: 300 }, (_, index) => stepOf('kill', index)) }
    const found = await shortest(many, async () => {
      runs += 1
      return false
    })
    assert.equal(found, many)
    assert.equal(runs, 400)
  })
})
