/** Rows of the list of partitions: which ones, and in which order. */
import { partitionPlace } from '../../../model/record.ts'
import type { PartitionMetrics, SystemMetrics } from '../../../model/snapshot.ts'

export interface PartitionRow {
  readonly group: string
  readonly partition: PartitionMetrics
}

export const partitionOrders = ['place', 'blocked', 'lag'] as const
export type PartitionOrder = (typeof partitionOrders)[number]

export function partitionRows({ groups }: SystemMetrics, search: string, by: PartitionOrder): readonly PartitionRow[] {
  const wanted = search.trim().toLowerCase()
  return groups
    .flatMap(({ group, partitions }) => partitions.map((partition) => ({ group, partition })))
    .filter((row) => wanted === '' || `${row.group} ${partitionPlace(row.partition)}`.toLowerCase().includes(wanted))
    .sort((a, b) => compare[by](a, b) || compare.place(a, b))
}

const compare: { readonly [By in PartitionOrder]: (a: PartitionRow, b: PartitionRow) => number } = {
  place: (a, b) =>
    byText(a.partition.topic, b.partition.topic) ||
    a.partition.partition - b.partition.partition ||
    byText(a.group, b.group),
  blocked: (a, b) => (b.partition.blocking?.ageMs ?? 0) - (a.partition.blocking?.ageMs ?? 0),
  lag: (a, b) => (b.partition.trueLag ?? 0) - (a.partition.trueLag ?? 0),
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
