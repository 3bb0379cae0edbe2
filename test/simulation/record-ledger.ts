/** Books over every record that handlers saw: who ran it when, in which order, and whether it was done before a commit passed it. Asks no one. */
import type { RuntimeEvent } from '../../framework/model/events.ts'
import type { KafkaRecord } from '../../framework/model/record.ts'

interface Seen {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
}

/** Beside the topic that is there from the start. */
export const LATE_TOPIC = 'orders.late'
const FIRST_OF_LATE = 1_000

/** A partition in these books: those of a topic that comes later have numbers of their own. */
export function pageOf({ topic, partition }: { readonly topic: string; readonly partition: number }): number {
  return topic === LATE_TOPIC ? FIRST_OF_LATE + partition : partition
}

const nameOf = ({ partition, offset }: Omit<Seen, 'key'>): string => `${partition}/${offset}`

/** Of the whole group. */
export class RecordLedger {
  /** How often each record was handled with success, by any process. */
  readonly #successes = new Map<string, number>()
  readonly #dead = new Set<string>()
  #readDead = 0
  readonly #checkedTo = new Map<number, number>()
  /** Where the group began, by partition. */
  readonly #begins = new Map<number, number>()
  attempts = 0
  readonly violations: Error[] = []

  /** Records that were handled with success, each counted once. */
  get done(): number {
    return this.#successes.size
  }

  /** Successes beyond the first. */
  get repeated(): number {
    let repeated = 0
    for (const count of this.#successes.values()) repeated += count - 1
    return repeated
  }

  get dead(): number {
    return this.#dead.size
  }

  /** What is older than the group is not its business: it must not be handled, and a commit passes it. */
  beginAt(partition: number, offset: number): void {
    this.#begins.set(partition, offset)
    this.#checkedTo.set(partition, offset)
  }

  beginOf(partition: number): number {
    return this.#begins.get(partition) ?? 0
  }

  succeed(record: Seen): void {
    this.#successes.set(nameOf(record), (this.#successes.get(nameOf(record)) ?? 0) + 1)
  }

  readDeadLetters(letters: readonly KafkaRecord[]): void {
    for (; this.#readDead < letters.length; this.#readDead += 1) {
      const headers = new Map(letters[this.#readDead]?.headers)
      const numberIn = (name: string) => Number(String(headers.get(name)))
      const topic = String(headers.get('pyrallel-topic'))
      const partition = pageOf({ topic, partition: numberIn('pyrallel-partition') })
      this.#dead.add(nameOf({ partition, offset: numberIn('pyrallel-offset') }))
    }
  }

  /** A commit passes only what is done. Positions may go back after a loss, so nothing is said about that here. */
  checkCommit(partition: number, position: number): void {
    for (let offset = this.#checkedTo.get(partition) ?? 0; offset < position; offset += 1) {
      this.requireDone(partition, offset)
      this.#checkedTo.set(partition, offset + 1)
    }
  }

  requireDone(partition: number, offset: number): void {
    const name = nameOf({ partition, offset })
    if (!this.#successes.has(name) && !this.#dead.has(name)) {
      throw new Error(`LOSS: record ${name} was passed, and is neither handled nor in the dead-letter topic`)
    }
  }
}

/** Of one process: order is kept within an assignment, and no key ever has two attempts at once, whatever assignment they are of. */
export class ProcessBooks {
  readonly #process: number
  readonly #ledger: RecordLedger
  readonly #running = new Map<string, Seen>()
  /** The highest offset that has started, by partition and key, in the present assignment. */
  readonly #highest = new Map<number, Map<string, number>>()

  constructor(process: number, ledger: RecordLedger) {
    this.#process = process
    this.#ledger = ledger
  }

  onEvent(event: RuntimeEvent): void {
    if (event.kind === 'partition.assigned') this.#highest.set(pageOf(event), new Map())
  }

  start(record: Seen): void {
    this.#ledger.attempts += 1
    if (record.offset < this.#ledger.beginOf(record.partition))
      throw this.#violation('OLD', record, 'is older than its group')
    const shard = `${record.partition}:${record.key}`
    const other = this.#running.get(shard)
    if (other !== undefined) throw this.#violation('ORDER', record, `starts while ${nameOf(other)} of its key runs`)
    this.#running.set(shard, record)
    const highest = this.#highest.get(record.partition)
    if (highest === undefined) throw this.#violation('ORDER', record, 'starts in a partition that was never assigned')
    const before = highest.get(shard) ?? -1
    if (record.offset < before) throw this.#violation('ORDER', record, `starts after ${before} of its key`)
    highest.set(shard, record.offset)
  }

  end(record: Seen, isSuccess: boolean): void {
    this.#running.delete(`${record.partition}:${record.key}`)
    if (isSuccess) this.#ledger.succeed(record)
  }

  /** Thrown inside a handler it would count as a failed attempt, so it is kept for the end too. */
  #violation(kind: string, record: Seen, what: string): Error {
    const error = new Error(`${kind}: in process ${this.#process} record ${nameOf(record)} ${what}`)
    this.#ledger.violations.push(error)
    return error
  }
}
