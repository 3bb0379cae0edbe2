/** What every engine owes to what exactly-once handlers publish. A part of execution-engine.suite.ts. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { Outcome } from '../../framework/model/work.ts'
import type { OutputRules } from '../../framework/publishing/output-rules.ts'
import { type CreateEngine, EngineHarness } from './engine-harness.ts'
import type { EngineFeatures } from './execution-engine-time.suite.ts'
import type { Script, Step } from './scripted-handlers.ts'

const rules: OutputRules = { maxAttemptBytes: 10_000, maxRecordBytes: 1_000, requireTopic: () => undefined }
const out = (value: unknown, more: Partial<Extract<Step, { readonly publish: unknown }>> = {}): Step => ({
  publish: value,
  ...more,
})

type Setup = Parameters<typeof EngineHarness.started>[1]

export function describeOutputs(create: CreateEngine, features: EngineFeatures): void {
  describe('and outputs of exactly-once groups', () => {
    const started = (setup: Setup = {}) =>
      EngineHarness.started(create, { handlerName: 'scripted', outputs: rules, ...setup })
    describeKeeping(started)
    describeLimits(started)
    describeDropping(started, features)
    describeBatchOutputs((setup = {}) => started({ handlerName: 'scriptedBatch', ...setup }))
    describeOrderOfOutcomes(started)
  })
}

type Started = (setup?: Setup) => Promise<EngineHarness>

/** The outputs of an outcome: their values, with the index of the record that they belong to. */
function outputsOf(outcome: Outcome): readonly unknown[] {
  if (!('outputs' in outcome)) return []
  const told = ({ of, value }: NonNullable<typeof outcome.outputs>[number]) => {
    const text: unknown = value === null ? null : JSON.parse(value.toString())
    return of === undefined ? text : [of, text]
  }
  return outcome.outputs?.map(told) ?? []
}

function script(harness: EngineHarness, ...steps: readonly Step[]): number {
  return harness.submit(Buffer.from(JSON.stringify({ steps } satisfies Script)))
}

function scriptBatch(harness: EngineHarness, ...scripts: readonly (readonly Step[] | Script | string)[]): number {
  return harness.submitBatch(scripts.map((each) => (Array.isArray(each) ? { steps: each } : (each as object | string))))
}

function describeKeeping(started: Started): void {
  it('13. brings them with the outcome, whole and in the order of the calls, and sends none', async () => {
    await using harness = await started()
    const id = script(harness, out({ n: 1 }, { key: 'k', header: 'h' }), out(null), out('é', { to: 'other' }))
    assert.deepEqual(await harness.outcomeOf(id), {
      kind: 'succeeded',
      outputs: [
        {
          topic: 'out',
          key: Buffer.from('k'),
          value: Buffer.from('{"n":1}'),
          headers: [['header', Buffer.from('h')]],
        },
        { topic: 'out', key: null, value: null, headers: [] },
        { topic: 'other', key: null, value: Buffer.from('"é"'), headers: [] },
      ],
    })
    assert.deepEqual(harness.news, [])
  })

  it('13. says nothing of outputs where a handler has none', async () => {
    await using harness = await started()
    assert.deepEqual(await harness.outcomeOf(script(harness)), { kind: 'succeeded' })
    const skipped = harness.submit(Buffer.from(JSON.stringify({ steps: [out(1)], skip: true })))
    assert.deepEqual(await harness.outcomeOf(skipped), { kind: 'succeeded', filtered: true })
  })

  it('13. sends at once where the group is none of exactly once, whichever record is named', async () => {
    await using harness = await started({ outputs: undefined })
    const id = script(harness, out('a', { to: 'news', of: 'own' }))
    assert.deepEqual(await harness.outcomeOf(id), { kind: 'succeeded' })
    assert.deepEqual(harness.news, ['a'])
    const failure = await harness.failureOf(script(harness, out('a', { to: 'news', of: 'copy' })))
    assert.match(failure.message, /names in `of` a record that this call was not given/)
  })

  it('13. keeps what was not awaited, too, and what was said in a log line before', async () => {
    await using harness = await started()
    const steps = [{ log: 'first' }, out(1, { how: 'unawaited' }), out(2, { how: 'unawaited' }), out(3)] as const
    assert.deepEqual(outputsOf(await harness.outcomeOf(script(harness, ...steps))), [1, 2, 3])
    assert.equal(harness.logs.length, 1)
  })

  it("13. keeps the order of the calls where one's topic has to be asked about first", async () => {
    const asked: (() => void)[] = []
    const requireTopic = (topic: string) => {
      if (topic === 'out') return undefined
      return new Promise<void>((resolve) => asked.push(resolve))
    }
    await using harness = await started({ outputs: { ...rules, requireTopic } })
    const steps = [out(1, { to: 'new', how: 'unawaited' }), out(2), out(3, { to: 'new', how: 'unawaited' })]
    const id = script(harness, ...steps)
    await harness.polled(() => asked.length > 0)
    for (let turn = 0; turn < 3; turn++) await nextTurn()
    assert.equal(harness.completions.length, 0)
    for (const exists of asked) exists()
    assert.deepEqual(outputsOf(await harness.outcomeOf(id)), [1, 2, 3])
  })

  it("13. keeps a header's bytes as they were, though the handler uses them again", async () => {
    await using harness = await started()
    const outcome = await harness.outcomeOf(script(harness, { reuse: ['a', 'b', 'c'] }))
    const outputs = 'outputs' in outcome ? outcome.outputs : undefined
    const bytes = outputs?.map(({ headers }) => headers[0]?.[1]?.toString())
    assert.deepEqual(bytes, ['a', 'b', 'c'])
  })

  it('13. lets a handler of single records name its own record, and none other', async () => {
    await using harness = await started()
    assert.deepEqual(outputsOf(await harness.outcomeOf(script(harness, out('own', { of: 'own' })))), ['own'])
    const stranger = await harness.failureOf(script(harness, out('other', { of: 'copy' })))
    assert.match(stranger.message, /names in `of` a record that this call was not given/)
  })

  it('13. refuses what a tick publishes, in words', async () => {
    await using harness = await started()
    await harness.outcomeOf(script(harness))
    const outcome = await harness.engine.tick({ of: null, isDraining: false, signal: new AbortController().signal })
    const message = outcome.kind === 'failed' ? outcome.failure.message : ''
    assert.match(
      message,
      /called by a tick.* becomes visible with a record\. Call the publish of that record's own context/,
    )
    assert.deepEqual(harness.news, [])
  })
}

