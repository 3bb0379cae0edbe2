/** Compiles: what the type of a batch function refuses. Each line that is expected not to compile is an error of `npm run check` where it does. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { batchHandler } from '../../../framework/api/handler.ts'

describe('the type of a batch function', () => {
  it('refuses results, which nobody reads: lists of failed records above all', () => {
    const refused = [
      // @ts-expect-error: a list of failures is no result
      batchHandler('orders', () => ({ batchItemFailures: [] })),
      // @ts-expect-error: nor is it later
      batchHandler('orders', async () => ({ batchItemFailures: [{ itemIdentifier: '1' }] })),
      // @ts-expect-error: nor with options
      batchHandler<number>('orders', { batch: { size: 10 } }, async (batch) => [...batch].map(({ offset }) => offset)),
      // @ts-expect-error: what was rejected in here would count as done
      batchHandler('orders', (batch) => Promise.allSettled([...batch].map(async () => {}))),
    ]
    assert.equal(refused.length, 4)
  })

  it('accepts functions that return nothing, at once or later', () => {
    const accepted = [
      batchHandler('orders', () => {}),
      batchHandler('orders', async () => {}),
      batchHandler('orders', async (batch) => {
        await Promise.all([...batch].map(async () => 1))
      }),
    ]
    assert.equal(accepted.length, 3)
  })
})
