/**
 * For a member without partitions, which has nothing to commit: asks the group's coordinator something now and then, so that it can be told from one that
 * never reached it. Decides nothing.
 */
import type { KafkaClient } from '../../kafka/kafka-client.ts'
import type { Clock } from '../../time/clock.ts'
import type { CommitClock } from '../flow/commit-clock.ts'

const LONGEST_WAIT_MS = 5_000
/** A refused question is asked again after so long. */
const AGAIN_MS = 1_000

export interface CoordinatorQuestionOptions {
  readonly client: Pick<KafkaClient, 'askCoordinator'>
  readonly clock: Clock
  readonly heard: CommitClock
  readonly isWanted: () => boolean
}

export class CoordinatorQuestion {
  readonly #options: CoordinatorQuestionOptions
  #isAsking = false
  #earliestAt = 0

  constructor(options: CoordinatorQuestionOptions) {
    this.#options = options
  }

  /** Asks if it is time to. Cheap. */
  look(now: number): void {
    const { heard, isWanted } = this.#options
    if (this.#isAsking || now < this.#earliestAt || now < heard.renewAt || !isWanted()) return
    this.#isAsking = true
    void this.#ask(now)
  }

  async #ask(sentAt: number): Promise<void> {
    const { client, clock, heard } = this.#options
    try {
      await client.askCoordinator(LONGEST_WAIT_MS)
      heard.heard(sentAt)
    } catch {
      // The client has told its own log, and that nothing was answered is told by the clock.
      this.#earliestAt = clock.now() + AGAIN_MS
    }
    this.#isAsking = false
  }
}
