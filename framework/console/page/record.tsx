/** One record: where it stands and why, what it has failed with, and what is in it. */
import { recordPlace } from '../../model/record.ts'
import type { RecordView, Timeline } from '../protocol-records.ts'
import { usePolled } from './link/polled.ts'
import { send } from './link/requests.ts'
import { about } from './link/store.ts'
import { partitionHash, recordHash } from './models/location.ts'
import { clockTime, span } from './models/numbers.ts'
import { timelineSteps } from './models/timeline.ts'
import {
  Act,
  copyText,
  Empty,
  Failure,
  Headers,
  Moment,
  Pending,
  Shown,
  useCopyable,
  Value,
  WholeKey,
} from './parts.tsx'
import { RecordStanding, recordPath } from './record-standing.tsx'

interface RecordProps {
  /** Undefined: the one whose handler reads the topic, where it is one. */
  readonly group: string | undefined
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export function RecordPage({ group, ...place }: RecordProps) {
  const readers = (about.value?.groups ?? [])
    .filter(({ handlers }) => handlers.some(({ topic }) => topic === place.topic))
    .map((each) => each.group)
  const chosen = group ?? (readers.length === 1 ? readers[0] : undefined)
  return (
    <section>
      <h2>
        <span class="place">
          <Shown text={recordPlace(place)} />
        </span>{' '}
        {chosen !== undefined && (
          <a href={partitionHash({ group: chosen, ...place })}>
            its partition in <Shown text={chosen} />
          </a>
        )}
      </h2>
      {chosen !== undefined ? (
        <Asked key={`${chosen} ${recordPlace(place)}`} group={chosen} place={place} />
      ) : about.value === undefined ? (
        <Pending error={undefined} />
      ) : readers.length === 0 ? (
        <Empty title="No handler of this process reads this topic">
          A dead letter is found in the view of dead letters.
        </Empty>
      ) : (
        <>
          <p>Several groups read this topic. In which one?</p>
          <ul class="choices">
            {readers.map((each) => (
              <li key={each}>
                <a data-row="" href={recordHash(each, place)}>
                  <Shown text={each} />
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  )
}

function Asked({ group, place }: { readonly group: string; readonly place: Omit<RecordProps, 'group'> }) {
  const { answer, error, isMissing, again } = usePolled<RecordView>(recordPath({ group, place }), 1_000)
  useCopyable(`record ${recordPlace(place)}`, () => answer)
  if (isMissing) {
    return (
      <Empty title="Its partition is not assigned to this process">
        Another member of the group has it, or nobody yet.
      </Empty>
    )
  }
  if (answer === undefined) return <Pending error={error} />
  return <Whole record={answer} again={again} />
}

function Whole({ record, again }: { readonly record: RecordView; readonly again: () => void }) {
  const { key, readKey, value, read, headers, failures, timestampAt, timeline, can } = record
  const trace = headers?.find(([name]) => name.toLowerCase() === 'traceparent')?.[1]
  return (
    <article class="record">
      <RecordStanding record={record} again={again} />
      {can.copy && <Copies record={record} />}
      {timeline !== null && <Steps timeline={timeline} />}
      <h3>Last failure</h3>
      {failures.length === 0 && <p class="dim">{key === undefined ? 'Not in memory.' : 'No attempt has failed.'}</p>}
      {failures.map((failure, index) => (
        <Failure key={index} failure={failure} />
      ))}
      <WholeKey value={key} read={readKey} />
      <h3>Value</h3>
      <Value value={value} read={read} />
      {timestampAt !== undefined && timestampAt >= 0 && (
        <p class="dim">
          Written <Moment at={timestampAt} />
        </p>
      )}
      <h3>Headers</h3>
      {headers === undefined ? <p class="dim">Not in memory.</p> : <Headers headers={headers} />}
      {trace !== undefined && trace !== null && !trace.isMasked && (
        <p>
          Trace{' '}
          <code>
            <Shown text={traceIdOf(trace.text)} />
          </code>
        </p>
      )}
    </article>
  )
}

function Copies({ record }: { readonly record: RecordView }) {
  const copy = (kind: 'test' | 'send', what: string) => async () => {
    const response = await send(recordPath(record, kind))
    return await copyText(await response.text(), what)
  }
  const save = async () => {
    const response = await send(recordPath(record, 'value'))
    const address = URL.createObjectURL(await response.blob())
    const anchor = document.createElement('a')
    anchor.href = address
    anchor.download = `${recordPlace(record.place)}.bin`
    anchor.click()
    URL.revokeObjectURL(address)
    return 'The value is saved as it is, byte by byte.'
  }
  return (
    <p class="actions">
      <Act act={copy('test', 'a test that runs the handler with this record')}>Copy as node:test</Act>{' '}
      <Act act={copy('send', 'a line that sends this record')}>Copy as pyrallel send</Act>{' '}
      {record.value !== null && <Act act={save}>Save the value</Act>}
    </p>
  )
}

function Steps({ timeline }: { readonly timeline: Timeline }) {
  return (
    <>
      <h3>Timeline</h3>
      <ol class="timeline" aria-label="Timeline">
        {timelineSteps(timeline).map(({ at, afterMs, says, isBad }, index) => (
          <li key={index} class={isBad ? 'problem' : ''}>
            <time class="num" dateTime={new Date(at).toISOString()} title={new Date(at).toISOString()}>
              {clockTime(at)}
            </time>{' '}
            <span class="num dim after">{afterMs === null ? '' : `+${span(afterMs)}`}</span> <Shown text={says} />
          </li>
        ))}
      </ol>
    </>
  )
}

/** Of a `traceparent` header (W3C Trace Context): the second part. One that is written otherwise stays as it is. */
function traceIdOf(header: string): string {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(header)?.[1] ?? header
}
