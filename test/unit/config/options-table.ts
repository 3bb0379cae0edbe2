/** The options of the config as docs/configuration.md shows them. Made from the schema, so that neither can be forgotten. */
import { configSchema } from '../../../framework/config/config.ts'
import { optionRows } from '../../../framework/config/option-schema.ts'

export const tableStart = '<!-- options: made from framework/config/config.ts; a test compares them -->'
export const tableEnd = '<!-- /options -->'

export function optionsTable(): string {
  const rows = optionRows(configSchema).map(
    ({ name, standard, range, what, worse }) => `| \`${name}\` | ${code(standard)} | ${range} | ${what} | ${worse} |`,
  )
  return ['| option | default | range | what it decides | what gets worse |', '|---|---|---|---|---|', ...rows].join(
    '\n',
  )
}

function code(standard: string): string {
  return standard === 'required' || standard === 'none' ? standard : `\`${standard}\``
}
