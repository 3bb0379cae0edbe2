/** docs/guarantees.md: each event says the same four things, and every test that it names is there. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { checkout, textOf } from './pages.ts'

interface NamedTest {
  readonly file: string
  readonly title: string
}

const page = textOf('docs/guarantees.md')
const events = (page.split('\n## Events\n')[1]?.split('\n## ')[0] ?? '').split('\n### ').slice(1)

/** Titles of loops end in the page where their text ends in the file. */
function namedTests(text: string): readonly NamedTest[] {
  const flat = text.replace(/\n\s*/g, ' ')
  return [...flat.matchAll(/`(test\/[\w./-]+)`: "([^"]+)"/g)].map(([, file = '', title = '']) => ({ file, title }))
}

function isThere({ file, title }: NamedTest): boolean {
  return existsSync(checkout + file) && titlesIn(readFileSync(checkout + file, 'utf8')).some((t) => t.includes(title))
}

function titlesIn(source: string): readonly string[] {
  return [...source.matchAll(/\bit\(\s*(['"`])(.*?)\1,/gs)].map(([, , title = '']) => title)
}

describe('docs/guarantees.md', () => {
  it('tells of each event what runs again, what is lost, what is seen, and which test shows it', () => {
    assert.ok(events.length >= 16)
    for (const event of events) {
      const [name = ''] = event.split('\n')
      for (const what of ['Runs again', 'Lost', 'Seen', 'Test']) {
        assert.ok(event.includes(`- **${what}:** `), `${name}: ${what}`)
      }
    }
  })

  it('names a test for each event but those that it says have none', () => {
    const without = events.filter((event) => namedTests(event).length === 0)
    assert.deepEqual(
      without.map((event) => event.split('\n')[0]),
      ["A broker's disk is full"],
    )
  })

  it('names only tests that are there', () => {
    const named = namedTests(page)
    assert.ok(named.length >= 20)
    assert.deepEqual(
      named.filter((test) => !isThere(test)),
      [],
    )
    assert.ok(!isThere({ file: 'test/unit/time/clock.test.ts', title: 'goes backwards' }))
    assert.ok(!isThere({ file: 'test/unit/time/sundial.test.ts', title: '' }))
  })
})
