/** Commits that take long and holes in a log, on demand, at the port to Kafka: the same on every broker. Loses nothing. */
import { randomBytes } from 'node:crypto'
import type { KafkaClient, KafkaConnection } from '../../../framework/kafka/kafka-client.ts'
import type { TransactionalProducer } from '../../../framework/kafka/transactional-producer.ts'
import type { KafkaRecord, RecordHeader } from '../../../framework/model/record.ts'
import type { Clock, Timer } from '../../../framework/time/clock.ts'

const FILLER = 'pyrallel-filler'
const CLOSE_MS = 5_000

export class ClientFaults {
  readonly #clock: Clock
  /** Records with it are fillers of this session: nobody else knows it. */
  readonly #mark = randomBytes(16)
  #hasFillers = false
  #commitDelayMs = 0
  readonly #delayed = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  around(client: KafkaClient): KafkaClient {
    return {
      maxMetadataLength: client.maxMetadataLength,
      revokeLimitMs: client.revokeLimitMs,
      pollIntervalMs: client.pollIntervalMs,
      subscribe: (topics, listener) => client.subscribe(topics, listener),
      changeTopics: (topics) => client.changeTopics(topics),
      poll: async (maxRecords, waitMs) => this.#withoutFillers(await client.poll(maxRecords, waitMs)),
      pause: (partitions) => client.pause(partitions),
      resume: (partitions) => client.resume(partitions),
      commit: async (commits) => {
        await this.#delay()
        await client.commit(commits)
      },
      askCoordinator: (timeoutMs) => client.askCoordinator(timeoutMs),
      nextOffset: (partition) => client.nextOffset(partition),
      logEnd: (partition) => client.logEnd(partition),
      logEndHeardAt: (partition) => client.logEndHeardAt(partition),
      askLogEnds: (partitions, timeoutMs) => client.askLogEnds(partitions, timeoutMs),
      unsettledSince: () => client.unsettledSince(),
      membership: () => client.membership(),
      close: () => client.close(),
    }
  }

  /** Its commits are those of an exactly-once group. */
  aroundTransactions(producer: TransactionalProducer): TransactionalProducer {
    return {
      open: () => producer.open(),
      transact: async (cut) => {
        await this.#delay()
        return producer.transact(cut)
      },
      settle: () => producer.settle(),
      close: (timeoutMs) => producer.close(timeoutMs),
    }
  }

  /** Each commit takes so much longer from now on. 0: no more, and those that wait go at once. */
  delayCommits(delayMs: number): void {
    this.#commitDelayMs = delayMs
    if (delayMs === 0) for (const go of [...this.#delayed]) go()
  }

  /**
   * Writes records to a topic that no consumer of this session is ever given: to them, their offsets do not exist.
   * @returns where they are
   */
  async makeHole(
    connection: KafkaConnection,
    topic: string,
    offsets: number,
  ): Promise<readonly { readonly partition: number; readonly offset: number }[]> {
    this.#hasFillers = true
    const producer = await connection.producer()
    try {
      const headers: readonly RecordHeader[] = [[FILLER, this.#mark]]
      // One key: one partition, and a hole without a record in it.
      const filler = { topic, key: this.#mark, value: null, headers }
      return await Promise.all(Array.from({ length: offsets }, () => producer.produce(filler)))
    } finally {
      await producer.close(CLOSE_MS)
    }
  }

  #withoutFillers(records: readonly KafkaRecord[]): readonly KafkaRecord[] {
    if (!this.#hasFillers) return records
    return records.filter(
      ({ headers }) => !headers.some(([name, value]) => name === FILLER && value?.equals(this.#mark)),
    )
  }

  #delay(): Promise<void> {
    const delayMs = this.#commitDelayMs
    if (delayMs === 0) return Promise.resolve()
    return new Promise((resolve) => {
      let timer: Timer | undefined
      const go = () => {
        timer?.cancel()
        this.#delayed.delete(go)
        resolve()
      }
      this.#delayed.add(go)
      timer = this.#clock.setTimer(delayMs, go)
    })
  }
}
