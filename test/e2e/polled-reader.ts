/** A consumer that is polled by its test, and remembers what it was given and told. It ends with the test. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ConsumerOptions, KafkaClient, KafkaConnection } from '../../framework/kafka/kafka-client.ts'
import type { ClientErrorCode } from '../../framework/model/events.ts'
import type { KafkaRecord, TopicPartition } from '../../framework/model/record.ts'

const LIMIT_MS = 30_000

export class PolledReader {
  readonly client: KafkaClient
  readonly records: KafkaRecord[] = []
  /** How often what has come, or was lost, was told: `assigned`, `revoked`, `lost`. */
  readonly story: string[] = []
  readonly owned: TopicPartition[] = []
  readonly errors: readonly ClientErrorCode[]

  readonly #topic: string

  private constructor(client: KafkaClient, topic: string, errors: readonly ClientErrorCode[]) {
    this.client = client
    this.#topic = topic
    this.errors = errors
  }

  /** Of a group that has the name of the topic, unless it is told another. */
  static async join(
    t: TestContext,
    connection: KafkaConnection,
    topic: string,
    options: Partial<ConsumerOptions> = {},
  ): Promise<PolledReader> {
    const reader = await PolledReader.open(t, connection, topic, options)
    await reader.subscribe()
    return reader
  }

  /** Does not ask to be taken in yet. */
  static async open(
    t: TestContext,
    connection: KafkaConnection,
    topic: string,
    options: Partial<ConsumerOptions> = {},
  ): Promise<PolledReader> {
    const errors: ClientErrorCode[] = []
    const onError = (code: ClientErrorCode) => errors.push(code)
    const client = await connection.consumer({ group: `${topic}-group`, startFrom: 'earliest', onError, ...options })
    const reader = new PolledReader(client, topic, errors)
    t.after(() => reader.close())
    return reader
  }

  async subscribe(): Promise<void> {
    const gone = (what: string) => (partitions: readonly TopicPartition[]) => {
      this.story.push(what)
      for (const { partition } of partitions) {
        this.owned.splice(
          this.owned.findIndex((each) => each.partition === partition),
          1,
        )
      }
    }
    await this.client.subscribe([this.#topic], {
      onAssigned: (partitions) => {
        this.story.push('assigned')
        this.owned.push(...partitions)
      },
      onRevoked: async (partitions) => gone('revoked')(partitions),
      onLost: gone('lost'),
    })
  }

  async poll(max = 1_000): Promise<void> {
    this.records.push(...(await this.client.poll(max, 20)))
  }

  /** @param others are polled, too */
  async until(what: string, isSo: () => boolean, others: readonly PolledReader[] = []): Promise<void> {
    const end = performance.now() + LIMIT_MS
    while (!isSo()) {
      assert.ok(performance.now() < end, `not within ${LIMIT_MS} ms: ${what}; ${this.records.length} records came`)
      await this.poll()
      for (const each of others) await each.poll()
    }
  }

  /** Settles as `work` does, which may need answers that only a poll brings. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isSettled = false
    const onSettled = () => {
      isSettled = true
    }
    work.then(onSettled, onSettled)
    await this.until('an answer', () => isSettled)
    return work
  }

  /** Rejects as its polls do. */
  async untilFailed(): Promise<unknown> {
    const failed = this.until('it fails', () => false)
    return failed.catch((thrown: unknown) => thrown)
  }

  /** Of one partition, in the order in which they came. */
  values(partition = 0): readonly string[] {
    return this.records.filter((each) => each.partition === partition).map(({ value }) => String(value))
  }

  async close(): Promise<void> {
    let isClosed = false
    void this.client.close().finally(() => {
      isClosed = true
    })
    // Where polling fails at once, as after the end or while a test that has failed still polls, others must have their turn.
    while (!isClosed) await this.client.poll(0, 20).catch(() => nextTurn())
  }
}
