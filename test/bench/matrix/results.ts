/** What the benchmark writes down: the shape of bench-results/*.json, from which table, report and README are made. Types, and how runs become cells. */
import type { Bound } from './bounds.ts'
import { type Spread, spreadOf } from './statistics.ts'

export type Run = RateRun | LatencyRun | RecoveryRun | MemoryRun | CutOffRun | FailedRun

export interface FailedRun {
  readonly kind: 'failed'
  readonly why: string
}

/** Nothing is wrong with the system: topic or window was too short for it. */
export interface CutOffRun {
  readonly kind: 'cut-off'
  readonly why: string
}

export interface RateRun {
  readonly kind: 'rate'
  readonly perSecond: number
  readonly done: number
  /** Processor time of one record, all processes of the system together; `undefined` where it cannot be known. */
  readonly cpuUs: number | undefined
  readonly peakBytes: number | undefined
}

export interface MemoryRun {
  readonly kind: 'memory'
  readonly perSecond: number
  readonly done: number
  /** Of all processes of the system together; `undefined` where it cannot be known. */
  readonly peakBytes: number | undefined
  /** The peak until a tenth of the backlog was done; `undefined` when it did not get so far. */
  readonly peakBytesAtTenth: number | undefined
}

/** Milliseconds from the intended send time to the end of the handler. */
export interface LatencyRun {
  readonly kind: 'latency'
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly perSecond: number
  readonly sent: number
  /** Not done when the run was over. They count in the percentiles as if done then, so the truth is worse. */
  readonly unfinished: number
  /** How late the producer itself was, at its 99th percentile. */
  readonly producerLateMs: number
}

export interface RecoveryRun {
  readonly kind: 'recovery'
  readonly doneBefore: number
  /** Done before SIGKILL, and done again after it. */
  readonly executedAgain: number
  /** Done so shortly before SIGKILL that no commit could have told of them. */
  readonly uncommitted: number
  /** Never done. */
  readonly lost: number
}

export type CellState = 'measured' | 'cut-off' | 'failed' | 'unavailable'

export interface Cell {
  readonly workload: string
  readonly system: string
  readonly state: CellState
  /** Why it failed, was cut off, or is not there. */
  readonly why?: string
  readonly runs: readonly Run[]
  /** Records a second over the repetitions. */
  readonly rate?: Spread
  readonly bound?: Bound
  /** The median over the bound. */
  readonly fraction?: number
}

export interface SystemFacts {
  readonly name: string
  readonly title: string
  readonly version: string
  /** Why it is not there. */
  readonly unavailable?: string
}

export interface CurvePoint {
  readonly x: number
  readonly usPerRecord: Spread
}

export interface Curve {
  readonly name: 'keys' | 'partitions' | 'in flight'
  readonly points: readonly CurvePoint[]
}

export interface MatrixResult {
  readonly format: 1
  /** ISO 8601. */
  readonly at: string
  readonly quick: boolean
  readonly repetitions: number
  readonly tookMs: number
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryBytes: number
    readonly os: string
    readonly node: string
  }
  readonly kafka: string
  readonly commit: string
  readonly systems: readonly SystemFacts[]
  readonly workloads: readonly { readonly id: string; readonly letter: string; readonly title: string }[]
  readonly cells: readonly Cell[]
  readonly curves: readonly Curve[]
}

/** A cell of the runs of one system on one workload. One run that failed fails the cell: a system that loses order once is not fast. One that was cut off counts for nothing. */
export function cellOf(workload: string, system: string, runs: readonly Run[], bound: Bound | undefined): Cell {
  const failed = runs.find((run) => run.kind === 'failed')
  const rate = spreadOf(runs.flatMap((run) => (run.kind === 'rate' ? [run.perSecond] : [])))
  if (failed !== undefined) return { workload, system, state: 'failed', why: failed.why, runs }
  const [first] = runs
  if (first?.kind === 'cut-off' && runs.every(({ kind }) => kind === 'cut-off'))
    return { workload, system, state: 'cut-off', why: first.why, runs }
  const measured = { workload, system, state: 'measured', runs } as const
  // Latency, memory and recovery are no rates, and a bound in records a second says nothing of them.
  if (rate === undefined) return measured
  return bound === undefined
    ? { ...measured, rate }
    : { ...measured, rate, bound, fraction: rate.median / bound.perSecond }
}

export function unavailableCell(workload: string, system: string, why: string): Cell {
  return { workload, system, state: 'unavailable', why, runs: [] }
}
