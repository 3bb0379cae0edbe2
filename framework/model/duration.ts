/** Durations as people write them. */
import { PyrallelError } from './errors.ts'

/** Milliseconds as a number, or a number with a unit: `250ms`, `30s`, `5m`, `2h`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/**
 * Milliseconds of a duration, 0 or more.
 * @param place where the value was written, for the message: `handlers/pay.ts: option timeout`
 * @throws PyrallelError PYR_HANDLER_OPTION when it is not a duration
 */
export function durationMs(duration: unknown, place: string): number {
  if (typeof duration === 'number' && Number.isFinite(duration) && duration >= 0) return duration
  const match = typeof duration === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(duration.trim()) : null
  if (match === null) {
    throw new PyrallelError(
      'PYR_HANDLER_OPTION',
      `${place} is ${JSON.stringify(duration) ?? String(duration)}, which is not a duration. Write milliseconds as a number, or a text such as '250ms', '30s', '5m', '2h'.`,
    )
  }
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
}
