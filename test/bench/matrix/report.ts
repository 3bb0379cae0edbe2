/** The results as one HTML page that needs nothing else: table, a plot for each workload, the scaling curves. Pure. */
import { type Bar, barChart, escapeText, lineChart } from './plots.ts'
import type { Cell, Curve, MatrixResult } from './results.ts'
import { cellText, tableRows } from './table.ts'
import { bytesText, msText, rateText } from './texts.ts'

/** A flame graph with its heading. */
export interface ProfileSection {
  readonly title: string
  readonly svg: string
}

const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #1c2024; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem }
table { border-collapse: collapse; font-size: 12px } th, td { border: 1px solid #d9dde1; padding: .3rem .5rem; text-align: left; vertical-align: top }
.scroll { overflow-x: auto } .note { color: #59636e; margin: 0 0 .5rem }
svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; fill: #1c2024 }
.label { text-anchor: end } .ours { fill: #1f6feb } .peer { fill: #9aa7b4 } .failed { color: #b3261e }
.bound { stroke: #b3261e; stroke-dasharray: 4 3 } .spread { stroke: #1c2024 } .grid { stroke: #e6e9ec }
.curve { fill: none; stroke: #1f6feb; stroke-width: 2 } circle { fill: #1f6feb }
`

/** @param profiles drawn already */
export function htmlReport(result: MatrixResult, profiles: readonly ProfileSection[] = []): string {
  const [head = [], ...rows] = tableRows(result)
  const table = [
    `<tr>${head.map((text) => `<th>${escapeText(text)}</th>`).join('')}</tr>`,
    ...rows.map(
      (row) =>
        `<tr>${row.map((text, i) => (i === 0 ? `<th>${escapeText(text)}</th>` : `<td>${escapeText(text)}</td>`)).join('')}</tr>`,
    ),
  ]
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Pyrallel benchmark</title>',
    `<style>${style}</style></head><body><h1>Pyrallel benchmark</h1>`,
    `<p class="note">${escapeText(conditions(result).join(' · '))}</p>`,
    `<ul>${result.systems.map((system) => `<li><b>${escapeText(system.name)}</b>: ${escapeText(systemText(system))}</li>`).join('')}</ul>`,
    `<div class="scroll"><table>${table.join('')}</table></div>`,
    ...result.workloads.map((workload) => section(result, workload)),
    ...(result.curves.length > 0 ? ['<h2>Cost of a record, control plane and engine without a broker</h2>'] : []),
    ...result.curves.map(curveSection),
    ...profiles.map(({ title, svg }) => `<h2>${escapeText(title)}</h2><div class="scroll">${svg}</div>`),
    '</body></html>\n',
  ].join('\n')
}

/** Machine and versions, as a list. */
export function conditions({
  machine,
  kafka,
  at,
  commit,
  quick,
  repetitions,
  tookMs,
}: MatrixResult): readonly string[] {
  return [
    at.slice(0, 10),
    `commit ${commit}`,
    `${machine.cores} cores, ${machine.cpu}, ${bytesText(machine.memoryBytes)}`,
    machine.os,
    `Node ${machine.node}`,
    `Kafka ${kafka}`,
    `${repetitions} ${repetitions === 1 ? 'repetition' : 'repetitions'}${quick ? ', quick' : ''}`,
    `${Math.round(tookMs / 60_000)} min`,
  ]
}

export function systemText({ title, version, unavailable }: MatrixResult['systems'][number]): string {
  return unavailable === undefined ? `${title} ${version}` : `${title}: not available here (${unavailable})`
}

function section(result: MatrixResult, { id, title }: MatrixResult['workloads'][number]): string {
  const cells = result.cells.filter(({ workload, state }) => workload === id && state === 'measured')
  const failed = result.cells.filter(
    ({ workload, state }) => workload === id && (state === 'failed' || state === 'cut-off'),
  )
  const bars = cells.flatMap((cell) => barsOf(cell))
  const bounds = cells.flatMap(({ bound }) => (bound === undefined ? [] : [bound]))
  // Runtimes differ in what their timers and cores allow; the line is that of the highest.
  const highest = bounds.reduce((most, { perSecond }) => Math.max(most, perSecond), 0)
  const by = [...new Set(bounds.map((bound) => bound.by))].join(', ')
  const notes = bounds.length === 0 ? '' : `<p class="note">Dashed: the bound (${by}), ${rateText(highest)}/s</p>`
  const failures = failed.map(
    (cell) => `<p class="failed">${escapeText(cell.system)}: ${escapeText(cellText(cell))}</p>`,
  )
  return [
    `<h2>${escapeText(`${id}: ${title}`)}</h2>${notes}`,
    barChart(bars, bounds.length === 0 ? undefined : highest),
    ...failures,
  ].join('\n')
}

function barsOf(cell: Cell): readonly Bar[] {
  const isOurs = cell.system.startsWith('ours')
  const first = cell.runs.find(({ kind }) => kind !== 'cut-off')
  switch (first?.kind) {
    case 'rate':
      return cell.rate === undefined
        ? []
        : [
            {
              label: cell.system,
              value: cell.rate.median,
              min: cell.rate.min,
              max: cell.rate.max,
              text: cellText(cell),
              isOurs,
            },
          ]
    case 'memory':
      return [{ label: cell.system, value: first.peakBytes ?? 0, text: cellText(cell), isOurs }]
    case 'latency':
      return (['p50', 'p99', 'p999'] as const).map((name) => ({
        label: `${cell.system} ${name === 'p999' ? 'p99.9' : name}`,
        value: first[name],
        text: msText(first[name]),
        isOurs,
      }))
    case 'recovery':
      return [{ label: cell.system, value: first.executedAgain, text: cellText(cell), isOurs }]
    default:
      return []
  }
}

function curveSection({ name, points }: Curve): string {
  const line = { name, points: points.map(({ x, usPerRecord }) => ({ x, y: usPerRecord.median })) }
  return lineChart(line, name, 'microseconds per record')
}
