/** Digits in groups of three. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { groupedDigits } from '../../../framework/model/grouped-digits.ts'

describe('the digits of a number', () => {
  it('stand in groups of three before the point, as in English', () => {
    for (const value of [0, 7, 999, 1_000, 50_000, 1_234_567, 2_147_483_647, -1_000, -12, 0.5, 1_234.5]) {
      assert.equal(groupedDigits(value), value.toLocaleString('en-US'))
    }
  })
})
