/** Code that looks for files beside its own is found in what was bundled, by the module it is of. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { placeUses } from '../../../../cli/bundle/place-uses.ts'

const found = (lines: readonly string[], inputs: readonly string[] = ['a.js', 'b.js']) =>
  placeUses(lines.join('\n'), (path) => inputs.includes(path)).map(({ input, what }) => `${input} ${what}`)

describe('code that depends on its place', () => {
  for (const [line, what] of [
    ['const f = join(__dirname, "x")', '__dirname'],
    ['run(__filename)', '__filename'],
    ['new URL("./x", import.meta.url)', 'import.meta.url'],
    ['import.meta.resolve("./x")', 'import.meta.resolve'],
    ['const driver = __require(name)', 'require(...)'],
    ['const driver = __require(`./${' + 'name}`)', undefined],
    ['__require.resolve("./worker.js")', 'require.resolve'],
    ['await import(name)', 'import(...)'],
    ['globRequire_dialects("./dialects/" + name)', 'require(...)'],
    ['__require("node:fs")', undefined],
    ['await import("pg")', undefined],
    ['import.meta.env', undefined],
    ['object.__dirname + my__dirname', undefined],
    ['x.require(name)', undefined],
  ] as const) {
    it(`is ${what === undefined ? 'not ' : ''}seen in ${line}`, () => {
      assert.deepEqual(found(['// a.js', `  ${line}`]), what === undefined ? [] : [`a.js ${what}`])
    })
  }

  it('is of the module above it, once for each, and what esbuild itself writes is of none', () => {
    const lines = [
      '__require(x)',
      '// a.js',
      'f()',
      '// no file',
      '// b.js',
      '__dirname',
      '__filename',
      '// a.js',
      '__filename',
    ]
    assert.deepEqual(found(lines), ['b.js __dirname', 'a.js __filename'])
  })

  it('is found below empty lines, and in lines between which a module has many', () => {
    assert.deepEqual(found(['', '', '__dirname', '// a.js', '', 'f()', '', 'x.require(name)', 'g()', '__dirname']), [
      'a.js __dirname',
    ])
    assert.deepEqual(found(['', '__dirname']), [])
  })
})
