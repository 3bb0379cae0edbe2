/** The worker engine's threads: who gets which record, which options count, and how threads begin and end. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { FaultyHarness, type FaultySetup } from './faulty-harness.ts'
import { bundledEntries } from './worker-entries/bundle.ts'

const { batched, faulty } = await bundledEntries('batched', 'faulty')
const LIMIT = { timeout: 300_000 }

interface ThreadNews {
  readonly threadId: number
  readonly setups: number
  readonly resourceLimits: { readonly maxOldGenerationSizeMb?: number; readonly stackSizeMb?: number }
}

afterEach(() => {
  delete process.env.FAULTY_SETUP
  delete process.env.FAULTY_TEARDOWN_FILE
})

/** What a thread can wait for that does not give its event loop back. */
class FileGate implements AsyncDisposable {
  readonly path: string
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
    this.path = join(folder, 'open')
  }

  static async made(): Promise<FileGate> {
    return new FileGate(await mkdtemp(join(tmpdir(), 'pyrallel-gate-')))
  }

  open(): Promise<void> {
    return writeFile(this.path, '')
  }

  /** Opened first, or a test that fails would leave a thread behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.open()
    await rm(this.#folder, { recursive: true })
  }
}

/** What the threads say of themselves that run `count` records, each of which takes a moment. */
async function askThreads(harness: FaultyHarness, count: number): Promise<readonly ThreadNews[]> {
  const before = harness.news.length
  const ids = Array.from({ length: count }, () => harness.tell({ do: 'tellThread' }))
  for (const id of ids) await harness.outcomeOf(id)
  return harness.news.slice(before) as ThreadNews[]
}

