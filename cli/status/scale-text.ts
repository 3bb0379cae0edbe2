/** The figures of scaling out in one line. Pure. */
import { groupedDigits } from '../../framework/model/grouped-digits.ts'
import type { ScaleMetrics } from '../../framework/model/snapshot.ts'

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

/** Two digits of what is small: 0.002 of a process is not none. */
function short(value: number): string {
  return value >= 10 || value === 0 ? groupedDigits(Math.round(value)) : String(Number(value.toPrecision(2)))
}
