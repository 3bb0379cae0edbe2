/** Reads what a group has stored, from outside the group: partitions need not be owned. Changes nothing. */
import { type PartitionId, partitionId, type TopicPartition } from '../../model/record.ts'
import type { StoredOffset } from '../transactional-producer.ts'
import type { NativeConsumer, NativePartition } from './binding.ts'
import { nativeError } from './errors.ts'

const TIMEOUT_MS = 10_000

/**
 * As a member is told it, with the last character of what other clients have stored cut off: so both can be compared.
 * @param outsider makes a consumer of the group that is connected and joins nothing. It is disconnected here
 */
export async function storedOffsets(
  outsider: () => Promise<NativeConsumer>,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<PartitionId, StoredOffset>> {
  const native = await outsider()
  try {
    const asked = partitions.map(({ topic, partition }) => ({ topic, partition }))
    const found = await new Promise<readonly (NativePartition | Error)[]>((resolve, reject) => {
      native.committed(asked, TIMEOUT_MS, (error, answer) => (error ? reject(nativeError(error)) : resolve(answer)))
    })
    return new Map(found.flatMap((each) => entryOf(each)))
  } finally {
    await new Promise<void>((resolve) => native.disconnect(resolve))
  }
}

function entryOf(found: NativePartition | Error): readonly (readonly [PartitionId, StoredOffset])[] {
  if (found instanceof Error) throw nativeError(found)
  const { offset = -1, metadata } = found
  return offset < 0 ? [] : [[partitionId(found), { position: offset, metadata: metadata ?? '' }]]
}
