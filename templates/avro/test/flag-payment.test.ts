import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runAttempt } from 'pyrallel/testing'
import flagPayment from '../handlers/flag-payment.ts'

const payment = { id: 9_007_199_254_740_993n, account: 'a-1', amount: '12000.50', at: 1_764_000_000_000, note: null }

describe('a payment', () => {
  it('is flagged above the limit, as it came', async () => {
    const { outcome, published } = await runAttempt(flagPayment, { value: payment })
    assert.equal(outcome, 'done')
    assert.deepEqual(published, [{ topic: 'payments.flagged', key: 'a-1', value: payment, headers: {} }])
  })

  it('is let through below the limit', async () => {
    const { outcome, published } = await runAttempt(flagPayment, { value: { ...payment, amount: '9999.99' } })
    assert.equal(outcome, 'done')
    assert.deepEqual(published, [])
  })
})
