/** Says in words whether more processes would help, and if not, why. Pure; for whoever shows a snapshot to people. */
import type { BindingLimit, HandlerScale, SystemMetrics } from '../model/snapshot.ts'

/** A sentence for each handler that could be faster, and for each group in which more processes would have nothing to do. */
export function scaleNotes({ scale, groups }: Pick<SystemMetrics, 'scale' | 'groups'>): string[] {
  const idle = groups.flatMap(({ group, membership }) =>
    membership === 'idle'
      ? `group ${group}: the others have all partitions. More processes would have none either.`
      : [],
  )
  const ofHandlers = (scale?.groups ?? []).flatMap(({ handlers }) => handlers.flatMap(handlerNote))
  const ofLoop = scale?.limit === 'loop' ? [loopNote] : []
  return [...ofLoop, ...ofHandlers, ...idle]
}

const loopNote =
  "the event loop is busy all the time. More processes help, or engine: 'worker' for handlers that compute."

function handlerNote({ handlerId, limit }: HandlerScale): string[] {
  const why = reasons[limit]
  return why === undefined ? [] : [`${handlerId}: ${why}`]
}

const reasons: Readonly<Partial<Record<BindingLimit, string>>> = {
  slots: 'all slots are in use. More processes help, or a higher concurrency.',
  keys: 'what waits, waits for its own key. More processes do not help: see what blocks.',
  partitions:
    'its partitions have more to do than one process each can. More processes do not help: more partitions do, or a higher concurrency.',
  rate: 'rateLimit or the adaptive limit holds it back, in each process for itself. More processes would call the service that many times more.',
  memory:
    'limits keep records out while slots are free: what waits for a retry fills the memory, or records are large.',
}
