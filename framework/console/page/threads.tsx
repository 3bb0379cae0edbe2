/** Worker threads of each handler, and the memory of the process. */
import type { ThreadsAnswer } from '../protocol.ts'
import { usePolled } from './link/polled.ts'
import { path } from './link/requests.ts'
import { bytes, digits, span } from './models/numbers.ts'
import { Empty, Fact, Pending, Shown, useCopyable } from './parts.tsx'

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
    </section>
  )
}