describe('WorkerEngine: who gets which record', LIMIT, () => {
  it('does not let a slow record hold back those behind it while another thread idles', async () => {
    await using gate = await FileGate.made()
    await using harness = await FaultyHarness.running(faulty, { threads: 2, concurrency: 100 })
    const slow = harness.tell({ do: 'blockUntil', name: gate.path })
    const fast = Array.from({ length: 60 }, () => harness.tell({ do: 'work', ms: 1 }))
    for (const id of fast) await harness.outcomeOf(id)
    assert.equal(harness.completionOf(slow), undefined)
    assert.ok(harness.worker.counters.moved > 0)
    await gate.open()
    await harness.outcomeOf(slow)
  })

  it('shows what each thread runs, since when, and how much it still has to begin', async () => {
    await using gate = await FileGate.made()
    await using harness = await FaultyHarness.running(faulty, { threads: 2, concurrency: 2 })
    const before = Date.now()
    const headers = [['__key_schema_id', Buffer.of(1)]] as const
    const value = Buffer.from(JSON.stringify({ do: 'blockUntil', name: gate.path }))
    const slow = harness.submit(
      value,
      { topic: 'orders', partition: 3, offset: 19, key: Buffer.from('c9'), headers },
      2,
    )
    await harness.polled(() => harness.worker.threadViews().some(({ runningCount }) => runningCount === 1))
    const views = harness.worker.threadViews()
    assert.deepEqual(
      views.map(({ handlerId, state, isApart }) => [handlerId, state, isApart]),
      [
        ['faulty', 'open', false],
        ['faulty', 'open', false],
      ],
    )
    assert.equal(new Set(views.map(({ threadId }) => threadId)).size, 2)
    const [{ startedAt, ...runs } = { startedAt: 0 }, ...others] = views.flatMap(({ running }) => running)
    assert.deepEqual(others, [])
    const key = Buffer.from('c9')
    assert.deepEqual(runs, { topic: 'orders', partition: 3, offset: 19, key, headers, records: 1, attempt: 2 })
    assert.ok(startedAt >= before - 1 && startedAt <= Date.now() + 1, `${startedAt} is not after ${before}`)
    await gate.open()
    await harness.outcomeOf(slow)
    assert.equal(harness.worker.threadViews()[0]?.runningCount, 0)
  })

  it('tells the heap of a thread that has been asked about, where Node does', async () => {
    await using harness = await FaultyHarness.running(faulty)
    await harness.outcomeOf(harness.tell({ do: 'nothing' }))
    const heap = () => harness.worker.threadViews()[0]?.heapUsedBytes ?? null
    assert.equal(heap(), null)
    if ('getHeapStatistics' in Worker.prototype) await harness.polled(() => heap() !== null)
    else assert.equal(heap(), null)
    assert.ok((heap() ?? 1_000_001) > 1_000_000)
  })

  for (const fault of ['nothing', 'nothingLater'] as const) {
    it(`answers records that are done while a slow one behind them blocks their thread: ${fault}`, async () => {
      await using gate = await FileGate.made()
      await using harness = await FaultyHarness.running(faulty)
      const done = Array.from({ length: 10 }, () => harness.tell({ do: fault }))
      const slow = harness.tell({ do: 'blockUntil', name: gate.path })
      for (const id of done) await harness.outcomeOf(id)
      assert.equal(harness.completionOf(slow), undefined)
      await gate.open()
      await harness.outcomeOf(slow)
    })
  }

  it('sends what is ready for a thread in one message, and counts messages and what they cost', async () => {
    await using harness = await FaultyHarness.running(faulty, { concurrency: 40 })
    const ids = Array.from({ length: 40 }, () => harness.tell({ do: 'nothing' }))
    for (const id of ids) await harness.outcomeOf(id)
    const { batches, boundaryMs } = harness.worker.threads
    assert.equal(batches, 1)
    assert.ok(boundaryMs > 0 && boundaryMs < 1_000, `${boundaryMs} ms`)
  })

  it('uses all its threads', async () => {
    await using harness = await FaultyHarness.running(faulty, { threads: 3, concurrency: 30 })
    const seen = new Set<number>()
    // Again, because what waits on a thread that the machine lets wait is moved to the others.
    while (seen.size < 3) for (const { threadId } of await askThreads(harness, 30)) seen.add(threadId)
    assert.equal(harness.worker.threads.running, 3)
  })

  it('sends no more to a thread on which a handler is overdue, as long as there is another', async () => {
    await using harness = await FaultyHarness.running(faulty, { threads: 2, timeoutMs: 100, abandonAfterMs: 1_500 })
    const stuck = harness.tell({ do: 'wait', name: 'stuck' })
    await harness.atGate('stuck')
    // Longer than the timeout and what is waited beyond it: each ends as timed out, by itself.
    for (let round = 0; round < 2; round++) {
      const ids = [harness.tell({ do: 'work', ms: 120 }), harness.tell({ do: 'work', ms: 120 })]
      for (const id of ids) await harness.outcomeOf(id)
    }
    const before = harness.news.length
    assert.equal(new Set((await askThreads(harness, 10)).map(({ threadId }) => threadId)).size, 1)
    assert.equal(harness.news.length, before + 10)
    harness.open('stuck')
    assert.equal((await harness.outcomeOf(stuck)).kind, 'timed-out')
    assert.equal(harness.worker.counters.restarts, 0)
  })
})