function describeLimits(started: Started): void {
  it('13. gives a record up, without a retry, whose outputs take more than one attempt may', async () => {
    await using harness = await started()
    const fits = { flood: 100, bytes: 4 } as const
    const [enough, ...tooMuch] = [
      [fits],
      [fits, out(1)],
      [fits, out(1, { how: 'caught' })],
      [fits, out(1), { throw: 'x' }],
    ]
    assert.equal(outputsOf(await harness.outcomeOf(script(harness, ...(enough as Step[])))).length, 100)
    for (const steps of tooMuch) {
      const { reason, retryable, name, message } = await harness.failureOf(script(harness, ...(steps as Step[])))
      assert.deepEqual([reason, retryable, name], ['handler', false, 'PyrallelError'])
      assert.match(message, /more than 10000 bytes of memory, a quarter of limits\.maxBytes/)
    }
  })

  it('13. fails a publish that is larger than the client takes, and keeps the others', async () => {
    await using harness = await started()
    const large = 'x'.repeat(1_000)
    const failure = await harness.failureOf(script(harness, out(large)))
    assert.match(failure.message, /has 1002 bytes, and the client \(message\.max\.bytes\) takes 1000/)
    const caught = script(harness, out(1), out(large, { how: 'caught' }), out(2))
    assert.deepEqual(outputsOf(await harness.outcomeOf(caught)), [1, 2])
  })

  it('13. fails a publish whose topic does not exist, with the error that was given', async () => {
    const requireTopic = async () => {
      throw new PyrallelError('PYR_TOPIC_UNKNOWN', 'The record was not kept: topic out does not exist.')
    }
    await using harness = await started({ outputs: { ...rules, requireTopic } })
    for (const how of [undefined, 'unawaited'] as const) {
      const { name, message, retryable } = await harness.failureOf(script(harness, out(1, how && { how })))
      assert.deepEqual([name, retryable], ['PyrallelError', true])
      assert.match(message, /topic out does not exist/)
    }
    assert.deepEqual(await harness.outcomeOf(script(harness, out(1, { how: 'caught' }))), { kind: 'succeeded' })
    // What was refused takes no room.
    const refused = Array.from({ length: 20 }, () => out('x'.repeat(900), { how: 'caught' }))
    assert.deepEqual(await harness.outcomeOf(script(harness, ...refused)), { kind: 'succeeded' })
  })
}

function describeDropping(started: Started, { canKill }: EngineFeatures): void {
  it('13. drops those of an attempt that fails, is given up, or is to be tried later', async () => {
    await using harness = await started()
    for (const end of [{ throw: 'x' }, { giveUp: 'x' }, { pause: 'x' }]) {
      const outcome = await harness.outcomeOf(script(harness, out(1), end))
      assert.deepEqual([outcome.kind, 'outputs' in outcome], ['failed', false])
    }
  })

  it('13. drops those of an attempt that is over its time, or was told to stop', async () => {
    await using harness = await started({ timeoutMs: 300 })
    const [late, stopped] = (['return', 'throw'] as const).map((untilAborted) =>
      script(harness, out(1), { log: untilAborted }, { untilAborted }),
    )
    await harness.until(() => harness.logs.length === 2)
    harness.engine.abort(({ id }) => id === stopped)
    const kinds = await Promise.all([late!, stopped!].map((id) => harness.outcomeOf(id)))
    assert.deepEqual(
      kinds.map((outcome) => [outcome.kind, 'outputs' in outcome]),
      [
        ['timed-out', false],
        ['interrupted', false],
      ],
    )
  })

  it('13. refuses what is published after the end, and says so', async () => {
    await using harness = await started()
    assert.deepEqual(outputsOf(await harness.outcomeOf(script(harness, out(1), { publishLate: 2 }))), [1])
    await harness.until(() => harness.logs.length > 0)
    assert.equal(harness.logs[0]!.fields.verb, 'publish()')
  })

  if (!canKill) return
  it('13. drops those of an attempt that takes its thread with it', async () => {
    await using harness = await started()
    const outcome = await harness.outcomeOf(script(harness, out(1), { exit: 1 }))
    assert.deepEqual([outcome.kind, 'outputs' in outcome], ['interrupted', false])
  })
}

