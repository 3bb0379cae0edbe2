/** The processes that this one knows, and which of them the page looks at. */
import type { InstanceRow, InstancesAnswer } from '../protocol-groups.ts'
import { instance } from './link/instance.ts'
import { usePolled } from './link/polled.ts'
import { ownPath } from './link/requests.ts'
import { now } from './link/store.ts'
import { stream } from './link/stream.ts'
import { verdictText } from './models/verdict.ts'
import { Act, Empty, Pending, Shown, useCopyable } from './parts.tsx'

export function Instances() {
  const { answer, error } = usePolled<InstancesAnswer>(ownPath('instances'), 2_000)
  useCopyable('instances', () => answer)
  if (answer === undefined) return <Pending error={error} />
  const { instances } = answer
  return (
    <section>
      <h2>Instances</h2>
      {error !== undefined && <p class="problem">{error}</p>}
      <ul class="instances">
        {instances.map((row) => (
          <Row key={row.id} row={row} />
        ))}
      </ul>
      {instances.length === 1 && (
        <Empty title="No other process is known here">
          In production, http.console.instances names the others: host:port each, or one DNS name for all.
        </Empty>
      )}
    </section>
  )
}

function Row({ row: { id, address, state, why, about, verdict } }: { readonly row: InstanceRow }) {
  const own = address === null ? undefined : id
  const isShown = instance.value === own
  const words = verdict === null ? undefined : verdictText(verdict, now.value)
  const look = async () => {
    stream.lookAt(own)
    return `The page shows ${address ?? 'the process that serves it'}.`
  }
  return (
    <li aria-current={isShown ? 'true' : undefined}>
      <span class="place">
        <Shown text={about === null ? (address ?? id) : `${about.instance.host} · pid ${about.instance.pid}`} />
      </span>
      <span class="dim">{address ?? 'serves this page'}</span>
      <span class={state === 'answers' && words?.tone !== 'bad' ? '' : 'problem'}>
        <Shown text={state === 'answers' ? (words?.headline ?? 'answers') : (why ?? state)} />
      </span>
      {isShown ? (
        <span class="dim">shown</span>
      ) : (
        <Act act={look} isOff={state !== 'answers'}>
          Look at it
        </Act>
      )}
    </li>
  )
}
