/** The frame around the views: who is looked at, how the line stands, the verdict, and the keyboard. */
import { signal } from '@preact/signals'
import type { Verdict, VerdictKind } from '../protocol.ts'
import { DeadLetters } from './dead-letters.tsx'
import { Group } from './group.tsx'
import { History } from './history.tsx'
import { Instances } from './instances.tsx'
import { Keys } from './keys.tsx'
import { instance } from './link/instance.ts'
import { about, link, now, verdict } from './link/store.ts'
import { stream } from './link/stream.ts'
import { keepToken } from './link/token.ts'
import { Live } from './live.tsx'
import { actionOf, keyRows } from './models/keyboard.ts'
import { type Place, parsePlace, placeHash, recordHash, type ViewName } from './models/location.ts'
import { span } from './models/numbers.ts'
import { verdictText } from './models/verdict.ts'
import { Overview } from './overview.tsx'
import { Partition } from './partition.tsx'
import { Partitions } from './partitions.tsx'
import { copyable, copyText, Shown, said, say } from './parts.tsx'
import { RecordPage } from './record.tsx'
import { Retries } from './retries.tsx'
import { nextTheme } from './theme.ts'
import { Threads } from './threads.tsx'
import { Topology } from './topology.tsx'
import { TryOut } from './try-out.tsx'

const place = signal(parsePlace(location.hash))
addEventListener('hashchange', () => {
  place.value = parsePlace(location.hash)
  said.value = ''
})
const isHelpOpen = signal(false)

/** The views that the bar names. A record and a partition are opened from them. */
const titles: Readonly<Partial<Record<ViewName, string>>> = {
  overview: 'Overview',
  partitions: 'Partitions',
  keys: 'Keys',
  retries: 'Retries',
  live: 'Live',
  history: 'History',
  'dead-letters': 'Dead letters',
  group: 'Group',
  topology: 'Topology',
  threads: 'Threads',
  dev: 'Try out',
}

export function App() {
  if (link.value.kind === 'asked') return <TokenForm why={link.value.why} />
  const { view, query } = place.value
  return (
    <>
      <header>
        <b class="brand">pyrallel</b>
        <Instance />
        <LinkLine />
      </header>
      <VerdictLine />
      <nav aria-label="Views">
        {shownTitles().map(([name, title]) => (
          <a
            key={name}
            href={placeHash({ view: name as ViewName, query: {} })}
            aria-current={name === view ? 'page' : undefined}
          >
            {title}
          </a>
        ))}
        <span class="room" />
        {copyable.value !== undefined && (
          <button type="button" class="link" onClick={() => void copy()}>
            copy JSON
          </button>
        )}
        <button type="button" class="link" onClick={toggleHelp}>
          keys <kbd>?</kbd>
        </button>
      </nav>
      <main key={instance.value ?? ''}>
        {isHelpOpen.value && <Help />}
        {view === 'overview' && <Overview />}
        {view === 'partitions' && <Partitions by={query.by} />}
        {view === 'keys' && <Keys group={query.group} by={query.by} />}
        {view === 'live' && <Live />}
        {view === 'retries' && <Retries group={query.group} />}
        {view === 'partition' && (
          <Partition group={query.group ?? ''} topic={query.topic ?? ''} partition={Number(query.partition)} />
        )}
        {view === 'record' && (
          <RecordPage
            group={query.group}
            topic={query.topic ?? ''}
            partition={Number(query.partition)}
            offset={Number(query.offset)}
          />
        )}
        {view === 'history' && <History />}
        {view === 'dead-letters' && <DeadLetters query={query} />}
        {view === 'group' && <Group group={query.group} />}
        {view === 'instances' && <Instances />}
        {view === 'topology' && <Topology />}
        {view === 'dev' && <TryOut topic={query.topic} />}
        {view === 'threads' && <Threads />}
      </main>
      <p class="said" role="status">
        <Shown text={said.value} />
      </p>
    </>
  )
}

function shownTitles() {
  const isDev = about.value?.can.dev === true
  return Object.entries(titles).filter(([name]) => isDev || name !== 'dev')
}

function Instance() {
  const of = about.value
  if (of === undefined) return <span class="dim"> </span>
  const { mode, instance: shown, version } = of
  return (
    <span class="dim">
      {mode} ·{' '}
      <a href={placeHash({ view: 'instances', query: {} })}>
        {shown.host} · pid <span class="num">{shown.pid}</span>
      </a>
      {version === null ? '' : ` · ${version}`}
      {of.can.act ? '' : ' · read-only'}
      {instance.value === undefined ? '' : ` · by way of ${location.host}`}
    </span>
  )
}

