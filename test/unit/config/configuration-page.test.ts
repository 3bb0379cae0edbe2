/** The configuration page's table of options is what the schema says. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { optionsTable, tableEnd, tableStart } from './options-table.ts'

describe('the options in docs/configuration.md', () => {
  it('are those of the schema, word for word', () => {
    const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')
    const start = page.indexOf(tableStart)
    const end = page.indexOf(tableEnd)
    assert.ok(start >= 0 && end > start, `docs/configuration.md lacks the lines "${tableStart}" and "${tableEnd}"`)
    assert.equal(page.slice(start + tableStart.length, end).trim(), optionsTable())
  })
})