describe('WorkerEngine: its options', LIMIT, () => {
  it('begins a thread for each core when it is not told how many', async () => {
    await using harness = await FaultyHarness.running(faulty, { threads: undefined } as FaultySetup)
    assert.equal(harness.worker.threads.running, Math.max(1, availableParallelism()))
  })

  it('limits the resources of each thread', async () => {
    const resourceLimits = { maxOldGenerationSizeMb: 77, stackSizeMb: 2 }
    await using harness = await FaultyHarness.running(faulty, { resourceLimits })
    const [news] = await askThreads(harness, 1)
    assert.equal(news?.resourceLimits.maxOldGenerationSizeMb, 77)
    assert.equal(news?.resourceLimits.stackSizeMb, 2)
  })

  it('renews a thread that has been given as many records as allowed, and loses none meanwhile', async () => {
    await using harness = await FaultyHarness.running(faulty, { recycleAfter: 10 })
    const first = await askThreads(harness, 9)
    assert.equal(harness.worker.counters.recycled, 0)
    await askThreads(harness, 1)
    await untilRecycled(harness, 1)
    const second = await askThreads(harness, 1)
    assert.notEqual(second[0]?.threadId, first[0]?.threadId)
    assert.equal(second[0]?.setups, 1)
    assert.equal(harness.worker.counters.restarts, 0)
  })

  it('counts the records of a batch, not the batches', async () => {
    await using harness = await FaultyHarness.running(batched, { recycleAfter: 10 })
    const begun = () => harness.worker.threads.running + harness.worker.counters.recycled
    await harness.outcomeOf(harness.submitBatch(Array.from({ length: 9 }, () => ({ do: 'nothing' }))))
    assert.equal(begun(), 1)
    await harness.outcomeOf(harness.submitBatch([{ do: 'nothing' }]))
    assert.equal(begun(), 2)
  })

  it('renews no thread when it is not told to', async () => {
    await using harness = await FaultyHarness.running(faulty)
    const told = [...(await askThreads(harness, 16)), ...(await askThreads(harness, 16))]
    assert.equal(new Set(told.map(({ threadId }) => threadId)).size, 1)
  })
})

/** A thread's end is told by nothing but the counter; the engine's own work makes it come. */
async function untilRecycled(harness: FaultyHarness, count: number): Promise<void> {
  while (harness.worker.counters.recycled < count || harness.worker.threads.running > 1) {
    await harness.outcomeOf(harness.tell({ do: 'work', ms: 5 }))
  }
}

