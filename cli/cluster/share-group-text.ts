/** What is said of a share group: who is in it, where it begins in each partition, and what nobody can read of it. Pure. */
import type { ShareGroup } from '../../framework/kafka/kafka-client.ts'
import { harmless } from '../../framework/model/plain-text.ts'
import { plural } from '../../framework/model/plural.ts'
import { partitionPlace } from '../../framework/model/record.ts'
import type { Paint } from '../terminal/paint.ts'
import { table } from '../terminal/table.ts'

export function shareGroupText(group: string, broker: string, share: ShareGroup, paint: Paint): string {
  const { state, members, offsets } = share
  const head = (...names: readonly string[]) => names.map((name) => paint('bold', name))
  const rows = members.map(({ id, clientId, host, topics, partitions }) => [
    harmless(id),
    harmless(clientId),
    harmless(host),
    `${partitions} of ${harmless(topics.join(', '))}`,
  ])
  const starts = offsets.map((each) => [
    harmless(partitionPlace(each)),
    each.startOffset === null ? 'none' : String(each.startOffset),
    `${each.logStart}..${each.logEnd}`,
    each.lag === null ? '-' : String(each.lag),
  ])
  return [
    `group ${group} at ${broker} is a share group: ${harmless(state)}, with ${plural(members.length, 'member', 'members')}\n`,
    ...(rows.length === 0 ? [] : [table([head('member', 'client', 'host', 'partitions'), ...rows])]),
    ...(starts.length === 0 ? [] : [table([head('partition', 'start', 'log', 'lag'), ...starts], [1, 2, 3])]),
    "It commits nothing: what is done above a start is known to Kafka's share coordinator alone, and cannot be taken over.\n",
    'Pyrallel needs a group of another name, which begins where kafka.startFrom says.\n',
  ].join('')
}
