/** What must be closed at an end, filled where each thing is opened. Closed in the reverse order, each whatever became of the others. */
import { PyrallelError, toError } from './errors.ts'

interface Step {
  readonly what: string
  readonly close: () => unknown
  readonly abandon: () => void
}

export class Closers {
  readonly #steps: Step[] = []

  /**
   * @param what for an error that names nothing: `the broker`
   * @param abandon instead, where nothing may be waited for; default: nothing is done
   */
  add(what: string, close: () => unknown, abandon: () => void = () => {}): void {
    this.#steps.push({ what, close, abandon })
  }

  /**
   * Runs, then closes what was opened meanwhile.
   * @throws what went wrong: with several things, an AggregateError that has all of them, first what ended the run
   */
  async around<T>(run: (closers: Closers) => Promise<T>): Promise<T> {
    const failures = new Set<unknown>()
    let result: { readonly value: T } | undefined
    try {
      result = { value: await run(this) }
    } catch (thrown) {
      failures.add(thrown)
    }
    for (let step = this.#steps.at(-1); step !== undefined; step = this.#steps.at(-1)) {
      try {
        await step.close()
      } catch (thrown) {
        failures.add(named(step.what, thrown))
      }
      // Until it is over, it can be abandoned.
      this.#steps.splice(this.#steps.indexOf(step), 1)
    }
    if (result === undefined || failures.size > 0) throw gathered([...failures])
    return result.value
  }

  /** At once, in the same order; what is not closed yet is closed all the same. What fails is passed over: nobody waits to be told. */
  abandon(): void {
    for (const { abandon } of [...this.#steps].reverse()) {
      try {
        abandon()
      } catch {
        // The next one is to be tried all the same.
      }
    }
  }
}

/** After a start that has failed: whatever closing says, the failure before it is the one to tell. */
export async function closeAfterFailure(close: () => unknown): Promise<void> {
  try {
    await close()
  } catch {
    // Nothing was begun that could be lost.
  }
}

/** Errors of Pyrallel say themselves what they are about. */
function named(what: string, thrown: unknown): unknown {
  if (thrown instanceof PyrallelError) return thrown
  return new Error(`${what} could not be closed: ${toError(thrown).message}`, { cause: thrown })
}

function gathered(failures: readonly unknown[]): unknown {
  if (failures.length === 1) return failures[0]
  return new AggregateError(failures, failures.map((each) => toError(each).message).join('\n'))
}
