/** Reads a topic to where it ended before the reading began. Commits nothing. */
import type { KafkaClient, LogBounds } from '../kafka/kafka-client.ts'
import { PyrallelError } from '../model/errors.ts'
import type { KafkaRecord } from '../model/record.ts'
import { Reading } from './reading.ts'

const POLL_WAIT_MS = 50
const MAX_POLL = 500
/** Nobody else is in the group, so that only its coordinator can keep one waiting. */
const JOIN_LIMIT_MS = 60_000

export interface TopicReading {
  readonly topic: string
  readonly bounds: readonly LogBounds[]
  /** Asked where nothing comes any more. Rejects where no broker answers. */
  readonly logs: () => Promise<readonly LogBounds[]>
  /** Returning false ends the reading. */
  readonly onRecord: (record: KafkaRecord) => boolean
  /** Asked at each poll: true ends the reading, also while nothing comes. Default: never. */
  readonly isOver?: () => boolean
}

/** @param client of a group of its own, which nobody else is in */
export async function readToEnd(
  client: KafkaClient,
  { topic, bounds, logs, onRecord, isOver }: TopicReading,
): Promise<void> {
  const reading = new Reading(bounds, () => performance.now())
  if (reading.isComplete) return
  await client.subscribe([topic], {
    onAssigned: (assigned) => {
      for (const each of assigned) reading.assign(each)
    },
    onRevoked: async (gone) => {
      for (const { partition } of gone) reading.forget(partition)
    },
    onLost: (gone) => {
      for (const { partition } of gone) reading.forget(partition)
    },
  })
  const joinUntil = performance.now() + JOIN_LIMIT_MS
  while (!reading.isComplete) {
    if (isOver?.() === true) return
    for (const record of await client.poll(MAX_POLL, POLL_WAIT_MS)) {
      if (reading.accept(record) && !onRecord(record)) return
    }
    if (reading.isSilent) {
      await whilePolling(client, logs())
      reading.brokerAnswered()
    }
    if (!reading.hasPartitions && performance.now() > joinUntil) throw notAssigned(topic, JOIN_LIMIT_MS)
  }
}

export function notAssigned(topic: string, limitMs: number): PyrallelError {
  return new PyrallelError(
    'PYR_KAFKA',
    `No partition of ${topic} was assigned within ${limitMs / 1_000} s. Another process may be reading it in the same group: wait until it ends.`,
  )
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
