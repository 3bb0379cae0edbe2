/** Laws 5, 6 and 8 of ExecutionEngine: what becomes of handlers that do not end in time. A part of execution-engine.suite.ts. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type CreateEngine, EngineHarness } from './engine-harness.ts'

/** Where engines may differ. A feature decides which tests there are; none is skipped. */
export interface EngineFeatures {
  /** It can end a handler that does not end by itself, because that runs on a thread of its own. */
  readonly canKill: boolean
}

/** A deadline that is to pass. Long enough for a handler to be started before it, on a busy machine. */
const SHORT_MS = 60

export function describeDeadlines(create: CreateEngine, features: EngineFeatures): void {
  it('5. fires the signal at the deadline, and completes as timed out once the handler has settled', async () => {
    await using harness = await EngineHarness.started(create, { timeoutMs: SHORT_MS })
    const id = harness.order({ do: 'untilAborted', name: 'a' })
    const failure = await harness.failureOf(id)
    assert.equal((await harness.outcomeOf(id)).kind, 'timed-out')
    assert.equal(failure.reason, 'timeout')
    assert.equal(failure.name, 'TimeoutError')
    assert.equal(failure.retryable, true)
    assert.match(failure.message, new RegExp(`${SHORT_MS} ms`))
    assert.equal(harness.engine.abandoned, 0)
    assert.equal(harness.engine.inFlight, 0)
  })

  it('5. gives an item behind a timed-out one its own deadline', async () => {
    await using harness = await EngineHarness.started(create, { timeoutMs: SHORT_MS })
    const first = harness.order({ do: 'untilAborted', name: 'a' })
    await harness.until(() => harness.news.length === 1)
    const second = harness.order({ do: 'untilAborted', name: 'b' })
    assert.equal((await harness.outcomeOf(first)).kind, 'timed-out')
    assert.equal((await harness.outcomeOf(second)).kind, 'timed-out')
    for (const { durationMs } of harness.completions) assert.ok(durationMs >= SHORT_MS - 2, `${durationMs} ms`)
  })

  it('5. shows an aborted signal to a handler that looks only after the deadline', async () => {
    await using harness = await EngineHarness.started(create, { timeoutMs: SHORT_MS })
    const other = harness.order({ do: 'untilAborted', name: 'other' })
    harness.order({ do: 'lateLook', name: 'a' })
    await harness.atGate('a')
    await harness.outcomeOf(other)
    const behind = harness.order({ do: 'untilAborted', name: 'behind' })
    await harness.outcomeOf(behind)
    harness.open('a')
    await harness.until(() => harness.news.includes('aborted: true'))
  })

  it('5. aborts the items it is told to, and no others', async () => {
    await using harness = await EngineHarness.started(create)
    const revoked = harness.order({ do: 'untilAborted', name: 'a' }, { partition: 3 })
    const kept = harness.order({ do: 'wait', name: 'b' }, { partition: 4 })
    await harness.until(() => harness.news.includes('a runs'))
    await harness.atGate('b')
    harness.engine.abort((item) => item.records[0]!.partition === 3)
    assert.equal((await harness.outcomeOf(revoked)).kind, 'interrupted')
    harness.open('b')
    assert.deepEqual(await harness.outcomeOf(kept), { kind: 'succeeded' })
  })

  if (features.canKill) {
    it('5. ends a handler that ignores its signal, and frees its slot', async () => {
      await using harness = await EngineHarness.started(create, {
        timeoutMs: SHORT_MS,
        abandonAfterMs: SHORT_MS,
        concurrency: 1,
      })
      assert.equal((await harness.outcomeOf(harness.order({ do: 'spin' }))).kind, 'timed-out')
      assert.equal(harness.engine.abandoned, 0)
      assert.deepEqual(await harness.outcomeOf(harness.order({ do: 'return' })), { kind: 'succeeded' })
    })
    return
  }

  it('5. abandons a handler that ignores its signal; it keeps its slot until it settles', async () => {
    await using harness = await EngineHarness.started(create, {
      timeoutMs: SHORT_MS,
      abandonAfterMs: SHORT_MS,
      concurrency: 1,
    })
    const id = harness.order({ do: 'wait', name: 'a' })
    assert.equal((await harness.outcomeOf(id)).kind, 'timed-out')
    assert.ok(harness.completions[0]!.durationMs >= 2 * SHORT_MS - 2, `${harness.completions[0]!.durationMs} ms`)
    assert.equal(harness.engine.abandoned, 1)
    assert.equal(harness.engine.inFlight, 1)
    assert.throws(() => harness.order({ do: 'return' }), { code: 'PYR_ENGINE_FULL' })
    harness.open('a')
    await harness.until(() => harness.engine.abandoned === 0)
    assert.deepEqual(await harness.outcomeOf(harness.order({ do: 'return' })), { kind: 'succeeded' })
  })
}

