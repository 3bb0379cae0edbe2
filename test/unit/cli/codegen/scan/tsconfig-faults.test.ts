/** What of a tsconfig cannot be read is told with its place, as imports may lead elsewhere without it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { scan } from '../project-on-disk.ts'

const handler =
  "import { handler, topic } from 'pyrallel'\nexport default handler(topic<{ id: string }>('values'), () => {})\n"

function told(files: Readonly<Record<string, string>>) {
  const { warnings, diagnostics } = scan({ 'handlers/a.ts': handler, ...files })
  assert.deepEqual(diagnostics, [])
  return warnings.map(({ code, file, line, column, message }) => `${code} ${file}:${line}:${column} ${message}`)
}

describe('a tsconfig', () => {
  it('is told where it extends a file that is not there, alone or in a list, itself or through another', () => {
    const found = told({
      'tsconfig.json': '{\n  "extends": ["./config/base.json", "./none"],\n  "compilerOptions": {}\n}',
      'config/base.json': '{ "extends": "../gone.json" }',
    })
    assert.deepEqual(found, [
      "PYR_TSCONFIG config/base.json:1:14 '../gone.json' is extended, and is not there.",
      "PYR_TSCONFIG tsconfig.json:2:37 './none' is extended, and is not there.",
    ])
  })

  it('is told where it extends a package that is not installed', () => {
    const found = told({ 'tsconfig.json': '{ "extends": "@tsconfig/nobody" }' })
    assert.deepEqual(found, ["PYR_TSCONFIG tsconfig.json:1:14 '@tsconfig/nobody' is extended, and is not there."])
  })

  it('with a syntax error is told at its place, also where it is extended', () => {
    const found = told({
      'tsconfig.json': '{ "extends": "./base.json" }',
      'base.json': '{ "compilerOptions": { "strict" true } }',
    })
    assert.deepEqual(found, ["PYR_TSCONFIG base.json:1:33 Syntax error: ':' expected."])
  })

  it('is no matter where it extends what is there', () => {
    const found = told({
      'tsconfig.json': '{ "extends": ["./base", "known/tsconfig.json"], /* a comment */ "include": ["handlers"], }',
      'base.json': '{ "extends": "./deep.json" }',
      'deep.json': '{}',
      'node_modules/known/package.json': '{ "name": "known", "version": "1.0.0" }',
      'node_modules/known/tsconfig.json': '{}',
    })
    assert.deepEqual(found, [])
  })
})
