/** docs/migrating.md shows the programs that the end-to-end tests run, to the letter. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { describe, it } from 'node:test'
import { checkout, codeBlocks, textOf } from './pages.ts'

const programs = join(checkout, 'test/e2e/migrating')
const comments: Readonly<Record<string, string>> = { '.py': '#' }
const shown = new Set(codeBlocks(textOf('docs/migrating.md')).map(({ code }) => code))
/** A file below a program's folder; what stands beside the folders is shared by all, and shown by none. */
const files = readdirSync(programs, { recursive: true, encoding: 'utf8' }).filter(
  (file) => extname(file) !== '' && dirname(file) !== '.',
)

describe('docs/migrating.md', () => {
  for (const file of files) {
    it(`shows ${file} as it runs in the tests`, () => {
      const path = file.split(/[\\/]/).slice(1).join('/')
      const block = `${comments[extname(file)] ?? '//'} ${path}\n${readFileSync(join(programs, file), 'utf8')}`
      assert.ok(shown.has(block), block)
    })
  }
})
