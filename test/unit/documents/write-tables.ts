/** Writes the tables of `tables.ts` into their pages: `npm run documents`. A test tells when one is not what its source says. */
import { writeFileSync } from 'node:fs'
import { checkout, textOf } from './pages.ts'
import { tables, withTable } from './tables.ts'

for (const table of tables) writeFileSync(checkout + table.page, await withTable(textOf(table.page), table))
