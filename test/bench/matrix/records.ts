/** Makes a workload's records, the same ones each time, and sums up what they ask for. Sends nothing. */
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'
import type { BenchValue } from '../peers/protocol.ts'
import type { Workload } from './workloads.ts'

export interface BenchRecord {
  readonly partition: number
  readonly key: Buffer
  readonly value: Buffer
  readonly headers?: readonly Readonly<Record<string, Buffer>>[]
}

/** What a topic's records ask for, from which bounds are computed. Work is in the workload's unit. */
export interface WorkTotals {
  readonly records: number
  readonly work: number
  /** Of the key with the most work, which no order-keeping system can spread. */
  readonly hottestKey: number
}

const SEED = 7

/** Numbers the records of a workload one by one. */
const WANTED = [{ kind: Buffer.from('wanted') }]
const UNWANTED = [{ kind: Buffer.from('other') }]

export class RecordSequence {
  readonly #workload: Workload
  readonly #random = seededRandom(SEED)
  readonly #numbers: Int32Array
  readonly #work: Float64Array
  readonly #keys: readonly Buffer[]
  /** Of Zipf keys: the share of all records that the key and those before it have. */
  readonly #shares: Float64Array
  #next = 0

  constructor(workload: Workload) {
    this.#workload = workload
    this.#numbers = new Int32Array(workload.keys)
    this.#work = new Float64Array(workload.keys)
    this.#keys = Array.from({ length: workload.keys }, (_, key) => Buffer.from(`key-${key}`))
    this.#shares = zipfShares(workload.keyShares === 'zipf' ? workload.keys : 0)
  }

  /** @param intendedUs when it should be sent; 0 where that is not measured */
  next(intendedUs = 0): BenchRecord {
    const { workMin, workMax, partitions, bytes, wantedEvery } = this.#workload
    const i = this.#next++
    const k = this.#keyOf(i)
    const w = workMin + Math.floor(this.#random() * (workMax - workMin + 1))
    const n = (this.#numbers[k] ?? 0) + 1
    this.#numbers[k] = n
    this.#work[k] = (this.#work[k] ?? 0) + w
    return {
      partition: k % partitions,
      key: this.#keys[k] ?? Buffer.alloc(0),
      value: valueBytes({ i, k, n, w, t: intendedUs }, bytes),
      ...(wantedEvery !== undefined && { headers: i % wantedEvery === 0 ? WANTED : UNWANTED }),
    }
  }

  /** Of the records made so far. */
  get totals(): WorkTotals {
    const work = this.#work.reduce((sum, each) => sum + each, 0)
    return { records: this.#next, work, hottestKey: this.#work.reduce((most, each) => Math.max(most, each), 0) }
  }

  #keyOf(i: number): number {
    const { keys, keyShares } = this.#workload
    if (keyShares === 'even') return i % keys
    return firstAbove(this.#shares, this.#random())
  }
}

/** A record that no handler counts: it shows that the partition is being read. */
export function primer(partition: number): BenchRecord {
  return { partition, key: Buffer.from('primer'), value: valueBytes({ i: -1, k: -1, n: 0, w: 0, t: 0 }, 0) }
}

function valueBytes({ i, k, n, w, t }: BenchValue, bytes: number): Buffer {
  const text = `{"i":${i},"k":${k},"n":${n},"w":${w},"t":${t},"pad":"`
  return Buffer.from(`${text}${'x'.repeat(Math.max(0, bytes - text.length - 2))}"}`)
}

export function zipfShares(keys: number): Float64Array {
  const shares = new Float64Array(keys)
  let sum = 0
  for (let key = 0; key < keys; key += 1) {
    sum += 1 / (key + 1)
    shares[key] = sum
  }
  return shares.map((share) => share / sum)
}

function firstAbove(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 1) > value) high = middle
    else low = middle + 1
  }
  return low
}
