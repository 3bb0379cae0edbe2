/** Holds what waits for a point in time, earliest first. Knows no clock: the caller says what time it is. */

/** What `push` gives, to remove with. */
export interface RetryTicket {
  readonly dueAt: number
  /** Ties go in the order of arrival, so that the same schedule always plays the same way. */
  readonly order: number
  /** Its place in the heap; the queue's. */
  at: number
}

interface Entry<Item> extends RetryTicket {
  readonly item: Item
}

/** A binary heap. `push`, `takeDue` and `remove` cost O(log n) each; `removeWhere` O(n log n). */
export class RetryQueue<Item> {
  #heap: Entry<Item>[] = []
  #order = 0

  get size(): number {
    return this.#heap.length
  }

  /** When the earliest item is due; undefined when nothing waits. */
  get nextDueAt(): number | undefined {
    return this.#heap[0]?.dueAt
  }

  push(dueAt: number, item: Item): RetryTicket {
    this.#order += 1
    const entry = { dueAt, order: this.#order, item, at: this.#heap.length }
    this.#heap.push(entry)
    this.#siftUp(entry.at)
    return entry
  }

  /** Removes and returns the earliest item that is due at `now`. */
  takeDue(now: number): Item | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.dueAt > now) return undefined
    this.remove(first)
    return first.item
  }

  /** Nothing happens where it is in the queue no more. */
  remove(ticket: RetryTicket): void {
    const { at } = ticket
    if (this.#heap[at] !== ticket) return
    const last = this.#heap.pop()
    if (last === undefined || last === ticket) return
    this.#put(last, at)
    // It may come from another branch, and so belong above as well as below.
    this.#siftUp(at)
    this.#siftDown(at)
  }

  /** The items that are due first, in that order, each with when. Looks at no more than two entries for each. */
  earliest(most: number): readonly (RetryTicket & { readonly item: Item })[] {
    const found: Entry<Item>[] = []
    const open = this.#heap.slice(0, 1)
    while (found.length < most) {
      const first = open.shift()
      if (first === undefined) break
      found.push(first)
      for (const child of [2 * first.at + 1, 2 * first.at + 2]) {
        const entry = this.#heap[child]
        if (entry === undefined) continue
        const at = open.findIndex((other) => isBefore(entry, other))
        open.splice(at === -1 ? open.length : at, 0, entry)
      }
    }
    return found
  }

  removeWhere(matches: (item: Item) => boolean): void {
    const kept = this.#heap.filter((entry) => !matches(entry.item))
    if (kept.length === this.#heap.length) return
    // A sorted array is a valid heap.
    this.#heap = kept.sort((a, b) => (isBefore(a, b) ? -1 : 1))
    for (const [at, entry] of this.#heap.entries()) entry.at = at
  }

  #put(entry: Entry<Item>, at: number): void {
    this.#heap[at] = entry
    entry.at = at
  }

  #siftUp(start: number): void {
    const heap = this.#heap
    let at = start
    while (at > 0) {
      const parent = (at - 1) >> 1
      const [child, above] = [heap[at], heap[parent]]
      if (child === undefined || above === undefined || !isBefore(child, above)) return
      this.#put(above, at)
      this.#put(child, parent)
      at = parent
    }
  }

  #siftDown(start: number): void {
    const heap = this.#heap
    let at = start
    for (;;) {
      const left = 2 * at + 1
      let least = at
      for (const child of [left, left + 1]) {
        const [candidate, best] = [heap[child], heap[least]]
        if (candidate !== undefined && best !== undefined && isBefore(candidate, best)) least = child
      }
      if (least === at) return
      const [low, high] = [heap[at], heap[least]]
      if (low === undefined || high === undefined) return
      this.#put(high, at)
      this.#put(low, least)
      at = least
    }
  }
}

function isBefore<Item>(a: Entry<Item>, b: Entry<Item>): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order)
}
