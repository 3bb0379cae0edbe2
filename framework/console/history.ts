/** An hour of what the page draws as curves: a point every ten seconds, in memory of one fixed size. */
import { type HistorySeries, historySeries } from './protocol.ts'

export const HISTORY_EVERY_MS = 10_000
const POINTS = 360

export type HistoryPoint = Readonly<Record<HistorySeries, number | null>>

export class History {
  readonly #times = new Float64Array(POINTS)
  /** One row of points for each series. */
  readonly #values = new Float64Array(POINTS * historySeries.length)
  /** How many were ever added. */
  #count = 0

  get bytes(): number {
    return this.#times.byteLength + this.#values.byteLength
  }

  add(at: number, point: HistoryPoint): void {
    const slot = this.#count % POINTS
    this.#times[slot] = at
    for (const [row, series] of historySeries.entries()) this.#values[row * POINTS + slot] = point[series] ?? Number.NaN
    this.#count += 1
  }

  /** The oldest first, above `sinceAt`. */
  pointsOf(series: HistorySeries, sinceAt: number): readonly (readonly [at: number, value: number | null])[] {
    const row = historySeries.indexOf(series)
    const points: (readonly [number, number | null])[] = []
    for (let index = Math.max(0, this.#count - POINTS); index < this.#count; index++) {
      const slot = index % POINTS
      const at = this.#times[slot] ?? 0
      const value = this.#values[row * POINTS + slot] ?? Number.NaN
      if (at > sinceAt) points.push([at, Number.isNaN(value) ? null : value])
    }
    return points
  }
}
