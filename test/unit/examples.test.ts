/** The example app's handlers: what they show is what people copy. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runAttempt } from '../../framework/testing/index.ts'
import chargeOrder from '../../handlers/charge-order.ts'

describe('the example that charges', () => {
  it("takes the order's own id as the idempotency key: the record's place is another one for a copy, and the same in a topic made anew", async () => {
    // The stand-in for a gateway is busy once for each key.
    const outcomeOf = async (id: string) =>
      (await runAttempt(chargeOrder, { value: { id, customerId: 'c1', total: 107 } })).outcome
    assert.deepEqual([await outcomeOf('o-1'), await outcomeOf('o-2')], ['retry', 'retry'])
    assert.deepEqual([await outcomeOf('o-1'), await outcomeOf('o-2')], ['done', 'done'])
  })
})
