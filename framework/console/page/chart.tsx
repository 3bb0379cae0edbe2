/** One curve with its scale; the moment under the pointer is told in every chart at once. */
import type { Signal } from '@preact/signals'
import { type Curve, curveText, linesOf, nearest, type SeriesText, topOf, valueText } from './models/history.ts'
import { clockTime } from './models/numbers.ts'

const [width, height] = [1_000, 100]

interface ChartProps {
  readonly series: SeriesText
  readonly curve: Curve
  /** A time in milliseconds since the Unix epoch. */
  readonly pointed: Signal<number | undefined>
}

export function Chart({ series: { title, unit }, curve, pointed }: ChartProps) {
  const [from, to] = [curve[0]?.[0] ?? 0, curve.at(-1)?.[0] ?? 0]
  const top = topOf(curve)
  const at = pointed.value === undefined ? undefined : nearest(curve, pointed.value)
  const x = at === undefined ? 0 : ((at[0] - from) / Math.max(1, to - from)) * width
  const text = curveText(curve, unit)
  return (
    <li>
      <h3>
        {title} <span class="dim num">{text}</span>
      </h3>
      <div
        class="chart num"
        role="img"
        aria-label={`${title}: ${text}`}
        onPointerMove={({ clientX, currentTarget }) => {
          const { left, width: wide } = currentTarget.getBoundingClientRect()
          pointed.value = from + ((clientX - left) / wide) * (to - from)
        }}
        onPointerLeave={() => {
          pointed.value = undefined
        }}
      >
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          {[0, height / 2, height].map((y) => (
            <line key={y} x1={0} x2={width} y1={y} y2={y} />
          ))}
          {linesOf(curve, { from, to, top, width, height }).map((points) => (
            <polyline key={points.slice(0, 20)} points={points} />
          ))}
          {at !== undefined && <line class="at" x1={x} x2={x} y1={0} y2={height} />}
        </svg>
        <span class="top">{valueText(unit, top)}</span>
        {at !== undefined && (
          <span class="told">
            {clockTime(at[0]).slice(0, 8)} · {at[1] === null ? 'not known' : valueText(unit, at[1])}
          </span>
        )}
        <span class="from">{from === 0 ? '' : clockTime(from).slice(0, 5)}</span>
        <span class="to">{to === 0 ? '' : clockTime(to).slice(0, 5)}</span>
      </div>
    </li>
  )
}
