/** What every engine does with batches. A part of execution-engine.suite.ts. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type CreateEngine, EngineHarness } from './engine-harness.ts'

const nothing = { do: 'nothing' }

export function describeBatches(create: CreateEngine): void {
  const started = (setup: Parameters<typeof EngineHarness.started>[1] = {}) =>
    EngineHarness.started(create, { handlerName: 'batched', ...setup })

  it('batch: hands over all records in order, each with its own attempt, and is done when the handler returns', async () => {
    await using harness = await started()
    assert.deepEqual(await harness.outcomeOf(harness.submitBatch([nothing, nothing, nothing], [1, 3, 1])), {
      kind: 'succeeded',
    })
    assert.deepEqual(harness.news, [
      [
        [0, 'key-0', 1],
        [1, 'key-1', 3],
        [2, 'key-2', 1],
      ],
    ])
  })

  it('batch: fails the records that the handler has failed, and no others', async () => {
    await using harness = await started()
    const id = harness.submitBatch([nothing, { do: 'fail' }, { do: 'giveUp' }, nothing, { do: 'later' }])
    const outcome = await harness.outcomeOf(id)
    assert.ok(outcome.kind === 'partial')
    const facts = [...outcome.failures].map(([index, { reason, name, message, retryable, retryAfterMs }]) => [
      index,
      reason,
      name,
      message,
      retryable,
      retryAfterMs,
    ])
    assert.deepEqual(facts, [
      [1, 'handler', 'CardRefused', 'no 1', true, undefined],
      [2, 'dead-letter', 'DeadLetter', 'never', false, undefined],
      [4, 'handler', 'RetryAfter', 'busy', true, 10_000],
    ])
  })

  it('batch: fails what cannot be decoded or does not satisfy the schema, and hands over the rest', async () => {
    await using harness = await started()
    const outcome = await harness.outcomeOf(harness.submitBatch([nothing, '{', { do: 'unknown' }, nothing]))
    assert.ok(outcome.kind === 'partial')
    const reasons = [...outcome.failures].map(([index, { reason, retryable }]) => [index, reason, retryable])
    assert.deepEqual(reasons, [
      [1, 'undecodable', false],
      [2, 'invalid', false],
    ])
    assert.deepEqual(harness.news, [
      [
        [0, 'key-0', 1],
        [3, 'key-3', 1],
      ],
    ])
  })

  it('batch: does not call the handler when nothing is left for it', async () => {
    await using harness = await started()
    const [filtered, rejected, both] = [['skip', 'skip'], ['{'], ['skip', '{']].map((parts) =>
      harness.submitBatch(parts.map((part) => (part === 'skip' ? { do: 'nothing', skip: true } : part))),
    )
    assert.deepEqual(await harness.outcomeOf(filtered!), { kind: 'succeeded', filtered: true })
    assert.equal((await harness.failureOf(rejected!)).reason, 'undecodable')
    const outcome = await harness.outcomeOf(both!)
    assert.ok(outcome.kind === 'partial')
    assert.deepEqual([[...outcome.failures.keys()], [...(outcome.filtered ?? [])]], [[1], [0]])
    assert.deepEqual(harness.news, [])
  })

  it('batch: fails as a whole when the handler throws, whatever it has failed before', async () => {
    await using harness = await started()
    const failure = await harness.failureOf(harness.submitBatch([{ do: 'fail' }, { do: 'throw' }, nothing]))
    assert.equal(failure.message, 'all of it')
  })

  it('batch: fails each record that it gave to a handler that throws RetryAfter, and says that this is a pause', async () => {
    await using harness = await started()
    const parts = [{ do: 'fail' }, '{', { do: 'nothing', skip: true }, { do: 'pause' }]
    const outcome = await harness.outcomeOf(harness.submitBatch(parts))
    assert.ok(outcome.kind === 'partial')
    assert.deepEqual([outcome.pause?.name, outcome.pause?.retryAfterMs], ['RetryAfter', 10_000])
    const reasons = [...outcome.failures].map(([index, { message, reason }]) => [
      index,
      reason === 'handler' ? message : reason,
    ])
    assert.deepEqual(reasons.sort(), [
      [0, 'busy'],
      [1, 'undecodable'],
      [3, 'busy'],
    ])
    assert.deepEqual([...(outcome.filtered ?? [])], [2])
    assert.equal((await harness.failureOf(harness.submitBatch([{ do: 'pause' }]))).retryAfterMs, 10_000)
  })

  it('batch: fails as a whole when a record is failed that is not in it', async () => {
    await using harness = await started()
    const failure = await harness.failureOf(harness.submitBatch([nothing, { do: 'failStranger' }]))
    assert.match(failure.message, /not one of this batch/)
  })

  it('batch: refuses, and tells with its record, one that is failed after the batch function has returned', async () => {
    await using harness = await started()
    const id = harness.submitBatch([nothing, { do: 'failLate' }])
    assert.deepEqual(await harness.outcomeOf(id), { kind: 'succeeded' })
    await harness.until(() => harness.logs.some(({ message }) => message === 'batch.fail threw'))
    const [told, thrown] = harness.logs.filter(({ message }) => message !== 'a batch')
    assert.equal(told!.level, 'error')
    assert.equal(told!.message, 'a handler went on after the end of its attempt; what it did there does not count')
    const { verb, record, errorMessage, offset, lastOffset } = told!.fields
    assert.deepEqual([verb, record, offset, lastOffset], ['batch.fail()', 'orders[0]@1', 0, 1])
    assert.equal(errorMessage, 'found out too late')
    assert.equal(thrown!.fields.code, 'PYR_ATTEMPT_OVER')
  })

  for (const report of ['reportItems', 'reportResults', 'reportLater']) {
    it(`batch: fails as a whole, with the next step, when its function returns a list of failures: ${report}`, async () => {
      await using harness = await started()
      const failure = await harness.failureOf(harness.submitBatch([nothing, { do: report }]))
      assert.match(failure.message, /^the batch function returned (batchItemFailures|results, one of them rejected), /)
      assert.match(failure.message, /Call batch\.fail\(record, error\) for each record that has failed/)
      if (report === 'reportResults') assert.match(failure.stack ?? '', /caused by .*one of them/)
    })
  }

  it('batch: has one deadline for all its records', async () => {
    await using harness = await started({ timeoutMs: 60 })
    assert.equal((await harness.outcomeOf(harness.submitBatch([nothing, { do: 'hang' }]))).kind, 'timed-out')
  })

  it('batch: binds log lines to where it begins and ends', async () => {
    await using harness = await started()
    await harness.outcomeOf(harness.submitBatch([nothing, nothing, nothing]))
    const bindings = { handler: 'suite', topic: 'orders', partition: 0, offset: 0, lastOffset: 2, recordCount: 3 }
    assert.deepEqual(harness.logs, [{ level: 'info', fields: { ...bindings, size: 3 }, message: 'a batch' }])
  })

  it('batch: is interrupted as a whole when its handler has asked for the signal and returns after it has fired', async () => {
    await using harness = await started()
    const id = harness.submitBatch([{ do: 'fail' }, { do: 'hang' }, nothing])
    await harness.until(() => harness.news.length === 1)
    harness.engine.abort(() => true)
    assert.equal((await harness.outcomeOf(id)).kind, 'interrupted')
  })

  it('batch: counts when its handler has never asked for the signal', async () => {
    await using harness = await started()
    const id = harness.submitBatch([{ do: 'fail' }, { do: 'wait' }, nothing])
    await harness.atGate('batch')
    const other = harness.submitBatch([{ do: 'hang' }])
    await harness.until(() => harness.news.length === 2)
    harness.engine.abort(() => true)
    await harness.outcomeOf(other)
    harness.open('batch')
    const outcome = await harness.outcomeOf(id)
    assert.ok(outcome.kind === 'partial' && outcome.failures.size === 1, outcome.kind)
  })
}
