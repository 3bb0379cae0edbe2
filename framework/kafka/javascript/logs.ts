/** Asks the leaders of partitions where their logs begin and end. */
import { partitionId, type TopicPartition } from '../../model/record.ts'
import { faultCodes } from '../faults/codes.ts'
import type { Brokers } from './brokers.ts'
import { type LogAnswer, type logEdges, logsCall } from './cluster-calls.ts'
import { answeredFault, KafkaFault } from './errors.ts'

/** A broker answers for so many at once. */
const PARTITIONS_AT_ONCE = 1_000

export interface LogEdgesOf {
  readonly edge: keyof typeof logEdges
  /** The end is where the first open transaction begins. */
  readonly isCommittedOnly: boolean
}

/**
 * One round of questions, in the order of `partitions`. The topics must have been asked for, so that their leaders are known.
 * Rejects with the fault of any that is not answered.
 */
export async function askLogs(
  brokers: Brokers,
  partitions: readonly TopicPartition[],
  { edge, isCommittedOnly }: LogEdgesOf,
): Promise<readonly number[]> {
  const byLeader = new Map<number, TopicPartition[]>()
  for (const each of partitions) {
    const leader = brokers.leaderOf(each.topic, each.partition)
    if (leader === undefined) throw new KafkaFault(faultCodes.LEADER_NOT_AVAILABLE, 'there is no leader at the moment')
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), each])
  }
  const asked = [...byLeader].flatMap(([leader, of]) =>
    chunks(of).map((some) => {
      const questions = some.map(({ topic, partition }) => ({ topic, partition, edge, leaderEpoch: -1 }))
      return brokers.node(leader, 'control').call(logsCall(questions, isCommittedOnly))
    }),
  )
  const answers = new Map<string, LogAnswer>()
  for (const answer of (await Promise.all(asked)).flat()) answers.set(partitionId(answer), answer)
  return partitions.map((each) => {
    const answer = answers.get(partitionId(each))
    if (answer === undefined) throw new KafkaFault(faultCodes.BAD_MESSAGE, 'the answer leaves a partition out')
    if (answer.code !== 0) throw answeredFault(answer.code)
    return answer.offset
  })
}

function chunks<T>(all: readonly T[]): readonly (readonly T[])[] {
  const found: T[][] = []
  for (let from = 0; from < all.length; from += PARTITIONS_AT_ONCE)
    found.push(all.slice(from, from + PARTITIONS_AT_ONCE))
  return found
}
