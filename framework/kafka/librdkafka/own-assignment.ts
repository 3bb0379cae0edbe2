/** Compares what a group says that its members have with what this one holds. librdkafka does not tell which of them it is. Pure. */
import { partitionPlace, type TopicPartition } from '../../model/record.ts'

/** One member, as the group's coordinator describes it. */
export interface DescribedMember {
  readonly clientId: string
  /** What it may read: of a member that is to give something up, with that, until it has said that it did. */
  readonly assigned: readonly TopicPartition[]
  /** What it is to have in the end. What others still hold of it is not assigned to it yet. */
  readonly target: readonly TopicPartition[]
}

/**
 * In words, and the same ones as long as nothing changes; `undefined` where both agree.
 *
 * Whoever has one of the partitions that are held is this member, as a partition has one owner. A member that holds nothing is one of those with its client
 * id: where all of them have something, it has something, too; else nobody can tell. One that never held anything says everything in each heartbeat, so it hears.
 */
export function differenceOf(
  held: readonly TopicPartition[],
  members: readonly DescribedMember[],
  clientId: string,
): string | undefined {
  return held.length > 0 ? ofHolder(held, members) : ofIdle(members, clientId)
}

function ofHolder(held: readonly TopicPartition[], members: readonly DescribedMember[]): string | undefined {
  const places = new Set(held.map(partitionPlace))
  const owners = members.filter(({ assigned }) => assigned.some((each) => places.has(partitionPlace(each))))
  const [self] = owners.length === 1 ? owners : []
  const target = new Set(self?.target.map(partitionPlace))
  const kept = [...places].filter((each) => !target.has(each)).sort()
  const unread = (self?.assigned ?? [])
    .map(partitionPlace)
    .filter((each) => !places.has(each))
    .sort()
  const parts = [
    ...(kept.length > 0 ? [`holds what the group wants back: ${kept.join(', ')}`] : []),
    ...(unread.length > 0 ? [`does not read what the group has given it: ${unread.join(', ')}`] : []),
  ]
  return parts.length > 0 ? parts.join('; ') : undefined
}

function ofIdle(members: readonly DescribedMember[], clientId: string): string | undefined {
  const namesakes = members.filter((each) => each.clientId === clientId)
  if (namesakes.length === 0 || namesakes.some(({ assigned }) => assigned.length === 0)) return undefined
  const places = namesakes.flatMap(({ assigned }) => assigned.map(partitionPlace)).sort()
  return `holds nothing, and the group has given it some of these: ${places.join(', ')}`
}
