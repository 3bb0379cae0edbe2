/** Asks what a group has stored, from outside. */
import { type PartitionId, partitionId, type TopicPartition } from '../../model/record.ts'
import { faultCodes } from '../faults/codes.ts'
import type { StoredOffset } from '../transactional-producer.ts'
import type { Brokers } from './brokers.ts'
import { byTopic } from './cluster-calls.ts'
import { answeredFault } from './errors.ts'
import { offsetsCall } from './group-calls.ts'

const LIMIT_MS = 10_000

/** Without what an open transaction may change. Rejects with a `KafkaFault` where that is not told of each of these. */
export async function storedOffsets(
  brokers: Brokers,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<PartitionId, StoredOffset>> {
  return brokers.inTime(ask(brokers, group, partitions), LIMIT_MS)
}

async function ask(brokers: Brokers, group: string, partitions: readonly TopicPartition[]) {
  const names = [...new Set(partitions.map(({ topic }) => topic))]
  await brokers.metadata(names)
  const topics = byTopic(partitions).map(([topic, of]) => ({
    topic,
    topicId: brokers.topic(topic)?.id ?? '',
    partitions: of.map(({ partition }) => partition),
  }))
  const coordinator = await brokers.coordinator(group)
  const fields = { group, memberId: null, memberEpoch: -1, topics, isStableOnly: true }
  const answer = await coordinator.call(offsetsCall(fields))
  if (answer.code !== 0) throw answeredFault(answer.code)
  const stored = new Map<PartitionId, StoredOffset>()
  for (const { topic, topicId, partitions: of } of topics) {
    for (const partition of of) {
      // By name or by id, as the version has it.
      const reply = answer.partitions.find(
        (each) => each.partition === partition && (each.topic === topicId || each.topic === topic),
      )
      const code = reply?.code ?? faultCodes.UNKNOWN_TOPIC_OR_PART
      if (reply === undefined || code !== 0) throw answeredFault(code)
      const { position, metadata } = reply
      if (position >= 0) stored.set(partitionId({ topic, partition }), { position, metadata })
    }
  }
  return stored
}
