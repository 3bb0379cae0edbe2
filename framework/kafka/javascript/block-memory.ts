/**
 * The memory of what brokers have sent, used again once its records were handed out. Fresh memory for each response outlives the garbage collector's
 * young generation while it waits, and then lies there until all of memory is looked through: tens of megabytes of it.
 */
import type { KafkaReader } from './binding.ts'

const KILOBYTE = 1_024
/** What is smaller is made anew, and its records are views of it. */
const SMALLEST = 32 * KILOBYTE
/** Sizes are multiples of it, so that the next block finds one that fits. */
const STEP = 64 * KILOBYTE
/** More lies idle no longer. */
const MOST_IDLE = 4_096 * KILOBYTE

export interface BlockBytes {
  readonly bytes: Buffer
  /** Called when nobody looks at the bytes any more. `undefined`: who reads them may keep views of them. */
  readonly release: (() => void) | undefined
}

export class BlockMemory {
  readonly #idle: Buffer[] = []
  #idleBytes = 0

  /** The next `length` bytes, in one piece; a response comes in many. */
  read(reader: KafkaReader, length: number): BlockBytes {
    const from = reader.position
    reader.skip(length)
    if (length < SMALLEST) return { bytes: reader.buffer.slice(from, from + length), release: undefined }
    const memory = this.#take(length)
    let at = 0
    for (const piece of reader.buffer.subarray(from, from + length).buffers) at += piece.copy(memory, at)
    return { bytes: memory.subarray(0, length), release: () => this.#give(memory) }
  }

  /** The smallest that is large enough, and not far too large. */
  #take(length: number): Buffer {
    let best: Buffer | undefined
    for (const each of this.#idle) {
      if (each.length >= length && each.length <= 2 * length + STEP && each.length < (best?.length ?? Infinity))
        best = each
    }
    if (best === undefined) return Buffer.allocUnsafeSlow(Math.ceil(length / STEP) * STEP)
    this.#idle.splice(this.#idle.indexOf(best), 1)
    this.#idleBytes -= best.length
    return best
  }

  #give(memory: Buffer): void {
    if (this.#idleBytes + memory.length > MOST_IDLE) return
    this.#idle.push(memory)
    this.#idleBytes += memory.length
  }
}