export function describeReturnsAfterAborts(create: CreateEngine): void {
  it('10. does not take a return after the signal for success where the handler has asked for its signal', async () => {
    await using harness = await EngineHarness.started(create)
    const left = harness.order({ do: 'leaveWhenAborted', name: 'a' })
    await harness.until(() => harness.news.includes('a runs'))
    harness.engine.abort(() => true)
    assert.equal((await harness.outcomeOf(left)).kind, 'interrupted')
    assert.equal((await harness.failureOf(left)).reason, 'interrupted')
  })

  it('10. takes it for success where the handler has never asked for its signal', async () => {
    await using harness = await EngineHarness.started(create)
    const done = harness.order({ do: 'wait', name: 'a' })
    const other = harness.order({ do: 'untilAborted', name: 'b' })
    await harness.atGate('a')
    await harness.until(() => harness.news.includes('b runs'))
    harness.engine.abort(() => true)
    await harness.outcomeOf(other)
    harness.open('a')
    assert.deepEqual(await harness.outcomeOf(done), { kind: 'succeeded' })
  })

  it('10. does not take it for success while it closes', async () => {
    await using harness = await EngineHarness.started(create)
    const left = harness.order({ do: 'leaveWhenAborted', name: 'a' })
    await harness.until(() => harness.news.includes('a runs'))
    await harness.engine.close(0)
    assert.equal((await harness.outcomeOf(left)).kind, 'interrupted')
  })
}

export function describeThreadDeaths(create: CreateEngine): void {
  it('6. completes what ran on a thread that died as interrupted, and runs what was queued behind it', async () => {
    await using harness = await EngineHarness.started(create)
    const deadly = harness.order({ do: 'exit' })
    const others = Array.from({ length: 8 }, () => harness.order({ do: 'return' }))
    const outcome = await harness.outcomeOf(deadly)
    assert.equal(outcome.kind, 'interrupted')
    assert.equal((await harness.failureOf(deadly)).reason, 'interrupted')
    for (const id of others) assert.deepEqual(await harness.outcomeOf(id), { kind: 'succeeded' })
  })
}

export function describeClose(create: CreateEngine): void {
  it('8. waits for handlers that end within the grace', async () => {
    await using harness = await EngineHarness.started(create)
    const running = harness.order({ do: 'wait', name: 'a' })
    await harness.atGate('a')
    const queued = harness.order({ do: 'returnLater' })
    const closing = harness.engine.close(60_000)
    assert.deepEqual(await harness.outcomeOf(queued), { kind: 'succeeded' })
    harness.open('a')
    await closing
    assert.deepEqual(await harness.outcomeOf(running), { kind: 'succeeded' })
  })

  it('8. aborts stragglers when the grace is over, and answers those that do not heed it as interrupted', async () => {
    await using harness = await EngineHarness.started(create)
    const heeding = harness.order({ do: 'untilAborted', name: 'a' })
    const deaf = harness.order({ do: 'wait', name: 'b' })
    await harness.until(() => harness.news.includes('a runs'))
    await harness.atGate('b')
    await harness.engine.close(20)
    assert.equal(harness.completions.length, 2)
    assert.equal((await harness.outcomeOf(heeding)).kind, 'interrupted')
    assert.equal((await harness.outcomeOf(deaf)).kind, 'interrupted')
    assert.equal((await harness.failureOf(deaf)).reason, 'interrupted')
  })

  it('8. answers what was submitted just before close(0)', async () => {
    await using harness = await EngineHarness.started(create)
    const id = harness.order({ do: 'hang' })
    await harness.engine.close(0)
    assert.equal((await harness.outcomeOf(id)).kind, 'interrupted')
  })

  it('8. may be closed twice; the second call can shorten the grace', async () => {
    await using harness = await EngineHarness.started(create)
    harness.order({ do: 'wait', name: 'a' })
    await harness.atGate('a')
    const first = harness.engine.close(60_000)
    await Promise.all([first, harness.engine.close(0)])
    assert.equal(harness.completions.length, 1)
    await harness.engine.close(60_000)
  })

  it('8. may be closed without having been started, and cannot be started then', async () => {
    await using harness = new EngineHarness(create)
    await harness.engine.close(60_000)
    await assert.rejects(harness.start(), { code: 'PYR_ENGINE_CLOSED' })
  })

  it('8. closes though an abandoned handler never settles', async () => {
    await using harness = await EngineHarness.started(create, { timeoutMs: SHORT_MS, abandonAfterMs: 0 })
    assert.equal((await harness.outcomeOf(harness.order({ do: 'hang' }))).kind, 'timed-out')
    await harness.engine.close(60_000)
  })
}
