/** Who reads what and publishes what. */
import type { TopologyAnswer } from '../protocol.ts'
import { usePolled } from './link/polled.ts'
import { path } from './link/requests.ts'
import { rate } from './models/numbers.ts'
import { Pending, Shown, useCopyable } from './parts.tsx'

export function Topology() {
  const { answer, error } = usePolled<TopologyAnswer>(path('topology'), 2_000)
  useCopyable('topology', () => answer)
  if (answer === undefined) return <Pending error={error} />
  return (
    <section>
      <h2>Topology</h2>
      <ul class="flow">
        {answer.handlers.map(({ handlerId, group, reads, publishes, deadLetterTopic, rate: done }) => (
          <li key={`${group} ${handlerId} ${reads}`} tabIndex={0} data-row="">
            <Shown text={reads} /> <span class="dim num">— {rate(done)} →</span>{' '}
            <b>
              <Shown text={handlerId} />
            </b>{' '}
            <span class="dim">
              {publishes === null
                ? 'what it publishes is not known: run pyrallel generate'
                : publishes.length > 0 && `→ ${publishes.join(', ')}`}
              {deadLetterTopic !== null && ` · what fails for good → ${deadLetterTopic}`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
