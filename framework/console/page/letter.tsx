/** One dead letter whole: why it is one, what it holds, and whether it would pass today. */
import { recordPlace } from '../../model/record.ts'
import type { LetterAnswer } from '../protocol-actions.ts'
import { usePolled } from './link/polled.ts'
import { path } from './link/requests.ts'
import { lettersHash } from './models/location.ts'
import { plural } from './models/numbers.ts'
import { Failure, Headers, Key, Moment, Pending, Shown, useCopyable, Value, WholeKey } from './parts.tsx'
import { PublishAgain } from './publish-again.tsx'

interface LetterProps {
  readonly topic: string
  readonly handlerIds: readonly string[]
  /** `2/18`: partition and offset. */
  readonly place: string
}

export function Letter({ topic, handlerIds, place }: LetterProps) {
  const [partition = '', offset = ''] = place.split('/')
  const { answer, error } = usePolled<LetterAnswer>(path('dead-letters', topic, partition, offset), undefined)
  useCopyable('the dead letter', () => answer)
  if (answer === undefined) return <Pending error={error} />
  const { letter } = answer
  return (
    <article class="letter">
      <h3>
        <a href={lettersHash(topic)}>all</a> / {recordPlace(letter.place)}
      </h3>
      <p>
        Key <Key value={letter.key} />
        {letter.source !== null && ` · came from ${recordPlace(letter.source)}`}
        {letter.handlerId !== null && (
          <>
            {' · '}
            <Shown text={letter.handlerId} />
          </>
        )}
        {' · written '}
        <Moment at={letter.writtenAt} />
        {letter.replays > 0 && ` · published again ${plural(letter.replays, 'time')} before`}
      </p>
      <Today answer={answer} />
      <PublishAgain
        topic={topic}
        handlerIds={handlerIds}
        select={{ places: [{ partition: letter.place.partition, offset: letter.place.offset }] }}
        what="this letter"
        isOne={true}
      />
      <Failure failure={letter.error} />
      <WholeKey value={letter.key} read={letter.readKey} />
      <h3>Value</h3>
      <Value value={letter.value} read={letter.read} />
      <h3>Headers</h3>
      <Headers headers={letter.headers} />
    </article>
  )
}

function Today({ answer: { passesToday, misfits, letter } }: { readonly answer: LetterAnswer }) {
  if (passesToday === null && misfits[0] !== undefined) {
    return (
      <p>
        Whether its value satisfies the schema of today is not known: <Shown text={misfits[0]} />
      </p>
    )
  }
  if (passesToday === null) {
    return (
      <p class="dim">
        {letter.hasPayload
          ? 'Its handler has no schema to compare it with.'
          : 'The record itself is not in the letter.'}
      </p>
    )
  }
  if (passesToday) return <p>Its value satisfies the schema of today.</p>
  return (
    <>
      <p class="problem">
        Its value does not satisfy the schema of today{misfits.length === 0 ? '; why is masked.' : ':'}
      </p>
      <ul>
        {misfits.map((misfit) => (
          <li key={misfit}>
            <Shown text={misfit} />
          </li>
        ))}
      </ul>
    </>
  )
}
