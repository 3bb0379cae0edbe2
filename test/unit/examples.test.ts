/** The example app's handlers: what they show is what people copy. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runAttempt, simulate } from '../../framework/testing/index.ts'
import { routes } from '../../generated/routes.ts'
import { orders } from '../../handlers/_topics.ts'
import chargeOrder from '../../handlers/charge-order.ts'
import config from '../../pyrallel.config.ts'

describe('the example that charges', () => {
  it("takes the order's own id as the idempotency key: the record's place is another one for a copy, and the same in a topic made anew", async () => {
    // The stand-in for a gateway is busy once for each key.
    const outcomeOf = async (id: string) =>
      (await runAttempt(chargeOrder, { value: { id, customerId: 'c1', total: 107 } })).outcome
    assert.deepEqual([await outcomeOf('o-1'), await outcomeOf('o-2')], ['retry', 'retry'])
    assert.deepEqual([await outcomeOf('o-1'), await outcomeOf('o-2')], ['done', 'done'])
  })

  it('issues an invoice for each order that is charged, and for no other, whatever befalls its processes', async () => {
    const totals = [120, 45, 999, 0, 60]
    await simulate({
      config,
      routes: routes.filter(({ id }) => id === 'charge-order'),
      records: totals.map((total, index) => ({ topic: orders, value: { id: `o-${index}`, customerId: 'c-1', total } })),
      check: ({ published, records }) => {
        const invoiced = published.map(({ topic, key, value }) => [topic, key, value])
        const ofOrder = (index: number) => [
          'invoices.issued',
          'c-1',
          { orderId: `o-${index}`, customerId: 'c-1', amount: totals[index] },
        ]
        // One that comes twice is the same one twice: whoever reads them goes by the id of the order.
        assert.deepEqual(
          new Set(invoiced.map((each) => JSON.stringify(each))),
          new Set([0, 1, 4].map((index) => JSON.stringify(ofOrder(index)))),
        )
        assert.deepEqual(
          records.map(({ outcome }) => outcome),
          ['done', 'done', 'dead', 'filtered', 'done'],
        )
      },
      seeds: 50,
    })
  })
})
