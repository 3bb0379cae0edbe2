/** What the engine and one of its threads tell each other without a message: who has which item, and how it went. Decides nothing. */

/**
 * Where the item in a slot stands.
 *
 *   free --offer--> queued --claim--> running --succeed--> succeeded | filtered --(the engine has read it)--> free
 *                      |                  `--tell--> told --(a message has brought any other outcome)---------^
 *                      `--takeBack--> takenBack --skip--> skipped --(the engine has read it)--> free
 *
 * `claim` (the thread's) and `takeBack` (the engine's) are one compare-and-exchange on the same word, so exactly one of them wins, also
 * while the thread spins or has died: that is what makes "started or not" a fact and not a guess.
 */
export const slotState = {
  free: 0,
  queued: 1,
  running: 2,
  succeeded: 3,
  filtered: 4,
  takenBack: 5,
  skipped: 6,
  told: 7,
} as const

/**
 * What the engine knows of the slots that the thread has written.
 *
 *   silent --the thread writes--> rung (a message is on its way) --the engine looks--> silent, or watched
 *   watched: the engine looks by itself every now and then; only a thread that has little left to start still rings
 */
const bell = { silent: 0, rung: 1, watched: 2 } as const

/** Words in `BLAMED`; above them: the slot that is to blame, plus one. */
const blame = { unknown: 0, none: -1 } as const

/** Words in front of the slots. */
const BELL = 0
const PASSED = 1
const WRITTEN = 2
const LINES_TAKEN = 3
const BLAMED = 4
const HEAD_WORDS = 5
const HEAD_BYTES = 8 + 4 * HEAD_WORDS
/** Two times, a state and a place in the ring. */
const SLOT_BYTES = 24

/** One writer each: the engine offers, takes back and frees; the thread does the rest. */
export class LaneMemory {
  readonly buffer: SharedArrayBuffer
  readonly slots: number
  readonly #words: Int32Array
  /** By slot. */
  readonly #states: Int32Array
  /** Slots in the order in which the thread was through with them; a slot stands here at most once. */
  readonly #ring: Int32Array
  readonly #startedAt: Float64Array
  readonly #durations: Float64Array
  /** One number: what the thread has spent on unpacking. Milliseconds. */
  readonly #unpacking: Float64Array
  #read = 0

  private constructor(buffer: SharedArrayBuffer, slots: number) {
    this.buffer = buffer
    this.slots = slots
    this.#startedAt = new Float64Array(buffer, 0, slots)
    this.#durations = new Float64Array(buffer, 8 * slots, slots)
    this.#unpacking = new Float64Array(buffer, 16 * slots, 1)
    const words = 16 * slots + 8
    this.#words = new Int32Array(buffer, words, HEAD_WORDS)
    this.#states = new Int32Array(buffer, words + 4 * HEAD_WORDS, slots)
    this.#ring = new Int32Array(buffer, words + 4 * (HEAD_WORDS + slots), slots)
  }

  static create(slots: number): LaneMemory {
    return new LaneMemory(new SharedArrayBuffer(HEAD_BYTES + SLOT_BYTES * slots), slots)
  }

  /** The thread's view of what the engine has created. */
  static of(buffer: SharedArrayBuffer): LaneMemory {
    return new LaneMemory(buffer, (buffer.byteLength - HEAD_BYTES) / SLOT_BYTES)
  }

  // --- the engine ---

