/** Knows of which attempt the code is that runs: its handler's own, and whatever that has started and does not wait for. Catches nothing itself. */
import { AsyncLocalStorage } from 'node:async_hooks'

/** An attempt, as those see it who look for the one to blame. */
export interface Attributable {
  /** On the engine's clock. Milliseconds. */
  readonly startedAt: number
  /** What names its record in a log line. */
  readonly place: object
  /** Something has failed that it has started and did not wait for. */
  strayed(thrown: unknown): void
}

/**
 * One for a process, or for a thread. Until it has begun it costs nothing: from then on each attempt, and each `await` in it, pays for being followed
 * (some 0.2 us for a handler that waits for nothing, 0.3 for one that waits for a turn of the event loop; Node 20, 22 and 24 alike).
 */
export class Attribution {
  #storage: AsyncLocalStorage<Attributable | undefined> | undefined
  #begunAt = Number.POSITIVE_INFINITY
  readonly #engines = new Set<() => Iterable<Attributable>>()

  /** Attempts that start from now on are followed. */
  begin(now: number): void {
    this.#storage ??= new AsyncLocalStorage()
    this.#begunAt = Math.min(this.#begunAt, now)
  }

  get hasBegun(): boolean {
    return this.#storage !== undefined
  }

  /** Calls for an attempt. */
  run<T>(attempt: Attributable, call: () => T): T {
    return this.#storage === undefined ? call() : this.#storage.run(attempt, call)
  }

  /** Calls what is nobody's: an attempt that ends must not lend its name to what its engine does then. */
  outside<T>(call: () => T): T {
    return this.#storage === undefined ? call() : this.#storage.run(undefined, call)
  }

  /** Of the code that asks. In a listener for a fault: of the code that has failed. */
  current(): Attributable | undefined {
    return this.#storage?.getStore()
  }

  /** @param list what the engine has in flight at the moment @returns call it when the engine has closed */
  addEngine(list: () => Iterable<Attributable>): () => void {
    this.#engines.add(list)
    return () => this.#engines.delete(list)
  }

  inFlight(): readonly Attributable[] {
    return [...this.#engines].flatMap((list) => [...list()])
  }

  /** In flight, and started before it had begun: what they have left behind cannot be known for theirs. */
  unfollowed(): readonly Attributable[] {
    return this.inFlight().filter(({ startedAt }) => startedAt <= this.#begunAt)
  }
}
