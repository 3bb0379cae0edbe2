/** Draws bars and curves as SVG text, so that the report needs no library and no network. Pure. */

export interface Bar {
  readonly label: string
  readonly value: number
  /** The lowest and highest of the repetitions. */
  readonly min?: number
  readonly max?: number
  readonly text: string
  readonly isOurs: boolean
}

const WIDTH = 760
const LABEL_WIDTH = 230
const TEXT_WIDTH = 150
const ROW = 24

/** Horizontal bars from 0, with a dashed line where the bound is. */
export function barChart(bars: readonly Bar[], bound: number | undefined): string {
  const most = Math.max(...bars.map(({ value, max }) => Math.max(value, max ?? 0)), bound ?? 0)
  const x = (value: number) => LABEL_WIDTH + (most === 0 ? 0 : (value / most) * (WIDTH - LABEL_WIDTH - TEXT_WIDTH))
  const height = bars.length * ROW + 8
  const rows = bars.map((bar, index) => barRow(bar, index * ROW + 4, x))
  const line =
    bound === undefined
      ? ''
      : `<line class="bound" x1="${px(x(bound))}" x2="${px(x(bound))}" y1="0" y2="${height}"><title>bound</title></line>`
  return svg(WIDTH, height, [...rows, line])
}

function barRow({ label, value, min, max, text, isOurs }: Bar, top: number, x: (value: number) => number): string {
  const middle = top + ROW / 2
  const spread =
    min === undefined || max === undefined
      ? ''
      : `<line class="spread" x1="${px(x(min))}" x2="${px(x(max))}" y1="${middle}" y2="${middle}"/>`
  return [
    `<text class="label" x="${LABEL_WIDTH - 8}" y="${middle + 4}">${escapeText(label)}</text>`,
    `<rect class="${isOurs ? 'ours' : 'peer'}" x="${LABEL_WIDTH}" y="${top + 3}" width="${px(x(value) - LABEL_WIDTH)}" height="${ROW - 6}"/>`,
    spread,
    `<text x="${px(Math.max(x(value), x(max ?? 0)) + 6)}" y="${middle + 4}">${escapeText(text)}</text>`,
  ].join('')
}

export interface Line {
  readonly name: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

const PLOT_HEIGHT = 260
const MARGIN = { left: 60, right: 20, top: 16, bottom: 44 }

/** Lines over a logarithmic axis from the first power of ten to the last; the other axis begins at 0, so that flat looks flat. */
export function lineChart(line: Line, xTitle: string, yTitle: string): string {
  const xs = line.points.map((point) => point.x)
  const top = niceCeiling(Math.max(...line.points.map((point) => point.y)))
  const [from, to] = [Math.floor(Math.log10(Math.min(...xs))), Math.ceil(Math.log10(Math.max(...xs)))]
  const width = WIDTH - MARGIN.left - MARGIN.right
  const height = PLOT_HEIGHT - MARGIN.top - MARGIN.bottom
  const x = (value: number) => MARGIN.left + ((Math.log10(value) - from) / Math.max(1, to - from)) * width
  const y = (value: number) => MARGIN.top + height - (value / top) * height
  const path = line.points.map((point, i) => `${i === 0 ? 'M' : 'L'}${px(x(point.x))} ${px(y(point.y))}`).join('')
  const dots = line.points.map(
    (point) =>
      `<circle cx="${px(x(point.x))}" cy="${px(y(point.y))}" r="3"><title>${point.y.toFixed(2)}</title></circle>`,
  )
  const decades = Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i))
  const xTicks = decades.map((value) => tick(x(value), PLOT_HEIGHT - MARGIN.bottom + 16, 'middle', value))
  const yTicks = [0, top / 2, top].map(
    (value) =>
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${px(y(value))}" y2="${px(y(value))}"/>` +
      tick(MARGIN.left - 6, y(value) + 4, 'end', value),
  )
  return svg(WIDTH, PLOT_HEIGHT, [
    ...yTicks,
    ...xTicks,
    `<text x="${MARGIN.left + width / 2}" y="${PLOT_HEIGHT - 8}" text-anchor="middle">${escapeText(xTitle)}</text>`,
    `<text x="${MARGIN.left}" y="11">${escapeText(yTitle)}</text>`,
    `<path class="curve" d="${path}"/>`,
    ...dots,
  ])
}

function tick(x: number, y: number, anchor: string, value: number): string {
  return `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">${value.toLocaleString('en')}</text>`
}

/** 1, 2 or 5 times a power of ten, not below the value. */
export function niceCeiling(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 5, 10].find((each) => each * power >= value) ?? 10
  return step * power
}

function svg(width: number, height: number, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img">${parts.join('')}</svg>`
}

function px(value: number): string {
  return value.toFixed(1)
}

export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
