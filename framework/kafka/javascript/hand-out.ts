/** Hands out what was fetched, of all partitions in turn, so that keys of every partition show up early. */
import type { PartitionCursor } from './partition-cursor.ts'

export class HandOut<R> {
  /** Have blocks and are not paused. The first is next. */
  readonly #ready = new Set<PartitionCursor<R>>()

  /** Nothing can be handed out now. */
  get isEmpty(): boolean {
    return this.#ready.size === 0
  }

  /** It has got blocks, or is no longer paused. One that is in line keeps its place. */
  offer(cursor: PartitionCursor<R>): void {
    if (cursor.hasBlocks && !cursor.isPaused) this.#ready.add(cursor)
  }

  withdraw(cursor: PartitionCursor<R>): void {
    this.#ready.delete(cursor)
  }

  /**
   * An equal share of each partition, then what is left of the others' shares. What a block throws that cannot be read is thrown when nothing
   * was read before it: its partition stays in line, and is met again.
   * @param onCorrupt is told of a cursor that stands before a damaged batch
   */
  take(max: number, onCorrupt: (cursor: PartitionCursor<R>) => void): R[] {
    const records: R[] = []
    while (records.length < max && this.#ready.size > 0) {
      const share = Math.ceil((max - records.length) / this.#ready.size)
      for (const cursor of [...this.#ready]) {
        this.#ready.delete(cursor)
        try {
          cursor.read(Math.min(share, max - records.length), records)
        } catch (thrown) {
          this.offer(cursor)
          if (records.length === 0) throw thrown
          return records
        }
        onCorrupt(cursor)
        this.offer(cursor)
        if (records.length >= max) break
      }
    }
    return records
  }
}
