/** Did-you-mean. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nearestName, suggestion } from '../../../framework/config/nearest-name.ts'

const known = ['maxRecords', 'maxBytes', 'retry', 'id']

describe('nearestName', () => {
  for (const [name, nearest] of [
    ['maxRecord', 'maxRecords'],
    ['maxrecords', 'maxRecords'],
    ['mxaBytes', 'maxBytes'],
    ['rerty', 'retry'],
    ['completely-different', undefined],
    ['xyz', undefined],
  ] as const) {
    it(`takes ${name} for ${nearest ?? 'nothing that is known'}`, () => {
      assert.equal(nearestName(name, known), nearest)
    })
  }

  it('says what exists when nothing is close, and nothing when there is nothing', () => {
    assert.equal(suggestion('zzzzzz', ['orders', 'invoices']), ' Known: orders, invoices.')
    assert.equal(suggestion('order', ['orders', 'invoices']), ' Did you mean "orders"?')
    assert.equal(suggestion('order', []), '')
  })
})
