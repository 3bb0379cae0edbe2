/** The curves of the last hour: their units, their lines and their words. */
import type { HistoryAnswer, HistorySeries } from '../../protocol.ts'
import { bytes, digits, rate, short, span } from './numbers.ts'

export interface SeriesText {
  readonly of: HistorySeries
  readonly title: string
  /** `rate`: of each point, how many there were since the one before. */
  readonly unit: 'rate' | 'count' | 'bytes'
}

export const seriesTexts: readonly SeriesText[] = [
  { of: 'done', title: 'Done', unit: 'rate' },
  { of: 'failed', title: 'Failed attempts', unit: 'rate' },
  { of: 'dead', title: 'Dead letters', unit: 'rate' },
  { of: 'backlog', title: 'Backlog', unit: 'count' },
  { of: 'in-flight', title: 'In flight', unit: 'count' },
  { of: 'queued', title: 'Queued', unit: 'count' },
  { of: 'retries', title: 'Waiting for a retry', unit: 'count' },
  { of: 'uncommitted', title: 'Done and not committed', unit: 'count' },
  { of: 'memory', title: 'Records in memory', unit: 'bytes' },
]

/** So many the server keeps. */
const mostPoints = 360

/** Ascending by time, in milliseconds since the Unix epoch; `null`: nothing was known then. */
export type Curve = readonly (readonly [at: number, value: number | null])[]

/** With what has come since. Of a `rate`, points become what there was in a second. */
export function withPoints(before: Curve, { points, everyMs }: HistoryAnswer, unit: SeriesText['unit']): Curve {
  const last = before.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY
  const scale = unit === 'rate' ? 1_000 / everyMs : 1
  const later = points.filter(([at]) => at > last)
  return [...before, ...later.map(([at, value]) => [at, value === null ? null : value * scale] as const)].slice(
    -mostPoints,
  )
}

export function valueText(unit: SeriesText['unit'], value: number): string {
  if (unit === 'rate') return rate(value)
  return unit === 'bytes' ? bytes(value) : value < 10_000 ? digits(Math.round(value * 10) / 10) : short(value)
}

/** In words, for who does not see the curve: `12/s; 0/s to 40/s in 58 min`. */
export function curveText(curve: Curve, unit: SeriesText['unit']): string {
  const known = curve.flatMap(([, value]) => (value === null ? [] : value))
  const last = known.at(-1)
  if (last === undefined) return 'not known yet'
  const over = span((curve.at(-1)?.[0] ?? 0) - (curve[0]?.[0] ?? 0))
  const [least, most] = [Math.min(...known), Math.max(...known)].map((value) => valueText(unit, value))
  return `${valueText(unit, last)}; ${least} to ${most} in ${over}`
}

/** The upper end of the scale: 1, 2 or 5 times a power of ten, at least 1, and none of the values above it. */
export function topOf(curve: Curve): number {
  const most = Math.max(1, ...curve.map(([, value]) => value ?? 0))
  const power = 10 ** Math.floor(Math.log10(most))
  return [1, 2, 5].map((times) => times * power).find((each) => each >= most) ?? 10 * power
}

export interface Frame {
  readonly from: number
  readonly to: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Points of polylines, from left to right; a gap between two where nothing was known. */
export function linesOf(curve: Curve, { from, to, top, width, height }: Frame): readonly string[] {
  const lines: string[][] = [[]]
  for (const [at, value] of curve) {
    if (value === null) lines.push([])
    else
      lines
        .at(-1)
        ?.push(`${tenth(((at - from) / Math.max(1, to - from)) * width)},${tenth(height * (1 - value / top))}`)
  }
  return lines.filter(({ length }) => length > 0).map((points) => points.join(' '))
}

/** The point nearest to a moment; `undefined`: there is none. */
export function nearest(curve: Curve, at: number): Curve[number] | undefined {
  let found: Curve[number] | undefined
  for (const point of curve) if (found === undefined || Math.abs(point[0] - at) < Math.abs(found[0] - at)) found = point
  return found
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10
}
