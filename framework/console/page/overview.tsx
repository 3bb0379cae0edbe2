/** What every handler does, and every partition that needs a look: with the record that blocks it. */
import type { HandlerRow } from '../protocol.ts'
import type { PausedAnswer } from '../protocol-actions.ts'
import { path, post } from './link/requests.ts'
import { about, handlers, notes, rates, snapshot } from './link/store.ts'
import { handlerKey, ribbonId } from './models/known-rows.ts'
import { placeHash } from './models/location.ts'
import { digits, plural, rate, short, span } from './models/numbers.ts'
import { sparkline } from './models/sparkline.ts'
import { CellLegend, PartitionFacts } from './partition-row.tsx'
import { Act, Empty, Moment, Shown, useCopyable } from './parts.tsx'

export function Overview() {
  useCopyable('snapshot, verdict and handlers', () => ({ ...snapshot.peek(), handlers: handlers.peek() }))
  return (
    <>
      <Handlers />
      <Partitions />
      <Notes />
    </>
  )
}

function Handlers() {
  const rows = handlers.value
  return (
    <section>
      <h2>Handlers</h2>
      {rows.length === 0 ? (
        <Empty title="No handler runs yet">A file below handlers/ with a default export is one.</Empty>
      ) : (
        <div class="scroll" tabIndex={0} role="group" aria-label="Handlers">
          <table>
            <thead>
              <tr>
                {[
                  'Handler',
                  'Reads',
                  'Done',
                  'Last minute',
                  'p50',
                  'p99',
                  'In flight',
                  'Retries',
                  'Dead/min',
                  'Poisoned',
                  '',
                ].map((name, index) => (
                  <th key={name} class={index > 1 ? 'num' : ''}>
                    {name === '' ? <span class="offscreen">Action</span> : name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <Handler key={handlerKey(row)} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function Handler({ row }: { readonly row: HandlerRow }) {
  const { handlerId, topic, isPaused, inFlight, capacity, retriesWaiting, deadLettersPerMinute, openBreakers } = row
  const verb = isPaused ? 'resume' : 'pause'
  const act = async () => {
    const { paused } = await post<PausedAnswer>(path('handlers', handlerId, verb), {})
    return paused.length === 0 ? 'Nothing is paused.' : `Paused: ${paused.join(', ')}.`
  }
  return (
    <tr class={isPaused ? 'paused' : ''}>
      <td>
        <Shown text={handlerId} /> {isPaused && <span class="tag">paused</span>}
        {row.isHeldByRate && <span class="tag">at its rate</span>}
        {row.parked > 0 && <span class="tag">{short(row.parked)} parked</span>}
      </td>
      <td>
        <Shown text={topic} />
      </td>
      <td class="num">{rate(row.rate)}</td>
      <td class="num">
        <svg class="spark" viewBox="0 0 90 18" aria-hidden="true">
          <polyline points={sparkline(rates.value.points.get(handlerKey(row)) ?? [], 90, 17)} />
        </svg>
      </td>
      <td class="num">{row.p50Ms === null ? '–' : span(row.p50Ms)}</td>
      <td class="num">{row.p99Ms === null ? '–' : span(row.p99Ms)}</td>
      <td class="num">
        {digits(inFlight)} of {digits(capacity)}
      </td>
      <td class="num">{short(retriesWaiting)}</td>
      <td class="num">{short(deadLettersPerMinute)}</td>
      <td class="num">{short(openBreakers)}</td>
      <td class="num">{about.value?.can.act === true && <Act act={act}>{isPaused ? 'Resume' : 'Pause'}</Act>}</td>
    </tr>
  )
}

function Partitions() {
  const groups = snapshot.value?.metrics.groups ?? []
  const assigned = groups.reduce((sum, group) => sum + group.assignedPartitions, 0)
  const rows = groups.flatMap(({ group, partitions }) => partitions.map((partition) => ({ group, partition })))
  return (
    <section>
      <h2>
        Partitions{' '}
        <span class="dim">
          {rows.length < assigned
            ? `${rows.length} of ${digits(assigned)}: those that need a look most`
            : digits(assigned)}{' '}
          {rows.length > 0 && <a href={placeHash({ view: 'partitions', query: {} })}>all</a>}
        </span>
      </h2>
      {rows.length === 0 ? (
        <Empty title="No partition is assigned to this process">
          That is so before it has joined its group, and while other members have them all.
        </Empty>
      ) : (
        <>
          <ul class="partitions">
            {rows.map(({ group, partition }) => (
              <li key={ribbonId({ group, ...partition })} data-row="" tabIndex={0}>
                <PartitionFacts group={group} of={partition} />
              </li>
            ))}
          </ul>
          <CellLegend />
        </>
      )}
    </section>
  )
}

function Notes() {
  const rows = notes.value
  return (
    <section>
      <h2>
        Lately <span class="dim">{rows.length === 0 ? '' : plural(rows.length, 'note')}</span>
      </h2>
      {rows.length === 0 ? (
        <Empty title="Nothing has happened since this page was opened">
          Rebalances, faults of commits and what somebody does by hand stand here.
        </Empty>
      ) : (
        <ol class="notes">
          {rows.map((note) => (
            <li key={`${note.at} ${note.kind} ${note.text}`} class={note.level}>
              <Moment at={note.at} /> <Shown text={note.text} />
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}
