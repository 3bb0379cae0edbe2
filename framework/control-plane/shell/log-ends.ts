/**
 * Once a second: has the position pass what lies behind the last record and no consumer is given, and has the ends of logs asked for that no fetch has
 * told, as of partitions that are paused. Decides nothing about records.
 */
import type { KafkaClient } from '../../kafka/kafka-client.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { WorkManager } from '../work-manager.ts'

const LOOK_EVERY_MS = 1_000
/** An end that was heard longer ago is asked for. Those that will be soon are asked for with it. */
const OLD_AFTER_MS = 10_000
const OLD_SOON_MS = 5_000
/** Below the time that brokers have for anything, as the question holds a thread of libuv's on one of the clients. */
const ANSWER_LIMIT_MS = 5_000

export interface LogEndsOptions {
  readonly client: Pick<KafkaClient, 'nextOffset' | 'logEndHeardAt' | 'askLogEnds'>
  readonly manager: Pick<WorkManager, 'assigned' | 'onReadTo'>
  readonly isWanted: () => boolean
}

export class LogEnds {
  readonly #options: LogEndsOptions
  #lookAt = 0
  #askAt = 0
  /** One question at a time. */
  #isAsking = false

  constructor(options: LogEndsOptions) {
    this.#options = options
  }

  /** Between two polls, when all that the last one has returned was taken in. Cheap. */
  look(now: number): void {
    const { client, manager, isWanted } = this.#options
    if (now < this.#lookAt || !isWanted()) return
    this.#lookAt = now + LOOK_EVERY_MS
    const assigned = manager.assigned()
    for (const each of assigned) {
      const offset = client.nextOffset(each)
      if (offset !== undefined) manager.onReadTo(each, offset)
    }
    if (this.#isAsking || now < this.#askAt) return
    const ages = assigned.map((of) => ({ of, ageMs: now - (client.logEndHeardAt(of) ?? Number.NEGATIVE_INFINITY) }))
    if (!ages.some(({ ageMs }) => ageMs >= OLD_AFTER_MS)) return
    // The oldest first: a client may have time for some of them only.
    const old = ages
      .filter(({ ageMs }) => ageMs >= OLD_SOON_MS)
      .sort((a, b) => (a.ageMs === b.ageMs ? 0 : b.ageMs - a.ageMs))
    void this.#ask(
      old.map(({ of }) => of),
      now,
    )
  }

  async #ask(partitions: readonly TopicPartition[], now: number): Promise<void> {
    this.#isAsking = true
    try {
      await this.#options.client.askLogEnds(partitions, ANSWER_LIMIT_MS)
    } catch {
      // The client is closed, or has told its own log. What was not answered stays old, and is asked for again.
    }
    this.#isAsking = false
    const isAnyOld = partitions.some((each) => (this.#options.client.logEndHeardAt(each) ?? 0) < now)
    if (isAnyOld) this.#askAt = now + OLD_AFTER_MS
  }
}
