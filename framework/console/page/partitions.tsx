/** All partitions of this process. Those in view are drawn offset by offset. */
import { useEffect, useState } from 'preact/hooks'
import type { SnapshotAnswer } from '../protocol.ts'
import { usePolled } from './link/polled.ts'
import { path } from './link/requests.ts'
import { ribbons, watch } from './link/store.ts'
import { ribbonId } from './models/known-rows.ts'
import { placeHash } from './models/location.ts'
import { digits } from './models/numbers.ts'
import { type PartitionOrder, partitionOrders, partitionRows } from './models/partition-rows.ts'
import type { RowRange } from './models/virtual-rows.ts'
import { PartitionFacts } from './partition-row.tsx'
import { Empty, Pending, useCopyable } from './parts.tsx'
import { RunLegend } from './ribbon.tsx'
import { VirtualRows } from './virtual-rows.tsx'

const orderWords: { readonly [By in PartitionOrder]: string } = {
  place: 'by name',
  blocked: 'held back longest',
  lag: 'most behind',
}

export function Partitions({ by = 'place' }: { readonly by: string | undefined }) {
  const { answer, error } = usePolled<SnapshotAnswer>(path('snapshot'), 2_000)
  const [search, setSearch] = useState('')
  const order = partitionOrders.find((each) => each === by) ?? 'place'
  useCopyable('partitions', () => answer?.metrics.groups)
  if (answer === undefined) return <Pending error={error} />
  const rows = partitionRows(answer.metrics, search, order)
  const assigned = answer.metrics.groups.reduce((sum, group) => sum + group.assignedPartitions, 0)
  return (
    <section>
      <h2>
        Partitions <span class="dim">{digits(assigned)}</span>
      </h2>
      <div class="choices">
        <label>
          Find{' '}
          <input
            type="search"
            value={search}
            placeholder="orders.created[2]"
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        {partitionOrders.map((each) => (
          <a
            key={each}
            href={placeHash({ view: 'partitions', query: each === 'place' ? {} : { by: each } })}
            aria-current={each === order ? 'true' : undefined}
          >
            {orderWords[each]}
          </a>
        ))}
      </div>
      {assigned === 0 ? (
        <Empty title="No partition is assigned to this process">
          That is so before it has joined its group, and while other members have them all.
        </Empty>
      ) : rows.length === 0 ? (
        <Empty title="No partition has this in its name">A name is topic[partition], behind that of its group.</Empty>
      ) : (
        <>
          <RunLegend />
          <Rows rows={rows} />
        </>
      )}
    </section>
  )
}

function Rows({ rows }: { readonly rows: ReturnType<typeof partitionRows> }) {
  const [range, setRange] = useState<RowRange>({ from: 0, to: 0 })
  const seen = rows.slice(range.from, range.to).map(({ group, partition }) => ribbonId({ group, ...partition }))
  useEffect(() => watch(seen), [seen.join()])
  useEffect(() => () => watch([]), [])
  const views = ribbons.value
  return (
    <VirtualRows
      count={rows.length}
      rowHeight={useRowHeight()}
      label="Partitions"
      onRange={setRange}
      row={(index) => {
        const row = rows[index]
        if (row === undefined) return null
        const { group, partition } = row
        return <PartitionFacts group={group} of={partition} view={views.get(ribbonId({ group, ...partition }))} />
      }}
    />
  )
}

/** As the style sheet lays rows out; texts that are longer are cut off there. */
function useRowHeight(): number {
  const [isNarrow, setNarrow] = useState(narrow.matches)
  useEffect(() => {
    const look = () => setNarrow(narrow.matches)
    narrow.addEventListener('change', look)
    return () => narrow.removeEventListener('change', look)
  }, [])
  return isNarrow ? 100 : 60
}

const narrow = matchMedia('(max-width: 640px)')
