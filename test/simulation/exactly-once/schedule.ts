/** A schedule of an exactly-once group: what happens, in which order, as plain data. */
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'

const weights = {
  poll: 12,
  start: 16,
  complete: 30,
  cut: 16,
  'end-cut': 10,
  'tell-cut': 7,
  assign: 12,
  revoke: 2,
  'finish-revoke': 6,
  'take-away': 1.5,
  'tell-loss': 5,
  crash: 0.5,
  wait: 8,
} as const

export type StepKind = keyof typeof weights

/** `a` and `b` are 0 up to, not including, 1: they choose among whatever is there when the step is played. */
export interface Step {
  readonly kind: StepKind
  readonly a: number
  readonly b: number
}

export interface Setup {
  readonly seed: number
  readonly ordering: 'key' | 'unordered'
  readonly partitions: number
  readonly keys: number
  readonly records: number
  readonly batch: number
  readonly concurrency: number
  readonly attempts: number
  readonly deadLetterTopic: string | null
  /** UTF-16 units of metadata that the client sends, and that the coordinator takes. */
  readonly maxMetadataLength: number
  readonly brokerMetadataLength: number
  readonly maxBytes: number
  /** Part of the records whose outputs are too large for their topic. */
  readonly tooLarge: number
  /** Part of the dead letters that are too large while they have their value. */
  readonly largeLetters: number
  /** Part of the records of which nothing is published. */
  readonly silent: number
}

export interface Schedule {
  readonly setup: Setup
  readonly steps: readonly Step[]
}

const STEPS = 400

export function scheduleOf(seed: number): Schedule {
  const random = seededRandom(seed)
  const choose = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const setup: Setup = {
    seed,
    ordering: choose(['key', 'key', 'unordered'] as const),
    partitions: choose([1, 2, 3]),
    keys: choose([1, 3, 8]),
    records: choose([10, 30, 80]),
    batch: choose([1, 1, 3]),
    concurrency: choose([8, 40]),
    attempts: choose([1, 2, 3]),
    deadLetterTopic: choose(['orders.dlq', 'orders.dlq', null]),
    maxMetadataLength: choose([4_095, 20, 21, 22, 24]),
    brokerMetadataLength: choose([4_096, 4_096, 17]),
    maxBytes: choose([1_000_000, 1_000_000, 4_000, 1_500]),
    tooLarge: choose([0, 0, 0.05, 0.2]),
    largeLetters: choose([0, 0.5]),
    silent: choose([0, 0.3]),
  }
  // Who is to blame is looked for among the first that were done, and of parts of batches not all have room in some characters.
  if (setup.batch > 1 && setup.tooLarge > 0)
    Object.assign(setup, { maxMetadataLength: 4_095, brokerMetadataLength: 4_096 })
  const kinds = Object.keys(weights) as StepKind[]
  const total = kinds.reduce((sum, kind) => sum + weights[kind], 0)
  const pick = (): StepKind => {
    let left = random() * total
    for (const kind of kinds) {
      left -= weights[kind]
      if (left < 0) return kind
    }
    return 'poll'
  }
  return { setup, steps: Array.from({ length: STEPS }, () => ({ kind: pick(), a: random(), b: random() })) }
}

export function describe({ setup, steps }: Schedule): string {
  return [JSON.stringify(setup), ...steps.map(({ kind, a, b }) => `  ${kind} ${a.toFixed(3)} ${b.toFixed(3)}`)].join(
    '\n',
  )
}
