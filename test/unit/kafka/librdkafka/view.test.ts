import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { wholeMetadata } from '../../../../framework/kafka/librdkafka/view.ts'

describe('the metadata of a commit, from a list with what stood behind it and from an answer without its last byte', () => {
  for (const [what, listed, cut, whole] of [
    ["another client's", 'AgAAAZNxw2Y4\u0001junk', 'AgAAAZNxw2Y', 'AgAAAZNxw2Y4'],
    ["another client's, with nothing behind it", 'AgAA', 'AgA', 'AgAA'],
    ['our own, which ends with a NUL', 'P1 ours', 'P1 ours', 'P1 ours'],
    [
      'one that ends with a character of several bytes',
      'ends with \u{1F600}junk',
      'ends with \ufffd',
      'ends with \u{1F600}',
    ],
    ['one character', 'xjunk', '', 'x'],
    ['none', 'junk', null, ''],
    ['of two commits', 'P1 new', 'P1 old', undefined],
  ] as const) {
    it(`is put together: ${what}`, () => assert.equal(wholeMetadata(listed, cut), whole))
  }
})
