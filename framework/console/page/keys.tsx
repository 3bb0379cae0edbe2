/** Keys with records in memory: the deepest, the oldest, one that somebody looks for, and those that are poisoned. */
import { useState } from 'preact/hooks'
import { partitionPlace } from '../../model/record.ts'
import type { CloseBreakerAnswer, FindKeyAnswer } from '../protocol-actions.ts'
import type { KeyRow, KeysAnswer } from '../protocol-records.ts'
import { usePolled } from './link/polled.ts'
import { errorText, path, post } from './link/requests.ts'
import { about, hasKeyFormat, now } from './link/store.ts'
import { partitionHash, placeHash, recordHash } from './models/location.ts'
import { digits, plural, span } from './models/numbers.ts'
import { stateWords } from './models/waits.ts'
import { Act, Empty, Key, Moment, Pending, Shown, useCopyable } from './parts.tsx'
import { RecordStanding } from './record-standing.tsx'

const orderWords = { depth: 'most records', age: 'oldest first' } as const
type Order = keyof typeof orderWords

interface KeysProps {
  readonly group: string | undefined
  readonly by: string | undefined
}

export function Keys({ group, by }: KeysProps) {
  const groups = about.value?.groups ?? []
  const chosen = group ?? groups[0]?.group
  const order: Order = by === 'age' ? 'age' : 'depth'
  const search = new URLSearchParams({ g: chosen ?? '', by: order })
  const { answer, error } = usePolled<KeysAnswer>(chosen === undefined ? undefined : `${path('keys')}?${search}`, 1_000)
  useCopyable('keys', () => answer)
  const query = (more: Readonly<Record<string, string>>) => ({ ...(group === undefined ? {} : { group }), ...more })
  return (
    <section>
      <h2>Keys</h2>
      <GroupChoice view="keys" chosen={chosen} />
      <div class="choices">
        {(['depth', 'age'] as const).map((each) => (
          <a
            key={each}
            href={placeHash({ view: 'keys', query: query(each === 'depth' ? {} : { by: each }) })}
            aria-current={each === order ? 'true' : undefined}
          >
            {orderWords[each]}
          </a>
        ))}
      </div>
      {chosen !== undefined && <Find key={chosen} group={chosen} />}
      {answer === undefined || chosen === undefined ? (
        <Pending error={error} />
      ) : (
        <Rows group={chosen} answer={answer} />
      )}
    </section>
  )
}

/** Links to the same view of each group; nothing where there is one. */
export function GroupChoice({
  view,
  chosen,
}: {
  readonly view: 'keys' | 'retries'
  readonly chosen: string | undefined
}) {
  const groups = about.value?.groups ?? []
  if (groups.length < 2) return null
  return (
    <p class="choices">
      <span class="dim">Group</span>
      {groups.map(({ group }) => (
        <a
          key={group}
          href={placeHash({ view, query: { group } })}
          aria-current={group === chosen ? 'true' : undefined}
        >
          <Shown text={group} />
        </a>
      ))}
    </p>
  )
}

function Rows({ group, answer }: { readonly group: string; readonly answer: KeysAnswer }) {
  const { rows, looked, isCut } = answer
  if (rows.length === 0) {
    return <Empty title="No record waits or runs">Keys are here while records of theirs are not done.</Empty>
  }
  return (
    <>
      <div class="scroll" tabIndex={0} role="group" aria-label="Keys">
        <table>
          <thead>
            <tr>
              <th>Key</th>
              <th class="num">Records</th>
              <th>Partition</th>
              <th>Its first</th>
              <th>State</th>
              <th class="num">Attempt</th>
              <th>Written</th>
              <th>Breaker</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={`${row.topic} ${row.partition} ${row.offset}`} group={group} row={row} />
            ))}
          </tbody>
        </table>
      </div>
      <p class="dim">
        {plural(looked, 'record')} looked at{isCut ? ', and there are more keys' : ''}.
      </p>
    </>
  )
}

