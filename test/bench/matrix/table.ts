/** The results as a table: for a terminal, and as Markdown for the README. Pure. */
import type { Cell, LatencyRun, MatrixResult, RecoveryRun } from './results.ts'
import { spreadOf } from './statistics.ts'
import { firstLine, memoryText, msText, rateText } from './texts.ts'

/** The heading and the rows, a line each. */
export function tableRows(result: MatrixResult): readonly (readonly string[])[] {
  const head = ['', ...result.systems.map(({ name }) => name)]
  const rows = result.workloads.map(({ id, title }) => {
    const cells = result.systems.map(({ name }) => {
      const cell = result.cells.find(({ workload, system }) => workload === id && system === name)
      return cell === undefined ? '' : cellText(cell)
    })
    return [`${id}: ${title}`, ...cells]
  })
  return [head, ...rows]
}

export function cellText(cell: Cell): string {
  if (cell.state === 'unavailable') return 'not available'
  if (cell.state === 'cut-off') return `cut off: ${firstLine(cell.why ?? '')}`
  if (cell.state === 'failed') return `failed: ${firstLine(cell.why ?? '')}`
  const first = cell.runs.find(({ kind }) => kind !== 'cut-off')
  switch (first?.kind) {
    case 'latency':
      return latencyText(cell.runs.filter((run) => run.kind === 'latency'))
    case 'recovery':
      return recoveryText(first)
    case 'rate':
      return rateCellText(cell)
    case 'memory':
      return memoryText(first)
    default:
      return ''
  }
}

function rateCellText({ rate, fraction }: Cell): string {
  if (rate === undefined) return ''
  const share = fraction === undefined ? '' : `, ${fraction.toFixed(2)}`
  const spread = Math.max(rate.max - rate.median, rate.median - rate.min) / rate.median
  return `${rateText(rate.median)}/s${share}${spread >= 0.005 ? ` ±${Math.round(spread * 100)} %` : ''}`
}

function latencyText(runs: readonly LatencyRun[]): string {
  const median = (value: (run: LatencyRun) => number) => spreadOf(runs.map(value))?.median ?? Number.NaN
  const unfinished = Math.max(...runs.map((run) => run.unfinished))
  const percentiles = `${msText(median((run) => run.p50))} / ${msText(median((run) => run.p99))} / ${msText(median((run) => run.p999))}`
  return unfinished > 0 ? `${percentiles}, ${unfinished.toLocaleString('en')} never` : percentiles
}

function recoveryText({ executedAgain, doneBefore, uncommitted, lost }: RecoveryRun): string {
  const again = `${executedAgain.toLocaleString('en')} of ${doneBefore.toLocaleString('en')} again (allowed: ${uncommitted.toLocaleString('en')})`
  return lost > 0 ? `${again}, ${lost.toLocaleString('en')} LOST` : again
}

/** How to read the cells, a line for each kind that there is; then the systems by their titles. */
export function legend({ systems, cells }: MatrixResult): string {
  const kinds = new Set(cells.flatMap(({ runs }) => runs.map(({ kind }) => kind)))
  const lines = [
    ...(kinds.has('rate') ? [rateLegend] : []),
    ...(kinds.has('latency')
      ? ['latency: p50 / p99 / p99.9; never: records that were not done when the run was over']
      : []),
    ...(kinds.has('recovery') ? ['recovery: records that ran again, of those that were done before the kill'] : []),
    ...(kinds.has('memory') ? ['memory: its peak, and the peak until a tenth of the backlog was done'] : []),
    ...systems.map(({ name, title, version }) => `${name}: ${title} ${version}`.trimEnd()),
  ]
  return lines.join('\n')
}

const rateLegend =
  'rate: records a second, their share of what was measured to be possible here (1.00), and the spread of the repetitions'

/** A block for each workload, with a line for each system: eight columns would not fit into a terminal. */
export function terminalTable([head = [], ...rows]: readonly (readonly string[])[]): string {
  const [, ...systems] = head
  const width = Math.max(0, ...systems.map((name) => name.length))
  return rows
    .map(([title = '', ...cells]) => {
      const lines = cells.map((text, column) => `  ${(systems[column] ?? '').padEnd(width)}  ${text}`)
      return [title, ...lines].join('\n')
    })
    .join('\n\n')
}

export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows.map((row) => row.map((text) => text.replaceAll('|', '\\|')))
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n')
}