describe('WorkerEngine: how threads begin and end', LIMIT, () => {
  it('runs setup once in each thread, and teardown once in each that ends in order', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pyrallel-teardown-'))
    process.env.FAULTY_TEARDOWN_FILE = join(folder, 'teardowns')
    const told: ThreadNews[] = []
    {
      await using harness = await FaultyHarness.running(faulty, { threads: 2 })
      told.push(...(await askThreads(harness, 16)))
      await harness.engine.close(1_000)
    }
    assert.ok(told.every(({ setups }) => setups === 1))
    const tornDown = (await readFile(process.env.FAULTY_TEARDOWN_FILE, 'utf8')).trim().split('\n').map(Number)
    const threads = [...new Set(told.map(({ threadId }) => threadId))]
    assert.deepEqual(tornDown.sort(), threads.sort())
    await rm(folder, { recursive: true })
  })

  it('logs a teardown that fails, and ends all the same', async () => {
    process.env.FAULTY_SETUP = 'no teardown'
    await using harness = await FaultyHarness.running(faulty)
    await harness.engine.close(1_000)
    const line = harness.logs.find(({ message }) => message === "a handler's teardown failed")
    assert.match(String(line?.fields.err), /cannot tear down/)
    assert.equal(harness.worker.threads.running, 0)
  })

  it('passes on all that teardown writes', async () => {
    process.env.FAULTY_SETUP = 'wordy teardown'
    const { write } = process.stdout
    for (let round = 0; round < 5; round++) {
      let written = ''
      process.stdout.write = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
        const text = String(chunk)
        if (!text.startsWith('goodbye')) return Reflect.apply(write, process.stdout, [chunk, ...rest]) as boolean
        written += text
        for (const done of rest) if (typeof done === 'function') done()
        return true
      }
      try {
        await using harness = await FaultyHarness.running(faulty)
        await harness.engine.close(10_000)
      } finally {
        process.stdout.write = write
      }
      const lines = Array.from({ length: 200 }, (_, index) => `goodbye ${index + 1}\n`)
      assert.equal(written, lines.join(''))
    }
  })

  it('gives teardown the time of its grace', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pyrallel-teardown-'))
    process.env.FAULTY_SETUP = 'slow teardown'
    process.env.FAULTY_TEARDOWN_FILE = join(folder, 'teardowns')
    await using harness = await FaultyHarness.running(faulty)
    await harness.engine.close(60_000)
    assert.match(await readFile(process.env.FAULTY_TEARDOWN_FILE, 'utf8'), /^\d+\n$/)
    await rm(folder, { recursive: true })
  })

  for (const [what, shorten] of [
    ['the grace', 200],
    ['the grace of a second call', 60_000],
  ] as const) {
    it(`cuts a teardown that never ends at the end of ${what}, and says so`, async () => {
      process.env.FAULTY_SETUP = 'endless teardown'
      await using harness = await FaultyHarness.running(faulty)
      const at = performance.now()
      const closing = harness.engine.close(shorten)
      await harness.engine.close(200)
      await closing
      assert.ok(performance.now() - at < 10_000)
      assert.equal(harness.logs.at(-1)?.message, "a handler's teardown took too long and is cut")
      assert.equal(harness.worker.threads.running, 0)
    })
  }

  it('runs teardown in threads that have nothing to do while another is waited for', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pyrallel-teardown-'))
    process.env.FAULTY_TEARDOWN_FILE = join(folder, 'teardowns')
    await using harness = await FaultyHarness.running(faulty, { threads: 2 })
    const last = harness.tell({ do: 'wait', name: 'last' })
    await harness.atGate('last')
    const closing = harness.engine.close(60_000)
    while (harness.worker.threads.running > 1) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(harness.completionOf(last), undefined)
    harness.open('last')
    await closing
    assert.equal((await readFile(process.env.FAULTY_TEARDOWN_FILE, 'utf8')).trim().split('\n').length, 2)
    await rm(folder, { recursive: true })
  })

  it('is closed at once while a setup hangs, and begins no other thread', async () => {
    process.env.FAULTY_SETUP = 'hangs'
    await using harness = new FaultyHarness(faulty, { threads: 2 })
    const starting = harness.start()
    while (harness.worker.threads.running < 2) await new Promise((resolve) => setImmediate(resolve))
    const at = performance.now()
    await harness.engine.close(60_000)
    await starting
    assert.ok(performance.now() - at < 10_000)
    assert.deepEqual([harness.worker.threads.running, harness.worker.counters.failedStarts], [0, 0])
  })

  it('begins no thread once it is closed: what waits for one is interrupted', async () => {
    await using harness = await FaultyHarness.running(faulty)
    process.env.FAULTY_SETUP = 'fails'
    await harness.outcomeOf(harness.tell({ do: 'exit' }))
    const waiting = harness.tell({ do: 'nothing' })
    await harness.until(() => harness.worker.counters.failedStarts === 2)
    const at = performance.now()
    await harness.engine.close(60_000)
    assert.ok(performance.now() - at < 10_000)
    assert.equal((await harness.outcomeOf(waiting)).kind, 'interrupted')
    assert.equal(harness.worker.counters.failedStarts, 2)
  })

  it('ends a spinning thread within the bound of close, and answers what ran there and behind it', async () => {
    await using harness = await FaultyHarness.running(faulty)
    const ids = [harness.tell({ do: 'spin' }), harness.tell({ do: 'nothing' })]
    await harness.until(() => harness.engine.inFlight === 2)
    const at = performance.now()
    await harness.engine.close(50)
    assert.ok(performance.now() - at < 3_000)
    for (const id of ids) assert.equal((await harness.outcomeOf(id)).kind, 'interrupted')
    assert.equal(harness.worker.threads.running, 0)
  })

  it('may be closed while it starts; no thread survives', async () => {
    await using harness = new FaultyHarness(faulty, { threads: 2 })
    const starting = harness.start()
    await harness.engine.close(0)
    await starting
    assert.equal(harness.worker.threads.running, 0)
    assert.throws(() => harness.tell({ do: 'nothing' }), { code: 'PYR_ENGINE_CLOSED' })
  })

  it('starts from TypeScript too, for which nothing was bundled', async () => {
    await using harness = await FaultyHarness.running(new URL('./worker-entries/faulty.ts', import.meta.url).href)
    assert.deepEqual(await harness.outcomeOf(harness.tell({ do: 'nothing' })), { kind: 'succeeded' })
  })
})
