/** A schedule: what happens, in which order, as plain data. Any part of a schedule is a schedule, so failing ones can be shortened. */

import type { AdaptiveSettings, PoisonSettings, Predecessor, RecoveryStrategy } from '../../framework/model/settings.ts'
import type { Ordering } from '../../framework/model/work.ts'
import { seededRandom } from '../../framework/runtime/seeded-random.ts'

/** How often each kind of step comes, relative to the others. */
const weights = {
  produce: 14,
  poll: 18,
  start: 20,
  complete: 30,
  'take-dead-letters': 4,
  'answer-dead-letter': 5,
  commit: 8,
  'answer-commit': 8,
  assign: 24,
  'begin-revoke': 1,
  'finish-revoke': 6,
  lose: 0.6,
  crash: 0.4,
  'truncate-below': 0.7,
  'truncate-above': 0.4,
  recreate: 0.2,
  compact: 1,
  'foreign-metadata': 0.4,
  wait: 6,
  pause: 0.7,
  resume: 1.5,
} as const

/** Somebody's hand. */
const actions = [
  ...(['retry-now', 'retry-now', 'give-up'] as const),
  ...(['close-breaker', 'close-breaker', 'close-breaker'] as const),
] as const

export type StepKind = keyof typeof weights | (typeof actions)[number]

/** `a` and `b` are 0 up to, not including, 1: they choose among whatever is there when the step is played. */
export interface Step {
  readonly kind: StepKind
  readonly a: number
  readonly b: number
}

export interface Setup {
  readonly seed: number
  readonly ordering: Ordering
  readonly recovery: RecoveryStrategy
  /** Whose metadata the members believe beside their own. */
  readonly takeOver: Predecessor | 'none'
  readonly partitions: number
  readonly keys: number
  readonly concurrency: number
  readonly maxRecords: number
  readonly maxRecordsPerPartition: number
  readonly attempts: number
  readonly hasDeadLetters: boolean
  readonly maxMetadataLength: number
  readonly maxOffsetSpan: number
  /** 0 to 1: how often an attempt does not succeed. */
  readonly failureRate: number
  /** Every so many records, one that never succeeds while the weather is not calm, nor does a batch with it as a whole. */
  readonly badEvery: number | undefined
  /** 0 to 1: how many of those were interrupted. */
  readonly interruptedShare: number
  /** The delay before the second attempt. Milliseconds. */
  readonly retryMinMs: number
  readonly rateLimit: number | undefined
  readonly adaptive: AdaptiveSettings | undefined
  readonly poison: PoisonSettings | undefined
  readonly maxBlockingMs: number | undefined
  readonly maxAgeMs: number | undefined
  /** After two thirds of it without an acknowledged commit nothing may start. Milliseconds. */
  readonly sessionTimeoutMs: number
  readonly maxUncommitted: number
  /** What the coordinator takes: characters of metadata of a partition; and of a request, each partition of which counts as 10 more. */
  readonly brokerMetadata: number
  readonly brokerRequest: number
  /** Until the weather is calm, commits of the first partition are refused. */
  readonly refusesFirst: boolean
  /** 0 to 1: how many records the handler's `accept` says no to. */
  readonly leftOutShare: number
  /** What becomes of a record out of attempts. */
  readonly then: 'dead-letter' | 'park' | 'park-alone'
  /** 0 to 1: how many records the handler's `notBefore` has an answer for. */
  readonly delayShare: number
  /** 0 to 1: how many attempts find that a value cannot be read yet. */
  readonly unreadyShare: number
  /** Undefined: a call for each record. */
  readonly batch: { readonly size: number; readonly waitMs: number } | undefined
}

/** What the handler's `accept` says no to. */
export function isNotAccepted({ seed, leftOutShare }: Setup, uid: number): boolean {
  return leftOutShare > 0 && seededRandom(seed * 613 + uid)() < leftOutShare
}

/** A record whose time is further away is given up. Milliseconds. */
export const MAX_DELAY_MS = 1_000

/** What the handler's `notBefore` says: a time by the game's clock, that there is none to wait for, or nothing. */
export function notBeforeOf({ seed, delayShare }: Setup, uid: number, at: number): number | string | undefined {
  const random = seededRandom(seed * 389 + uid)
  if (at < 0 || random() >= delayShare) return undefined
  const kind = random()
  if (kind < 0.1) return 'no time'
  return at + Math.floor(kind < 0.2 ? 5 * MAX_DELAY_MS : random() * 0.9 * MAX_DELAY_MS)
}

export interface Schedule {
  readonly setup: Setup
  readonly steps: readonly Step[]
}

const NEVER = Number.POSITIVE_INFINITY
const kinds = Object.keys(weights) as (keyof typeof weights)[]
const totalWeight = kinds.reduce((sum, kind) => sum + weights[kind], 0)

