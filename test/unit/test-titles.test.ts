// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the samples are source text.
/** Titles of tests are read alone, in a red line of CI: what can be told of them by their text. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('..', import.meta.url))
const titles = /\b(?:it|test)\(\s*(['"`])((?:\\.|(?!\1).)*)\1/g
/** Goes on with the title before it, or with half of a sentence. */
const goesOn = /^(?:and|also|but|nor|or|so|that|then|too)\b/i
const FEWEST_WORDS = 4

/** Those that nobody understands who does not see the test. What is filled in counts as words enough. */
function unclear(source: string): readonly string[] {
  return [...source.matchAll(titles)].flatMap(([, , title = '']) => {
    const isShort = !title.includes('${') && title.split(' ').length < FEWEST_WORDS
    return isShort || goesOn.test(title) ? [title] : []
  })
}

describe('the titles of tests', () => {
  it('have four words or more, and do not begin as the end of another sentence', () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    const found = files.flatMap((name) => {
      const path = join(folder, name)
      // This one has samples of what is wrong, and the test command's has files that are tests themselves.
      if (/test-(?:titles|command)\.test\.ts$/.test(name)) return []
      return unclear(readFileSync(path, 'utf8')).map((title) => `${relative(folder, path)}: ${title}`)
    })
    assert.deepEqual(found, [])
  })

  it('are found unclear when they are short, or go on with another one', () => {
    const source = [
      "it('closes')",
      'it("also when it is full", () => {})',
      "it('refuses ${what}')",
      "it('is closed by a success')",
    ]
    assert.deepEqual(unclear(source.join('\n')), ['closes', 'also when it is full'])
  })
})
