/** How the control plane tells what becomes of records while somebody looks on. While nobody does, a record costs one look at an undefined. */
import type { KafkaRecord, TopicPartition } from './record.ts'
import type { CompletionEvent, Epoch, WorkItem } from './work.ts'

/** One member of one group. Must not throw, and changes nothing. Times are milliseconds since the Unix epoch. */
export interface RecordWatch {
  /** A record was taken in, and is in line. */
  onTaken(handlerId: string, epoch: Epoch, record: KafkaRecord, now: number): void
  /** The item was handed to its engine. */
  onStarted(item: WorkItem, now: number): void
  /**
   * An attempt of a present assignment has ended.
   * @param isDone of each record of the item: whether it is complete by that
   */
  onEnded(item: WorkItem, completion: CompletionEvent, isDone: readonly boolean[], now: number): void
  /** A commit was acknowledged: everything below `position` is stored as done. */
  onAcknowledged(of: TopicPartition & { readonly epoch: Epoch }, position: number, now: number): void
  /** What an attempt has published was acknowledged. Only of handlers on the event loop. */
  onPublished(item: WorkItem, topic: string): void
}

/** Where a member looks whether somebody looks on. */
export interface WatchedBy {
  readonly watch: RecordWatch | undefined
}

export const unwatched: WatchedBy = { watch: undefined }

/** Makes the watch of a group. */
export type WatchOf = (group: string) => RecordWatch

/** Says to all groups of a process who looks on, to those that begin later too. Outlives the runtimes that it is given to. */
export class WatchPoint {
  readonly #groups = new Map<string, { watch: RecordWatch | undefined }>()
  readonly #watching = new Set<WatchOf>()

  /** The same object for the same group, however often it begins. */
  of(group: string): WatchedBy {
    const known = this.#groups.get(group)
    if (known !== undefined) return known
    const made = { watch: this.#watchOf(group) }
    this.#groups.set(group, made)
    return made
  }

  /** Somebody looks on, until `remove`. */
  add(watchOf: WatchOf): void {
    this.#watching.add(watchOf)
    this.#tellGroups()
  }

  remove(watchOf: WatchOf): void {
    this.#watching.delete(watchOf)
    this.#tellGroups()
  }

  #tellGroups(): void {
    for (const [group, of] of this.#groups) of.watch = this.#watchOf(group)
  }

  #watchOf(group: string): RecordWatch | undefined {
    const [first, ...others] = [...this.#watching].map((each) => each(group))
    return others.reduce((all: RecordWatch | undefined, each) => (all === undefined ? each : both(all, each)), first)
  }
}

function both(one: RecordWatch, other: RecordWatch): RecordWatch {
  return {
    onTaken(...told) {
      one.onTaken(...told)
      other.onTaken(...told)
    },
    onStarted(...told) {
      one.onStarted(...told)
      other.onStarted(...told)
    },
    onEnded(...told) {
      one.onEnded(...told)
      other.onEnded(...told)
    },
    onAcknowledged(...told) {
      one.onAcknowledged(...told)
      other.onAcknowledged(...told)
    },
    onPublished(...told) {
      one.onPublished(...told)
      other.onPublished(...told)
    },
  }
}
