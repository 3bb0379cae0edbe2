/** The README's table of options is what the schema says. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { optionsTable, tableEnd, tableStart } from './options-table.ts'

describe('the options in README.md', () => {
  it('are those of the schema, word for word', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
    const start = readme.indexOf(tableStart)
    const end = readme.indexOf(tableEnd)
    assert.ok(start >= 0 && end > start, `README.md lacks the lines "${tableStart}" and "${tableEnd}"`)
    assert.equal(readme.slice(start + tableStart.length, end).trim(), optionsTable())
  })
})
