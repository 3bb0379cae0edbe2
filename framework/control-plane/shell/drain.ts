/** Waits until partitions have nothing in flight, or until their time is over. */
import type { TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'

interface Wait {
  readonly partitions: readonly TopicPartition[]
  readonly finish: () => void
}

export class Drain {
  readonly #clock: Clock
  readonly #unsettled: (partitions: readonly TopicPartition[]) => number
  readonly #waits = new Set<Wait>()
  #isGivenUp = false

  /** @param unsettled how many records of these partitions are in flight or wait for a dead letter's acknowledgement */
  constructor(clock: Clock, unsettled: (partitions: readonly TopicPartition[]) => number) {
    this.#clock = clock
    this.#unsettled = unsettled
  }

  get isWaiting(): boolean {
    return this.#waits.size > 0
  }

  get isGivenUp(): boolean {
    return this.#isGivenUp
  }

  /** @returns how many records are left behind: 0 unless the time was over, or `giveUp` was called, first */
  until(partitions: readonly TopicPartition[], timeoutMs: number): Promise<number> {
    const unsettled = this.#unsettled(partitions)
    if (unsettled === 0 || timeoutMs <= 0 || this.#isGivenUp) return Promise.resolve(unsettled)
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel()
        this.#waits.delete(wait)
        resolve(this.#unsettled(partitions))
      }
      const timer = this.#clock.setTimer(timeoutMs, finish)
      const wait: Wait = { partitions, finish }
      this.#waits.add(wait)
    })
  }

  /** Something has completed, or a partition is gone: whoever waited for just that goes on. */
  check(): void {
    for (const { partitions, finish } of this.#waits) if (this.#unsettled(partitions) === 0) finish()
  }

  /** Nobody waits any longer, now and from now on: a shutdown has further steps, which must not begin to wait again. */
  giveUp(): void {
    this.#isGivenUp = true
    for (const { finish } of this.#waits) finish()
  }
}
