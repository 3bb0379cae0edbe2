/** One partition, opened: every offset that is not over, what holds its position, and what a crash would cost. */
import { useEffect, useState } from 'preact/hooks'
import { partitionPlace } from '../../model/record.ts'
import type { PartitionView, RecordView } from '../protocol-records.ts'
import { usePolled } from './link/polled.ts'
import { path } from './link/requests.ts'
import { now, ribbons, watch } from './link/store.ts'
import { ribbonId } from './models/known-rows.ts'
import { recordHash } from './models/location.ts'
import { digits, span } from './models/numbers.ts'
import { crashText, runAt, runText, type Stretch, stateCounts, wholeOf, within, zoomed } from './models/ribbon.ts'
import { Empty, Fact, Pending, Shown, useCopyable } from './parts.tsx'
import { RecordStanding } from './record-standing.tsx'
import { LargeRibbon, RunLegend } from './ribbon.tsx'

export interface PartitionProps {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

export function Partition(of: PartitionProps) {
  const { group, topic, partition } = of
  const id = ribbonId(of)
  // Whole every two seconds, with more runs than the stream tells; the stream tells what changes in between.
  const { answer, error, isMissing } = usePolled<PartitionView>(path('partitions', group, topic, partition), 2_000)
  useEffect(() => {
    watch([id])
    return () => watch([])
  }, [id])
  const told = ribbons.value.get(id)
  const view = told === undefined || (answer !== undefined && answer.epoch > told.epoch) ? answer : told
  useCopyable(`partition ${partitionPlace(of)}`, () => view)
  return (
    <section>
      <h2>
        <span class="place">
          <Shown text={partitionPlace(of)} />
        </span>{' '}
        <span class="dim">
          group <Shown text={group} />
          {view !== undefined && (
            <>
              {' '}
              · <Shown text={view.handlerId} />
            </>
          )}
        </span>
      </h2>
      {isMissing ? (
        <Empty title="This partition is not assigned to this process">
          Another member of the group has it, or nobody yet. Members and their partitions are told by the brokers' own
          tools.
        </Empty>
      ) : view === undefined ? (
        <Pending error={error} />
      ) : (
        <Opened key={id} view={view} />
      )}
    </section>
  )
}

function Opened({ view }: { readonly view: PartitionView }) {
  const { group, topic, partition, runs, cutAt, isSampled, position, committedPosition, logEnd } = view
  const [zoom, setZoom] = useState<Stretch | undefined>(undefined)
  const [at, setAt] = useState<number | undefined>(undefined)
  const whole = wholeOf(runs)
  const counts = new Map<string, number>(stateCounts(runs).map(({ state, count }) => [state, count]))
  const open = (offset: number) => {
    location.hash = recordHash(group, { topic, partition, offset })
  }
  return (
    <>
      <Figures view={view} />
      {whole === undefined ? (
        <Empty title="Nothing is in this partition yet">Its first record begins the line of offsets.</Empty>
      ) : (
        <>
          <LargeRibbon
            runs={runs}
            whole={whole}
            seen={zoom === undefined ? whole : within(zoom, whole)}
            onSeen={(seen) => setZoom(seen.from === whole.from && seen.to === whole.to ? undefined : seen)}
            at={at}
            onAt={setAt}
            onOpen={open}
            marks={[committedPosition, position, logEnd].flatMap((each) => (each === null ? [] : [each]))}
          />
          <p class="readout num">
            <Readout view={view} at={at} />
          </p>
          <p class="tools">
            <Zoom seen={zoom ?? whole} whole={whole} around={at ?? position ?? whole.from} onSeen={setZoom} />
            <span class="dim">
              With the ribbon focused: <kbd>←</kbd> <kbd>→</kbd> runs, <kbd>+</kbd> <kbd>-</kbd> <kbd>0</kbd> zoom,{' '}
              <kbd>Enter</kbd> opens.
            </span>
          </p>
          {cutAt !== null && <p class="dim">There is more above offset {digits(cutAt)}: the list of runs is full.</p>}
          {isSampled && <p class="dim">Not every offset was looked at: there are too many.</p>}
          <RunLegend counts={counts} />
        </>
      )}
      {position !== null && isHeld(view) && <Holding view={view} position={position} />}
    </>
  )
}

/** Whether a record that has arrived stands at the position. */
function isHeld({ position, nextOffset }: PartitionView): boolean {
  return position !== null && nextOffset !== null && position < nextOffset
}

function Readout({ view, at }: { readonly view: PartitionView; readonly at: number | undefined }) {
  const run = at === undefined ? undefined : view.runs[runAt(view.runs, at)]
  if (at === undefined || run === undefined) {
    return <span class="dim">Point at the ribbon, or go through it with the arrows.</span>
  }
  const { group, topic, partition } = view
  return (
    <>
      {runText(run, now.value)} ·{' '}
      <a href={recordHash(group, { topic, partition, offset: at })}>open offset {digits(at)}</a>
    </>
  )
}

function Figures({ view }: { readonly view: PartitionView }) {
  const { position, committedPosition, nextOffset, logEnd, logEndAgeMs, epoch, metadata, runsAgain } = view
  const shown = (value: number | null) => (value === null ? '–' : digits(value))
  const full = metadata.limit === 0 ? 0 : metadata.used / metadata.limit
  return (
    <>
      <p class="crash">{crashText(runsAgain)}</p>
      <dl class="figures num">
        <Fact name="Committed">{shown(committedPosition)}</Fact>
        <Fact name="Position">{shown(position)}</Fact>
        <Fact name="Arrived up to">{shown(nextOffset)}</Fact>
        <Fact name="Log end">
          {shown(logEnd)}
          {logEndAgeMs !== null && logEndAgeMs > 30_000 && <span class="dim"> heard {span(logEndAgeMs)} ago</span>}
        </Fact>
        <Fact name="Metadata">
          {metadata.limit === 0 ? (
            'not stored'
          ) : (
            <>
              <progress max={metadata.limit} value={metadata.used} aria-label="Metadata" /> {Math.round(full * 100)} %
            </>
          )}
        </Fact>
        <Fact name="Assignment">{digits(epoch)}</Fact>
      </dl>
      <p class="states">
        {view.isTight && <span class="tag">no room above the position: only what is below starts</span>}
        {view.isDraining && <span class="tag">being given up</span>}
        {view.pausedBecause !== null && (
          <span class="tag">not fetched: its limit on {view.pausedBecause} is reached</span>
        )}
      </p>
    </>
  )
}

interface ZoomProps {
  readonly seen: Stretch
  readonly whole: Stretch
  readonly around: number
  readonly onSeen: (seen: Stretch | undefined) => void
}

function Zoom({ seen, whole, around, onSeen }: ZoomProps) {
  const middle = around >= seen.from && around < seen.to ? around : (seen.from + seen.to) / 2
  return (
    <span class="zoom" role="group" aria-label="Zoom">
      <button type="button" class="small" onClick={() => onSeen(zoomed(seen, whole, 0.5, middle))} aria-label="Closer">
        +
      </button>{' '}
      <button type="button" class="small" onClick={() => onSeen(zoomed(seen, whole, 2, middle))} aria-label="Wider">
        −
      </button>{' '}
      <button type="button" class="small" onClick={() => onSeen(undefined)}>
        whole
      </button>
    </span>
  )
}

function Holding({ view, position }: { readonly view: PartitionView; readonly position: number }) {
  const { group, topic, partition } = view
  const { answer, again } = usePolled<RecordView>(path('records', group, topic, partition, position), 1_000)
  return (
    <div class="holding">
      <h3>
        What holds the position:{' '}
        <a class="place" href={recordHash(group, { topic, partition, offset: position })}>
          offset {digits(position)}
        </a>
      </h3>
      {answer === undefined ? <p class="dim">Asking…</p> : <RecordStanding record={answer} again={again} />}
    </div>
  )
}
