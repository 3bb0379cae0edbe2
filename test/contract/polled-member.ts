/** A member of a group as contract tests have one: polled by the test, it remembers what it was told. */
import assert from 'node:assert/strict'
import type { AssignedPartition, KafkaClient } from '../../framework/kafka/kafka-client.ts'
import type { PyrallelError } from '../../framework/model/errors.ts'
import { type KafkaRecord, partitionId, type TopicPartition } from '../../framework/model/record.ts'

export const LIMIT_MS = 30_000

/** A member that is polled by the test, and remembers what it was told. */
export class Member {
  readonly client: KafkaClient
  readonly assignments: AssignedPartition[] = []
  readonly revoked: TopicPartition[] = []
  readonly records: KafkaRecord[] = []
  readonly owned = new Set<string>()
  /** What happened, in order. */
  readonly story: string[] = []
  onAssigned: (partitions: readonly TopicPartition[]) => void = () => {}
  onRevoked: (partitions: readonly TopicPartition[]) => Promise<void> = async () => {}
  isClosed = false
  /** How often it was told that partitions come. */
  assignings = 0
  #max = 100

  constructor(client: KafkaClient) {
    this.client = client
  }

  async subscribe(topics: readonly string[]): Promise<this> {
    await this.client.subscribe(topics, {
      onAssigning: () => {
        this.assignings += 1
      },
      onAssigned: (partitions) => {
        assert.ok(
          this.assignings > 0,
          'partitions were assigned, and nobody was told before where they begin was asked',
        )
        this.story.push('assigned')
        this.assignments.push(...partitions)
        for (const each of partitions) this.owned.add(partitionId(each))
        this.onAssigned(partitions)
      },
      onRevoked: async (partitions) => {
        this.story.push('revoked')
        await this.onRevoked(partitions)
        this.revoked.push(...partitions)
        for (const each of partitions) this.owned.delete(partitionId(each))
      },
      onLost: (partitions) => {
        this.story.push('lost')
        for (const each of partitions) this.owned.delete(partitionId(each))
      },
    })
    return this
  }

  /** The records of the next polls; 0 serves callbacks only. */
  take(max: number): void {
    this.#max = max
  }

  async poll(): Promise<void> {
    for (const record of await this.client.poll(this.#max, 20)) {
      assert.ok(this.owned.has(partitionId(record)), `a record of ${partitionId(record)}, which is not owned`)
      if (this.records.length === 0) this.story.push('record')
      this.records.push(record)
    }
  }

  values(): string[] {
    return this.records.map((each) => String(each.value))
  }

  async close(): Promise<void> {
    const closing = this.client.close().then(() => {
      this.isClosed = true
    })
    while (!this.isClosed) await this.poll().catch(ignoreClosed)
    await closing
  }
}

export function ignoreClosed(error: PyrallelError): void {
  if (error.code !== 'PYR_CLIENT_CLOSED') throw error
}

/** Polls all members side by side until it is so. */
export async function pump(members: readonly Member[], what: string, isSo: () => boolean): Promise<void> {
  const until = Date.now() + LIMIT_MS
  while (!isSo()) {
    assert.ok(Date.now() < until, `not within ${LIMIT_MS} ms: ${what}`)
    await Promise.all(members.map((each) => each.poll()))
  }
}

export async function whilePolled<T>(member: Member, work: Promise<T>): Promise<T> {
  let isSettled = false
  const settled = work.finally(() => {
    isSettled = true
  })
  settled.catch(() => {})
  await pump([member], 'an answer', () => isSettled)
  return await settled
}
