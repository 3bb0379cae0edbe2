/** The tables that the documents show and the code decides. One source for each: `write-tables.ts` writes them, a test compares them. */
import { errorDocs } from '../../../cli/diagnostics/error-docs.ts'
import { configSchema } from '../../../framework/config/config.ts'
import { optionRows } from '../../../framework/config/option-schema.ts'
import { type ErrorCode, errorCodes } from '../../../framework/model/errors.ts'
import { PrometheusMetrics } from '../../../framework/observability/prometheus.ts'
import { logFields } from '../../architecture/log-fields.ts'
import { scalingPicture, scalingTable } from '../../simulation/scaling/report.ts'
import { optionTypes } from './option-types.ts'
import { textOf } from './pages.ts'

export interface Table {
  readonly page: string
  /** Stands in the marks around it. */
  readonly name: string
  /** Where its text comes from, for whoever wants to change it. */
  readonly source: string
  readonly make: () => string | Promise<string>
}

export const tables: readonly Table[] = [
  { page: 'docs/configuration.md', name: 'options', source: 'framework/config/config.ts', make: optionsTable },
  { page: 'docs/errors.md', name: 'errors', source: 'cli/diagnostics/error-docs.ts', make: errorsTable },
  { page: 'docs/operating.md', name: 'metrics', source: 'framework/observability', make: metricsTable },
  { page: 'docs/operating.md', name: 'events', source: 'framework/model/events.ts', make: eventsTable },
  { page: 'docs/operating.md', name: 'log fields', source: 'test/architecture/log-fields.ts', make: logFieldsTable },
  { page: 'docs/deploying.md', name: 'scaling rule', source: 'test/simulation/scaling', make: scalingTable },
  { page: 'docs/scaling-rule.svg', name: 'picture', source: 'test/simulation/scaling', make: scalingPicture },
  { page: 'framework/api/options.ts', name: 'options', source: 'framework/config/config.ts', make: optionTypes },
]

/** @throws Error when the page has no place for it */
export async function withTable(text: string, { page, name, source, make }: Table): Promise<string> {
  const mark = (words: string) => (page.endsWith('.ts') ? `// ${words}` : `<!-- ${words} -->`)
  const start = mark(`${name}: made from ${source}; npm run documents writes it`)
  const end = mark(`/${name}`)
  const [from, to] = [text.indexOf(start), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${page} lacks the lines "${start}" and "${end}".`)
  return `${text.slice(0, from + start.length)}\n${await make()}\n${text.slice(to)}`
}

function rowsOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function logFieldsTable(): string {
  const rows = Object.entries(logFields).map(([name, what]) => [`\`${name}\``, what])
  return rowsOf(['field', 'what it says'], rows)
}

function optionsTable(): string {
  const code = (standard: string) => (standard === 'required' || standard === 'none' ? standard : `\`${standard}\``)
  const rows = optionRows(configSchema).map(({ name, standard, range, what, worse }) => {
    return [`\`${name}\``, code(standard), range, what, worse]
  })
  return rowsOf(['option', 'default', 'range', 'what it decides', 'what gets worse'], rows)
}

function errorsTable(): string {
  const rows = (Object.keys(errorCodes) as readonly ErrorCode[]).map((code) => {
    return [`\`${code}\``, errorCodes[code], errorDocs[code].cause, errorDocs[code].fix]
  })
  return rowsOf(['code', 'when', 'why', 'what to do'], rows)
}

/** As the page of a process that has nothing yet tells of them. */
async function metricsTable(): Promise<string> {
  const metrics = await PrometheusMetrics.create(() => ({ groups: [], threads: [] }) as never, [])
  try {
    const { text } = await metrics.page()
    const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]))
    const rows = [...text.matchAll(/^# HELP (\S+) (.+)$/gm)].map(([, name = '', help = '']) => {
      return [`\`${name}\``, types.get(name) ?? '', help]
    })
    return rowsOf(['metric', 'type', 'what it says'], rows)
  } finally {
    metrics.close()
  }
}

/** A union has no value that could be asked, so its members are read from the text of the type, with their comments. */
function eventsTable(): string {
  const source = textOf('framework/model/events.ts')
  const [, union = ''] = source.split('export type RuntimeEvent =')
  const rows = [...union.matchAll(/\/\*\* (.+?) \*\/\n {2}\| ([\s\S]*?)(?=\n {2}(?:\/\*\*|\|)|\n\n)/g)].map(
    ([, what = '', member = '']) => {
      const [, kinds = ''] = /kind: ([^\n}]+?)(?: *[;}\n]|$)/.exec(member) ?? []
      return [kinds.replaceAll("'", '`').replaceAll(' | ', ', ').split(';')[0] ?? '', what]
    },
  )
  return rowsOf(['event', 'when'], rows)
}

/** The kinds of the union, commented or not. */
export function eventKinds(): readonly string[] {
  const [, union = ''] = textOf('framework/model/events.ts').split('export type RuntimeEvent =')
  const [members = ''] = union.split('\n\n')
  return [...members.matchAll(/kind: ((?:'[\w.-]+'(?: \| )?)+)/g)].flatMap(([, kinds = '']) =>
    [...kinds.matchAll(/'([\w.-]+)'/g)].map(([, kind = '']) => kind),
  )
}
