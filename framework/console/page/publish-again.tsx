/** Publishes dead letters again: what is meant, a preview that publishes nothing, then the replay, with its report. */
import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import type { LetterSelection, PlanAnswer, ReplayAnswer, ReplaysAnswer } from '../protocol-actions.ts'
import { usePolled } from './link/polled.ts'
import { path, post } from './link/requests.ts'
import { about, now } from './link/store.ts'
import { plural } from './models/numbers.ts'
import {
  countOf,
  emptyForm,
  planBody,
  planLines,
  type ReplayForm,
  refusedLines,
  replayText,
  targetText,
} from './models/replays.ts'
import { Act, Moment, Pending, Shown } from './parts.tsx'

/** The last replay of each topic that was begun on this page, or seen to run: it goes on while another view is open. */
const begun = signal<ReadonlyMap<string, string>>(new Map())

interface PublishAgainProps {
  readonly topic: string
  readonly handlerIds: readonly string[]
  readonly select: LetterSelection
  /** `this letter`, `all of this kind`, `all letters` */
  readonly what: string
  /** One letter needs no further filter. */
  readonly isOne?: boolean
}

export function PublishAgain(props: PublishAgainProps) {
  const { topic, what } = props
  const [isOpen, setOpen] = useState(false)
  const id = begun.value.get(topic)
  const { answer } = usePolled<ReplaysAnswer>(path('dead-letters', topic, 'replays'), 2_000)
  const running = answer?.replays.find(({ endedAt }) => endedAt === null)?.id
  useEffect(() => {
    if (running !== undefined) begun.value = new Map([...begun.value, [topic, running]])
  }, [running])
  return (
    <section class="publish">
      {id !== undefined && <Replay key={id} id={id} />}
      {about.value?.can.replay !== true ? (
        <p class="dim">
          Publishing again is off here: <code>http.console.actions</code> allows it.
        </p>
      ) : isOpen ? (
        <Form {...props} onBegun={() => setOpen(false)} />
      ) : (
        <button type="button" onClick={() => setOpen(true)}>
          Publish {what} again…
        </button>
      )}
    </section>
  )
}

function Form(props: PublishAgainProps & { readonly onBegun: () => void }) {
  const { topic, handlerIds, select, what, isOne, onBegun } = props
  const [form, setForm] = useState<ReplayForm>(emptyForm)
  const [rate, setRate] = useState('100')
  const [plan, setPlan] = useState<PlanAnswer | undefined>(undefined)
  const field = (name: keyof ReplayForm) => ({
    value: form[name],
    onInput: ({ currentTarget }: { readonly currentTarget: { readonly value: string } }) => {
      setForm({ ...form, [name]: currentTarget.value })
      // What was counted was of another choice.
      setPlan(undefined)
    },
  })
  const preview = async () => {
    const made = await post<PlanAnswer>(path('dead-letters', topic, 'plan'), planBody(form, select))
    setPlan(made)
    return `${plural(countOf(made.counts), 'letter')} would be published. Nothing is published yet.`
  }
  return (
    <form class="raised" onSubmit={(event) => event.preventDefault()} aria-label={`Publish ${what} again`}>
      <div class="fields">
        <label>
          To{' '}
          <select {...field('to')}>
            <option value="">the topics they came from</option>
            {topicsRead().map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        {isOne !== true && (
          <>
            <label>
              Handler{' '}
              <select {...field('handlerId')}>
                <option value="">every one</option>
                {handlerIds.map((each) => (
                  <option key={each} value={each}>
                    {each}
                  </option>
                ))}
              </select>
            </label>
            <label>
              Written from <input type="datetime-local" {...field('since')} />
            </label>
            <label>
              until <input type="datetime-local" {...field('until')} />
            </label>
            <label>
              At most <input type="number" min="1" max="100000" {...field('limit')} />
            </label>
          </>
        )}
        <label>
          Leave out what was published again <input type="number" min="1" max="100" {...field('maxReplays')} /> times
        </label>
        <label>
          Records a second{' '}
          <input
            type="number"
            min="1"
            max="10000"
            value={rate}
            onInput={({ currentTarget }) => setRate(currentTarget.value)}
          />
        </label>
      </div>
      <p>
        <Act act={preview}>Preview</Act>
      </p>
      {plan !== undefined && (
        <Preview plan={plan} topic={topic} rate={Number(rate)} onBegun={onBegun} onGone={() => setPlan(undefined)} />
      )}
    </form>
  )
}

interface PreviewProps {
  readonly plan: PlanAnswer
  readonly topic: string
  readonly rate: number
  readonly onBegun: () => void
  readonly onGone: () => void
}

function Preview({ plan, topic, rate, onBegun, onGone }: PreviewProps) {
  const count = countOf(plan.counts)
  const begin = async () => {
    // A plan is for one replay: whatever comes of it, the next needs a new one.
    onGone()
    const { id } = await post<ReplayAnswer>(path('dead-letters', topic, 'replays'), { plan: plan.plan, rate })
    begun.value = new Map([...begun.value, [topic, id]])
    onBegun()
    return `${plural(count, 'letter')} of ${topic} are being published again.`
  }
  return (
    <div class="preview">
      <p>
        <b>{count === 0 ? 'Nothing would be published.' : `Would publish ${targetText(plan.counts)}.`}</b>
      </p>
      <Lines of={[...refusedLines(plan.refused), ...planLines(plan)]} />
      {count > 0 && (
        <p>
          <Act act={begin} tone="primary" isOff={now.value >= plan.expiresAt}>
            Publish {plural(count, 'letter')} now
          </Act>{' '}
          <span class="dim">
            the preview {now.value >= plan.expiresAt ? 'is too old: make it again' : 'holds until '}
            {now.value < plan.expiresAt && <Moment at={plan.expiresAt} />}
          </span>
        </p>
      )}
    </div>
  )
}

function Replay({ id }: { readonly id: string }) {
  const [isOver, setOver] = useState(false)
  const { answer, error } = usePolled<ReplayAnswer>(path('replays', id), isOver ? undefined : 500)
  useEffect(() => {
    if (answer !== undefined && answer.endedAt !== null) setOver(true)
  }, [answer])
  if (answer === undefined) return <Pending error={error} />
  const text = replayText(answer, now.value)
  const stop = async () => {
    await post<ReplayAnswer>(path('replays', id, 'stop'), {})
    return 'It is stopped after what is on its way.'
  }
  return (
    <div class="raised replay" role="group" aria-label="Replay">
      <p class={text.isBad ? 'problem' : ''}>
        <b class="num">{text.headline}</b>
      </p>
      <progress max={Math.max(1, answer.planned)} value={countOf(answer.published)} aria-label="Published" />
      <Lines of={text.lines} />
      {answer.state === 'running' && (
        <p>
          <Act act={stop}>Stop</Act>
        </p>
      )}
    </div>
  )
}

function Lines({ of }: { readonly of: readonly string[] }) {
  return (
    <ul>
      {of.map((line) => (
        <li key={line}>
          <Shown text={line} />
        </li>
      ))}
    </ul>
  )
}

function topicsRead(): readonly string[] {
  const groups = about.value?.groups ?? []
  return [...new Set(groups.flatMap(({ handlers }) => handlers.map(({ topic }) => topic)))].sort()
}