function Row({ group, row }: { readonly group: string; readonly row: KeyRow }) {
  const { topic, partition, key, depth, offset, state, attempt, timestampAt, breaker } = row
  return (
    <tr>
      <td class="cut">
        {key === null ? <span class="dim">the whole partition, or no key</span> : <Key value={key} />}
      </td>
      <td class="num">{digits(depth)}</td>
      <td>
        <a class="place" href={partitionHash({ group, topic, partition })}>
          <Shown text={partitionPlace(row)} />
        </a>
      </td>
      <td>
        <a class="place num" data-row="" href={recordHash(group, row)}>
          {digits(offset)}
        </a>
      </td>
      <td>{stateWords[state]}</td>
      <td class="num">{digits(attempt)}</td>
      <td>{timestampAt === null ? '–' : <Moment at={timestampAt} />}</td>
      <td>{breaker === null ? '–' : <Breaker group={group} row={row} breaker={breaker} />}</td>
    </tr>
  )
}

interface BreakerProps {
  readonly group: string
  readonly row: Pick<KeyRow, 'topic' | 'partition' | 'epoch'>
  readonly breaker: NonNullable<KeyRow['breaker']>
}

function Breaker({ group, row, breaker }: BreakerProps) {
  const { topic, partition, epoch } = row
  const left = Math.max(0, Math.ceil((breaker.untilAt - now.value) / 1_000)) * 1_000
  const close = async () => {
    await post<CloseBreakerAnswer>(path('breakers', 'close'), { group, topic, partition, epoch, breaker: breaker.id })
    return 'The breaker is closed: records of this key run again.'
  }
  return (
    <>
      <span class="tag">poisoned</span> <span class="num dim">{span(left)} left</span>{' '}
      {about.value?.can.act === true && (
        <Act asks="Let its records run?" act={close}>
          Close
        </Act>
      )}
    </>
  )
}

function Find({ group }: { readonly group: string }) {
  const topics = (about.value?.groups ?? []).find((each) => each.group === group)?.handlers.map(({ topic }) => topic)
  const [topic, setTopic] = useState(topics?.[0] ?? '')
  const [key, setKey] = useState('')
  const [chosen, setBase64] = useState<boolean | undefined>(undefined)
  const isBase64 = chosen ?? hasKeyFormat(topic)
  const [found, setFound] = useState<FindKeyAnswer | undefined>(undefined)
  const [error, setError] = useState('')
  const ask = async () => {
    setError('')
    try {
      const body = { group, topic, ...(isBase64 ? { keyBase64: key } : { key }) }
      setFound(await post<FindKeyAnswer>(path('keys', 'find'), body))
    } catch (thrown) {
      setError(errorText(thrown))
    }
  }
  return (
    <>
      <form
        class="choices"
        onSubmit={(event) => {
          event.preventDefault()
          void ask()
        }}
      >
        <label>
          Find key{' '}
          <input
            value={key}
            autoComplete="off"
            spellcheck={false}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <label>
          in{' '}
          <select value={topic} onChange={(event) => setTopic(event.currentTarget.value)}>
            {topics?.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <label>
          <input type="checkbox" checked={isBase64} onChange={(event) => setBase64(event.currentTarget.checked)} />{' '}
          base64
        </label>
        <button type="submit">Find</button>
      </form>
      {error !== '' && <p class="problem">{error}</p>}
      {found !== undefined && error === '' && <Found group={group} topic={topic} of={found.found} again={ask} />}
    </>
  )
}

interface FoundProps {
  readonly group: string
  readonly topic: string
  readonly of: FindKeyAnswer['found']
  readonly again: () => Promise<void>
}

function Found({ group, topic, of, again }: FoundProps) {
  if (of === null) {
    return (
      <Empty title="No record of this key is in memory here">
        All of them are done, they have not arrived yet, or their partition is assigned to another process.
      </Empty>
    )
  }
  const { partition, epoch, depth, isCut, first, breaker } = of
  return (
    <div class="found">
      <p>
        <b class="num">{isCut ? `${digits(depth)} records or more` : plural(depth, 'record')}</b> of it in{' '}
        <a class="place" href={partitionHash({ group, topic, partition })}>
          <Shown text={partitionPlace({ topic, partition })} />
        </a>
        {first !== null && (
          <>
            ; the first is{' '}
            <a class="place num" href={recordHash(group, first.place)}>
              {digits(first.place.offset)}
            </a>
          </>
        )}
      </p>
      {breaker !== null && (
        <p>
          <Breaker group={group} row={{ topic, partition, epoch }} breaker={breaker} />
        </p>
      )}
      {first !== null && <RecordStanding record={first} again={() => void again()} />}
    </div>
  )
}
