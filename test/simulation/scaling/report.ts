/** What the replays of all loads have led to, as a table and as a picture for docs/deploying.md. Pure. */
import { escapeText, niceCeiling } from '../../bench/matrix/plots.ts'
import { loads } from './loads.ts'
import { type Outcome, replay, type Scaler, scalers } from './replay.ts'

export interface Replayed {
  readonly load: string
  readonly outcomes: Readonly<Record<Scaler, Outcome>>
}

let replayed: readonly Replayed[] | undefined

/** Once in a process: it takes some seconds. */
export function replayAll(): readonly Replayed[] {
  replayed ??= loads.map((load) => ({
    load: load.name,
    outcomes: Object.fromEntries(scalers.map((scaler) => [scaler, replay(load, scaler)])) as Record<Scaler, Outcome>,
  }))
  return replayed
}

export function scalingTable(): string {
  const head = [
    'load',
    ...scalers.map((scaler) => `\`${scaler.split(',')[0]}\`${scaler.slice(scaler.split(',')[0]?.length)}`),
  ]
  const rows = replayAll().map(({ load, outcomes }) => [
    load,
    ...scalers.map((scaler) => outcomeText(outcomes[scaler])),
  ])
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

/** `10, 78 min, 6 changes, 65 s` */
function outcomeText({ processes, changes, longestWait }: Outcome): string {
  const minutes = Math.round(processes.reduce((sum, each) => sum + each, 0) / 60)
  return `${Math.max(...processes)}, ${minutes} min, ${changes} changes, ${longestWait} s`
}

const PANEL = { width: 360, height: 130, left: 34, top: 26, right: 12, bottom: 22 }
const COLUMNS = 2
const looks: Readonly<Record<Scaler, string>> = {
  processesNeeded: 'stroke="#0072b2" stroke-width="2.5"',
  kafka: 'stroke="#d55e00" stroke-width="1.5"',
  'kafka, excludePersistentLag': 'stroke="#009e73" stroke-width="1.5" stroke-dasharray="5 3"',
}

/** Without the element around it: that, and the marks, stand in the file. */
export function scalingPicture(): string {
  const panels = replayAll().map((each, index) => {
    const [x, y] = [(index % COLUMNS) * PANEL.width, Math.floor(index / COLUMNS) * PANEL.height]
    return `<g transform="translate(${x} ${y})">\n${panel(each)}\n</g>`
  })
  return [...panels, legend(replayAll().length)].join('\n')
}

function panel({ load, outcomes }: Replayed): string {
  const seconds = outcomes.processesNeeded.processes.length
  const top = niceCeiling(Math.max(...scalers.flatMap((scaler) => outcomes[scaler].processes)))
  const x = (second: number) => PANEL.left + (second / seconds) * (PANEL.width - PANEL.left - PANEL.right)
  const y = (value: number) => PANEL.height - PANEL.bottom - (value / top) * (PANEL.height - PANEL.top - PANEL.bottom)
  const grid = [0, top].map(
    (value) =>
      `<line x1="${PANEL.left}" x2="${PANEL.width - PANEL.right}" y1="${y(value)}" y2="${y(value)}" stroke="#94a3b8"/>` +
      `<text x="${PANEL.left - 6}" y="${y(value) + 4}" text-anchor="end">${value}</text>`,
  )
  const lines = [...scalers].reverse().map((scaler) => {
    return `<path fill="none" ${looks[scaler]} d="${steps(outcomes[scaler].processes, x, y)}"/>`
  })
  const end = `<text x="${PANEL.width - PANEL.right}" y="${PANEL.height - 7}" text-anchor="end">${seconds / 60} min</text>`
  return [`<text x="${PANEL.left}" y="16" font-weight="700">${escapeText(load)}</text>`, ...grid, ...lines, end].join(
    '\n',
  )
}

function steps(values: readonly number[], x: (second: number) => number, y: (value: number) => number): string {
  let path = `M${x(0).toFixed(0)} ${y(values[0] ?? 0).toFixed(0)}`
  for (const [second, value] of values.entries()) {
    if (second > 0 && value !== values[second - 1]) path += `H${x(second).toFixed(0)}V${y(value).toFixed(0)}`
  }
  return `${path}H${x(values.length).toFixed(0)}`
}

function legend(panels: number): string {
  const [x, y] = [(panels % COLUMNS) * PANEL.width, Math.floor(panels / COLUMNS) * PANEL.height]
  const rows = scalers.map((scaler, index) => {
    const middle = 44 + index * 24
    return `<line x1="${PANEL.left}" x2="${PANEL.left + 34}" y1="${middle}" y2="${middle}" ${looks[scaler]}/><text x="${PANEL.left + 44}" y="${middle + 4}">${escapeText(scaler)}</text>`
  })
  return `<g transform="translate(${x} ${y})">\n<text x="${PANEL.left}" y="16" font-weight="700">processes, as decided by</text>\n${rows.join('\n')}\n</g>`
}
