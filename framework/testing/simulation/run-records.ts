/** The records of one run, in the topics of its cluster: which come when, which are done, and what was published. */
import { readDeadLetter } from '../../dead-letters/dead-letter.ts'
import type { MemoryCluster } from '../../kafka/memory/client.ts'
import type { MemoryLog } from '../../kafka/memory/log.ts'
import { type KafkaRecord, type OutgoingRecord, recordPlace } from '../../model/record.ts'
import { neededTopics } from '../../runtime/required-topics.ts'
import type { ResolvedHandler } from '../../runtime/runtime.ts'
import type { Clock } from '../../time/clock.ts'
import type { PublishedValue } from '../run-call.ts'
import { outcomeName, publishedOf } from './happened.ts'
import type { KnownFormats } from './known-formats.ts'

export class RunRecords {
  readonly #handlers: readonly ResolvedHandler[]
  readonly #cluster: MemoryCluster
  readonly #formats: KnownFormats
  /** Of each topic that a handler reads. */
  readonly #partitions: number
  /** Those of the scenario that are in their logs. */
  readonly #given = new Set<KafkaRecord>()
  /** Topics that were made for the handlers. */
  readonly #there = new Set<string>()
  /** How many of the scenario are not. */
  #expected = 0

  constructor(handlers: readonly ResolvedHandler[], cluster: MemoryCluster, formats: KnownFormats, partitions: number) {
    // One that has a pattern reads nothing itself: those of the topics that it matches stand behind it.
    this.#handlers = handlers.filter(({ route }) => route.pattern === undefined)
    this.#cluster = cluster
    this.#formats = formats
    this.#partitions = partitions
    const published = handlers.flatMap(({ publishes = [] }) => publishes)
    for (const topic of [...neededTopics(handlers), ...published]) this.#create(topic)
  }

  /** In the order in which they were written, the last one almost `withinMs` from now. */
  expect(records: readonly OutgoingRecord[], withinMs: number, clock: Clock): void {
    this.#expected = records.length
    for (const [index, record] of records.entries()) {
      clock.setTimer((withinMs * index) / records.length, () => {
        this.#expected -= 1
        this.#create(record.topic)
        this.#given.add(this.#cluster.append(record))
      })
    }
  }

  /** What a pattern matches comes with its first record, and its dead-letter topic with it. */
  #create(topic: string): void {
    if (this.#there.has(topic)) return
    this.#there.add(topic)
    this.#cluster.createTopic(topic, this.#partitions)
    for (const { route } of this.#handlers) {
      if (route.topic === topic && route.deadLetterTopic !== null) this.#create(route.deadLetterTopic)
    }
  }

  get areDone(): boolean {
    return this.#expected === 0 && this.undone().length === 0
  }

  /** For each partition that a group has not committed to its end, the first record there that is not done. */
  undone(): readonly string[] {
    return this.#handlers.flatMap(({ group, route: { handlerId, topic } }) =>
      this.#readLogs(topic).flatMap(({ partition, end }) => {
        const offset = this.#cluster.group(group).committed({ topic, partition })?.position ?? 0
        return offset >= end ? [] : [`${recordPlace({ topic, partition, offset })} of ${handlerId}`]
      }),
    )
  }

  /** Of a topic that a handler reads, or that its dead letters go to. */
  recordsOf(topic: string): readonly KafkaRecord[] {
    return this.#readLogs(topic).flatMap(({ records }) => records)
  }

  /** By handlers, dead letters left out. */
  async published(): Promise<readonly PublishedValue[]> {
    const deadLetters = new Set(this.#handlers.map(({ route }) => route.deadLetterTopic))
    const topics = (await this.#cluster.connection().view.topics()).filter(({ name }) => !deadLetters.has(name))
    const logs = topics.flatMap(({ name, partitions }) => this.#logsOf(name, partitions))
    return logs.flatMap(({ records }) =>
      records.filter((record) => !this.#given.has(record)).map((record) => publishedOf(record, this.#formats)),
    )
  }

  /** Those of which a dead letter is there, by {@link outcomeName}. */
  givenUp(): ReadonlySet<string> {
    const topics = new Set(this.#handlers.map(({ route }) => route.deadLetterTopic))
    const letters = [...topics].flatMap((topic) => (topic === null ? [] : this.recordsOf(topic).map(readDeadLetter)))
    return new Set(
      letters.map(({ handler, topic, partition, offset }) =>
        outcomeName(handler ?? '', recordPlace({ topic: topic ?? '', partition: partition ?? 0, offset: offset ?? 0 })),
      ),
    )
  }

  #readLogs(topic: string): readonly MemoryLog[] {
    return this.#there.has(topic) ? this.#logsOf(topic) : []
  }

  #logsOf(topic: string, partitions = this.#partitions): readonly MemoryLog[] {
    return Array.from({ length: partitions }, (_, partition) => this.#cluster.log(topic, partition))
  }
}