function LinkLine() {
  const state = link.value
  if (state.kind === 'lost' || state.kind === 'full') {
    void now.value
    const left = Math.max(0, Math.ceil((state.againAt - Date.now()) / 1000))
    const what = state.kind === 'full' ? 'Too many pages are open' : 'Not connected'
    return (
      <span class="line bad" role="alert" title={state.why}>
        {what}: asking again in <span class="num">{span(left * 1000)}</span>
      </span>
    )
  }
  const words = { connecting: 'connecting', live: 'live', hidden: 'asleep', asked: '' }
  return <span class={`line ${state.kind}`}>{words[state.kind]}</span>
}

/** What the group's own view explains. */
const saidOfGroup: ReadonlySet<VerdictKind> = new Set(['refused', 'outputs-full', 'transaction-open'])

function hrefOf({ kind, group, place: at }: Verdict): string | undefined {
  if (group === null) return undefined
  if (at !== null) return recordHash(group, at)
  return saidOfGroup.has(kind) ? placeHash({ view: 'group', query: { group } }) : undefined
}

function VerdictLine() {
  if (verdict.value === undefined)
    return (
      <section class="verdict busy" aria-label="Verdict">
        <h1>Asking…</h1>
        <p> </p>
      </section>
    )
  const { tone, headline, facts, next } = verdictText(verdict.value, now.value)
  const href = hrefOf(verdict.value)
  return (
    <section class={`verdict ${tone} ${link.value.kind === 'live' ? '' : 'old'}`} aria-label="Verdict">
      <h1>
        {href === undefined ? (
          <Shown text={headline} />
        ) : (
          <a href={href}>
            <Shown text={headline} />
          </a>
        )}
      </h1>
      <p class="num">
        <Shown text={facts.join(' · ')} />
      </p>
      <p class="dim">{next}</p>
    </section>
  )
}

function TokenForm({ why }: { readonly why: string }) {
  const typed = signal('')
  return (
    <form
      class="token"
      onSubmit={(event) => {
        event.preventDefault()
        keepToken(typed.value.trim())
        stream.restart()
      }}
    >
      <h1>This console asks for a token</h1>
      <p>{why}</p>
      <p>
        In development, press <kbd>o</kbd> in the terminal of <code>pyrallel dev</code>: it opens the page with the
        token. It lies in <code>.pyrallel/console-token</code>. In production, it is <code>http.token</code>.
      </p>
      <label>
        Token{' '}
        <input
          type="password"
          autoComplete="off"
          onInput={(event) => {
            typed.value = event.currentTarget.value
          }}
        />
      </label>{' '}
      <button type="submit" class="primary">
        Open
      </button>
    </form>
  )
}

function Help() {
  return (
    <section class="help" aria-label="Keys">
      <h2>Keys</h2>
      <dl>
        {keyRows.map(({ keys, says }) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function toggleHelp(): void {
  isHelpOpen.value = !isHelpOpen.value
}

async function copy(): Promise<void> {
  const of = copyable.value
  if (of !== undefined) say(await copyText(JSON.stringify(of.value(), null, 2), of.name))
}

let before: { readonly key: string; readonly at: number } | undefined

export function onKey(event: KeyboardEvent): void {
  const isTyping = event.target instanceof HTMLElement && event.target.matches('input, select, textarea')
  if (event.ctrlKey || event.metaKey || event.altKey || (isTyping && event.key !== 'Escape')) return
  const earlier = before !== undefined && event.timeStamp - before.at < 1_000 ? before.key : undefined
  before = undefined
  const action = actionOf(event.key, earlier)
  if (action === undefined || (action !== 'wait' && action.kind === 'open' && !isRow(event.target))) return
  event.preventDefault()
  if (action === 'wait') before = { key: event.key, at: event.timeStamp }
  else if (action.kind === 'go') location.hash = placeHash({ view: action.view, query: {} })
  else if (action.kind === 'help') toggleHelp()
  else if (action.kind === 'theme') say(`Colours: ${nextTheme()}.`)
  else if (action.kind === 'copy') void copy()
  else if (action.kind === 'close') close()
  else if (action.kind === 'open') document.activeElement?.querySelector('a')?.click()
  else moveFocus(action.kind === 'next' ? 1 : -1)
}

function close(): void {
  if (isHelpOpen.value) isHelpOpen.value = false
  else if (isOpened(place.value) && history.length > 1) history.back()
  else location.hash = placeHash({ view: 'overview', query: {} })
}

/** Something of a list, which is to be seen again. */
function isOpened({ view, query }: Place): boolean {
  return view === 'partition' || view === 'record' || query.letter !== undefined
}

/** A row that is no link itself: it is opened by its first one. */
function isRow(target: EventTarget | null): boolean {
  return target instanceof HTMLLIElement && target.dataset.row !== undefined
}

function moveFocus(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')]
  const at = rows.indexOf(document.activeElement as HTMLElement)
  rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))]?.focus()
}
