/** The small parts that all views are made of. */
import { computed, signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { BytesView, ReadView } from '../protocol.ts'
import type { FailureView, SourcePlace } from '../protocol-records.ts'
import { errorText } from './link/requests.ts'
import { now } from './link/store.ts'
import { hexOf } from './models/hex.ts'
import { bytes, relative } from './models/numbers.ts'
import { laidOut, visibleText } from './models/visible-text.ts'

/** What `c` and the button copy: set by the view that is open. */
export const copyable = signal<{ readonly name: string; readonly value: () => unknown } | undefined>(undefined)
/** The line at the bottom that says what has just happened. Read aloud. */
export const said = signal('')

export function say(text: string): void {
  said.value = text
}

/** Text of a record, an error, anybody: as text, with what would be invisible made visible. */
export function Shown({ text }: { readonly text: string }) {
  return (
    <>
      {visibleText(text).map(({ text: part, isEscape }, index) =>
        isEscape ? (
          <span key={index} class="escape">
            {part}
          </span>
        ) : (
          part
        ),
      )}
    </>
  )
}

/** A key in a row. */
export function Key({ value }: { readonly value: BytesView | null | undefined }) {
  if (value === undefined) return <span class="dim">not in memory</span>
  if (value === null) return <span class="dim">no key</span>
  if (value.isMasked) return <code class="masked">{value.text === '' ? 'masked' : value.text}</code>
  if (value.text === '') return <span class="dim">empty</span>
  const { says, base64 } = value
  return (
    <code class="key" title={base64 === undefined ? '' : `In base64: ${base64}`}>
      <Shown text={says ?? base64 ?? value.text} />
      {value.isCut && says === undefined ? '…' : ''}
    </code>
  )
}

interface WholeKeyProps {
  readonly value: BytesView | null | undefined
  readonly read: ReadView | null | undefined
}

/** A key that is more than a text: what it says, its bytes, and by what it is looked for. */
export function WholeKey({ value, read }: WholeKeyProps) {
  if (value === undefined || value === null || value.isMasked) return null
  if (value.base64 === undefined && (read === undefined || read === null)) return null
  return (
    <>
      <h3>Key</h3>
      <Value value={value} read={read} name="Key" />
      {value.base64 !== undefined && (
        <p class="dim">
          In base64, by which it is found: <code>{value.base64}</code>
        </p>
      )}
    </>
  )
}

interface ValueProps {
  readonly value: BytesView | null | undefined
  readonly read?: ReadView | null | undefined
  /** What it is read aloud as. Default: a value. */
  readonly name?: 'Value' | 'Key'
}

/** A whole value: what it says, where it names a schema, and its bytes. Long ones are cut until somebody asks. */
export function Value({ value, read, name = 'Value' }: ValueProps) {
  const [areBytes, setBytes] = useState(false)
  if (value === undefined) return <p class="dim">Its bytes are not in memory any more.</p>
  if (value === null) return <p class="dim">A tombstone: the record has no value.</p>
  if (value.isMasked) return <p class="dim">Masked: {bytes(value.bytes)}. Its topic is not named as one to be shown.</p>
  if (read?.kind === 'read') {
    return (
      <>
        <p class="dim">
          With schema <Shown text={read.schema} />{' '}
          <button type="button" class="link" onClick={() => setBytes(!areBytes)}>
            {areBytes ? 'show what it says' : 'show its bytes'}
          </button>
        </p>
        {areBytes ? (
          <Bytes key="bytes" name={name} of={value} isHex={true} />
        ) : (
          <Text key="text" name={name} text={read.text} isCut={read.isCut} />
        )}
      </>
    )
  }
  return (
    <>
      {read?.kind === 'unread' && (
        <p class="problem">
          Not read: <Shown text={read.why} />
        </p>
      )}
      <Bytes name={name} of={value} isHex={name === 'Key' || read?.kind === 'unread'} />
    </>
  )
}

interface BytesProps {
  readonly name: 'Value' | 'Key'
  readonly of: BytesView
  readonly isHex: boolean
}

/** Laid out where it is JSON. */
function Bytes({ name, of, isHex }: BytesProps) {
  const hex = isHex ? hexOf(of) : undefined
  const text = hex ?? (of.isCut ? of.text : (laidOut(of.text) ?? of.text))
  return (
    <Text name={name} text={text} isCut={of.isCut}>
      {bytes(of.bytes)}
      {of.isCut ? ', cut here: download it to see it whole' : ''}
      {hex !== undefined ? ', in hexadecimal' : of.base64 === undefined ? '' : ', no valid UTF-8'}{' '}
    </Text>
  )
}

interface TextProps {
  readonly name: 'Value' | 'Key'
  readonly text: string
  readonly isCut: boolean
  readonly children?: ComponentChildren
}

function Text({ name, text, isCut, children }: TextProps) {
  const [isWhole, setWhole] = useState(false)
  const shown = isWhole ? text : text.slice(0, 4_096)
  return (
    <div class="value">
      <pre tabIndex={0} role="group" aria-label={name}>
        <Shown text={shown} />
        {shown.length < text.length || isCut ? '…' : ''}
      </pre>
      <p class="dim">
        {children}
        {shown.length < text.length && (
          <button type="button" class="link" onClick={() => setWhole(true)}>
            show all that is here
          </button>
        )}
      </p>
    </div>
  )
}

type HeaderRow = readonly [name: string, value: BytesView | null]

export function Headers({ headers }: { readonly headers: readonly HeaderRow[] }) {
  if (headers.length === 0) return <p class="dim">none</p>
  return (
    <dl class="headers">
      {headers.map(([name, value], index) => (
        <div key={index}>
          <dt>
            <Shown text={name} />
          </dt>
          <dd>{value === null ? <span class="dim">null</span> : <Key value={value} />}</dd>
        </div>
      ))}
    </dl>
  )
}

/** A moment, told from now; moves by itself, and nothing around it is drawn again. */
export function Moment({ at }: { readonly at: number }) {
  const text = useMemo(() => computed(() => relative(at, now.value)), [at])
  return (
    <time class="num" dateTime={new Date(at).toISOString()} title={new Date(at).toISOString()}>
      {text}
    </time>
  )
}

export function Failure({ failure }: { readonly failure: FailureView }) {
  const { name, message, stack, attempt, reason, source } = failure
  return (
    <div class="failure">
      <p>
        {attempt !== null && <span class="tag">attempt {attempt}</span>}
        {reason !== null && <span class="tag">{reason}</span>}
      </p>
      <p class="message">
        <b>
          <Shown text={name} />
        </b>{' '}
        {message === '' ? <span class="dim">message masked</span> : <Shown text={message} />}
      </p>
      {source !== null && <Source of={source} />}
      {stack !== null && (
        <details>
          <summary>Stack</summary>
          <pre tabIndex={0} role="group" aria-label="Stack">
            <Shown text={stack} />
          </pre>
        </details>
      )}
    </div>
  )
}

function Source({ of }: { readonly of: SourcePlace }) {
  const { file, line, column, editorUrl } = of
  const text = `${file}:${line}:${column}`
  return (
    <p>
      at{' '}
      <code>
        {editorUrl === null ? (
          <Shown text={text} />
        ) : (
          <a href={editorUrl} title="Opens your editor there">
            <Shown text={text} />
          </a>
        )}
      </code>
    </p>
  )
}

/** A button for what changes something: says what it does, waits for the answer, and tells what came of it. */
export function Act({ children, act, isOff, asks, tone }: ActProps) {
  const [isBusy, setBusy] = useState(false)
  const [isAsked, setAsked] = useState(false)
  useEffect(() => {
    if (!isAsked) return
    const timer = setTimeout(() => setAsked(false), 5_000)
    return () => clearTimeout(timer)
  }, [isAsked])
  const onClick = async () => {
    if (asks !== undefined && !isAsked) {
      setAsked(true)
      return
    }
    setAsked(false)
    setBusy(true)
    try {
      say(await act())
    } catch (error) {
      say(errorText(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <button type="button" class={tone ?? ''} disabled={isBusy || isOff === true} onClick={() => void onClick()}>
      {isAsked ? asks : children}
    </button>
  )
}

interface ActProps {
  readonly children: ComponentChildren
  /** Does it, and gives the sentence to say. */
  readonly act: () => Promise<string>
  readonly isOff?: boolean
  /** Asked before it is done: the second press does it. */
  readonly asks?: string
  readonly tone?: 'primary'
}

/** What stands where there is nothing: why, and what would bring something. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="title">{title}</p>
      {children !== undefined && <p>{children}</p>}
    </div>
  )
}

/** An answer that is not there yet, or that cannot be had. Keeps the room that it will need. */
export function Pending({ error }: { readonly error: string | undefined }) {
  return error === undefined ? <p class="pending dim">Asking…</p> : <p class="pending problem">{error}</p>
}

export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** Names what `c` and the button copy while this view is open. */
export function useCopyable(name: string, value: () => unknown): void {
  const latest = useRef(value)
  latest.current = value
  // Set once: the frame shows a button for it, and would be drawn again, and its view with it, without end.
  useEffect(() => {
    copyable.value = { name, value: () => latest.current() }
    return () => {
      copyable.value = undefined
    }
  }, [name])
}

export async function copyText(text: string, what: string): Promise<string> {
  // Only pages of localhost and of https may write to the clipboard by the newer way.
  if (navigator.clipboard !== undefined) await navigator.clipboard.writeText(text)
  else copyByHand(text)
  return `Copied: ${what}.`
}

function copyByHand(text: string): void {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'offscreen'
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}
