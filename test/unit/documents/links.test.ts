/** Links of the documents lead somewhere, and their lines can be read. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { describe, it } from 'node:test'
import { badLinks, checkout, codeBlocks, pages, proseOf, textOf } from './pages.ts'

const read = (path: string): string | undefined => {
  if (!existsSync(checkout + path)) return undefined
  return statSync(checkout + path).isDirectory() ? '' : readFileSync(checkout + path, 'utf8')
}

describe('a link in a document', () => {
  for (const page of pages) {
    it(`of ${page} leads to a file that is there, and to a heading that it has`, () => {
      assert.deepEqual(badLinks(page, textOf(page), read), [])
    })
  }

  it('is found out when its file or its heading is missing', () => {
    const there = (path: string) => (path === 'docs/b.md' ? '# The end' : undefined)
    const text = '[b](b.md#the-end) [c](c.md) [d](b.md#the-start) [e](#nowhere) `[f](g.md)`\n```\n[h](i.md)\n```\n'
    assert.deepEqual(
      badLinks('docs/a.md', text, there).map(({ target }) => target),
      ['c.md', 'b.md#the-start', '#nowhere'],
    )
  })
})

describe('a page', () => {
  it('of docs/ is linked from README.md', () => {
    const readme = textOf('README.md')
    assert.deepEqual(
      pages.filter((page) => page.startsWith('docs/') && !readme.includes(`](${page})`)),
      [],
    )
  })

  it('has lines of at most 120 characters, but for tables and code', () => {
    const long = pages.flatMap((page) =>
      proseOf(textOf(page))
        .split('\n')
        .filter((line) => line.length > 120 && !line.trimStart().startsWith('|') && !unwrappable.test(line))
        .map((line) => `${page}: ${line.slice(0, 60)}…`),
    )
    assert.deepEqual(long, [])
  })

  it('README.md has at most 180 lines of at most 120 characters, tables included', () => {
    const lines = textOf('README.md').trimEnd().split('\n')
    assert.ok(lines.length <= 180, `${lines.length} lines`)
    assert.deepEqual(
      lines.filter((line) => line.length > 120),
      [],
    )
  })

  it('DESIGN.md has at most 2,400 words beside its tables: rules and reasons, and no diary', () => {
    const prose = textOf('DESIGN.md').replaceAll(/^\|.*$/gm, '')
    const { length } = prose.split(/\s+/)
    assert.ok(length <= 2_400, `${length} words`)
  })

  it('says which language each of its blocks of TypeScript or shell is in, as the checks go by it', () => {
    for (const page of pages) {
      for (const { language, code } of codeBlocks(textOf(page))) {
        if (language === '') assert.doesNotMatch(code, /^(import|export|npm|npx) /m, page)
      }
    }
  })
})

/** A line that is one link. */
const unwrappable = /^\S*\[[^\]]*\]\([^)]*\)\S*$/