function describeBatchOutputs(started: Started): void {
  it('13. says of which record of a batch each is, and names none for those of the call', async () => {
    await using harness = await started()
    const id = scriptBatch(
      harness,
      [out('a', { of: 'own' })],
      [out('all')],
      [out('c', { of: 'own' }), out('d', { of: 'own' })],
    )
    assert.deepEqual(outputsOf(await harness.outcomeOf(id)), [[0, 'a'], 'all', [2, 'c'], [2, 'd']])
  })

  it('13. drops those of the records that have failed, and of no others', async () => {
    await using harness = await started()
    const own = (value: string) => out(value, { of: 'own' })
    const outcome = await harness.outcomeOf(scriptBatch(harness, [own('a')], [own('b'), { fail: 'no' }], [own('c')]))
    assert.ok(outcome.kind === 'partial')
    assert.deepEqual(
      [[...outcome.failures.keys()], outputsOf(outcome)],
      [
        [1],
        [
          [0, 'a'],
          [2, 'c'],
        ],
      ],
    )
  })

  it('13. fails a batch as a whole that has published for all, and of which one record has failed', async () => {
    await using harness = await started()
    const failure = await harness.failureOf(scriptBatch(harness, [out('all')], [{ fail: 'no' }], []))
    assert.deepEqual([failure.reason, failure.retryable], ['handler', true])
    assert.equal(failure.message, 'no (the batch has published for all of its records, so it runs again in parts)')
  })

  it('13. lets a record that is alone in its batch fail as itself', async () => {
    await using harness = await started()
    const outcome = await harness.outcomeOf(scriptBatch(harness, [out('all'), { fail: 'no' }]))
    assert.ok(outcome.kind === 'partial' && outcome.failures.get(0)?.message === 'no', outcome.kind)
    assert.deepEqual(outputsOf(outcome), [])
  })

  it('13. keeps those of the call beside records that it was not given', async () => {
    await using harness = await started()
    const outcome = await harness.outcomeOf(scriptBatch(harness, [out('all')], '{', { steps: [], skip: true }))
    assert.ok(outcome.kind === 'partial')
    assert.deepEqual([[...outcome.failures.keys()], outputsOf(outcome)], [[1], ['all']])
  })

  it('13. drops those of a batch that is to be tried later as it is', async () => {
    await using harness = await started()
    const steps = [out('a', { of: 'own' }), out('all'), { pause: 'busy' }]
    const outcome = await harness.outcomeOf(scriptBatch(harness, steps, []))
    assert.ok(outcome.kind === 'partial' && outcome.pause?.message === 'busy')
    assert.deepEqual(outputsOf(outcome), [])
  })

  it('13. fails a batch as a whole whose outputs take more than one attempt may, so that it is split', async () => {
    await using harness = await started()
    const flood = { flood: 60, bytes: 4 } as const
    const failure = await harness.failureOf(scriptBatch(harness, [flood], [flood, { fail: 'no' }]))
    assert.match(failure.message, /a quarter of limits\.maxBytes/)
    assert.equal(failure.retryable, false)
  })

  it('13. refuses the name of a record that is none of the batch', async () => {
    await using harness = await started()
    const failure = await harness.failureOf(scriptBatch(harness, [out('a', { of: 'copy' })], []))
    assert.match(failure.message, /names in `of` a record that this call was not given/)
  })
}

function describeOrderOfOutcomes(started: Started): void {
  it('13. never answers one without its outputs, though hundreds end at once, with and without some', async () => {
    await using harness = await started({ concurrency: 400 })
    const stepsOf = (n: number): readonly Step[] => [
      ...(n % 5 === 0 ? [{ turns: n % 7 }] : []),
      ...(n % 3 === 0 ? [] : [out(n), out(-n)]),
      ...(n % 11 === 0 ? [{ throw: 'x' }] : []),
    ]
    const ids = Array.from({ length: 400 }, (_, n) => script(harness, ...stepsOf(n)))
    for (const [n, id] of ids.entries()) {
      const outcome = await harness.outcomeOf(id)
      assert.equal(outcome.kind, n % 11 === 0 ? 'failed' : 'succeeded')
      assert.deepEqual(outputsOf(outcome), n % 11 === 0 || n % 3 === 0 ? [] : [n, -n])
    }
  })
}
