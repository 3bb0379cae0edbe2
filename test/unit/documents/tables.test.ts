/** Tables of the documents are what their sources say, word for word. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BatchHandlerOptions } from '../../../framework/api/handler.ts'
import { handlerSchema } from '../../../framework/config/config.ts'
import { optionTypes } from './option-types.ts'
import { textOf } from './pages.ts'
import { eventKinds, tables, withTable } from './tables.ts'

describe('a table in a document', () => {
  for (const table of tables) {
    it(`of ${table.name} in ${table.page} is made from ${table.source}; npm run documents writes it`, async () => {
      const text = textOf(table.page)
      assert.equal(text, await withTable(text, table))
    })
  }

  it('of options leaves four to be written by hand, and they are', () => {
    const made = new Set([...optionTypes().matchAll(/^ {2}readonly (\w+)\?/gm)].map(([, name]) => name))
    const byHand = Object.keys(handlerSchema.properties).filter((name) => !made.has(name))
    assert.deepEqual(byHand.sort(), ['accept', 'batch', 'filter', 'notBefore', 'tick'])
    const yes = () => true
    type Written = Required<Pick<BatchHandlerOptions<unknown>, 'accept' | 'batch' | 'filter' | 'notBefore' | 'tick'>>
    const written: Written = {
      ...{ accept: yes, batch: {}, filter: yes, notBefore: { header: 'at' }, tick: yes },
    }
    assert.deepEqual(Object.keys(written).sort(), byHand)
  })

  it('of events has every kind that the runtime tells', () => {
    const page = textOf('docs/operating.md')
    assert.ok(eventKinds().length >= 20)
    assert.deepEqual(
      eventKinds().filter((kind) => !page.includes(`\`${kind}\``)),
      [],
    )
  })

  it('of dependencies in DESIGN.md has each package, and no other', () => {
    const [, section = ''] = textOf('DESIGN.md').split('## 8. Dependencies\n')
    const rows = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| ([^|]+) \|/gm)].map(([, first = '']) => first)
    const told = rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, name]) => name))
    const { dependencies, optionalDependencies, devDependencies } = JSON.parse(textOf('package.json'))
    const there = Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies })
    assert.deepEqual(told.sort(), there.sort())
  })

  it('has no place in a page without its marks', async () => {
    const [table] = tables
    assert.ok(table !== undefined)
    await assert.rejects(withTable('# A page', table), /docs\/configuration\.md lacks the lines/)
  })
})
