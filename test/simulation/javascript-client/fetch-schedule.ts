/** A schedule of fetching: what happens to logs, brokers, answers and assignments, in which order, as plain data. */
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'

/** How often each kind of step comes, relative to the others. */
const weights = {
  append: 20,
  'append-large': 1.5,
  'begin-transaction': 3,
  'end-transaction': 4,
  compact: 2,
  'expire-oldest': 1,
  'move-leader': 2,
  'cut-log': 2.5,
  'make-topic-anew': 0.3,
  'name-replica': 3,
  'forget-replica': 0.5,
  'stop-replica': 0.5,
  'stop-broker': 0.6,
  'start-broker': 1.5,
  deliver: 26,
  reply: 22,
  fail: 1.5,
  'tell-leaders': 8,
  'tell-leaders-of-before': 1,
  'tell-no-leaders': 0.5,
  'tell-bounds': 8,
  'refuse-bounds': 0.5,
  'refuse-next': 1,
  'damage-next': 1,
  'hand-out': 26,
  pause: 2,
  resume: 3,
  drop: 1,
  assign: 4,
  wait: 18,
} as const

export type FetchStepKind = keyof typeof weights

/** `a` and `b` are 0 up to, not including, 1: they choose among whatever is there when the step is played. */
export interface FetchScheduleStep {
  readonly kind: FetchStepKind
  readonly a: number
  readonly b: number
}

export interface FetchSetup {
  readonly seed: number
  readonly brokers: number
  readonly partitions: number
  readonly maxBytes: number
  readonly partitionBufferBytes: number
  readonly totalBufferBytes: number
  /** At most so many records are taken at once, before all is calm; 0: none. */
  readonly mostTaken: number
  /** How the replica is in the end that is near to the client, which has a rack then; `stuck`: it serves, and nothing new comes to it. */
  readonly replica: 'well' | 'dead' | 'refuses' | 'stuck' | undefined
  /** In the end, the last of several brokers stands still with its connections open, and others lead what it has led. */
  readonly freezes: boolean
  /** In the end, there is for a while always something of all partitions. */
  readonly floods: boolean
}

export interface FetchSchedule {
  readonly setup: FetchSetup
  readonly steps: readonly FetchScheduleStep[]
}

const kinds = Object.keys(weights) as FetchStepKind[]
const totalWeight = kinds.reduce((sum, kind) => sum + weights[kind], 0)

export function fetchScheduleOf(seed: number): FetchSchedule {
  const random = seededRandom(seed)
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T
  const setup: FetchSetup = {
    seed,
    brokers: pick([1, 2, 3]),
    partitions: pick([1, 2, 6]),
    maxBytes: pick([200, 1_000]),
    partitionBufferBytes: pick([150, 600]),
    totalBufferBytes: pick([400, 3_000]),
    mostTaken: pick([0, 2, 12]),
    floods: random() < 0.08,
    replica: replicaAt(random()),
    freezes: seededRandom(seed * 7_919 + 13)() < 0.15,
  }
  const length = pick([20, 70, 160])
  const steps = Array.from({ length }, () => ({ kind: kindAt(random() * totalWeight), a: random(), b: random() }))
  return { setup, steps }
}

/** Few are stuck, as it takes minutes until that is over. */
function replicaAt(point: number): FetchSetup['replica'] {
  if (point < 0.01) return 'stuck'
  if (point < 0.13) return 'well'
  if (point < 0.25) return 'dead'
  return point < 0.37 ? 'refuses' : undefined
}

function kindAt(point: number): FetchStepKind {
  let left = point
  for (const kind of kinds) {
    left -= weights[kind]
    if (left < 0) return kind
  }
  return 'wait'
}
