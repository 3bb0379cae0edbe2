/** Records as they come: a list that moves, and stands still while somebody points at it. */
import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { recordPlace } from '../../model/record.ts'
import { type LiveAnswer, type LiveRow, liveStatuses } from '../protocol-live.ts'
import { errorText, path, post } from './link/requests.ts'
import { about, live, liveFilter } from './link/store.ts'
import {
  type FilterForm,
  filterOf,
  type LiveRecords,
  liveStatusWords,
  noFilter,
  noRecords,
  sampledText,
} from './models/live-records.ts'
import { recordHash } from './models/location.ts'
import { bytes, clockTime, digits, span } from './models/numbers.ts'
import { Empty, Key, Shown, useCopyable } from './parts.tsx'

/** Stays while a row is opened. Not in the address: a key may be in it. */
const form = signal<FilterForm>(noFilter)

export function Live() {
  const [error, setError] = useState('')
  const [held, setHeld] = useState<LiveRecords | undefined>(undefined)
  const wanted = JSON.stringify(filterOf(form.value))
  const id = liveFilter.value
  useFilter(wanted, id, setError)
  const records = held ?? live.value
  useCopyable('records', () => records.rows)
  const hold = () => setHeld((before) => before ?? live.peek())
  return (
    <section>
      <h2>Live records</h2>
      <Filter />
      {error !== '' && <p class="problem">{error}</p>}
      <p class="dim num" aria-live="off">
        {sampledText(live.value)} {held !== undefined && <span class="tag">held</span>}
      </p>
      {records.rows.length === 0 ? (
        <Empty title="Waiting for records">
          Records show up here when they are fetched, from the moment this view is open. Those that came before do not.
        </Empty>
      ) : (
        <div
          class="scroll live"
          tabIndex={0}
          role="group"
          aria-label="Records, the newest first. The list stands still while it is pointed at or has the focus."
          onPointerEnter={hold}
          onPointerLeave={() => setHeld(undefined)}
          onFocusIn={hold}
          onFocusOut={() => setHeld(undefined)}
        >
          <table>
            <thead>
              <tr>
                <th class="time">Fetched</th>
                <th class="name">Record</th>
                <th>Key</th>
                <th>Handler</th>
                <th>Status</th>
                <th class="num narrow">Attempt</th>
                <th class="num narrow">Took</th>
                <th class="num narrow">Value</th>
                <th>Error</th>
              </tr>
            </thead>
            <tbody>
              {/* By their place in the list: nothing moves on the page but what is written in the rows. */}
              {records.rows.map((row, index) => (
                <Row key={index} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

/** Has the process make a filter, again where it has forgotten it; the stream names it. */
function useFilter(wanted: string, id: string | undefined, onError: (text: string) => void): void {
  useEffect(() => {
    live.value = noRecords
    liveFilter.value = undefined
  }, [wanted])
  useEffect(() => {
    if (id !== undefined) return
    let isOver = false
    void post<LiveAnswer>(path('live'), JSON.parse(wanted)).then(
      ({ filter }) => {
        if (isOver) return
        onError('')
        liveFilter.value = filter
      },
      (thrown) => {
        if (!isOver) onError(errorText(thrown))
      },
    )
    return () => {
      isOver = true
    }
  }, [wanted, id])
  useEffect(
    () => () => {
      liveFilter.value = undefined
    },
    [],
  )
}

function Row({ row }: { readonly row: LiveRow }) {
  const { group, place, key, handlerId, status, attempt, fetchedAt, durationMs, valueBytes, error } = row
  const isBad = status === 'waiting' || status === 'parked' || status === 'dead' || status === 'left'
  return (
    <tr>
      <td class="num">{clockTime(fetchedAt)}</td>
      <td class="cut">
        <a class="place" data-row="" href={recordHash(group, place)}>
          <Shown text={recordPlace(place)} />
        </a>
      </td>
      <td class="cut">
        <Key value={key} />
      </td>
      <td class="cut">
        <Shown text={handlerId} />
      </td>
      <td class={isBad ? 'problem' : ''}>{liveStatusWords[status]}</td>
      <td class="num">{attempt === 0 ? '–' : digits(attempt)}</td>
      <td class="num">{durationMs === null ? '–' : span(durationMs)}</td>
      <td class="num">{valueBytes === null ? 'none' : bytes(valueBytes)}</td>
      <td class="cut">{error === null ? '' : <Shown text={error} />}</td>
    </tr>
  )
}

function Filter() {
  const [typed, setTyped] = useState(form.peek())
  const handlers = (about.value?.groups ?? []).flatMap((group) => group.handlers)
  const change = (more: Partial<FilterForm>) => setTyped({ ...typed, ...more })
  const choose = (more: Partial<FilterForm>) => {
    change(more)
    form.value = { ...typed, ...more }
  }
  const unique = (of: readonly string[]) => [...new Set(of)].sort()
  return (
    <form
      class="choices"
      onSubmit={(event) => {
        event.preventDefault()
        form.value = typed
      }}
    >
      <Choice
        name="Topic"
        value={typed.topic}
        options={unique(handlers.map(({ topic }) => topic))}
        onChoice={(topic) => choose({ topic })}
      />
      <Choice
        name="Handler"
        value={typed.handlerId}
        options={unique(handlers.map(({ handlerId }) => handlerId))}
        onChoice={(handlerId) => choose({ handlerId })}
      />
      <Choice
        name="Status"
        value={typed.status}
        options={liveStatuses}
        words={liveStatusWords}
        onChoice={(status) => choose({ status })}
      />
      <Typed name="Key" value={typed.key} onInput={(key) => change({ key })} />
      <label>
        <input
          type="checkbox"
          checked={typed.isBase64}
          onChange={(event) => change({ isBase64: event.currentTarget.checked })}
        />{' '}
        base64
      </label>
      <Typed name="Header" value={typed.header} hint="name=value" onInput={(header) => change({ header })} />
      <Typed name="Text in the value" value={typed.text} onInput={(text) => change({ text })} />
      <button type="submit">Filter</button>
      <button
        type="button"
        onClick={() => {
          setTyped(noFilter)
          form.value = noFilter
        }}
      >
        Show all
      </button>
    </form>
  )
}

interface ChoiceProps<Option extends string> {
  readonly name: string
  readonly value: Option | ''
  readonly options: readonly Option[]
  readonly words?: { readonly [Each in Option]: string }
  readonly onChoice: (value: Option | '') => void
}

function Choice<Option extends string>({ name, value, options, words, onChoice }: ChoiceProps<Option>) {
  return (
    <label>
      {name}{' '}
      <select
        value={value}
        onChange={(event) => onChoice(options.find((each) => each === event.currentTarget.value) ?? '')}
      >
        <option value="">all</option>
        {options.map((each) => (
          <option key={each} value={each}>
            {words === undefined ? each : words[each]}
          </option>
        ))}
      </select>
    </label>
  )
}

interface TypedProps {
  readonly name: string
  readonly value: string
  readonly hint?: string
  readonly onInput: (value: string) => void
}

function Typed({ name, value, hint, onInput }: TypedProps) {
  return (
    <label>
      {name}{' '}
      <input
        size={14}
        maxLength={256}
        value={value}
        placeholder={hint ?? ''}
        autoComplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  )
}
