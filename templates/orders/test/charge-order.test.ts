import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runAttempt } from 'pyrallel/testing'
import chargeOrder from '../handlers/charge-order.ts'

const order = { id: 'o-1', customerId: 'c-1', total: 4_200 }

describe('an order', () => {
  it('is charged, and its invoice issued to the customer', async () => {
    const { outcome, published } = await runAttempt(chargeOrder, { value: order })
    assert.equal(outcome, 'done')
    assert.deepEqual(published, [
      {
        topic: 'invoices.issued',
        key: 'c-1',
        value: { orderId: 'o-1', customerId: 'c-1', amount: 4_200 },
        headers: {},
      },
    ])
  })

  it('is tried again when the gateway is busy', async () => {
    const { outcome, failure, published } = await runAttempt(chargeOrder, { value: { ...order, total: 4_207 } })
    assert.equal(outcome, 'retry')
    assert.equal(failure?.message, 'gateway busy')
    assert.deepEqual(published, [])
  })

  it('is charged under its own id: another order finds the gateway busy anew, whatever its place in the topic', async () => {
    const other = { ...order, id: 'o-2', total: 4_207 }
    assert.equal((await runAttempt(chargeOrder, { value: other })).outcome, 'retry')
    assert.equal((await runAttempt(chargeOrder, { value: other })).outcome, 'done')
  })

  it('is given up when the card is declined', async () => {
    const { outcome } = await runAttempt(chargeOrder, { value: { ...order, total: 100_001 } })
    assert.equal(outcome, 'dead')
  })

  it('that is free is not charged', async () => {
    const { outcome } = await runAttempt(chargeOrder, { value: { ...order, total: 0 } })
    assert.equal(outcome, 'filtered')
  })
})
