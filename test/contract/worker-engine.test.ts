/** The worker engine under the conformance suite, with one thread and with two. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WorkerEngine } from '../../framework/execution-plane/worker/worker-engine.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { OutgoingRecord } from '../../framework/model/record.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { type CreateEngine, EngineHarness, type EngineSetup } from './engine-harness.ts'
import { describeExecutionEngine } from './execution-engine.suite.ts'
import { bundledEntries } from './worker-entries/bundle.ts'

const entries = await bundledEntries(
  'doesAsTold',
  'checked',
  'nested',
  'batched',
  'scripted',
  'scriptedBatch',
  'inFormat',
  'inFormatBatch',
  'inJson',
  'inProtobuf',
  'keyed',
  'keyedBatch',
)

for (const threads of [1, 2]) {
  describeExecutionEngine(`WorkerEngine with threads: ${threads}`, { canKill: true }, engineWith(threads))
}

describe('WorkerEngine and a tick that keeps its thread busy', { timeout: 60_000 }, () => {
  it('ends the thread after its time, says so, and goes on with another', async () => {
    const limits = { timeoutMs: 50, abandonAfterMs: 50 }
    await using harness = await EngineHarness.started(engineWith(1), limits)
    await harness.outcomeOf(harness.order({ do: 'setTick', name: 'spin' }))
    const signal = new AbortController().signal
    const outcome = await harness.engine.tick({ of: null, isDraining: false, signal })
    const why = outcome.kind === 'failed' ? outcome.failure.message : ''
    assert.match(why, /its thread was ended, because the tick of its handler ignored its signal/)
    assert.deepEqual(await harness.outcomeOf(harness.order({ do: 'return' })), { kind: 'succeeded' })
  })
})

describe('WorkerEngine and outputs of exactly-once groups', { timeout: 60_000 }, () => {
  it('looks at each one that comes from a thread, which does not know all formats: refused, the attempt has failed', async () => {
    const checkReceived = ({ topic }: OutgoingRecord) => {
      if (topic === 'other') throw new PyrallelError('PYR_SCHEMA', 'not in its format')
    }
    const rules = { maxAttemptBytes: 10_000, maxRecordBytes: 1_000, requireTopic: () => undefined, checkReceived }
    await using harness = await EngineHarness.started(engineWith(1), { handlerName: 'scripted', outputs: rules })
    const published = (...topics: readonly string[]) =>
      harness.submit(Buffer.from(JSON.stringify({ steps: topics.map((to) => ({ publish: 1, to })) })))
    const failure = await harness.failureOf(published('out', 'other'))
    assert.equal(failure.message, 'not in its format')
    assert.equal((await harness.outcomeOf(published('out'))).kind, 'succeeded')
  })
})

function engineWith(threads: number): CreateEngine {
  return ({ handlerName, publish, ...setup }: EngineSetup) =>
    new WorkerEngine({
      ...setup,
      handlerId: 'suite',
      group: 'suite',
      entry: entries[handlerName],
      threads,
      clock: systemClock(),
      // The suite's publishes carry JSON; a thread hands over what is to be produced.
      produce: async ({ topic, value }: OutgoingRecord) => {
        await publish(topic, value === null ? null : (JSON.parse(value.toString()) as unknown))
        return { partition: 0, offset: 0 }
      },
    })
}
