/** Reads a topic from where its group stands to where it ended when the reading began. Commits nothing by itself. */
import type { AssignedPartition, KafkaClient } from '../../framework/kafka/kafka-client.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { KafkaRecord, TopicPartition } from '../../framework/model/record.ts'

const POLL_WAIT_MS = 50
/** Nothing has come for so long: what is missing up to the end does not exist (compaction, transaction markers). */
const QUIET_MS = 1_000
/** The same while the end is not known: the broker has not even said that there is nothing. */
const QUIET_UNKNOWN_MS = 5_000
/** Another member may hold the partitions, and gives them back only in its own time. */
const JOIN_LIMIT_MS = 30_000

export interface TopicReader {
  onAssigned?(partition: AssignedPartition): void
  /** One after the other. Returning false ends the reading. */
  onRecord(record: KafkaRecord): Promise<boolean>
  /** Between polls. */
  onPolled?(): Promise<void>
  onRevoked?(partitions: readonly TopicPartition[]): Promise<void>
  onLost?(partitions: readonly TopicPartition[]): void
}

interface Progress {
  /** The next offset; undefined before the first record where the group had committed nothing. */
  next: number | undefined
  /** What arrives at or above it came after the reading had begun. */
  end: number | undefined
  heardAt: number
}

/** @param size the most records of one poll; they are handed over before the next one */
export async function readToEnd(client: KafkaClient, topic: string, size: number, reader: TopicReader): Promise<void> {
  const partitions = new Map<number, Progress>()
  const forget = (gone: readonly TopicPartition[]) => {
    for (const { partition } of gone) partitions.delete(partition)
  }
  let isJoined = false
  await client.subscribe([topic], {
    onAssigned: (assigned) => {
      isJoined = true
      for (const partition of assigned) {
        partitions.set(partition.partition, { next: partition.position, end: undefined, heardAt: performance.now() })
        reader.onAssigned?.(partition)
      }
    },
    onRevoked: async (gone) => {
      await reader.onRevoked?.(gone)
      forget(gone)
    },
    onLost: (gone) => {
      reader.onLost?.(gone)
      forget(gone)
    },
  })
  const joinUntil = performance.now() + JOIN_LIMIT_MS
  for (;;) {
    for (const record of await client.poll(size, POLL_WAIT_MS)) {
      const progress = partitions.get(record.partition)
      if (progress === undefined || (progress.end !== undefined && record.offset >= progress.end)) continue
      progress.next = record.offset + 1
      if (!(await reader.onRecord(record))) return
      // After the record was dealt with: that may take long, and is no silence of the broker.
      progress.heardAt = performance.now()
    }
    await reader.onPolled?.()
    const now = performance.now()
    for (const [partition, progress] of partitions) progress.end ??= client.logEnd({ topic, partition })
    if (isJoined && [...partitions.values()].every((progress) => isOver(progress, now))) return
    if (!isJoined && now > joinUntil) {
      throw new PyrallelError(
        'PYR_KAFKA',
        `No partition of ${topic} was assigned within ${JOIN_LIMIT_MS / 1_000} s. Another process may be reading it in the same group: wait until it ends.`,
      )
    }
  }
}

/** Goes on polling until it settles: a client serves its callbacks only then. */
export async function whilePolling<T>(client: KafkaClient, work: Promise<T>): Promise<T> {
  let isSettled = false
  const settled = work.finally(() => {
    isSettled = true
  })
  // A poll may fail because the client has just been closed; then the work tells what there is to tell.
  settled.catch(() => {})
  while (!isSettled) await client.poll(0, POLL_WAIT_MS).catch(() => settled.catch(() => {}))
  return settled
}

function isOver({ next, end, heardAt }: Progress, now: number): boolean {
  if (end !== undefined && next !== undefined && next >= end) return true
  if (end === 0) return true
  return now - heardAt > (end === undefined ? QUIET_UNKNOWN_MS : QUIET_MS)
}
