/** Records that wait for their next attempt, those that are due first; and those that have none left and are parked. */
import { recordPlace } from '../../model/record.ts'
import type { RecordActionAnswer } from '../protocol-actions.ts'
import type { RetriesAnswer } from '../protocol-records.ts'
import { GroupChoice } from './keys.tsx'
import { usePolled } from './link/polled.ts'
import { path, post } from './link/requests.ts'
import { about, now } from './link/store.ts'
import { recordHash } from './models/location.ts'
import { digits, plural, span } from './models/numbers.ts'
import { Act, Empty, Key, Pending, Shown, useCopyable } from './parts.tsx'
import { recordPath } from './record-standing.tsx'

export function Retries({ group }: { readonly group: string | undefined }) {
  const chosen = group ?? about.value?.groups[0]?.group
  const search = new URLSearchParams({ g: chosen ?? '' })
  const { answer, error, again } = usePolled<RetriesAnswer>(
    chosen === undefined ? undefined : `${path('retries')}?${search}`,
    1_000,
  )
  useCopyable('retries', () => answer)
  return (
    <section>
      <h2>
        Retries{' '}
        <span class="dim">
          {answer?.isCut === true && `the first ${plural(answer.rows.length, 'record')}, of more that wait`}
        </span>
      </h2>
      <GroupChoice view="retries" chosen={chosen} />
      {answer === undefined || chosen === undefined ? (
        <Pending error={error} />
      ) : answer.rows.length === 0 ? (
        <Empty title="No record waits for a retry">
          A handler that throws has its record here until the next attempt.
        </Empty>
      ) : (
        <div class="scroll" tabIndex={0} role="group" aria-label="Retries, those that are due first">
          <table>
            <thead>
              <tr>
                <th class="num">Due</th>
                <th>Record</th>
                <th>Key</th>
                <th>Handler</th>
                <th class="num">Next attempt</th>
                <th>Last error</th>
                <th>
                  <span class="offscreen">Action</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {answer.rows.map((row) => (
                <Row key={recordPlace(row.place)} group={chosen} row={row} again={again} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {chosen !== undefined && answer !== undefined && <Parked group={chosen} answer={answer} again={again} />}
    </section>
  )
}

interface ParkedProps {
  readonly group: string
  /** An older process tells of none. */
  readonly answer: Partial<RetriesAnswer>
  readonly again: () => void
}

/** None is retried by itself: each waits for somebody who looks here. */
function Parked({ group, answer, again }: ParkedProps) {
  const { parked = [], parkedCount = 0 } = answer
  if (parked.length === 0) return null
  const isCut = parkedCount > parked.length
  return (
    <>
      <h2>
        Parked{' '}
        <span class="dim">
          {isCut && `the first ${digits(parked.length)} of `}
          {plural(parkedCount, 'record')} out of attempts
        </span>
      </h2>
      <div class="scroll" tabIndex={0} role="group" aria-label="Parked records, the oldest first">
        <table>
          <thead>
            <tr>
              <th class="num">For</th>
              <th>Record</th>
              <th>Key</th>
              <th>Handler</th>
              <th>Its key</th>
              <th>Last error</th>
              <th>
                <span class="offscreen">Action</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {parked.map((row) => (
              <ParkedRow key={recordPlace(row.place)} group={group} row={row} again={again} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

interface ParkedRowProps {
  readonly group: string
  readonly row: RetriesAnswer['parked'][number]
  readonly again: () => void
}

function ParkedRow({ group, row, again }: ParkedRowProps) {
  const { sinceAt, holdsKey, failure } = row
  return (
    <tr>
      <td class="num">{span(Math.max(0, Math.floor((now.value - sinceAt) / 1_000) * 1_000))}</td>
      <Which group={group} row={row} />
      <td>{holdsKey ? 'waits' : 'goes on'}</td>
      <LastError failure={failure} />
      <td>{about.value?.can.act === true && <Act act={retryOf(group, row, again)}>Retry now</Act>}</td>
    </tr>
  )
}

interface RowProps {
  readonly group: string
  readonly row: RetriesAnswer['rows'][number]
  readonly again: () => void
}

function Row({ group, row, again }: RowProps) {
  const { attempt, dueAt, failure } = row
  return (
    <tr>
      <td class="num">
        <Due at={dueAt} />
      </td>
      <Which group={group} row={row} />
      <td class="num">{digits(attempt)}</td>
      <LastError failure={failure} />
      <td>{about.value?.can.act === true && <Act act={retryOf(group, row, again)}>Retry now</Act>}</td>
    </tr>
  )
}

type Shared = Pick<RetriesAnswer['rows'][number], 'place' | 'epoch' | 'attempt' | 'failure'>

function retryOf(group: string, { place, epoch, attempt }: Shared, again: () => void) {
  return async () => {
    try {
      await post<RecordActionAnswer>(recordPath({ group, place }, 'retry-now'), { epoch, attempt })
    } finally {
      again()
    }
    return `${recordPlace(place)}: its next attempt begins.`
  }
}

/** Three cells: the record, its key, its handler. */
function Which({
  group,
  row: { place, key, handlerId },
}: {
  readonly group: string
  readonly row: Pick<RetriesAnswer['rows'][number], 'place' | 'key' | 'handlerId'>
}) {
  return (
    <>
      <td>
        <a class="place" data-row="" href={recordHash(group, place)}>
          <Shown text={recordPlace(place)} />
        </a>
      </td>
      <td class="cut">
        <Key value={key} />
      </td>
      <td>
        <Shown text={handlerId} />
      </td>
    </>
  )
}

function LastError({ failure }: Pick<Shared, 'failure'>) {
  return (
    <td class="message">
      {failure === null ? (
        <span class="dim">not known</span>
      ) : (
        <Shown text={failure.message === '' ? failure.name : `${failure.name}: ${failure.message}`.slice(0, 200)} />
      )}
    </td>
  )
}

function Due({ at }: { readonly at: number }) {
  const left = at - now.value
  return <>{left <= 0 ? 'now' : `in ${span(Math.ceil(left / 1_000) * 1_000)}`}</>
}
