/** Dead letters that wait to be published: in the order of the log, one of a key at a time. Publishes nothing. */
import type { PartitionMarks } from './partition-marks.ts'
import type { DueLetter } from './replay-intake.ts'

/**
 * What is read ahead at most, beside one poll. Each time that nothing more is read, the client drops what it has fetched, some thousand records, and fetches them
 * again: so it happens seldom.
 */
const MAX_LETTERS = 10_000
const MAX_BYTES = 32 * 1_024 * 1_024
/** Once full, it has room again at this part of it. */
const ROOM_AT = 0.5

export class LetterQueue {
  /** Of each key at most one: the next to go. */
  readonly #ready: DueLetter[] = []
  /** Behind one that is ready or on its way, by key. */
  readonly #behind = new Map<string, DueLetter[]>()
  #size = 0
  #bytes = 0
  #isFull = false

  get isEmpty(): boolean {
    return this.#size === 0
  }

  get hasRoom(): boolean {
    return !this.#isFull
  }

  push(due: DueLetter): void {
    this.#size += 1
    this.#bytes += bytesOf(due)
    if (this.#size >= MAX_LETTERS || this.#bytes >= MAX_BYTES) this.#isFull = true
    const key = keyOf(due)
    const behind = key === undefined ? undefined : this.#behind.get(key)
    if (behind !== undefined) behind.push(due)
    else this.#makeReady(due, key)
  }

  get next(): DueLetter | undefined {
    return this.#ready[0]
  }

  /** The next one is on its way. Those of its key stay until `release`. */
  take(): void {
    const due = this.#ready.shift()
    if (due !== undefined) this.#forget(due)
  }

  /** Its publish was acknowledged: the next of its key may go. */
  release(due: DueLetter): void {
    const key = keyOf(due)
    if (key === undefined) return
    const next = this.#behind.get(key)?.shift()
    if (next === undefined) this.#behind.delete(key)
    else this.#ready.push(next)
  }

  /** The partition is somebody else's now. @returns the lowest offset that was waiting */
  drop(marks: PartitionMarks): number | undefined {
    const offsets: number[] = []
    const isOther = (due: DueLetter) => {
      if (due.marks !== marks) return true
      offsets.push(due.letter.record.offset)
      this.#forget(due)
      return false
    }
    for (const [key, behind] of this.#behind) this.#behind.set(key, behind.filter(isOther))
    const dropped = this.#ready.filter((due) => due.marks === marks)
    const kept = this.#ready.filter(isOther)
    this.#ready.splice(0, this.#ready.length, ...kept)
    for (const due of dropped) this.release(due)
    return offsets.length === 0 ? undefined : offsets.reduce((least, offset) => Math.min(least, offset))
  }

  #makeReady(due: DueLetter, key: string | undefined): void {
    if (key !== undefined) this.#behind.set(key, [])
    this.#ready.push(due)
  }

  #forget(due: DueLetter): void {
    this.#size -= 1
    this.#bytes -= bytesOf(due)
    if (this.#size <= MAX_LETTERS * ROOM_AT && this.#bytes <= MAX_BYTES * ROOM_AT) this.#isFull = false
  }
}

/** Undefined for a letter that may be sent beside any other. */
function keyOf({ target, letter }: DueLetter): string | undefined {
  const { key } = letter.record
  return key === null ? undefined : `${target}/${key.toString('latin1')}`
}

function bytesOf({ letter }: DueLetter): number {
  const { key, value } = letter.record
  return (key?.length ?? 0) + (value?.length ?? 0)
}
