/** What happens to the processes of one simulated run, as plain data made from a seed. Any part of a schedule is a schedule. */
import { seededRandom } from '../../runtime/seeded-random.ts'

/** How often each kind of step comes, relative to the others. */
const weights = {
  kill: 4,
  stop: 2,
  join: 2,
  expel: 2,
  'slow-commits': 1,
  'refuse-commit': 1,
  'lose-commit-answer': 1,
  'slow-call': 2,
  'refuse-call': 2,
  'lose-call-answer': 3,
  'refuse-publish': 1,
  'lose-publish-answer': 1,
} as const

export type StepKind = keyof typeof weights

export const stepKinds = Object.keys(weights) as readonly StepKind[]

export interface Step {
  readonly kind: StepKind
  /** Since the start. Milliseconds. */
  readonly atMs: number
  /** 0 up to, not including, 1: chooses among the processes that there are then. */
  readonly which: number
  /** How long it lasts, where it does. Milliseconds. */
  readonly forMs: number
}

export interface Schedule {
  readonly seed: number
  /** At the start. */
  readonly processes: number
  /** Of each topic. */
  readonly partitions: number
  /** All records come within so long. Milliseconds. */
  readonly arrivalsMs: number
  /** By time. */
  readonly steps: readonly Step[]
}

const totalWeight = stepKinds.reduce((sum, kind) => sum + weights[kind], 0)
const MOST_STEPS = 12

/** @param length how many steps; default 1 to 12, by the seed */
export function scheduleOf(seed: number, length?: number): Schedule {
  const random = seededRandom(seed)
  const pick = <T>(first: T, ...others: readonly T[]): T =>
    [first, ...others][Math.floor(random() * (others.length + 1))] ?? first
  const processes = pick(1, 1, 2, 2, 3)
  const partitions = pick(1, 2, 4)
  const arrivalsMs = pick(0, 0, 30, 300)
  // Handlers are at work in the first milliseconds; retries and commits come later.
  const spanMs = pick(20, 60, 200, 2_000)
  const some = 1 + Math.floor(random() * MOST_STEPS)
  const steps = Array.from({ length: length ?? some }, (): Step => {
    const kind = kindAt(random() * totalWeight)
    return {
      kind,
      atMs: Math.floor(random() * spanMs),
      which: random(),
      forMs: Math.floor(10 ** (1 + 2.5 * random())),
    }
  })
  return { seed, processes, partitions, arrivalsMs, steps: steps.sort((a, b) => a.atMs - b.atMs) }
}

/** Nothing happens but records. */
export const calmSchedule: Schedule = { seed: 0, processes: 1, partitions: 1, arrivalsMs: 0, steps: [] }

function kindAt(point: number): StepKind {
  let left = point
  for (const kind of stepKinds) {
    left -= weights[kind]
    if (left < 0) return kind
  }
  return 'kill'
}

/** Fresh schedules of each length that are tried below the length that was reached. */
const TRIES_PER_LENGTH = 40
/** Runs in all: bounds the time. */
const MOST_TRIES = 400

/**
 * The shortest schedule that can be found which still fails. Takes out ever smaller pieces for as long as what is left fails (delta debugging, Zeller
 * 1999), until no single step can be left out. That may still not be the shortest, so fresh ones with fewer steps are tried. In the end, whatever is not one
 * process, one partition and all records at once.
 */
export async function shortest(
  schedule: Schedule,
  fails: (candidate: Schedule) => Promise<boolean>,
): Promise<Schedule> {
  let best = schedule
  let tries = 0
  const holds = async (candidate: Schedule): Promise<boolean> => {
    if (tries >= MOST_TRIES) return false
    tries += 1
    if (!(await fails(candidate))) return false
    best = candidate
    return true
  }
  const leaveOut = async (): Promise<void> => {
    for (let size = best.steps.length; size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < best.steps.length; ) {
        const steps = [...best.steps.slice(0, from), ...best.steps.slice(from + size)]
        if (!(await holds({ ...best, steps }))) from += size
      }
    }
  }
  await leaveOut()
  for (let length = 1; length < best.steps.length; length += 1) {
    for (let number = 1; number <= TRIES_PER_LENGTH && best.steps.length > length; number += 1) {
      await holds(scheduleOf(schedule.seed * TRIES_PER_LENGTH + number, length))
    }
  }
  if (best.processes > 1) await holds({ ...best, processes: 1 })
  if (best.partitions > 1) await holds({ ...best, partitions: 1 })
  if (best.arrivalsMs > 0) await holds({ ...best, arrivalsMs: 0 })
  await leaveOut()
  return best
}

const transactionSteps: Partial<Readonly<Record<StepKind, string>>> = {
  'refuse-commit': 'the next transaction is aborted before it has written anything',
  'lose-commit-answer': 'the next transaction is committed, and its answer is lost',
  'refuse-publish': 'the next record that is published is refused, and its transaction is aborted',
  'lose-publish-answer': 'what is published next is written, and the commit of its transaction is lost',
}

/** @param isExactlyOnce the config has `commit.exactlyOnce`: commits, and records that are published, are in transactions */
export function describeStep({ kind, forMs }: Step, isExactlyOnce: boolean): string {
  const inTransactions = isExactlyOnce ? transactionSteps[kind] : undefined
  if (inTransactions !== undefined) return inTransactions
  switch (kind) {
    case 'kill':
      return `a process is killed; another takes its place after ${forMs} ms`
    case 'stop':
      return `a process is stopped in order; another takes its place after ${forMs} ms`
    case 'join':
      return 'one more process starts'
    case 'expel':
      return `a process is not heard of for too long: its partitions go to others while it runs, and it joins again after ${forMs} ms`
    case 'slow-commits':
      return `each commit takes ${forMs} ms from now on`
    case 'refuse-commit':
      return 'the next commit is refused'
    case 'lose-commit-answer':
      return 'the next commit is stored, and its answer is lost'
    case 'slow-call':
      return `the next answer of a service takes ${forMs} ms longer`
    case 'refuse-call':
      return 'the next call of a service fails before it has done anything'
    case 'lose-call-answer':
      return 'the next call of a service does what it does, and fails'
    case 'refuse-publish':
      return 'the next record that is published is refused'
    case 'lose-publish-answer':
      return 'the next record that is published is written, and its answer is lost'
  }
}
