/** What every ExecutionEngine must do, law by law (framework/execution-plane/execution-engine.ts). Knows no engine. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type CreateEngine, EngineHarness } from './engine-harness.ts'

/** Where engines may differ. A feature decides which tests there are; none is skipped. */
export interface EngineFeatures {
  /** It can end a handler that does not end by itself, because that runs on a thread of its own. */
  readonly canKill: boolean
}

const LIMIT = { timeout: 20_000 }
/** A deadline that is to pass. Long enough for a handler to be started before it, on a busy machine. */
const SHORT_MS = 60

export function describeExecutionEngine(name: string, features: EngineFeatures, create: CreateEngine): void {
  describe(`${name} keeps the laws of ExecutionEngine`, LIMIT, () => {
    describeCompletions(create)
    describeMisuse(create)
    describeDeadlines(create, features)
    if (features.canKill) describeThreadDeaths(create)
    describeFailures(create)
    describeClose(create)
    describeContext(create)
  })
}

function describeCompletions(create: CreateEngine): void {
  it('1. answers every item once, however its handler ends', async () => {
    await using harness = await EngineHarness.started(create, { timeoutMs: 400, abandonAfterMs: 0, concurrency: 64 })
    const endings = [
      'return',
      'returnLater',
      'returnThenable',
      'throw',
      'reject',
      'throwText',
      'throwNothing',
      'hang',
    ] as const
    const ids = endings.map((ending) => harness.order({ do: ending }))
    const outcomes = await Promise.all(ids.map((id) => harness.outcomeOf(id)))
    assert.deepEqual(
      outcomes.map((outcome) => outcome.kind),
      ['succeeded', 'succeeded', 'succeeded', 'failed', 'failed', 'failed', 'failed', 'timed-out'],
    )
  })

  it('1. answers many items that end in different ways at the same time', async () => {
    await using harness = await EngineHarness.started(create, { concurrency: 600 })
    const endings = ['return', 'reject', 'returnLater', 'throw', 'returnThenable'] as const
    for (let item = 0; item < 600; item++) harness.order({ do: endings[item % endings.length]! })
    await harness.until(() => harness.completions.length === 600)
    assert.equal(harness.engine.inFlight, 0)
  })

  it('1. answers what cannot be decoded, does not satisfy the schema or is filtered, without running the handler', async () => {
    await using harness = await EngineHarness.started(create, { handlerName: 'checked' })
    const ids = ['{"amount":', '{"amount":-1}', '{"amount":0}', '{"amount":7}'].map((value) =>
      harness.submit(Buffer.from(value)),
    )
    const outcomes = await Promise.all(ids.map((id) => harness.outcomeOf(id)))
    assert.equal(outcomes[0]!.kind === 'failed' && outcomes[0]!.failure.reason, 'undecodable')
    assert.equal(outcomes[1]!.kind === 'failed' && outcomes[1]!.failure.reason, 'invalid')
    assert.deepEqual(outcomes.slice(2), [{ kind: 'succeeded', filtered: true }, { kind: 'succeeded' }])
    assert.deepEqual(harness.news, [7])
  })

  it('1. counts a record as done only after a publish that was not awaited', async () => {
    await using harness = await EngineHarness.started(create)
    const id = harness.order({ do: 'publishUnawaited', name: 'a' })
    await harness.atGate('a')
    await nextTurn()
    assert.equal(harness.completions.length, 0)
    harness.open('a')
    assert.deepEqual(await harness.outcomeOf(id), { kind: 'succeeded' })
  })

  it('1. fails the attempt when a publish fails that was not awaited, and leaves a caught one to the handler', async () => {
    await using harness = await EngineHarness.started(create)
    const unawaited = harness.order({ do: 'publishUnawaited', name: 'a' })
    const caught = harness.order({ do: 'publishCaught', name: 'b' })
    await harness.atGate('a')
    await harness.atGate('b')
    harness.refuse('a', new Error('broker says no'))
    harness.refuse('b', new Error('broker says no'))
    assert.equal((await harness.failureOf(unawaited)).message, 'broker says no')
    assert.deepEqual(await harness.outcomeOf(caught), { kind: 'succeeded' })
  })

  it('2. never completes inside submit(), even when there is nothing to wait for', async () => {
    await using harness = await EngineHarness.started(create)
    const ids = [harness.order({ do: 'return' }), harness.order({ do: 'throw' }), harness.submit(Buffer.from('{'))]
    assert.equal(harness.completions.length, 0)
    assert.equal(harness.engine.inFlight, 3)
    await Promise.all(ids.map((id) => harness.outcomeOf(id)))
  })

  it('2. delivers nothing after close() has settled, though a handler ends then', async () => {
    await using harness = await EngineHarness.started(create)
    harness.order({ do: 'wait', name: 'a' })
    await harness.atGate('a')
    await harness.engine.close(0)
    const atClose = harness.completions.length
    harness.open('a')
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    assert.equal(harness.completions.length, atClose)
  })

  it('3. runs a failing attempt once', async () => {
    await using harness = await EngineHarness.started(create)
    await harness.failureOf(harness.order({ do: 'countRuns', name: 'a' }))
    await harness.outcomeOf(harness.order({ do: 'returnLater' }))
    assert.deepEqual(harness.news, ['a ran'])
  })

  it('3. runs two records of one key at the same time, as order is kept elsewhere', async () => {
    await using harness = await EngineHarness.started(create, { concurrency: 2 })
    const key = Buffer.from('same')
    const first = harness.order({ do: 'wait', name: 'a' }, { key })
    const second = harness.order({ do: 'wait', name: 'b' }, { key })
    await harness.atGate('a')
    await harness.atGate('b')
    harness.open('b')
    await harness.outcomeOf(second)
    harness.open('a')
    await harness.outcomeOf(first)
  })
}

