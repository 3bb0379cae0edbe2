/**
 * Counts what a peer in Node has done, checks the order of every key, and takes the times. Its counts lie in shared memory, so that handlers on
 * threads count into the same ones. Knows no Kafka.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { bucketOf } from './histogram.ts'
import type { BenchValue, PeerResult, PeerSettings } from './protocol.ts'

const [DONE, VIOLATIONS, REPEATS, STARTED, HEADER] = [0, 1, 2, 3, 4]
/** Enough for an hour. */
const BUCKETS = 1_000

export function sharedCounts({ keys }: Pick<PeerSettings, 'keys'>): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * (HEADER + 2 * keys + BUCKETS))
}

/** For who counts records without looking at them: nothing is said about their order. */
export function countDone(shared: SharedArrayBuffer): (records: number) => void {
  const header = new Int32Array(shared, 0, HEADER)
  return (records) => {
    Atomics.store(header, STARTED, 1)
    Atomics.add(header, DONE, records)
  }
}

export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

/** Latency counts from when the record was in the log. @param timestamp milliseconds since the Unix epoch */
export function since(timestamp: number, value: BenchValue): BenchValue {
  return { ...value, t: nowUs() - (Date.now() - timestamp) * 1_000 }
}

export class Meter {
  readonly #header: Int32Array
  /** By key: the number of the last record that is done. */
  readonly #last: Int32Array
  /** By key: 1 while a record of it runs. */
  readonly #running: Int32Array
  readonly #buckets: Int32Array
  readonly #latency: boolean
  readonly #ledger: number | undefined

  constructor({ keys, latency, ledger }: PeerSettings, shared: SharedArrayBuffer) {
    const part = (from: number, length: number) => new Int32Array(shared, 4 * from, length)
    this.#header = part(0, HEADER)
    this.#last = part(HEADER, keys)
    this.#running = part(HEADER + keys, keys)
    this.#buckets = part(HEADER + 2 * keys, BUCKETS)
    this.#latency = latency
    this.#ledger = ledger === '' ? undefined : openSync(ledger, 'a')
  }

  begin({ k, n }: BenchValue): void {
    if (Atomics.load(this.#header, STARTED) === 0) Atomics.store(this.#header, STARTED, 1)
    if (k < 0) return
    const last = Atomics.load(this.#last, k)
    if (Atomics.exchange(this.#running, k, 1) !== 0) Atomics.add(this.#header, VIOLATIONS, 1)
    else if (n <= last) Atomics.add(this.#header, REPEATS, 1)
    // Who goes on after a crash begins anywhere in a key, and passes over what was done before.
    else if (n !== last + 1 && this.#ledger === undefined) Atomics.add(this.#header, VIOLATIONS, 1)
  }

  end({ i, k, n, t }: BenchValue): void {
    if (k < 0) return
    Atomics.store(this.#last, k, n)
    Atomics.store(this.#running, k, 0)
    if (this.#latency) Atomics.add(this.#buckets, Math.min(BUCKETS - 1, bucketOf(nowUs() - t)), 1)
    // One write for each record and no buffer of our own: what was written outlives a SIGKILL.
    if (this.#ledger !== undefined) writeSync(this.#ledger, `${i} ${nowUs()}\n`)
    Atomics.add(this.#header, DONE, 1)
  }

  get hasStarted(): boolean {
    return Atomics.load(this.#header, STARTED) === 1
  }

  get done(): number {
    return Atomics.load(this.#header, DONE)
  }

  get violations(): number {
    return Atomics.load(this.#header, VIOLATIONS)
  }

  /** Latencies of the warm-up do not count. */
  forgetLatencies(): void {
    this.#buckets.fill(0)
  }

  result(measured: number, elapsedMs: number): PeerResult {
    return {
      kind: 'done',
      done: this.done,
      measured,
      elapsedMs,
      violations: this.violations,
      repeats: Atomics.load(this.#header, REPEATS),
      latency: [...this.#buckets.entries()].filter(([, count]) => count > 0),
    }
  }

  close(): void {
    if (this.#ledger !== undefined) closeSync(this.#ledger)
  }
}
