import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exactText, readExact } from '../../../framework/validation/exact-json.ts'

describe('readExact', () => {
  for (const [text, expected] of [
    ['{"id": 9007199254740993}', { id: 9_007_199_254_740_993n }],
    [
      '[-9007199254740993,9007199254740991,-0,1.5,1e3]',
      [-9_007_199_254_740_993n, 9_007_199_254_740_991, -0, 1.5, 1000],
    ],
    ['{"n1":"n2","s":"s","a\\"b":"9007199254740993"}', { n1: 'n2', s: 's', 'a"b': '9007199254740993' }],
    ['"\\\\"', '\\'],
    ['{"a" :\n"b" }', { a: 'b' }],
    ['null', null],
    ['1234567890.5', 1_234_567_890.5],
  ] as const) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(readExact(text), expected))
  }
})

describe('exactText', () => {
  it('keeps all digits, and writes bytes in base64', () => {
    const value = { n1: 'n2', s: [1n, -9_007_199_254_740_993n], 'a"n': 'x"n1', b: Buffer.from([255, 0]), d: Number.NaN }
    assert.equal(
      exactText(value),
      String.raw`{"n1":"n2","s":[1,-9007199254740993],"a\"n":"x\"n1","b":"/wA=","d":"NaN"}`,
    )
  })

  it('is read again as it was', () => {
    const value = { n: 2n ** 62n, s: 'n1', l: ['s', 'n', ''], t: null, f: 0.1 }
    assert.deepEqual(readExact(exactText(value, 2)), value)
  })
})