function describeMisuse(create: CreateEngine): void {
  it('4. refuses items before start() has settled', async () => {
    await using harness = new EngineHarness(create)
    assert.throws(() => harness.order({ do: 'return' }), { code: 'PYR_ENGINE_NOT_STARTED' })
    const starting = harness.start()
    assert.throws(() => harness.order({ do: 'return' }), { code: 'PYR_ENGINE_NOT_STARTED' })
    await starting
    await harness.outcomeOf(harness.order({ do: 'return' }))
  })

  it('4. refuses an item more than its capacity, and takes it when a slot is free', async () => {
    await using harness = await EngineHarness.started(create, { concurrency: 2 })
    assert.equal(harness.engine.capacity, 2)
    const first = harness.order({ do: 'wait', name: 'a' })
    harness.order({ do: 'wait', name: 'b' })
    assert.throws(() => harness.order({ do: 'return' }), { code: 'PYR_ENGINE_FULL' })
    await harness.atGate('a')
    harness.open('a')
    await harness.outcomeOf(first)
    await harness.outcomeOf(harness.order({ do: 'return' }))
  })

  it('4. refuses items after close(), also while it waits', async () => {
    await using harness = await EngineHarness.started(create)
    harness.order({ do: 'wait', name: 'a' })
    await harness.atGate('a')
    const closing = harness.engine.close(60_000)
    assert.throws(() => harness.order({ do: 'return' }), { code: 'PYR_ENGINE_CLOSED' })
    harness.open('a')
    await closing
    assert.throws(() => harness.order({ do: 'return' }), { code: 'PYR_ENGINE_CLOSED' })
  })
}

function describeDeadlines(create: CreateEngine, features: EngineFeatures): void {
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

function describeThreadDeaths(create: CreateEngine): void {
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

function describeFailures(create: CreateEngine): void {
  const table = [
    { ending: 'throw', reason: 'handler', name: 'Error', message: 'thrown at once', retryable: true },
    { ending: 'reject', reason: 'handler', name: 'Error', message: 'rejected later', retryable: true },
    { ending: 'throwSubclass', reason: 'handler', name: 'CardRefused', message: 'card refused', retryable: true },
    { ending: 'throwText', reason: 'handler', name: 'Error', message: 'only a text', retryable: true },
    { ending: 'throwNothing', reason: 'handler', name: 'Error', message: 'thrown value: undefined', retryable: true },
    {
      ending: 'retryAfter',
      reason: 'handler',
      name: 'RetryAfter',
      message: 'gateway busy',
      retryable: true,
      retryAfterMs: 10_000,
    },
    { ending: 'deadLetter', reason: 'dead-letter', name: 'DeadLetter', message: 'card declined', retryable: false },
  ] as const
  for (const { ending, ...expected } of table) {
    it(`7. tells a failure as plain data: ${ending}`, async () => {
      await using harness = await EngineHarness.started(create)
      const { stack, ...failure } = await harness.failureOf(harness.order({ do: ending }))
      assert.deepEqual(failure, expected)
      assert.deepEqual(structuredClone(failure), failure)
      if (stack !== undefined) assert.match(stack, new RegExp(expected.message))
    })
  }

  it('7. tells where an error came from, and what was behind it', async () => {
    await using harness = await EngineHarness.started(create)
    const { stack } = await harness.failureOf(harness.order({ do: 'throwWithCause' }))
    assert.match(stack ?? '', /engine-handlers/)
    assert.match(stack ?? '', /caused by Error: the reason behind/)
  })
}

function describeClose(create: CreateEngine): void {
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

function describeContext(create: CreateEngine): void {
  it('9. gives two interleaved records their own position, key, attempt and headers', async () => {
    await using harness = await EngineHarness.started(create)
    submitTelling(harness, 'a', 41, 1)
    submitTelling(harness, 'b', 42, 3)
    await harness.atGate('a')
    await harness.atGate('b')
    harness.open('b')
    await harness.until(() => harness.news.length === 1)
    harness.open('a')
    await harness.until(() => harness.completions.length === 2)
    const facts = (name: string, offset: number, attempt: number) => ({
      topic: 'orders',
      partition: 2,
      offset,
      key: `key-${name}`,
      attempt,
      id: `orders/2/${offset}`,
      trace: `trace-${name}`,
    })
    assert.deepEqual(harness.news, [facts('b', 42, 3), facts('a', 41, 1)])
  })

  it('9. binds the log lines of interleaved records to their own record', async () => {
    await using harness = await EngineHarness.started(create)
    submitTelling(harness, 'a', 41, 1)
    submitTelling(harness, 'b', 42, 3)
    await harness.atGate('a')
    await harness.atGate('b')
    harness.open('a')
    harness.open('b')
    await harness.until(() => harness.completions.length === 2)
    for (const [offset, key, attempt] of [[41, 'key-a', 1] as const, [42, 'key-b', 3] as const]) {
      const lines = harness.logs.filter((line) => line.fields.offset === offset)
      const bindings = { handler: 'suite', topic: 'orders', partition: 2, offset, key, attempt }
      assert.deepEqual(lines, [
        { level: 'info', fields: { ...bindings, step: 1 }, message: 'before' },
        { level: 'info', fields: { ...bindings, step: 2 }, message: 'after' },
      ])
    }
  })
}

function submitTelling(harness: EngineHarness, name: string, offset: number, attempt: number): void {
  const value = Buffer.from(JSON.stringify({ do: 'tell', name }))
  const record = {
    partition: 2,
    offset,
    key: Buffer.from(`key-${name}`),
    headers: [['traceparent', Buffer.from(`trace-${name}`)] as const],
  }
  harness.submit(value, record, attempt)
}
