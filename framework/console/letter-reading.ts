/** Looks into dead-letter topics for the console: for five seconds at most, one look at a time. Changes nothing. */
import { browsing } from '../dead-letters/browse-topic.ts'
import { type DeadLetter, readDeadLetter } from '../dead-letters/dead-letter.ts'
import { type LetterGroup, LetterGroups } from '../dead-letters/letter-groups.ts'
import { readToEnd } from '../dead-letters/read-topic.ts'
import type { ViewedConnection } from '../kafka/kafka-client.ts'
import type { Clock } from '../time/clock.ts'
import { ApiFault, notFound } from './http/fault.ts'

const LOOK_MS = 5_000
export const MOST_LETTERS = 50
const MOST_GROUPS = 1_000

export interface LetterLook {
  readonly groups: readonly LetterGroup[]
  /** The newest first. */
  readonly letters: readonly DeadLetter[]
  /** There are older ones. */
  readonly hasMore: boolean
  readonly looked: number
  /** The time was over before the end of the topic. */
  readonly isCut: boolean
}

/** Where the last page ended: letters that come after it in the order of pages. */
export interface LetterCursor {
  readonly timestamp: number
  readonly partition: number
  readonly offset: number
}

export class LetterReading {
  readonly #cluster: () => ViewedConnection | undefined
  readonly #clock: Clock
  #isLooking = false

  /** @param cluster undefined where it cannot be looked at */
  constructor(cluster: () => ViewedConnection | undefined, clock: Clock) {
    this.#cluster = cluster
    this.#clock = clock
  }

  /** @throws ApiFault while another look is under way */
  async look(topic: string, wanted: (letter: DeadLetter) => boolean, after?: LetterCursor): Promise<LetterLook> {
    const groups = new LetterGroups()
    let page: DeadLetter[] = []
    let [looked, older] = [0, 0]
    const isCut = await this.#read(topic, (letter) => {
      looked += 1
      groups.add(letter)
      if (!wanted(letter) || (after !== undefined && !isBehind(letter.record, after))) return true
      older += 1
      page.push(letter)
      // Cut now and then, so that a topic of any size fits into memory.
      if (page.length >= 20 * MOST_LETTERS) page = newest(page)
      return true
    })
    const letters = newest(page)
    return {
      groups: groups.all().slice(0, MOST_GROUPS),
      letters,
      hasMore: older > letters.length,
      looked,
      isCut,
    }
  }

  /** @throws ApiFault while another look is under way */
  async find(topic: string, partition: number, offset: number): Promise<DeadLetter | undefined> {
    let found: DeadLetter | undefined
    await this.#read(topic, (letter) => {
      if (letter.record.partition === partition && letter.record.offset === offset) found = letter
      return found === undefined
    })
    return found
  }

  /** @returns whether the time was over before the end */
  async #read(topic: string, see: (letter: DeadLetter) => boolean): Promise<boolean> {
    const connection = this.#cluster()
    if (connection === undefined) throw notFound('The connection of this process cannot be looked at.')
    if (this.#isLooking) {
      throw new ApiFault('conflict', 'Dead letters are being looked at already.', 'Ask again in some seconds.')
    }
    this.#isLooking = true
    const endsAt = this.#clock.now() + LOOK_MS
    let isCut = false
    try {
      if ((await connection.missingTopics([topic])).length > 0) return false
      const logs = () => connection.view.logs(topic)
      const bounds = await logs()
      const isOver = () => {
        isCut = this.#clock.now() >= endsAt
        return isCut
      }
      await browsing(connection, topic, (client) =>
        readToEnd(client, { topic, bounds, logs, isOver, onRecord: (record) => see(readDeadLetter(record)) }),
      )
      return isCut
    } finally {
      this.#isLooking = false
    }
  }
}

function newest(letters: readonly DeadLetter[]): DeadLetter[] {
  return [...letters].sort((a, b) => order(b.record, a.record)).slice(0, MOST_LETTERS)
}

function isBehind(record: LetterCursor, after: LetterCursor): boolean {
  return order(record, after) < 0
}

/** By time, then by place, so that two of the same millisecond have an order. */
function order(a: LetterCursor, b: LetterCursor): number {
  return a.timestamp - b.timestamp || a.partition - b.partition || a.offset - b.offset
}
