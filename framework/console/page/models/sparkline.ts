/** A line of some values in a small box, as the points of an SVG polyline. */

/** Equal steps from left to right; the largest value, or `top`, at the upper edge. */
export function sparkline(values: readonly number[], width: number, height: number, top = 0): string {
  if (values.length < 2) return ''
  const most = Math.max(top, ...values)
  const step = width / (values.length - 1)
  const y = (value: number) => (most === 0 ? height : height - (Math.max(0, value) / most) * height)
  return values.map((value, index) => `${round(index * step)},${round(y(value))}`).join(' ')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
