/** Which right is missing, told from what the brokers say. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { missingRight, withMissingRight } from '../../../../framework/kafka/faults/missing-rights.ts'
import { produceError } from '../../../../framework/kafka/faults/produce-error.ts'

const asked = { operation: 'Read', topic: 'orders', group: 'shop' } as const

describe('a right that is missing', () => {
  for (const [message, code, right] of [
    ['Broker: Topic authorization failed', 29, 'Read on topic orders'],
    ['Broker: Group authorization failed', 30, 'Read on group shop'],
    ['Broker: Group authorization failed: heartbeat', -150, 'Read on group shop'],
    ['Fatal error: Broker: Group authorization failed: heartbeat', -1, 'Read on group shop'],
    ['Broker: Cluster authorization failed', 31, undefined],
    ['Local: Timed out', -185, undefined],
  ] as const) {
    it(`is ${right ?? 'none'} where the brokers say "${message}" (${code})`, () => {
      assert.equal(missingRight({ message, code }, asked), right)
    })
  }

  it('is not named where nobody knows what was asked for', () => {
    const error = { message: 'Broker: Topic authorization failed', code: 29 }
    assert.equal(missingRight(error, { operation: 'Read', topic: '' }), undefined)
    assert.equal(withMissingRight(error, { operation: 'Read', group: 'shop' }), error.message)
  })

  it('to write is named by a record that was not produced', () => {
    const { message } = produceError({ message: 'Broker: Topic authorization failed', code: 29 }, 'paid')
    assert.match(message, /not produced to paid: .* failed; the user lacks the right Write on topic paid \(29\)\.$/)
  })
})
