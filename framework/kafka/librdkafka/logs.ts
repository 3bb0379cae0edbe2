/** Asks brokers where logs begin and end, for a short time only: an assignment waits for it. What was not told in time is left out. */
import { type PartitionId, partitionId, type TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import type { NativeConsumer, NativeWatermarks } from './binding.ts'

/** For all partitions together. */
const TOTAL_MS = 5_000
/** For one of them, so that a partition without a leader does not use up the time of the others. */
const EACH_MS = 1_000
/** Each question holds one of libuv's four threads, and records are consumed on them, too. */
const AT_ONCE = 2

/**
 * A new leader may tell less than the log holds until its followers have caught up (KIP-207). Then completed records run again, which is
 * no loss; it never tells more.
 * @param isWanted asked before each question: what is not is left out
 */
export async function askLogs(
  native: Pick<NativeConsumer, 'queryWatermarkOffsets'>,
  clock: Clock,
  partitions: readonly TopicPartition[],
  isWanted: () => boolean = () => true,
): Promise<ReadonlyMap<PartitionId, NativeWatermarks>> {
  const logs = new Map<PartitionId, NativeWatermarks>()
  const until = clock.now() + TOTAL_MS
  const waiting = partitions.values()
  const askInTurn = async (): Promise<void> => {
    for (const each of waiting) {
      const leftMs = Math.ceil(until - clock.now())
      if (leftMs <= 0 || !isWanted()) return
      const found = await askOne(native, each, Math.min(leftMs, EACH_MS))
      if (found !== undefined) logs.set(partitionId(each), found)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, askInTurn))
  return logs
}

function askOne(
  native: Pick<NativeConsumer, 'queryWatermarkOffsets'>,
  { topic, partition }: TopicPartition,
  timeoutMs: number,
): Promise<NativeWatermarks | undefined> {
  return new Promise((resolve) => {
    try {
      native.queryWatermarkOffsets(topic, partition, timeoutMs, (error, watermarks) =>
        resolve(error ? undefined : watermarks),
      )
    } catch {
      // The binding throws while the client is not connected; then nothing is told.
      resolve(undefined)
    }
  })
}
