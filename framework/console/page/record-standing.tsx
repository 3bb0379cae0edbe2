/** How a record stands: its state, all that it waits for, and what can be done about it at once. */
import type { RecordActionAnswer } from '../protocol-actions.ts'
import type { RecordView } from '../protocol-records.ts'
import { errorText, path, post, RequestError } from './link/requests.ts'
import { about, now } from './link/store.ts'
import { recordHash } from './models/location.ts'
import { digits, span } from './models/numbers.ts'
import { recordStateText, waitText } from './models/waits.ts'
import { Act, Key } from './parts.tsx'

interface StandingProps {
  readonly record: RecordView
  /** Asks for it anew. */
  readonly again: () => void
}

export function RecordStanding({ record, again }: StandingProps) {
  const { key, isBlocking, blocksSince, waitsFor, handlerId } = record
  return (
    <>
      <p>
        <b>{sentence(recordStateText(record))}</b> <span class="dim">· {handlerId}</span> · key <Key value={key} />
      </p>
      {isBlocking && (
        <p class="problem">
          It holds the position of its partition
          {blocksSince !== null && (
            <>
              {' '}
              for <span class="num">{span(Math.max(0, Math.floor((now.value - blocksSince) / 1_000) * 1_000))}</span>
            </>
          )}
          .
        </p>
      )}
      {waitsFor.length > 0 && <Waits record={record} />}
      <RecordActions record={record} again={again} />
    </>
  )
}

function Waits({ record }: { readonly record: RecordView }) {
  const { group, place, waitsFor } = record
  return (
    <ul class="waits" aria-label="What it waits for">
      {waitsFor.map((wait, index) => {
        const { text, next, ahead } = waitText(wait, now.value)
        return (
          <li key={`${wait.kind} ${index}`} class="num">
            {text} {next !== '' && <span class="dim">{next}</span>}{' '}
            {ahead !== undefined && <a href={recordHash(group, { ...place, offset: ahead })}>open {digits(ahead)}</a>}
          </li>
        )
      })}
    </ul>
  )
}

/** Their room stays when there is nothing to press: a record comes to run while one aims. */
export function RecordActions({ record, again }: StandingProps) {
  if (about.value?.can.act !== true) return null
  const { can, epoch, attempt } = record
  const act = (verb: 'retry-now' | 'give-up' | 'discard', done: string) => async () => {
    try {
      await post<RecordActionAnswer>(recordPath(record, verb), { epoch, attempt })
      return done
    } catch (error) {
      if (!(error instanceof RequestError) || error.record === undefined) throw error
      return `${errorText(error)} It is ${recordStateText(error.record)}.`
    } finally {
      again()
    }
  }
  return (
    <p class="actions">
      <Act isOff={!can.retryNow} tone="primary" act={act('retry-now', 'Its next attempt begins.')}>
        Retry now
      </Act>{' '}
      <Act
        isOff={!can.giveUp}
        asks="Give it up for good?"
        act={act('give-up', 'It is given up, and goes to the dead-letter topic.')}
      >
        Give up
      </Act>
      {can.discard && (
        <>
          {' '}
          <Act asks="Drop it without a dead letter?" act={act('discard', 'It is done, and nothing is left of it.')}>
            Discard
          </Act>
        </>
      )}
    </p>
  )
}

export function recordPath({ group, place }: Pick<RecordView, 'group' | 'place'>, ...more: readonly string[]): string {
  return path('records', group, place.topic, place.partition, place.offset, ...more)
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