  offer(slot: number): void {
    Atomics.store(this.#states, slot, slotState.queued)
  }

  /** True: the thread has not started it and never will. */
  takeBack(slot: number): boolean {
    const { queued, takenBack } = slotState
    return Atomics.compareExchange(this.#states, slot, queued, takenBack) === queued
  }

  stateOf(slot: number): number {
    return Atomics.load(this.#states, slot)
  }

  /** Milliseconds since the Unix epoch, of the last claim. */
  startedAt(slot: number): number {
    return this.#startedAt[slot] ?? 0
  }

  durationMs(slot: number): number {
    return this.#durations[slot] ?? 0
  }

  /** What the thread has spent on unpacking so far. Milliseconds. */
  get unpackingMs(): number {
    return this.#unpacking[0] ?? 0
  }

  free(slot: number): void {
    Atomics.store(this.#states, slot, slotState.free)
  }

  /** Items that the thread has taken off its own queue since it began: started or skipped. Wraps at 2^32. */
  get passed(): number {
    return Atomics.load(this.#words, PASSED)
  }

  /**
   * Each slot that the thread is through with since the last call.
   * @param next whether the thread is to ring again when it is through with another, or the engine will look by itself. Set first, or a slot
   * that is written in between would wait.
   */
  *drain(next: 'silent' | 'watched'): Iterable<number> {
    Atomics.store(this.#words, BELL, bell[next])
    for (let end = Atomics.load(this.#words, WRITTEN); this.#read !== end; end = Atomics.load(this.#words, WRITTEN)) {
      const slot = this.#ring[(this.#read >>> 0) % this.slots]
      this.#read = (this.#read + 1) | 0
      if (slot !== undefined) yield slot
    }
  }

  /** The slot whose attempt has ended the thread, as the thread said at its end; `none`: none that it knew of. */
  get blamed(): number | 'none' | 'unknown' {
    const word = Atomics.load(this.#words, BLAMED)
    if (word === blame.unknown) return 'unknown'
    return word === blame.none ? 'none' : word - 1
  }

  /** The engine has handed on so many log lines of this thread in all. */
  takeLine(): void {
    Atomics.add(this.#words, LINES_TAKEN, 1)
    Atomics.notify(this.#words, LINES_TAKEN)
  }

  // --- the thread ---

  /** The thread takes the next item off its queue. False: it was taken back meanwhile. */
  claim(slot: number, now: number): boolean {
    Atomics.add(this.#words, PASSED, 1)
    this.#startedAt[slot] = now
    const { queued, running } = slotState
    return Atomics.compareExchange(this.#states, slot, queued, running) === queued
  }

  succeed(slot: number, isFiltered: boolean, durationMs: number): void {
    this.#durations[slot] = durationMs
    Atomics.store(this.#states, slot, isFiltered ? slotState.filtered : slotState.succeeded)
    this.#write(slot)
  }

  /** The attempt is over, and a message says how: until that is read, it does not count as running. */
  tell(slot: number): void {
    Atomics.store(this.#states, slot, slotState.told)
  }

  /** The thread ends, and this attempt has ended it; `none`: one that is over. */
  blame(slot: number | 'none'): void {
    Atomics.store(this.#words, BLAMED, slot === 'none' ? blame.none : slot + 1)
  }

  spentUnpacking(ms: number): void {
    this.#unpacking[0] = this.unpackingMs + ms
  }

  skip(slot: number): void {
    Atomics.store(this.#states, slot, slotState.skipped)
    this.#write(slot)
  }

  /** Something was written. True when the engine must be woken by a message; false when it will look anyway. */
  ringBell(): boolean {
    return Atomics.compareExchange(this.#words, BELL, bell.silent, bell.rung) === bell.silent
  }

  /** The thread has little or nothing left to start. True when the engine must be woken by a message. */
  ringHungry(): boolean {
    return Atomics.exchange(this.#words, BELL, bell.rung) !== bell.rung
  }

  /** Waits, the whole thread with it, until fewer than `limit` of the `sent` lines are still to be handed on. */
  waitForLines(sent: number, limit: number): void {
    for (;;) {
      const taken = Atomics.load(this.#words, LINES_TAKEN)
      if (((sent - taken) | 0) < limit) return
      Atomics.wait(this.#words, LINES_TAKEN, taken)
    }
  }

  #write(slot: number): void {
    const at = Atomics.load(this.#words, WRITTEN)
    this.#ring[(at >>> 0) % this.slots] = slot
    Atomics.store(this.#words, WRITTEN, (at + 1) | 0)
  }
}