export function scheduleOf(seed: number): Schedule {
  const random = seededRandom(seed)
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T
  const maxRecords = pick([8, 20, 60, 1_000])
  // By numbers of their own, so that a seed is still the schedule that it was.
  const chance = seededRandom(seed * 7_919 + 13)
  const choose = <T>(choices: readonly T[]): T => choices[Math.floor(chance() * choices.length)] as T
  const setup: Setup = {
    seed,
    sessionTimeoutMs: choose([NEVER, NEVER, NEVER, NEVER, 3_000]),
    maxUncommitted: choose([NEVER, NEVER, 12, 3]),
    brokerMetadata: choose([NEVER, NEVER, NEVER, NEVER, NEVER, 9, 6]),
    brokerRequest: choose([NEVER, NEVER, NEVER, NEVER, NEVER, 40, 12]),
    refusesFirst: choose([false, false, false, false, true]),
    leftOutShare: choose([0, 0, 0, 0, 0, 0, 0.3, 0.9]),
    ordering: pick(['key', 'key', 'key', 'partition', 'unordered'] as const),
    recovery: pick(['metadata', 'metadata', 'metadata', 'contiguous'] as const),
    takeOver: choose(['none', 'parallel-consumer', 'pyrallel-consumer'] as const),
    partitions: pick([1, 2, 3]),
    keys: pick([1, 3, 8, 50]),
    concurrency: pick([1, 2, 5, 30]),
    maxRecords,
    maxRecordsPerPartition: pick([8, 30, maxRecords]),
    attempts: pick([1, 2, 4, 9]),
    hasDeadLetters: random() < 0.8,
    // Below 30 characters not much fits, so overflow and the brake before it are met often.
    maxMetadataLength: pick([4_095, 4_095, 24, 14]),
    maxOffsetSpan: pick([1_000_000, 12, 3]),
    failureRate: pick([0, 0.1, 0.4, 0.8]),
    badEvery: pick([undefined, undefined, 4]),
    interruptedShare: pick([0.15, 0.15, 0.8]),
    retryMinMs: pick([10, 10, 400]),
    rateLimit: pick([undefined, undefined, undefined, 20]),
    adaptive: pick([undefined, undefined, { min: 1, intervalMs: 50 }]),
    // The config allows neither without a dead-letter topic. The control plane does not rely on it.
    poison: pick([undefined, { threshold: pick([1, 2, 2]), cooldownMs: 700 }]),
    maxBlockingMs: pick([undefined, undefined, 250]),
    maxAgeMs: pick([undefined, undefined, 300]),
    then: thenOf(seed),
    unreadyShare: unreadyOf(seed),
    delayShare: choose([0, 0, 0, 0, 0, 0, 0.2, 0.7]),
    batch: pick([undefined, undefined, { size: 2, waitMs: 0 }, { size: 3, waitMs: 200 }, { size: 8, waitMs: 600 }]),
  }
  // The oracle judges the moment at which a record that blocks is given up, and while nothing starts that waits, too.
  // So does a breaker: it counts from the moment at which a record that leaves its partition no room is given up.
  const isTight = setup.maxOffsetSpan < 1_000 || setup.maxMetadataLength < 1_000 || setup.brokerMetadata < NEVER
  // A parked record goes at such a moment, too.
  const isJudged =
    setup.maxBlockingMs !== undefined ||
    setup.delayShare > 0 ||
    ((setup.poison !== undefined || setup.then !== 'dead-letter') && isTight)
  const stops = isJudged ? { sessionTimeoutMs: NEVER, maxUncommitted: NEVER, refusesFirst: false } : {}
  const steps: Step[] = []
  const length = pick([40, 120, 250])
  for (let i = 0; i < length; i += 1) steps.push({ kind: kindAt(random() * totalWeight), a: random(), b: random() })
  return { setup: { ...setup, ...stops }, steps: withActions(steps, seed) }
}

/** By numbers of its own: a seed is else the schedule that it was. */
function thenOf(seed: number): Setup['then'] {
  const share = seededRandom(seed * 15_485_863 + 3)()
  if (share < 0.7) return 'dead-letter'
  return share < 0.85 ? 'park' : 'park-alone'
}

/** The same. */
function unreadyOf(seed: number): number {
  const share = seededRandom(seed * 32_452_843 + 5)()
  if (share < 0.8) return 0
  return share < 0.9 ? 0.15 : 0.5
}

/** Every other schedule has some, between the steps that it had without. */
function withActions(steps: readonly Step[], seed: number): readonly Step[] {
  const random = seededRandom(seed * 104_729 + 7)
  if (random() < 0.5) return steps
  return steps.flatMap((step) => {
    if (random() < 0.85) return [step]
    return [step, { kind: actions[Math.floor(random() * actions.length)] ?? 'wait', a: random(), b: random() }]
  })
}

function kindAt(point: number): StepKind {
  let left = point
  for (const kind of kinds) {
    left -= weights[kind]
    if (left < 0) return kind
  }
  return 'wait'
}

/**
 * A shorter schedule that still fails: takes out ever smaller pieces for as long as what is left fails (delta debugging, Zeller 1999).
 * @param maxTries bounds the time
 */
export function shorten<Of extends { readonly steps: readonly unknown[] }>(
  schedule: Of,
  fails: (candidate: Of) => boolean,
  maxTries = 2_000,
): Of {
  const shortening = shortened(schedule, maxTries)
  let next = shortening.next()
  while (next.done !== true) next = shortening.next(fails(next.value))
  return next.value
}

/** Gives schedules to try, and is given whether each of them fails, too. In the end it returns the shortest that does. */
export function* shortened<Of extends { readonly steps: readonly unknown[] }>(
  schedule: Of,
  maxTries = 2_000,
): Generator<Of, Of, boolean> {
  let steps = schedule.steps
  let tries = 0
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    let hasShrunk = true
    while (hasShrunk && tries < maxTries) {
      hasShrunk = false
      for (let from = 0; from < steps.length && tries < maxTries; ) {
        const candidate = [...steps.slice(0, from), ...steps.slice(from + size)]
        tries += 1
        if (candidate.length < steps.length && (yield { ...schedule, steps: candidate })) {
          steps = candidate
          hasShrunk = true
        } else {
          from += size
        }
      }
    }
  }
  return { ...schedule, steps }
}

export function describe({ setup, steps }: Schedule): string {
  const lines = steps.map(
    (step, i) => `  ${String(i + 1).padStart(3)}  ${step.kind} ${step.a.toFixed(3)} ${step.b.toFixed(3)}`,
  )
  return [`setup ${JSON.stringify(setup)}`, ...lines].join('\n')
}
