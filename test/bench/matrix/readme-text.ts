/** What docs/benchmarks.md and README.md say of a run, and where. Pure. */
import { conditions, systemText } from './report.ts'
import type { Cell, MatrixResult } from './results.ts'
import { markdownTable, tableRows } from './table.ts'
import { rateText } from './texts.ts'

const BEGIN = '<!-- benchmarks: filled by test/bench/matrix/fill-readme.ts -->'
const END = '<!-- end of benchmarks -->'

/** README has room for these, as rates only. Two of them others lead. */
const shortWorkloads = ['a-8p', 'b', 'c-100', 'd-5000', 'e-10ms-5000', 'f']
const shortSystems = ['ours', 'ours-worker', 'bare', 'kafkajs', 'pc', 'pyc']

/** Six rows of a run: records a second, the rest is in docs/benchmarks.md. */
export function readmeText(result: MatrixResult): string {
  const systems = result.systems.filter(({ name }) => shortSystems.includes(name))
  const rateOf = (cell: Cell | undefined) =>
    cell?.rate === undefined ? (cell?.state ?? '') : rateText(cell.rate.median)
  const rows = result.workloads
    .filter(({ id }) => shortWorkloads.includes(id))
    .map(({ id, title }) => [
      title,
      ...systems.map(({ name }) =>
        rateOf(result.cells.find(({ workload, system }) => workload === id && system === name)),
      ),
    ])
  const names = systems.map((system) => `\`${system.name}\` is ${systemText(system)}.`)
  return [
    ...factLines(result),
    '',
    markdownTable([['', ...systems.map(({ name }) => name)], ...rows]),
    '',
    ...names,
  ].join('\n')
}

/** The whole run. */
export function benchmarksText(result: MatrixResult): string {
  const systems = result.systems.map((system) => `- \`${system.name}\`: ${systemText(system)}`)
  return [...factLines(result), '', ...systems, '', markdownTable(tableRows(result))].join('\n')
}

/** In two lines, as one would be too long for a page. */
function factLines(result: MatrixResult): readonly string[] {
  const facts = conditions(result)
  return [facts.slice(0, 3), facts.slice(3)].map((some) => some.join(' · '))
}

/** @throws Error when the marks are not there */
export function withBenchmarks(page: string, text: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`The page has no place for benchmarks: ${BEGIN} and ${END}.`)
  return `${page.slice(0, from + BEGIN.length)}\n${text}\n${page.slice(to)}`
}
