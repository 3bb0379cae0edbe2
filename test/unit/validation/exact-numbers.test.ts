import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inexactNumberAt } from '../../../framework/validation/exact-numbers.ts'

test('finds the first number that JavaScript would read as another', () => {
  const found: readonly (readonly [json: string, at: number | undefined])[] = [
    ['9007199254740991', undefined],
    ['-9007199254740991', undefined],
    ['9007199254740992', 0],
    ['[-9007199254740993]', 1],
    ['{"a":1,"b":12345678901234567890.0}', 11],
    ['1e400', 0],
    ['[1,-1E+0400]', 3],
    ['1e308', undefined],
    ['1e999', 0],
    ['1.0E20', undefined],
    ['1234567890123456789e2', undefined],
    ['0.1234567890123456789', undefined],
    ['3.1415926535897932384626', undefined],
  ]
  assert.deepEqual(
    found.map(([json]) => [json, inexactNumberAt(json)]),
    found,
  )
})

test('passes over texts, whatever is quoted in them', () => {
  assert.equal(inexactNumberAt('{"9007199254740993":"9007199254740993"}'), undefined)
  assert.equal(inexactNumberAt(String.raw`["\"9007199254740993","\\",1]`), undefined)
  assert.equal(inexactNumberAt(String.raw`["\\",9007199254740993]`), 6)
})

test('takes a time that grows with the text, and no stack', () => {
  const text = JSON.stringify(['9007199254740993'.repeat(100_000), '\\'.repeat(1_000_000)])
  assert.equal(inexactNumberAt(text), undefined)
})
