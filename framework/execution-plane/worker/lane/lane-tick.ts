/** The tick that runs on one lane, if any: answered by its thread, or by the thread's end. Sends nothing, ends nothing. */
import type { TickOutcome } from '../../../model/tick.ts'
import type { Clock, Timer } from '../../../time/clock.ts'
import { notRun } from '../../attempt/tick-runs.ts'

export interface LaneTickOptions {
  readonly timeoutMs: number
  readonly abandonAfterMs: number
  readonly clock: Clock
}

export class LaneTick {
  readonly #options: LaneTickOptions
  readonly #onOverdue: () => void
  #running: { readonly answer: (outcome: TickOutcome) => void; readonly limit: Timer } | undefined

  /** @param onOverdue it has heeded neither its deadline nor its signal */
  constructor(options: LaneTickOptions, onOverdue: () => void) {
    this.#options = options
    this.#onOverdue = onOverdue
  }

  /** The caller sends the order. */
  begin(): Promise<TickOutcome> {
    const { timeoutMs, abandonAfterMs, clock } = this.#options
    return new Promise((answer) => {
      this.#running = { answer, limit: clock.setTimer(timeoutMs + abandonAfterMs, this.#onOverdue) }
    })
  }

  onAnswer(outcome: TickOutcome): void {
    const running = this.#running
    this.#running = undefined
    running?.limit.cancel()
    running?.answer(outcome)
  }

  /** The thread has ended, and answers nothing any more. */
  onGone(why: string): void {
    this.onAnswer(notRun(why))
  }
}
