/** Says in words whether more processes would help, and if not, why. Pure. */
import { groupedDigits } from '../../framework/model/grouped-digits.ts'
import type { BindingLimit, HandlerScale, ScaleMetrics, SystemMetrics } from '../../framework/model/snapshot.ts'

/** `1.7 processes needed, backlog 1,234, oldest 12.5 s, 100/s in, 95/s out, 37 % of 100 slots in use` */
export function scaleLine(of: ScaleMetrics): string {
  const { processesNeeded, backlog, oldestAgeSeconds, arrivalsPerSecond, completionsPerSecond, slots, utilisation } = of
  const facts = [
    `${short(processesNeeded)} processes needed`,
    `backlog ${backlog === null ? 'not known' : groupedDigits(backlog)}`,
    `oldest ${oldestAgeSeconds === null ? 'not known' : `${oldestAgeSeconds.toFixed(1)} s`}`,
    `${short(arrivalsPerSecond)}/s in`,
    `${short(completionsPerSecond)}/s out`,
    `${Math.round(utilisation * 100)} % of ${slots} slots in use`,
  ]
  return facts.join(', ')
}

/** A sentence for each handler that could be faster, and for each group in which more processes would have nothing to do. */
export function scaleNotes({ scale, groups }: SystemMetrics): string[] {
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

/** Two digits of what is small: 0.002 of a process is not none. */
function short(value: number): string {
  return value >= 10 || value === 0 ? groupedDigits(Math.round(value)) : String(Number(value.toPrecision(2)))
}
