/** One partition in a list: its offsets as a line, its figures, and the record that blocks it. */
import { partitionPlace, recordPlace } from '../../model/record.ts'
import type { PartitionMetrics } from '../../model/snapshot.ts'
import type { PartitionView } from '../protocol-records.ts'
import { partitionHash, recordHash } from './models/location.ts'
import { digits, span } from './models/numbers.ts'
import { runLooks, stateCounts } from './models/ribbon.ts'
import { cellRuns } from './models/ribbon-cells.ts'
import { Shown } from './parts.tsx'
import { SmallRibbon } from './ribbon.tsx'

interface PartitionProps {
  readonly group: string
  readonly of: PartitionMetrics
  /** Its offsets as the stream tells them; without it, the cells of the snapshot. */
  readonly view?: PartitionView | undefined
}

export function PartitionFacts({ group, of, view }: PartitionProps) {
  const { blocking, trueLag, ribbon } = of
  return (
    <>
      <a class="place" href={partitionHash({ group, ...of })}>
        <Shown text={partitionPlace(of)} />
      </a>
      {view === undefined || view.runs.length === 0 ? (
        <Cells cells={ribbon.cells} />
      ) : (
        <SmallRibbon
          runs={view.runs}
          label={labelOf(stateCounts(view.runs).map(({ state }) => runLooks[state].says))}
        />
      )}
      <span class="num lag">{trueLag === null ? 'lag not known' : `${digits(trueLag)} behind`}</span>
      <span class="num dim facts">
        <span class="figure">position {of.position === null ? '–' : digits(of.position)}</span>
        <span class="figure">{digits(of.gaps.offsets)} done above it</span>
        <span class="figure">{digits(of.inFlight)} run</span>
        <span class="figure">{digits(of.queued)} queued</span>
        <span class="figure">{digits(of.retriesWaiting)} wait for a retry</span>
        {of.parked > 0 && <span class="figure">{digits(of.parked)} parked</span>}
        {of.delayed > 0 && <span class="figure">{digits(of.delayed)} wait for their time</span>}
        {of.metadataLimit > 0 && (
          <span class="figure">metadata {Math.round((of.metadataUsed / of.metadataLimit) * 100)} % full</span>
        )}
        {of.isDraining && <span class="figure">given up at the moment</span>}
        {of.pausedBecause !== null && <span class="figure">paused: its limit on {of.pausedBecause} is reached</span>}
      </span>
      {isWorthALine(blocking) && <Blocking group={group} of={of} blocking={blocking} />}
    </>
  )
}

/** Some record holds the position at nearly every moment: a line for each would come and go, and move what is below. */
function isWorthALine(blocking: PartitionMetrics['blocking']): blocking is BlockingRecord {
  return blocking !== null && (blocking.ageMs >= 5_000 || blocking.lastError !== null)
}

type BlockingRecord = NonNullable<PartitionMetrics['blocking']>
const blockingWords: Readonly<Record<BlockingRecord['state'], string>> = {
  queued: 'waits for its turn',
  'in-flight': 'runs',
  delayed: 'waits for its time',
  waiting: 'waits for its retry',
  parked: 'is parked',
  dead: 'waits for its dead letter to be acknowledged',
}

interface BlockingProps {
  readonly group: string
  readonly of: PartitionMetrics
  readonly blocking: BlockingRecord
}

function Blocking({ group, of, blocking }: BlockingProps) {
  const { offset, key, state, attempt, ageMs, lastError } = blocking
  return (
    <p class="blocking">
      <a class="place" href={recordHash(group, { ...of, offset })}>
        <Shown text={recordPlace({ ...of, offset })} />
      </a>{' '}
      holds the position: it {blockingWords[state]}, attempt <span class="num">{attempt}</span>, for{' '}
      <span class="num">{span(Math.floor(ageMs / 1000) * 1000)}</span>
      {key !== null && (
        <>
          , key{' '}
          <code class="key">
            <Shown text={key} />
          </code>
        </>
      )}
      {lastError !== null && (
        <span class="message">
          {' '}
          — <Shown text={`${lastError.name}: ${lastError.message}`} />
        </span>
      )}
    </p>
  )
}

function Cells({ cells }: { readonly cells: string }) {
  const runs = cellRuns(cells)
  return (
    <svg
      class="cells"
      viewBox="0 0 48 10"
      preserveAspectRatio="none"
      role="img"
      aria-label={labelOf(runs.map(({ says }) => says))}
    >
      {runs.map(({ kind, x, width, top }) => (
        <rect key={x} class={kind} x={x} y={top * 10} width={width} height={10 - top * 10} />
      ))}
    </svg>
  )
}

function labelOf(says: readonly string[]): string {
  return says.length === 0 ? 'nothing is here' : [...new Set(says)].join(', ')
}

export function CellLegend() {
  return (
    <ul class="legend" aria-label="What the ribbons show">
      {cellRuns('dgrxw').map(({ kind, says }) => (
        <li key={kind}>
          <i class={`swatch ${kind}`} />
          {says}
        </li>
      ))}
    </ul>
  )
}
