/** Worker threads of each handler with what runs on them, and the memory of the process. */
import { recordPlace } from '../../model/record.ts'
import type { ThreadRow, ThreadsAnswer } from '../protocol.ts'
import { usePolled } from './link/polled.ts'
import { path } from './link/requests.ts'
import { now } from './link/store.ts'
import { recordHash } from './models/location.ts'
import { bytes, digits, plural, span } from './models/numbers.ts'
import { Empty, Fact, Key, Pending, Shown, useCopyable } from './parts.tsx'

type HandlerThreads = ThreadsAnswer['handlers'][number]

/** Attempts of one thread that are listed; of more, how many there are. */
const MOST_LISTED = 5
const stateWords = { starting: 'starting', open: 'takes records', ending: 'ending' } as const

export function Threads() {
  const { answer, error } = usePolled<ThreadsAnswer>(path('threads'), 2_000)
  useCopyable('threads', () => answer)
  if (answer === undefined) return <Pending error={error} />
  const { rssBytes, heapUsedBytes, heapLimitBytes } = answer.process
  return (
    <section>
      <h2>Process</h2>
      <dl class="facts">
        <Fact name="Memory">{bytes(rssBytes)}</Fact>
        <Fact name="Heap">
          {bytes(heapUsedBytes)} of {bytes(heapLimitBytes)}
        </Fact>
      </dl>
      <h2>Threads</h2>
      {answer.handlers.length === 0 ? (
        <Empty title="No handler runs in threads">A handler does with engine: 'worker'.</Empty>
      ) : (
        <div class="scroll" tabIndex={0} role="group" aria-label="Threads">
          <table>
            <thead>
              <tr>
                <th>Handler</th>
                <th class="num">Running</th>
                <th class="num">Restarts</th>
                <th class="num">Messages</th>
                <th class="num">At the boundary</th>
              </tr>
            </thead>
            <tbody>
              {answer.handlers.map((row) => (
                <tr key={row.handlerId}>
                  <td>
                    <Shown text={row.handlerId} />
                  </td>
                  <td class="num">{digits(row.running)}</td>
                  <td class="num">{digits(row.restarts)}</td>
                  <td class="num">{digits(row.batches)}</td>
                  <td class="num">{span(row.boundaryMs)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {answer.handlers.map((row) => (
        <Each key={row.handlerId} of={row} />
      ))}
    </section>
  )
}

function Each({ of: { handlerId, group, each } }: { readonly of: HandlerThreads }) {
  const isHeapKnown = each.some(({ heapUsedBytes }) => heapUsedBytes !== null)
  return (
    <>
      <h3>
        <Shown text={handlerId} /> <span class="dim">{plural(each.length, 'thread')}</span>
      </h3>
      <div class="scroll" tabIndex={0} role="group" aria-label={`Threads of ${handlerId}`}>
        <table>
          <thead>
            <tr>
              <th class="num">Thread</th>
              <th>State</th>
              <th>Runs now</th>
              <th class="num">Waiting</th>
              {isHeapKnown && <th class="num">Heap</th>}
            </tr>
          </thead>
          <tbody>
            {each.map((thread) => (
              <tr key={thread.threadId}>
                <td class="num">{thread.threadId}</td>
                <td>
                  {stateWords[thread.state]}
                  {thread.isApart && <span class="dim"> · for records that run apart</span>}
                </td>
                <td>
                  <Running group={group} thread={thread} />
                </td>
                <td class="num">{digits(thread.waiting)}</td>
                {isHeapKnown && (
                  <td class="num">{thread.heapUsedBytes === null ? '–' : bytes(thread.heapUsedBytes)}</td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function Running({ group, thread }: { readonly group: string; readonly thread: ThreadRow }) {
  const { running, runningCount } = thread
  if (runningCount === 0) return <span class="dim">nothing</span>
  const listed = running.slice(0, MOST_LISTED)
  return (
    <ul class="plain">
      {listed.map((attempt) => (
        <li key={recordPlace(attempt)}>
          <a class="place" data-row="" href={recordHash(group, attempt)}>
            <Shown text={recordPlace(attempt)} />
          </a>{' '}
          {attempt.key !== null && <Key value={attempt.key} />}{' '}
          <span class="dim num">
            {attempt.records > 1 && `and ${digits(attempt.records - 1)} more of its batch · `}
            attempt {attempt.attempt} · for {span(Math.max(0, now.value - attempt.startedAt))}
          </span>
        </li>
      ))}
      {runningCount > listed.length && <li class="dim">and {digits(runningCount - listed.length)} more</li>}
    </ul>
  )
}
