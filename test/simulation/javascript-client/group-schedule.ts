/** A schedule of a group: what happens to its members, its coordinator and the connections between them, in which order, as plain data. */
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'

/** How often each kind of step comes, relative to the others. */
const weights = {
  start: 5,
  leave: 1.2,
  kill: 1,
  deliver: 34,
  reply: 34,
  break: 2,
  settle: 8,
  poll: 14,
  'answer-start': 12,
  commit: 12,
  'stall-commits': 2,
  wait: 26,
  'long-wait': 1.5,
  'move-coordinator': 1.2,
  load: 0.8,
  'refuse-next': 2,
  'forget-member': 0.5,
  'fence-member': 0.7,
  'forget-group': 0.15,
  'make-topic-anew': 0.6,
  'send-offsets': 4,
  'answer-offsets': 6,
} as const

export type GroupStepKind = keyof typeof weights

/** `a` and `b` are 0 up to, not including, 1: they choose among whatever is there when the step is played. */
export interface GroupStep {
  readonly kind: GroupStepKind
  readonly a: number
  readonly b: number
}

export interface GroupSetup {
  readonly seed: number
  readonly slots: number
  readonly partitions: number
  /** Those of the first slots have a name, which their next process has again. */
  readonly staticSlots: number
  /** The first two slots have the same one. */
  readonly sharesName: boolean
  readonly rebalanceTimeoutMs: number
  /** How long the hook of a revoke takes when all else is calm; Infinity: it never settles. */
  readonly hookMs: number
  /** Its members have the assignments of a consumer around their membership: the hook of one revoke after the other. Else all hooks at once. */
  readonly hasAssignments: boolean
  /** The calm begins with the end of every connection: what was told last was not heard. */
  readonly breaksFirst: boolean
}

export interface GroupSchedule {
  readonly setup: GroupSetup
  readonly steps: readonly GroupStep[]
}

const kinds = Object.keys(weights) as GroupStepKind[]
const totalWeight = kinds.reduce((sum, kind) => sum + weights[kind], 0)

export function groupScheduleOf(seed: number): GroupSchedule {
  const random = seededRandom(seed)
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T
  const staticSlots = pick([0, 0, 1, 3])
  const rebalanceTimeoutMs = pick([10_000, 10_000, 30_000])
  const hasAssignments = random() < 0.5
  // A consumer begins nothing while a hook runs: what never settles would end it. This is longer than it is waited for.
  const longHookMs = hasAssignments ? 0.9 * rebalanceTimeoutMs : Number.POSITIVE_INFINITY
  const setup: GroupSetup = {
    seed,
    slots: pick([1, 2, 3]),
    partitions: pick([1, 2, 5]),
    staticSlots,
    sharesName: staticSlots > 1 && random() < 0.3,
    rebalanceTimeoutMs,
    hasAssignments,
    hookMs: pick([0, 0, 700, longHookMs]),
    breaksFirst: random() < 0.3,
  }
  const length = pick([15, 50, 120])
  const steps = Array.from({ length }, () => ({ kind: kindAt(random() * totalWeight), a: random(), b: random() }))
  return { setup, steps }
}

function kindAt(point: number): GroupStepKind {
  let left = point
  for (const kind of kinds) {
    left -= weights[kind]
    if (left < 0) return kind
  }
  return 'wait'
}
