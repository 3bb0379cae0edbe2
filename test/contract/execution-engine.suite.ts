/** What every ExecutionEngine must do, law by law (framework/execution-plane/execution-engine.ts). Knows no engine. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { NEWS } from './engine-handlers.ts'
import { type CreateEngine, EngineHarness } from './engine-harness.ts'
import { describeBatches } from './execution-engine-batch.suite.ts'
import { describeFormats } from './execution-engine-format.suite.ts'
import { describeOutputs } from './execution-engine-outputs.suite.ts'
import { describeStrayFaults } from './execution-engine-stray.suite.ts'
import { describeTicks } from './execution-engine-tick.suite.ts'
import {
  describeClose,
  describeDeadlines,
  describeReturnsAfterAborts,
  describeThreadDeaths,
  type EngineFeatures,
} from './execution-engine-time.suite.ts'

/** For the whole suite: reached only when something hangs. Engines with threads start some in every test. */
const LIMIT = { timeout: 120_000 }

export function describeExecutionEngine(name: string, features: EngineFeatures, create: CreateEngine): void {
  describe(`${name} keeps the laws of ExecutionEngine`, LIMIT, () => {
    describeCompletions(create)
    describeMisuse(create)
    describeDeadlines(create, features)
    if (features.canKill) describeThreadDeaths(create)
    describeFailures(create)
    describeClose(create)
    describeReturnsAfterAborts(create)
    describeContext(create)
    describeRecalls(create)
    describeBatches(create)
    describeStrayFaults(create)
    describeTicks(create)
    describeOutputs(create, features)
    describeFormats(create)
  })
}

function describeCompletions(create: CreateEngine): void {
  it('1. answers every item once, however its handler ends', async () => {
    await using harness = await EngineHarness.started(create, { timeoutMs: 2_000, abandonAfterMs: 0, concurrency: 64 })
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

  it('1. answers a value whose headers name a schema of a registry with a failure that says so', async () => {
    await using harness = await EngineHarness.started(create, { handlerName: 'checked' })
    const guid = Buffer.concat([Buffer.from([1]), Buffer.alloc(16, 7)])
    const avro = harness.submit(Buffer.from([0x02, 0x80]), { headers: [['__value_schema_id', guid]] })
    const { reason, message } = await harness.failureOf(avro)
    assert.equal(reason, 'undecodable')
    assert.match(message, /its headers name a schema of a registry/)
  })

  it('1. answers a value that is nested too deeply for its schema to be checked, and goes on', async () => {
    await using harness = await EngineHarness.started(create, { handlerName: 'nested' })
    const deep = (levels: number, innermost: string) =>
      Buffer.from(`${'{"inner":'.repeat(levels)}${innermost}${'}'.repeat(levels)}`)
    const values = [deep(500_000, 'null'), deep(50_000, '{"inner":7}'), deep(3, 'null')]
    const [valid, mistaken, fine] = values.map((value) => harness.submit(value))
    for (const id of [valid, mistaken]) {
      const { reason, message, retryable } = await harness.failureOf(id!)
      assert.deepEqual([reason, retryable], ['invalid', false])
      assert.match(message, /nested too deeply \(\d+ levels\)/)
    }
    assert.deepEqual(await harness.outcomeOf(fine!), { kind: 'succeeded' })
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

  it('2. refuses what a handler publishes after its end, with a line that names the record, and shows it an aborted signal', async () => {
    await using harness = await EngineHarness.started(create)
    const id = harness.order({ do: 'linger' }, { offset: 41 })
    assert.deepEqual(await harness.outcomeOf(id), { kind: 'succeeded' })
    await harness.until(() => harness.logs.some(({ message }) => message === 'its publish'))
    const [signal, told, refused] = harness.logs
    assert.equal(signal!.fields.isAborted, true)
    assert.equal(told!.level, 'error')
    const { verb, target, offset } = told!.fields
    assert.deepEqual([verb, target, offset], ['publish()', NEWS, 41])
    assert.equal(refused!.fields.code, 'PYR_ATTEMPT_OVER')
    assert.deepEqual(harness.news, [])
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

function describeRecalls(create: CreateEngine): void {
  it('11. takes back what matches and has not begun, and lets what has begun go on', async () => {
    await using harness = await EngineHarness.started(create)
    const running = harness.order({ do: 'wait', name: 'a' })
    await harness.atGate('a')
    const [first, kept, last] = [1, 2, 3].map(() => harness.order({ do: 'return' }))
    harness.engine.recall(({ id }) => id !== kept)
    assert.equal(harness.completions.length, 0, 'nothing completes inside')
    for (const id of [first, last]) assert.deepEqual(await harness.answerOf(id ?? 0), { kind: 'recalled' })
    assert.deepEqual(await harness.outcomeOf(kept ?? 0), { kind: 'succeeded' })
    harness.open('a')
    assert.deepEqual(await harness.outcomeOf(running), { kind: 'succeeded' })
    assert.equal(harness.engine.inFlight, 0)
  })

  it('11. answers once for what is taken back while it closes', async () => {
    await using harness = await EngineHarness.started(create)
    const ids = Array.from({ length: 4 }, () => harness.order({ do: 'return' }))
    harness.engine.recall(() => true)
    harness.engine.recall(() => true)
    await harness.engine.close(0)
    const kinds = await Promise.all(ids.map(async (id) => (await harness.answerOf(id)).kind))
    assert.deepEqual(kinds, ['recalled', 'recalled', 'recalled', 'recalled'])
    assert.equal(harness.completions.length, 4)
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
    {
      ending: 'throwHopeless',
      reason: 'handler',
      name: 'HopelessCase',
      message: 'no use in trying again',
      retryable: false,
    },
    {
      ending: 'rejectHopeless',
      reason: 'handler',
      name: 'HopelessCase',
      message: 'no use in trying again',
      retryable: false,
    },
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

  it('9. binds log lines to the first 256 bytes of a key that is longer, which its handler gets whole', async () => {
    await using harness = await EngineHarness.started(create)
    submitTelling(harness, 'a', 41, 1, 'k'.repeat(100_000))
    await harness.atGate('a')
    harness.open('a')
    await harness.until(() => harness.completions.length === 1)
    const [line] = harness.logs.filter(({ fields }) => fields.offset === 41)
    assert.equal(line?.fields.key, `${'k'.repeat(256)}…`)
    assert.equal((harness.news[0] as { readonly key: string }).key.length, 100_000)
  })
}

function submitTelling(
  harness: EngineHarness,
  name: string,
  offset: number,
  attempt: number,
  key = `key-${name}`,
): void {
  const value = Buffer.from(JSON.stringify({ do: 'tell', name }))
  const record = {
    partition: 2,
    offset,
    key: Buffer.from(key),
    headers: [['traceparent', Buffer.from(`trace-${name}`)] as const],
  }
  harness.submit(value, record, attempt)
}
