/** Dead letters: by kind of error, and one by one. Asked when somebody wants them, as a topic is read for each answer. */
import { useState } from 'preact/hooks'
import { recordPlace } from '../../model/record.ts'
import type { DeadLettersAnswer, DeadLetterTopicsAnswer, LetterGroupRow, LetterRow } from '../protocol-actions.ts'
import { Letter } from './letter.tsx'
import { usePolled } from './link/polled.ts'
import { path } from './link/requests.ts'
import { about } from './link/store.ts'
import { lettersHash, type Place } from './models/location.ts'
import { digits, plural } from './models/numbers.ts'
import { areMasked } from './models/replays.ts'
import { Empty, Key, Moment, Pending, Shown, useCopyable } from './parts.tsx'
import { PublishAgain } from './publish-again.tsx'

/** There may be a thousand kinds: the others come when somebody asks. */
const firstGroups = 20

/** `query`: `topic`, `fingerprint`, `cursor`, and `letter` as `2/18`, its partition and offset. */
export function DeadLetters({ query }: Pick<Place, 'query'>) {
  const { answer, error } = usePolled<DeadLetterTopicsAnswer>(path('dead-letters'), undefined)
  if (answer === undefined) return <Pending error={error} />
  const chosen = answer.topics.find(({ topic }) => topic === query.topic) ?? answer.topics[0]
  if (chosen === undefined) {
    return (
      <Empty title="No handler has a dead-letter topic">
        With deadLetter.topic in its config, records that fail for good are kept there with their error.
      </Empty>
    )
  }
  const { topic, handlerIds } = chosen
  return (
    <section>
      <h2>Dead letters</h2>
      <p class="choices">
        {answer.topics.map((each) => (
          <a key={each.topic} href={lettersHash(each.topic)} aria-current={each.topic === topic ? 'true' : undefined}>
            <Shown text={each.topic} />
          </a>
        ))}
      </p>
      {areMasked(about.value, handlerIds) && (
        <p class="dim">
          Values, headers and messages are masked: the topic that its handler reads is none of{' '}
          <code>http.console.shownTopics</code>. Publishing again sends them whole.
        </p>
      )}
      {query.letter === undefined ? (
        <Letters topic={topic} handlerIds={handlerIds} fingerprint={query.fingerprint} cursor={query.cursor} />
      ) : (
        <Letter topic={topic} handlerIds={handlerIds} place={query.letter} />
      )}
    </section>
  )
}

interface LettersProps {
  readonly topic: string
  readonly handlerIds: readonly string[]
  readonly fingerprint: string | undefined
  readonly cursor: string | undefined
}

function Letters({ topic, handlerIds, fingerprint, cursor }: LettersProps) {
  const search = new URLSearchParams({
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(cursor === undefined ? {} : { cursor }),
  })
  const { answer, error, again } = usePolled<DeadLettersAnswer>(`${path('dead-letters', topic)}?${search}`, undefined)
  useCopyable('dead letters', () => answer)
  if (answer === undefined) return <Pending error={error} />
  const { groups, letters, looked, isCut } = answer
  if (letters.length === 0 && groups.length === 0) {
    return (
      <>
        <Empty title="No dead letter is here">Nothing has failed for good, or its time in the topic is over.</Empty>
        <p class="dim">
          <Again again={again} />
        </p>
      </>
    )
  }
  const ofKind = fingerprint === undefined ? {} : { fingerprint }
  return (
    <>
      <Groups topic={topic} groups={groups} fingerprint={fingerprint} />
      <p class="dim">
        {plural(looked, 'letter')} read{isCut ? ', and the time was over before the end' : ''}.{' '}
        {fingerprint !== undefined && <a href={lettersHash(topic)}>all kinds</a>} <Again again={again} />
      </p>
      {error !== undefined && <p class="problem">{error}</p>}
      <PublishAgain
        key={`${topic} ${fingerprint}`}
        topic={topic}
        handlerIds={handlerIds}
        select={ofKind}
        what={fingerprint === undefined ? 'all letters' : 'all of this kind'}
      />
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
      <p>
        {cursor !== undefined && <a href={lettersHash(topic, ofKind)}>the newest</a>}{' '}
        {answer.cursor !== null && <a href={lettersHash(topic, { ...ofKind, cursor: answer.cursor })}>older ones</a>}
      </p>
    </>
  )
}

function Again({ again }: { readonly again: () => void }) {
  return (
    <button type="button" class="link" onClick={again}>
      read again
    </button>
  )
}

interface GroupsProps {
  readonly topic: string
  readonly groups: readonly LetterGroupRow[]
  readonly fingerprint: string | undefined
}

function Groups({ topic, groups, fingerprint }: GroupsProps) {
  const [isWhole, setWhole] = useState(false)
  const shown = isWhole ? groups : groups.slice(0, firstGroups)
  return (
    <ol class="groups">
      {shown.map((group) => (
        <li key={`${group.fingerprint} ${group.handlerId}`}>
          <a
            data-row=""
            href={lettersHash(topic, group.fingerprint === null ? {} : { fingerprint: group.fingerprint })}
            aria-current={group.fingerprint === fingerprint && fingerprint !== undefined ? 'true' : undefined}
          >
            <b class="num">{digits(group.count)}</b>{' '}
            <Shown text={group.error === '' ? 'message masked' : group.error} />
          </a>{' '}
          <span class="dim">
            <Shown text={group.handlerId ?? 'handler not told'} /> · first <Moment at={group.firstAt} />, last{' '}
            <Moment at={group.lastAt} />
          </span>
        </li>
      ))}
      {shown.length < groups.length && (
        <li>
          <button type="button" class="link" onClick={() => setWhole(true)}>
            show all {digits(groups.length)} kinds
          </button>
        </li>
      )}
    </ol>
  )
}

function Row({ topic, letter }: { readonly topic: string; readonly letter: LetterRow }) {
  const { place, writtenAt, key, source, attempts, error, replays } = letter
  return (
    <tr>
      <td>
        <a class="place" data-row="" href={lettersHash(topic, { letter: [place.partition, place.offset].join('/') })}>
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
