/** Tables of the documents are what their sources say, word for word. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { textOf } from './pages.ts'
import { eventKinds, tables, withTable } from './tables.ts'

describe('a table in a document', () => {
  for (const table of tables) {
    it(`of ${table.name} in ${table.page} is made from ${table.source}; npm run documents writes it`, async () => {
      const text = textOf(table.page)
      assert.equal(text, await withTable(text, table))
    })
  }

  it('of events has every kind that the runtime tells', () => {
    const page = textOf('docs/operating.md')
    assert.ok(eventKinds().length >= 20)
    assert.deepEqual(
      eventKinds().filter((kind) => !page.includes(`\`${kind}\``)),
      [],
    )
  })

  it('has no place in a page without its marks', async () => {
    const [table] = tables
    assert.ok(table !== undefined)
    await assert.rejects(withTable('# A page', table), /docs\/configuration\.md lacks the lines/)
  })
})
