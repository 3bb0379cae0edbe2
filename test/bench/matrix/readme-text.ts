/** What README.md says of a run, and where. Pure. */
import { conditions, systemText } from './report.ts'
import type { MatrixResult } from './results.ts'
import { markdownTable, tableRows } from './table.ts'

const BEGIN = '<!-- benchmarks: filled by test/bench/matrix/fill-readme.ts -->'
const END = '<!-- end of benchmarks -->'

export function readmeText(result: MatrixResult): string {
  const systems = result.systems.map((system) => `- \`${system.name}\`: ${systemText(system)}`)
  return [conditions(result).join(' · '), '', ...systems, '', markdownTable(tableRows(result))].join('\n')
}

/** @throws Error when the marks are not there */
export function withBenchmarks(readme: string, text: string): string {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`README.md has no place for benchmarks: ${BEGIN} and ${END}.`)
  return `${readme.slice(0, from + BEGIN.length)}\n${text}\n${readme.slice(to)}`
}
