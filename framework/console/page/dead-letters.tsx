/** Dead letters: by kind of error, one by one, and one whole. Asked when somebody wants them, as a topic is read for each answer. */

import { recordPlace } from '../../model/record.ts'
import type { DeadLettersAnswer, DeadLetterTopicsAnswer, LetterAnswer, LetterRow } from '../protocol-actions.ts'
import { usePolled } from './link/polled.ts'
import { path } from './link/requests.ts'
import { placeHash } from './models/location.ts'
import { digits, plural } from './models/numbers.ts'
import { Empty, Failure, Key, Moment, Pending, Shown, useCopyable, Value } from './parts.tsx'

interface LettersProps {
  readonly topic: string | undefined
  readonly fingerprint: string | undefined
  /** `2/18`: partition and offset. */
  readonly letter: string | undefined
}

export function DeadLetters({ topic, fingerprint, letter }: LettersProps) {
  const { answer, error } = usePolled<DeadLetterTopicsAnswer>(path('dead-letters'), undefined)
  if (answer === undefined) return <Pending error={error} />
  const chosen = topic ?? answer.topics[0]?.topic
  if (chosen === undefined) {
    return (
      <Empty title="No handler has a dead-letter topic">
        With deadLetter.topic in its config, records that fail for good are kept there with their error.
      </Empty>
    )
  }
  return (
    <section>
      <h2>Dead letters</h2>
      <p class="choices">
        {answer.topics.map((each) => (
          <a key={each.topic} href={hash(each.topic)} aria-current={each.topic === chosen ? 'true' : undefined}>
            <Shown text={each.topic} />
          </a>
        ))}
      </p>
      {letter === undefined ? (
        <Letters topic={chosen} fingerprint={fingerprint} />
      ) : (
        <Letter topic={chosen} place={letter} />
      )}
    </section>
  )
}

function hash(topic: string, more: Readonly<Record<string, string>> = {}): string {
  return placeHash({ view: 'dead-letters', query: { topic, ...more } })
}

function Letters({ topic, fingerprint }: { readonly topic: string; readonly fingerprint: string | undefined }) {
  const search = fingerprint === undefined ? '' : `?${new URLSearchParams({ fingerprint })}`
  const { answer, error, again } = usePolled<DeadLettersAnswer>(`${path('dead-letters', topic)}${search}`, undefined)
  useCopyable('dead letters', () => answer)
  if (answer === undefined) return <Pending error={error} />
  const { groups, letters, looked, isCut } = answer
  if (letters.length === 0 && groups.length === 0) {
    return <Empty title="No dead letter is here">Nothing has failed for good, or its time in the topic is over.</Empty>
  }
  return (
    <>
      <ol class="groups">
        {groups.map((group) => (
          <li key={`${group.fingerprint} ${group.handlerId}`}>
            <a
              data-row=""
              href={hash(topic, group.fingerprint === null ? {} : { fingerprint: group.fingerprint })}
              aria-current={group.fingerprint === fingerprint && fingerprint !== undefined ? 'true' : undefined}
            >
              <b class="num">{digits(group.count)}</b> <Shown text={group.error} />
            </a>{' '}
            <span class="dim">
              {group.handlerId} · first <Moment at={group.firstAt} />, last <Moment at={group.lastAt} />
            </span>
          </li>
        ))}
      </ol>
      <p class="dim">
        {plural(looked, 'letter')} read{isCut ? ', and the time was over before the end' : ''}.{' '}
        {fingerprint !== undefined && <a href={hash(topic)}>all kinds</a>}{' '}
        <button type="button" class="link" onClick={again}>
          read again
        </button>
      </p>
      <div class="scroll" tabIndex={0} role="group" aria-label="Letters, the newest first">
        <table>
          <thead>
            <tr>
              <th>Letter</th>
              <th>Written</th>
              <th>Key</th>
              <th>Came from</th>
              <th class="num">Attempts</th>
              <th>Error</th>
            </tr>
          </thead>
          <tbody>
            {letters.map((letter) => (
              <Row key={recordPlace(letter.place)} topic={topic} letter={letter} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function Row({ topic, letter }: { readonly topic: string; readonly letter: LetterRow }) {
  const { place, writtenAt, key, source, attempts, error, replays } = letter
  return (
    <tr>
      <td>
        <a class="place" data-row="" href={hash(topic, { letter: [place.partition, place.offset].join('/') })}>
          {recordPlace(place)}
        </a>
      </td>
      <td>
        <Moment at={writtenAt} />
      </td>
      <td>
        <Key value={key} />
      </td>
      <td>{source === null ? <span class="dim">not told</span> : recordPlace(source)}</td>
      <td class="num">{attempts ?? '–'}</td>
      <td class="message">
        <Shown text={error.message === '' ? error.name : `${error.name}: ${error.message}`.slice(0, 200)} />{' '}
        {replays > 0 && <span class="tag">published again {plural(replays, 'time')}</span>}
      </td>
    </tr>
  )
}

function Letter({ topic, place }: { readonly topic: string; readonly place: string }) {
  const [partition = '', offset = ''] = place.split('/')
  const { answer, error } = usePolled<LetterAnswer>(path('dead-letters', topic, partition, offset), undefined)
  useCopyable('the dead letter', () => answer)
  if (answer === undefined) return <Pending error={error} />
  const { letter, passesToday, misfits } = answer
  return (
    <article class="letter">
      <h3>
        <a href={hash(topic)}>all</a> / {recordPlace(letter.place)}
      </h3>
      <p>
        Key <Key value={letter.key} />
        {letter.source !== null && ` · came from ${recordPlace(letter.source)}`}
        {letter.handlerId !== null && ` · ${letter.handlerId}`}
      </p>
      {passesToday !== null && (
        <p class={passesToday ? '' : 'problem'}>
          {passesToday ? 'Its value satisfies the schema of today.' : 'Its value does not satisfy the schema of today:'}
        </p>
      )}
      {misfits.length > 0 && (
        <ul>
          {misfits.map((misfit) => (
            <li key={misfit}>
              <Shown text={misfit} />
            </li>
          ))}
        </ul>
      )}
      <Failure failure={letter.error} />
      <h3>Value</h3>
      <Value value={letter.value} />
      <h3>Headers</h3>
      {letter.headers.length === 0 && <p class="dim">none</p>}
      <dl class="headers">
        {letter.headers.map(([name, value], index) => (
          <div key={index}>
            <dt>
              <Shown text={name} />
            </dt>
            <dd>{value === null ? <span class="dim">null</span> : <Key value={value} />}</dd>
          </div>
        ))}
      </dl>
    </article>
  )
}
