/** The worker engine and records that end their threads: what runs apart, on which thread, and what it keeps from running. */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { FaultyHarness, type FaultySetup } from './faulty-harness.ts'
import { bundledEntries } from './worker-entries/bundle.ts'
import type { Fault } from './worker-entries/faulty.ts'

const { faulty } = await bundledEntries('faulty')
const LIMIT = { timeout: 120_000 }

afterEach(() => {
  delete process.env.FAULTY_SETUP
})

/** As the manager does it: what was interrupted is submitted again under its own position. */
function submitAt(harness: FaultyHarness, offset: number, fault: Fault): number {
  return harness.submit(Buffer.from(JSON.stringify(fault)), { offset })
}

async function withSuspect(setup: FaultySetup): Promise<FaultyHarness> {
  const harness = await FaultyHarness.running(faulty, setup)
  await harness.failureOf(submitAt(harness, 1, { do: 'exit' }))
  return harness
}

describe('WorkerEngine: records that run apart', LIMIT, () => {
  it('have a thread beside the others, begun when it is needed', async () => {
    await using harness = await withSuspect({ threads: 1 })
    assert.equal(harness.worker.threads.running, 1)
    const suspect = submitAt(harness, 1, { do: 'wait', name: 'suspect' })
    await harness.atGate('suspect')
    assert.equal(harness.worker.threads.running, 2)
    assert.deepEqual(await harness.outcomeOf(harness.tell({ do: 'nothing' })), { kind: 'succeeded' })
    assert.equal(harness.completionOf(suspect), undefined)
    harness.open('suspect')
    await harness.outcomeOf(suspect)
  })

  it('take no slot while they wait for their thread, and one while they run', async () => {
    await using harness = await withSuspect({ threads: 1, concurrency: 1 })
    await harness.outcomeOf(harness.tell({ do: 'nothing' }))
    process.env.FAULTY_SETUP = 'fails'
    const suspect = submitAt(harness, 1, { do: 'wait', name: 'suspect' })
    await harness.until(() => harness.worker.counters.failedStarts === 2)
    assert.equal(harness.worker.setAside, 1)
    assert.deepEqual(await harness.outcomeOf(harness.tell({ do: 'nothing' })), { kind: 'succeeded' })
    delete process.env.FAULTY_SETUP
    await harness.atGate('suspect')
    assert.equal(harness.worker.setAside, 0)
    harness.open('suspect')
    await harness.outcomeOf(suspect)
  })

  it('never run beside as many others as there are slots: with one slot they take turns', async () => {
    await using harness = await withSuspect({ threads: 1, concurrency: 1 })
    const suspect = submitAt(harness, 1, { do: 'wait', name: 'suspect' })
    await harness.atGate('suspect')
    assert.throws(() => harness.tell({ do: 'nothing' }), { code: 'PYR_ENGINE_FULL' })
    harness.open('suspect')
    await harness.outcomeOf(suspect)
    assert.deepEqual(await harness.outcomeOf(harness.tell({ do: 'nothing' })), { kind: 'succeeded' })
  })

  it('are not those that ran beside one which the thread could name: they run together again', async () => {
    await using harness = await FaultyHarness.running(faulty)
    const running = async (offset: number) => {
      const id = submitAt(harness, offset, { do: 'wait', name: `beside ${offset}` })
      await harness.atGate(`beside ${offset}`)
      return id
    }
    // The thread that is begun after this one keeps track of what it runs.
    const first = [await running(2), submitAt(harness, 1, { do: 'exitLater' })]
    for (const id of first) await harness.failureOf(id)
    const second = [await running(4), await running(5), submitAt(harness, 3, { do: 'exitLater' })]
    for (const id of second) await harness.failureOf(id)
    // Apart, the second would not begin before the first has ended.
    const again = [4, 5].map((offset) => submitAt(harness, offset, { do: 'wait', name: `again ${offset}` }))
    for (const offset of [4, 5]) await harness.atGate(`again ${offset}`)
    for (const offset of [4, 5]) harness.open(`again ${offset}`)
    for (const id of again) await harness.outcomeOf(id)
  })

  it('have a fresh thread each where threads are renewed after each record', async () => {
    await using harness = await withSuspect({ threads: 1, recycleAfter: 1 })
    const seen = new Set<number>()
    for (let round = 0; round < 3; round++) {
      await harness.failureOf(submitAt(harness, 2, { do: 'exit' }))
      await harness.outcomeOf(submitAt(harness, 2, { do: 'tellThread' }))
      const news = harness.news.at(-1) as { readonly threadId: number; readonly setups: number }
      assert.equal(news.setups, 1)
      seen.add(news.threadId)
    }
    assert.equal(seen.size, 3)
  })

  it('are interrupted by a close while their thread is begun, which settles at once', async () => {
    await using harness = await withSuspect({ threads: 1 })
    process.env.FAULTY_SETUP = 'hangs'
    const suspect = submitAt(harness, 1, { do: 'nothing' })
    while (harness.worker.threads.running < 2) await new Promise((resolve) => setImmediate(resolve))
    const at = performance.now()
    await harness.engine.close(60_000)
    assert.ok(performance.now() - at < 10_000)
    assert.equal((await harness.outcomeOf(suspect)).kind, 'interrupted')
    assert.equal(harness.worker.threads.running, 0)
  })

  it('wait while their thread does not come up; the others go on', async () => {
    await using harness = await withSuspect({ threads: 1 })
    await harness.outcomeOf(harness.tell({ do: 'nothing' }))
    process.env.FAULTY_SETUP = 'fails'
    const suspect = submitAt(harness, 1, { do: 'nothing' })
    await harness.until(() => harness.worker.counters.failedStarts === 2)
    for (let record = 0; record < 20; record++) await harness.outcomeOf(harness.tell({ do: 'nothing' }))
    assert.equal(harness.completionOf(suspect), undefined)
    delete process.env.FAULTY_SETUP
    assert.deepEqual(await harness.outcomeOf(suspect), { kind: 'succeeded' })
  })

  it('are not what pauses: a thread that dies before it has come to any record is replaced with a pause', async () => {
    await using harness = await FaultyHarness.running(faulty)
    process.env.FAULTY_SETUP = 'dies soon'
    await harness.outcomeOf(harness.tell({ do: 'exit' }))
    await harness.until(() => harness.worker.counters.restarts === 4)
    const at = performance.now()
    await harness.until(() => harness.worker.counters.restarts === 5)
    assert.ok(performance.now() - at > 200)
  })

  it('are not needed for a thread to be replaced that has died as soon as it was ready, unseen by a busy process', async () => {
    await using harness = await FaultyHarness.running(faulty)
    process.env.FAULTY_SETUP = 'dies soon'
    await harness.outcomeOf(harness.tell({ do: 'exit' }))
    for (let restarts = 2; restarts <= 4; restarts++) {
      while (harness.worker.threads.running === 0) await new Promise((resolve) => setImmediate(resolve))
      seeNothing(500)
      await harness.until(() => harness.worker.counters.restarts === restarts)
    }
    assert.equal(harness.worker.counters.failedStarts, 0)
    delete process.env.FAULTY_SETUP
    assert.deepEqual(await harness.outcomeOf(harness.tell({ do: 'nothing' })), { kind: 'succeeded' })
  })

  it('get another thread when theirs has died as soon as it was ready, unseen by a busy process', async () => {
    await using harness = await withSuspect({ threads: 1 })
    await harness.outcomeOf(harness.tell({ do: 'nothing' }))
    process.env.FAULTY_SETUP = 'dies soon'
    const suspect = submitAt(harness, 1, { do: 'nothing' })
    while (harness.worker.threads.running < 2) await new Promise((resolve) => setImmediate(resolve))
    seeNothing(500)
    await harness.until(() => harness.worker.counters.restarts === 2)
    delete process.env.FAULTY_SETUP
    assert.deepEqual(await harness.outcomeOf(suspect), { kind: 'succeeded' })
  })
})

/** A thread that is ready and dies in this time tells both in one turn of the event loop. */
function seeNothing(forMs: number): void {
  const endAt = performance.now() + forMs
  while (performance.now() < endAt);
}
