/** The workloads of the benchmark, as issue and README name them: how many records, which keys, what a handler does. Runs nothing. */
import type { WorkKind } from '../peers/protocol.ts'

export type WorkloadKind = 'throughput' | 'latency' | 'recovery' | 'memory'

export interface Workload {
  /** `c-10`: the letter, and what makes it another cell than its neighbours. Unique. */
  readonly id: string
  readonly letter: string
  readonly title: string
  readonly kind: WorkloadKind
  readonly partitions: number
  readonly keys: number
  /** `even`: each key comes as often as any other. `zipf`: the r-th comes 1/r as often as the first. */
  readonly keyShares: 'even' | 'zipf'
  readonly work: WorkKind
  /** Milliseconds or rounds, both included; drawn evenly where they differ. */
  readonly workMin: number
  readonly workMax: number
  readonly concurrency: number
  /** Of a value, at least. */
  readonly bytes: number
  /** `window`: the rate in the middle of the run. `whole`: from the first record to the last, where what was put off must be paid for. */
  readonly measured: 'window' | 'whole'
  readonly stuckKey: boolean
  /** The handler publishes each record again, behind its work. Default false. */
  readonly publishes?: boolean
  /** One record of so many has the header `kind: wanted`, the others `kind: other`; undefined: no record has a header. */
  readonly wantedEvery?: number
  /** Repetitions beyond these are not worth their time. */
  readonly mostRepetitions: number
}

const basis = {
  kind: 'throughput',
  keyShares: 'even',
  work: 'sleep',
  workMin: 0,
  workMax: 0,
  concurrency: 100,
  bytes: 200,
  measured: 'window',
  stuckKey: false,
  mostRepetitions: 1_000,
} as const

function noOp(partitions: number): Workload {
  const title = `no-op, 1,000 keys, ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`
  return { ...basis, id: `a-${partitions}p`, letter: 'a', title, partitions, keys: 1_000, work: 'none' }
}

function randomWork(keys: number): Workload {
  const title = `0 to 5 ms, 1 partition, ${keys.toLocaleString('en')} ${keys === 1 ? 'key' : 'keys'}, 100 in flight`
  return { ...basis, id: `c-${keys}`, letter: 'c', title, partitions: 1, keys, workMax: 5 }
}

function hashing(rounds: number): Workload {
  const title = `SHA-256, ${rounds.toLocaleString('en')} rounds, 4 partitions, 100 keys`
  const amount = { workMin: rounds, workMax: rounds }
  return { ...basis, id: `d-${rounds}`, letter: 'd', title, partitions: 4, keys: 100, work: 'sha256', ...amount }
}

function slowCalls(ms: number, concurrency: number): Workload {
  const title = `I/O of ${ms} ms, 8 partitions, 1,000 keys, ${concurrency.toLocaleString('en')} in flight`
  const amount = { workMin: ms, workMax: ms, concurrency }
  return { ...basis, id: `e-${ms}ms-${concurrency}`, letter: 'e', title, partitions: 8, keys: 1_000, ...amount }
}

function latency(stuckKey: boolean): Workload {
  const title = `latency at half the bare loop's rate${stuckKey ? ', one stuck key beside it' : ''}`
  const keys = { partitions: 8, keys: 1_000, work: 'none', mostRepetitions: 2 } as const
  return { ...basis, id: stuckKey ? 'g-stuck' : 'g-free', letter: 'g', title, kind: 'latency', stuckKey, ...keys }
}

export const workloads: readonly Workload[] = [
  noOp(1),
  noOp(8),
  {
    ...basis,
    id: 'b',
    letter: 'b',
    title: 'I/O of 5 ms, 4 partitions, 100 keys, 100 in flight',
    partitions: 4,
    keys: 100,
    workMin: 5,
    workMax: 5,
  },
  ...[1, 10, 100, 10_000].map(randomWork),
  ...[500, 5_000].map(hashing),
  ...[10, 100].flatMap((ms) => [100, 5_000].map((concurrency) => slowCalls(ms, concurrency))),
  {
    ...basis,
    id: 'f',
    letter: 'f',
    title: 'Zipf keys, 1 ms, 8 partitions, 1,000 keys, 100 in flight',
    partitions: 8,
    keys: 1_000,
    keyShares: 'zipf',
    workMin: 1,
    workMax: 1,
    measured: 'whole',
  },
  latency(false),
  latency(true),
  {
    ...basis,
    id: 'h',
    letter: 'h',
    title: 'records executed again after SIGKILL, one stuck key, 10 ms, 1 partition',
    kind: 'recovery',
    partitions: 1,
    keys: 1_000,
    workMin: 10,
    workMax: 10,
    stuckKey: true,
    mostRepetitions: 1,
  },
  {
    ...basis,
    id: 'i',
    letter: 'i',
    title: 'peak memory, 1,000,000 records of 1 KB, 1 ms, 8 partitions',
    kind: 'memory',
    partitions: 8,
    keys: 1_000,
    workMin: 1,
    workMax: 1,
    bytes: 1_024,
    mostRepetitions: 1,
  },
]

/** 1 KB comes in, and 1 KB goes out. */
function published(id: string, what: string, work: Pick<Workload, 'work' | 'workMin' | 'workMax'>): Workload {
  const title = `${what}, each record of 1 KB is published again, 8 partitions, 100 keys, 100 in flight`
  return { ...basis, id, letter: 'x', title, partitions: 8, keys: 100, bytes: 1_024, publishes: true, ...work }
}

/** For comparisons of their own: `npm run bench` runs them only when asked to. */
const others: readonly Workload[] = [
  {
    ...noOp(8),
    id: 'accept',
    letter: 'accept',
    title: 'no-op, 1,000 keys, 8 partitions, 1 record of 100 is wanted, as its header says',
    wantedEvery: 100,
  },
  published('x-none', 'no-op', { work: 'none', workMin: 0, workMax: 0 }),
  published('x-5ms', 'I/O of 5 ms', { work: 'sleep', workMin: 5, workMax: 5 }),
]

/**
 * @param names letters or ids; `undefined`: all
 * @throws Error naming what is not known
 */
export function selectWorkloads(names: readonly string[] | undefined): readonly Workload[] {
  if (names === undefined) return workloads
  const all = [...workloads, ...others]
  const unknown = names.find((name) => !all.some(({ id, letter }) => name === id || name === letter))
  if (unknown !== undefined) {
    const known = [...new Set(all.flatMap(({ id, letter }) => [letter, id]))]
    throw new Error(`There is no workload ${unknown}. There are ${known.join(', ')}.`)
  }
  return all.filter(({ id, letter }) => names.includes(id) || names.includes(letter))
}

const quickIds = ['a-8p', 'b', 'c-100', 'd-500', 'g-free']

/** What fits into a minute. */
export const quickWorkloads: readonly Workload[] = workloads.filter(({ id }) => quickIds.includes(id))
