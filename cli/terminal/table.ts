/** Lays rows out in columns. Pure. */
import { stripVTControlCharacters } from 'node:util'

/** Every row has as many cells as the first; numbers are best given as text and named in `right`. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? ''))))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => {
        const padding = ' '.repeat((widths[column] ?? 0) - width(cell))
        return right.includes(column) ? padding + cell : cell + padding
      })
      .join('  ')
      .trimEnd(),
  )
  return lines.map((line) => `  ${line}\n`).join('')
}

/** As it looks: colours take no room. */
function width(cell: string): number {
  return stripVTControlCharacters(cell).length
}
