/** In development: a form made from the schema of a topic, filled with made-up data, that sends a record. */
import { useEffect, useState } from 'preact/hooks'
import type { DevFakeAnswer, DevFakeBody, DevSendAnswer, DevSendBody, DevTopicsAnswer } from '../protocol-actions.ts'
import { usePolled } from './link/polled.ts'
import { errorText, path, post } from './link/requests.ts'
import { placeHash } from './models/location.ts'
import { plural } from './models/numbers.ts'
import { type Field, fieldsOf, headersOf, jsonOf, type Texts, textsOf } from './models/schema-form.ts'
import { Act, Empty, Pending, Shown, useCopyable } from './parts.tsx'

export function SendRecord({ topic }: { readonly topic: string | undefined }) {
  const { answer, error } = usePolled<DevTopicsAnswer>(path('dev', 'topics'), 2_000)
  if (answer === undefined) return <Pending error={error} />
  const { topics } = answer
  const chosen = topics.find((each) => each.topic === topic) ?? topics[0]
  if (chosen === undefined) {
    return <Empty title="No handler runs yet">A file below handlers/ with a default export is one.</Empty>
  }
  return (
    <section>
      <h2>Send a record</h2>
      <p class="choices">
        {topics.map(({ topic: each }) => (
          <a
            key={each}
            href={placeHash({ view: 'dev', query: { topic: each } })}
            aria-current={each === chosen.topic ? 'true' : undefined}
          >
            <Shown text={each} />
          </a>
        ))}
      </p>
      <p class="dim">{writtenIn(chosen)}</p>
      <Form key={chosen.topic} topic={chosen.topic} hasKeyFormat={chosen.keyFormat !== undefined} />
    </section>
  )
}

const formats = {
  avro: 'Avro',
  protobuf: 'Protobuf',
  'json-schema': 'JSON Schema',
  bytes: 'bytes, as they are typed',
} as const

/** What the value is written in, and the key where that is no text. */
function writtenIn({ format, keyFormat }: DevTopicsAnswer['topics'][number]): string {
  const keys = keyFormat === undefined ? '' : `, keys in ${formats[keyFormat]}`
  return `Values in ${format === undefined ? 'JSON' : formats[format]}${keys}.`
}

interface Typed {
  readonly fields: readonly Field[]
  readonly texts: Texts
  readonly key: string
}

const nothing: Typed = { fields: fieldsOf({}), texts: {}, key: '' }

function Form({ topic, hasKeyFormat }: { readonly topic: string; readonly hasKeyFormat: boolean }) {
  // Until something is made up, there is nothing to type into: it would be written over.
  const [shown, setTyped] = useState<Typed | undefined>(undefined)
  const typed = shown ?? nothing
  const [headers, setHeaders] = useState('')
  const [why, setWhy] = useState<string | undefined>(undefined)
  const [sent, setSent] = useState<DevSendAnswer | undefined>(undefined)
  const makeUp = async () => {
    const { value, key, schema } = await post<DevFakeAnswer>(path('dev', 'fake'), { topic } satisfies DevFakeBody)
    const fields = fieldsOf(schema)
    setTyped({ fields, texts: textsOf(fields, value), key: key ?? '' })
    return 'Made up anew.'
  }
  useEffect(() => {
    // A topic without a schema has one field, of JSON.
    makeUp().catch((error: unknown) => {
      setWhy(errorText(error))
      setTyped(nothing)
    })
  }, [topic])
  const body = (): DevSendBody => ({
    topic,
    text: jsonOf(typed.fields, typed.texts),
    ...(typed.key === '' ? {} : { key: typed.key }),
    headers: headersOf(headers),
  })
  useCopyable('the record', body)
  const send = async () => {
    const answer = await post<DevSendAnswer>(path('dev', 'send'), body())
    setSent(answer)
    return `Sent to ${answer.topic}${answer.key === null ? '' : `, key ${answer.key}`}.`
  }
  const setText = (label: string, text: string) => setTyped({ ...typed, texts: { ...typed.texts, [label]: text } })
  if (shown === undefined) return <Pending error={undefined} />
  return (
    <form class="raised" onSubmit={(event) => event.preventDefault()} aria-label={`A record of ${topic}`}>
      {why !== undefined && <p class="dim">{why}</p>}
      <div class="fields">
        {typed.fields.map((field) => (
          <Input key={field.label} field={field} text={typed.texts[field.label] ?? ''} onText={setText} />
        ))}
      </div>
      <div class="fields">
        <label>
          {hasKeyFormat ? 'Key, as JSON' : 'Key'}{' '}
          <input
            value={typed.key}
            placeholder="as the topic says"
            onInput={({ currentTarget }) => setTyped({ ...typed, key: currentTarget.value })}
          />
        </label>
        <label>
          Headers{' '}
          <textarea
            rows={2}
            placeholder="name: value"
            value={headers}
            onInput={({ currentTarget }) => setHeaders(currentTarget.value)}
          />
        </label>
      </div>
      <p>
        <Act act={send} tone="primary">
          Send
        </Act>{' '}
        {why === undefined && <Act act={makeUp}>Make up another</Act>}
      </p>
      {sent !== undefined && sent.misfits.length > 0 && (
        <>
          <p class="problem">Sent, and its handler will refuse it: {plural(sent.misfits.length, 'reason')}.</p>
          <ul>
            {sent.misfits.map((misfit) => (
              <li key={misfit}>
                <Shown text={misfit} />
              </li>
            ))}
          </ul>
        </>
      )}
    </form>
  )
}

interface InputProps {
  readonly field: Field
  readonly text: string
  readonly onText: (label: string, text: string) => void
}

function Input({ field: { label, kind, options, isOptional }, text, onText }: InputProps) {
  const shared = {
    id: `field-${label}`,
    value: text,
    onInput: ({ currentTarget }: { readonly currentTarget: { readonly value: string } }) =>
      onText(label, currentTarget.value),
  }
  return (
    <label htmlFor={shared.id}>
      {label === '' ? 'Value, as JSON' : label}
      {isOptional ? ' (may be left out)' : ''}{' '}
      {kind === 'choice' ? (
        <select {...shared}>
          {isOptional && <option value="">left out</option>}
          {options.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      ) : kind === 'json' ? (
        <textarea class="json" rows={3} {...shared} />
      ) : (
        <input inputMode={kind === 'number' ? 'decimal' : 'text'} {...shared} />
      )}
    </label>
  )
}
