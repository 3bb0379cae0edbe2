/** `runBatch`: what users see of their batch handler in a test of theirs. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { batchHandler, DeadLetter, handler, RetryAfter } from '../../../framework/api/handler.ts'
import { topic } from '../../../framework/api/topic.ts'
import { ManualClock, runAttempt, runBatch } from '../../../framework/testing/index.ts'

interface View {
  readonly visitor: string
  readonly score: number
}
const views = topic<View>('views', { key: (view) => view.visitor })
const scores = topic<number>('scores')

function view(visitor: string, score: number): { readonly value: View } {
  return { value: { visitor, score } }
}

/** Fails what is below 0 for good, and above 100 for now. */
const scoring = batchHandler(views, { filter: (record) => record.value.score !== 0 }, async (batch, context) => {
  for (const record of batch) {
    if (record.value.score < 0) batch.fail(record, new DeadLetter('below 0'))
    else if (record.value.score > 100) batch.fail(record, new Error('above 100'))
    else await context.publish(scores, record.value.score, { key: record.id })
  }
  context.log.info({ size: batch.size }, 'scored')
})

describe('a batch in a test', () => {
  it('has an outcome for each record, and what the handler published and logged', async () => {
    const result = await runBatch(scoring, [view('a', 5), view('b', 0), view('c', -1), view('d', 101)])
    assert.deepEqual(
      result.records.map(({ outcome, failure }) => [outcome, failure?.message]),
      [
        ['done', undefined],
        ['filtered', undefined],
        ['dead', 'below 0'],
        ['retry', 'above 100'],
      ],
    )
    assert.deepEqual(result.published, [{ topic: 'scores', key: 'views/0/0', value: 5, headers: {} }])
    assert.deepEqual(result.logged, [{ level: 'info', fields: { size: 3 }, message: 'scored' }])
    assert.equal(result.failure, undefined)
  })

  it('runs again what is behind a failed record of its key', async () => {
    const outcomes = async (...scores: number[]) =>
      (
        await runBatch(
          scoring,
          scores.map((score) => view('a', score)),
        )
      ).records.map(({ outcome }) => outcome)
    assert.deepEqual(await outcomes(1, 101, 2, -1, 0), ['done', 'retry', 'again', 'again', 'again'])
    assert.deepEqual(await outcomes(-1, 2, 101, 3), ['dead', 'done', 'again', 'again'])
  })

  it('keeps no order where the handler keeps none', async () => {
    const anyhow = batchHandler(views, { ordering: 'unordered' }, (batch) => {
      const [first] = batch
      if (first !== undefined) batch.fail(first, new Error('boom'))
    })
    const { records } = await runBatch(anyhow, [view('a', 1), view('a', 2)])
    assert.deepEqual(
      records.map(({ outcome }) => outcome),
      ['retry', 'done'],
    )
  })

  it('is tried again in halves when the handler throws, and a batch of one record fails as that record', async () => {
    const failing = batchHandler(views, () => {
      throw new DeadLetter('no')
    })
    const two = await runBatch(failing, [view('a', 1), view('b', 1)])
    assert.deepEqual(
      two.records.map(({ outcome }) => outcome),
      ['again', 'again'],
    )
    assert.equal(two.failure?.message, 'no')
    const one = await runBatch(failing, [view('a', 1)])
    assert.deepEqual([one.records[0]?.outcome, one.failure], ['dead', undefined])
    assert.equal((await runAttempt(failing, view('a', 1))).outcome, 'dead')
  })

  it('waits as it is when the handler throws RetryAfter, which is an attempt of each record that it got', async () => {
    const busy = batchHandler(views, { filter: (record) => record.value.score !== 0 }, () => {
      throw new RetryAfter('10s', 'busy')
    })
    const { records, failure } = await runBatch(busy, [view('a', 1), view('a', 1), view('b', 0), view('c', 1)])
    assert.deepEqual(
      records.map(({ outcome }) => outcome),
      ['retry', 'retry', 'filtered', 'retry'],
    )
    assert.deepEqual([failure?.message, failure?.retryAfterMs], ['busy', 10_000])
  })

  it('does not give the handler what its schema does not allow', async () => {
    const schema = Type.Object({ score: Type.Number({ minimum: 0 }) })
    const seen: number[] = []
    const strict = batchHandler('strict', { schema }, (batch) => {
      for (const { value } of batch) seen.push(value.score)
    })
    const { records } = await runBatch(strict, [{ value: { score: -1 } }, { value: { score: 1 }, key: 'k' }])
    assert.deepEqual([records[0]?.failure?.reason, records[1]?.outcome, seen], ['invalid', 'done', [1]])
  })

  it('ends at the time-out, which a manual clock brings at once', async () => {
    const clock = new ManualClock()
    const hang = batchHandler(views, { timeout: '5s' }, (_batch, { signal }) => {
      setImmediate(() => clock.advance(5_000))
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const { failure } = await runBatch(hang, [view('a', 1), view('b', 1)], { clock })
    assert.equal(failure?.reason, 'timeout')
    assert.equal(clock.pendingTimers, 0)
  })

  it('tells which attempt each record is in', async () => {
    const attempts: number[] = []
    const note = batchHandler(views, (batch) => {
      for (const { attempt } of batch) attempts.push(attempt)
    })
    await runBatch(note, [{ ...view('a', 1), attempt: 3 }, view('b', 1)])
    assert.deepEqual(attempts, [3, 1])
  })

  it('is for batch handlers, and has a record', async () => {
    await assert.rejects(
      runBatch(
        handler(views, () => {}),
        [view('a', 1)],
      ),
      /write batchHandler/,
    )
    await assert.rejects(runBatch(scoring, []), /at least one record/)
  })
})
