/** One partition of a replayed load: what has come, what is done, and which records wait for which keys. Not a test itself. */
import type { PartitionWork } from '../../../framework/model/workload.ts'
import type { Load } from './loads.ts'

/** Records of one partition that a process keeps in memory at most: the default of `limits.maxRecordsPerPartition`. */
const MOST_IN_MEMORY = 10_000

export class ReplayedPartition {
  readonly partition: number
  /** Offsets that each record takes: 2 where a transaction's marker follows. */
  readonly #stride: number
  readonly #heldKey: number | undefined
  /** By place in the log. */
  readonly #arrivedAt: number[] = []
  readonly #isDone: boolean[] = []
  /** Places that wait, by key; the key whose turn it is comes first. */
  readonly #waiting = new Map<number, number[]>()
  #lowest = 0
  #done = 0
  /** No two partitions have the same. */
  #epoch: number
  /** Nothing of it runs before: it moves to another process. */
  #movingUntil = 0
  /** Average of the last second. */
  #inFlight = 0
  /** The longest that a record has waited, but for those of the key that was held. Seconds. */
  longestWait = 0

  constructor(partition: number, { stride, held }: Load) {
    this.#heldKey = held?.key
    this.partition = partition
    this.#epoch = partition * 1_000_000
    this.#stride = stride
  }

  get backlog(): number {
    return this.#arrivedAt.length - this.#done
  }

  /** As the group's commits and the broker tell it: end of the log minus what is committed. The client steps over markers at the end. */
  get lag(): number {
    return (this.#arrivedAt.length - this.#lowest) * this.#stride
  }

  get committed(): number {
    return this.#lowest * this.#stride
  }

  get inFlight(): number {
    return this.#inFlight
  }

  come(second: number, key: number): void {
    const waiting = this.#waiting.get(key)
    const place = this.#arrivedAt.length
    if (waiting === undefined) this.#waiting.set(key, [place])
    else waiting.push(place)
    this.#arrivedAt.push(second)
    this.#isDone.push(false)
  }

  /** It belongs to another process from now on. */
  move(second: number, pauseSeconds: number): void {
    this.#epoch += 1
    this.#movingUntil = second + pauseSeconds
    this.#inFlight = 0
  }

  /**
   * One second of work.
   * @param most records that all slots can do
   * @param mostPerKey records that one slot can do
   * @param isHeld whether records of this key cannot run
   * @returns how many were done
   */
  run(second: number, most: number, mostPerKey: number, isHeld: (key: number) => boolean): number {
    let left = second < this.#movingUntil ? 0 : most
    for (const [key, places] of [...this.#waiting]) {
      if (left === 0) break
      if (isHeld(key)) continue
      const done = places.splice(0, Math.min(left, mostPerKey))
      left -= done.length
      this.#waiting.delete(key)
      if (places.length > 0) this.#waiting.set(key, places)
      for (const place of done) this.#complete(place, key === this.#heldKey ? 0 : second)
    }
    while (this.#isDone[this.#lowest] === true) this.#lowest += 1
    return most - left
  }

  /** @param inFlight attempts, on the average of this second */
  ended(inFlight: number): void {
    this.#inFlight = Math.min(this.backlog, inFlight)
  }

  work(mostPerKey: number, isHeld: (key: number) => boolean): PartitionWork {
    let free = 0
    let runnable = 0
    for (const [key, places] of this.#waiting) {
      if (isHeld(key)) continue
      free += 1
      runnable += Math.min(places.length, mostPerKey)
    }
    const records = Math.min(this.backlog, MOST_IN_MEMORY)
    return {
      partition: this.partition,
      epoch: this.#epoch,
      logEnd: this.#arrivedAt.length * this.#stride,
      records,
      notArrived: this.backlog * this.#stride - records,
      inFlight: this.#inFlight,
      queued: records - this.#inFlight,
      startable: Math.max(0, free - this.#inFlight),
      runnable: Math.max(0, Math.min(records, runnable) - this.#inFlight),
      isFull: records === MOST_IN_MEMORY,
      oldestAt: null,
    }
  }

  #complete(place: number, second: number): void {
    this.#isDone[place] = true
    this.#done += 1
    this.longestWait = Math.max(this.longestWait, second - (this.#arrivedAt[place] ?? second))
  }
}
