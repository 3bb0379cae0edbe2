/** Follows what one attempt publishes, so that no acknowledgement is missed and no failure is lost. Publishes nothing itself. */

/** A promise that tells its tracker whether somebody looks after it. What is chained on it is tracked as well. */
class TrackedPromise<T> extends Promise<T> {
  #tracker: PublishTracker | undefined
  #isLookedAfter = false

  static of<T>(tracker: PublishTracker, start: () => Promise<T>): TrackedPromise<T> {
    // The executor catches what `start` throws.
    return TrackedPromise.#track(new TrackedPromise<T>((resolve) => resolve(start())), tracker)
  }

  static #track<T>(promise: TrackedPromise<T>, tracker: PublishTracker): TrackedPromise<T> {
    promise.#tracker = tracker
    tracker.started()
    // Not through our own `then`: the tracker's look does not count as looking after.
    Promise.prototype.then.call(
      promise,
      () => tracker.ended(),
      (error: unknown) => {
        if (!promise.#isLookedAfter) tracker.failed(promise, error)
        tracker.ended()
      },
    )
    return promise
  }

  /** `await`, `catch`, `finally` and `Promise.all` come through here too. */
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const chained = super.then(onFulfilled, onRejected)
    this.#isLookedAfter = true
    const tracker = this.#tracker
    if (tracker === undefined || !(chained instanceof TrackedPromise)) return chained
    tracker.lookedAfter(this)
    return TrackedPromise.#track(chained, tracker)
  }
}

export class PublishTracker {
  #pending = 0
  readonly #failures = new Map<object, unknown>()
  #onIdle: (() => void) | undefined

  /** Starts a publish. Failing with nobody awaiting it, it is kept in `failures` instead of becoming an unhandled rejection. */
  track(start: () => Promise<void>): Promise<void> {
    return TrackedPromise.of(this, start)
  }

  get isIdle(): boolean {
    return this.#pending === 0
  }

  /** Calls once, as soon as nothing is pending; never at once. */
  whenIdle(call: () => void): void {
    this.#onIdle = call
  }

  /** The errors that nobody has looked after, the first one first; they are forgotten with this call. */
  takeFailures(): readonly unknown[] {
    const failures = [...this.#failures.values()]
    this.#failures.clear()
    return failures
  }

  started(): void {
    this.#pending++
  }

  failed(promise: object, error: unknown): void {
    this.#failures.set(promise, error)
  }

  lookedAfter(promise: object): void {
    this.#failures.delete(promise)
  }

  ended(): void {
    this.#pending--
    if (this.#pending > 0) return
    const call = this.#onIdle
    this.#onIdle = undefined
    call?.()
  }
}
