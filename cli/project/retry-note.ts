/** Says how long an outage a retry policy outlasts. Pure. */
import { totalDelayMs } from '../../framework/control-plane/failures/retry-policy.ts'
import type { RetrySettings } from '../../framework/model/settings.ts'

/** `28 attempts take 5m 10s to 10m 21s of waiting together: ...` */
export function retryNote(settings: RetrySettings): string {
  const { attempts, then = 'dead-letter' } = settings
  const isParked = then !== 'dead-letter'
  if (attempts === 1) return `Together: a record that fails is ${isParked ? 'parked' : 'given up'} at once.`
  const { least, most } = totalDelayMs(settings)
  const span = least === most ? inWords(most) : `${inWords(least)} to ${inWords(most)}`
  return `Together: the delays between ${attempts} attempts are ${span} in all. An outage that lasts longer ${isParked ? 'parks records, until somebody or a limit decides' : 'ends in the dead-letter topic'}.`
}

/** The two largest units: `10m 21s`, `1.4s`, `2h 5m`. */
function inWords(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(1))}s`
  const seconds = Math.floor(ms / 1_000)
  if (ms < 3_600_000) return pair(Math.floor(seconds / 60), 'm', seconds % 60, 's')
  const minutes = Math.floor(seconds / 60)
  return ms < 86_400_000
    ? pair(Math.floor(minutes / 60), 'h', minutes % 60, 'm')
    : pair(Math.floor(minutes / 1_440), 'd', Math.floor(minutes / 60) % 24, 'h')
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`
}
