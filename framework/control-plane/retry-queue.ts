/** Holds what waits for a point in time, earliest first. Knows no clock: the caller says what time it is. */

interface Entry<Item> {
  readonly dueAt: number
  /** Ties go in the order of arrival, so that the same schedule always plays the same way. */
  readonly order: number
  readonly item: Item
}

/** A binary heap. `push` and `takeDue` cost O(log n) each; `removeWhere` O(n). */
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

  push(dueAt: number, item: Item): void {
    this.#order += 1
    this.#heap.push({ dueAt, order: this.#order, item })
    this.#siftUp(this.#heap.length - 1)
  }

  /** Removes and returns the earliest item that is due at `now`. */
  takeDue(now: number): Item | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.dueAt > now) return undefined
    const last = this.#heap.pop()
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last
      this.#siftDown(0)
    }
    return first.item
  }

  removeWhere(matches: (item: Item) => boolean): void {
    const kept = this.#heap.filter((entry) => !matches(entry.item))
    if (kept.length === this.#heap.length) return
    // A sorted array is a valid heap.
    this.#heap = kept.sort((a, b) => (isBefore(a, b) ? -1 : 1))
  }

  #siftUp(start: number): void {
    const heap = this.#heap
    let at = start
    while (at > 0) {
      const parent = (at - 1) >> 1
      const [child, above] = [heap[at], heap[parent]]
      if (child === undefined || above === undefined || !isBefore(child, above)) return
      heap[at] = above
      heap[parent] = child
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
      heap[at] = high
      heap[least] = low
      at = least
    }
  }
}

function isBefore<Item>(a: Entry<Item>, b: Entry<Item>): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order)
}
