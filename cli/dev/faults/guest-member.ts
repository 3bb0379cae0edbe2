/** A member that joins a group and leaves it as soon as it has got something: the others give partitions up for it, and get them back. Handles nothing, commits nothing. */
import type { KafkaConnection } from '../../../framework/kafka/kafka-client.ts'
import type { Clock } from '../../../framework/time/clock.ts'

const POLL_MS = 20

export interface VisitLimits {
  readonly clock: Clock
  readonly limitMs: number
  /** The session ends. */
  readonly isOver: () => boolean
}

/** @returns whether it has got a partition within `limitMs` */
export async function visit(
  connection: KafkaConnection,
  { group, topics }: { readonly group: string; readonly topics: readonly string[] },
  { clock, limitMs, isOver }: VisitLimits,
): Promise<boolean> {
  // Of a group that has members already: nothing begins anew for it, at whichever end.
  const client = await connection.consumer({ group, startFrom: 'earliest' })
  const until = clock.now() + limitMs
  let hasSome = false
  let isClosed = false
  try {
    await client.subscribe(topics, {
      onAssigned: (partitions) => {
        hasSome ||= partitions.length > 0
        client.pause(partitions)
      },
      onRevoked: async () => {},
      onLost: () => {},
    })
    while (!hasSome && !isOver() && clock.now() < until) await client.poll(0, POLL_MS)
    return hasSome
  } finally {
    const closing = client.close().finally(() => {
      isClosed = true
    })
    // By its contract: until it is closed.
    while (!isClosed) await client.poll(0, POLL_MS).catch(() => {})
    await closing
  }
}
