/** Records that wait for their next attempt, those that are due first. */
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
    </section>
  )
}

interface RowProps {
  readonly group: string
  readonly row: RetriesAnswer['rows'][number]
  readonly again: () => void
}

function Row({ group, row, again }: RowProps) {
  const { place, handlerId, key, attempt, dueAt, epoch, failure } = row
  const retry = async () => {
    try {
      await post<RecordActionAnswer>(recordPath({ group, place }, 'retry-now'), { epoch, attempt })
    } finally {
      again()
    }
    return `${recordPlace(place)}: its next attempt begins.`
  }
  return (
    <tr>
      <td class="num">
        <Due at={dueAt} />
      </td>
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
      <td class="num">{digits(attempt)}</td>
      <td class="message">
        {failure === null ? (
          <span class="dim">not known</span>
        ) : (
          <Shown text={failure.message === '' ? failure.name : `${failure.name}: ${failure.message}`.slice(0, 200)} />
        )}
      </td>
      <td>{about.value?.can.act === true && <Act act={retry}>Retry now</Act>}</td>
    </tr>
  )
}

function Due({ at }: { readonly at: number }) {
  const left = at - now.value
  return <>{left <= 0 ? 'now' : `in ${span(Math.ceil(left / 1_000) * 1_000)}`}</>
}
