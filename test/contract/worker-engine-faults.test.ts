/** The worker engine and handlers that do their worst: one completion each, the others unharmed, the thread replaced, and all of it told. */
import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ManualClock } from '../../framework/testing/manual-clock.ts'
import { FaultyHarness, type FaultySetup } from './faulty-harness.ts'
import { bundledEntries } from './worker-entries/bundle.ts'
import type { Fault } from './worker-entries/faulty.ts'

const { faulty } = await bundledEntries('faulty')
const LIMIT = { timeout: 300_000 }
const DIED = 'a worker thread has died and is replaced'
const NOT_STARTED = 'a worker thread could not be started'

afterEach(() => {
  delete process.env.FAULTY_SETUP
})

function linesOf(harness: FaultyHarness, message: string): readonly Readonly<Record<string, unknown>>[] {
  return harness.logs.filter((line) => line.message === message).map(({ fields }) => fields)
}

/** Those behind it are unharmed, and run in the order in which they were submitted. */
async function requireDoneInOrder(harness: FaultyHarness, ids: readonly number[]): Promise<void> {
  for (const id of ids) assert.deepEqual(await harness.outcomeOf(id), { kind: 'succeeded' })
  const completed = harness.completions.map(({ workId }) => workId).filter((id) => ids.includes(id))
  assert.deepEqual(completed, ids)
}

describe('WorkerEngine: a handler that ends its thread', LIMIT, () => {
  const table: readonly (readonly [what: string, fault: Fault['do'], why: RegExp, setup?: FaultySetup])[] = [
    ['calls process.exit', 'exit', /ended itself with exit code 7/],
    [
      'sets off what threw beside all attempts',
      'throwBeside',
      /outside of any attempt: RangeError: nobody catches this/,
    ],
    ['runs out of memory', 'outOfMemory', /ran out of memory/, { resourceLimits: { maxOldGenerationSizeMb: 24 } }],
  ]
  for (const [what, fault, why, setup] of table) {
    it(`${what}: it is interrupted, those behind it run elsewhere, and the thread is replaced`, async () => {
      await using harness = await FaultyHarness.running(faulty, setup)
      const deadly = harness.tell({ do: fault })
      const behind = Array.from({ length: 5 }, () => harness.tell({ do: 'nothing' }))
      const failure = await harness.failureOf(deadly)
      assert.equal(failure.reason, 'interrupted')
      assert.match(failure.message, why)
      await requireDoneInOrder(harness, behind)
      const [line, ...others] = linesOf(harness, DIED)
      assert.deepEqual(others, [])
      assert.equal(line?.handler, 'faulty')
      assert.deepEqual(line?.interrupted, [`orders[0]@${deadly}`])
      assert.match(String(line?.why), why)
      const { restarts, killed, interrupted } = harness.worker.counters
      assert.deepEqual({ restarts, killed, interrupted }, { restarts: 1, killed: 0, interrupted: 1 })
      assert.equal(harness.worker.threads.running, 1)
      assert.equal(harness.worker.threads.restarts, 1)
    })
  }

  const kept: readonly (readonly [what: string, fault: Fault['do'], message: RegExp])[] = [
    ['throws in a timer', 'throwInTimer', /^nobody catches this /],
    ['throws null in a timer', 'throwNullInTimer', /^thrown value: null /],
    ['throws undefined in a timer', 'throwNothingInTimer', /^thrown value: undefined /],
    ['throws a symbol in a timer', 'throwSymbolInTimer', /^thrown value/],
    ['leaves a rejection unhandled', 'rejectUnhandled', /^nobody awaits this /],
  ]
  for (const [what, fault, message] of kept) {
    it(`${what}: its attempt has failed, and the thread is kept`, async () => {
      await using harness = await FaultyHarness.running(faulty, { abandonAfterMs: 50 })
      const bad = harness.tell({ do: fault })
      const beside = Array.from({ length: 5 }, () => harness.tell({ do: 'nothing' }))
      const failure = await harness.failureOf(bad)
      assert.equal(failure.reason, 'handler')
      assert.match(failure.message, message)
      await requireDoneInOrder(harness, beside)
      assert.deepEqual(linesOf(harness, DIED), [])
      assert.equal(harness.worker.threads.restarts, 0)
    })
  }

  it('leaves a rejection behind that is of no attempt: that is a line, and the thread is kept', async () => {
    await using harness = await FaultyHarness.running(faulty)
    assert.deepEqual(await harness.outcomeOf(harness.tell({ do: 'rejectBeside' })), { kind: 'succeeded' })
    const sentence = 'a rejection that nobody handles; it belongs to no record that is known'
    await harness.until(() => linesOf(harness, sentence).length > 0)
    assert.equal(linesOf(harness, sentence)[0]?.handler, 'faulty')
    assert.deepEqual(await harness.outcomeOf(harness.tell({ do: 'nothing' })), { kind: 'succeeded' })
    assert.equal(harness.worker.threads.restarts, 0)
  })

  it('tells what ended the thread also when it is sent messages until its end', async () => {
    await using harness = await FaultyHarness.running(faulty)
    const deadly = harness.tell({ do: 'throwAndLinger', name: 'runs' })
    await harness.atGate('runs')
    while (harness.completionOf(deadly) === undefined) {
      harness.engine.abort(({ id }) => id === deadly)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const why = /failed outside of any attempt: RangeError: nobody catches this/
    assert.match((await harness.failureOf(deadly)).message, why)
    const [line] = linesOf(harness, DIED)
    assert.match(String(line?.why), why)
  })

  it('delivers every line that was logged before the end', async () => {
    await using harness = await FaultyHarness.running(faulty)
    await harness.failureOf(harness.tell({ do: 'logAndExit' }))
    const lines = linesOf(harness, 'before the end').map(({ line }) => line)
    assert.deepEqual(
      lines,
      Array.from({ length: 100 }, (_, index) => index + 1),
    )
  })
})

describe('WorkerEngine: a handler that gives its thread back to nobody', LIMIT, () => {
  const table = [
    ['spins', 'spin'],
    ['blocks', 'block'],
  ] as const
  for (const [what, fault] of table) {
    it(`${what}: its thread is killed; it timed out, and those behind it run elsewhere`, async () => {
      await using harness = await FaultyHarness.running(faulty, { timeoutMs: 50, abandonAfterMs: 50 })
      const deadly = harness.tell({ do: fault })
      const behind = Array.from({ length: 5 }, () => harness.tell({ do: 'nothing' }))
      assert.equal((await harness.outcomeOf(deadly)).kind, 'timed-out')
      const { durationMs } = harness.completionOf(deadly)!
      assert.ok(durationMs >= 100 && durationMs < 5_000, `${durationMs} ms`)
      await requireDoneInOrder(harness, behind)
      const [line, ...others] = linesOf(harness, DIED)
      assert.deepEqual([line?.handler, line?.timedOut, others], ['faulty', [`orders[0]@${deadly}`], []])
      assert.match(String(line?.why), /ignored its signal/)
      const { restarts, killed, interrupted } = harness.worker.counters
      assert.deepEqual({ restarts, killed, interrupted }, { restarts: 1, killed: 1, interrupted: 0 })
      assert.equal(harness.worker.threads.running, 1)
    })
  }

  it('blocks its thread after it has ended: the thread is killed, and those behind it run elsewhere', async () => {
    await using harness = await FaultyHarness.running(faulty, { timeoutMs: 50, abandonAfterMs: 50 })
    const deadly = harness.tell({ do: 'spinLater' })
    assert.deepEqual(await harness.outcomeOf(deadly), { kind: 'succeeded' })
    const behind = Array.from({ length: 5 }, () => harness.tell({ do: 'nothing' }))
    await requireDoneInOrder(harness, behind)
    const [line, ...others] = linesOf(harness, DIED)
    assert.deepEqual([line?.handler, line?.recordCount, line?.runElsewhere, others], ['faulty', 0, 5, []])
    assert.deepEqual(line?.lastEnded, [`orders[0]@${deadly}`])
    assert.match(String(line?.why), /has come to no record for 100 ms, and none was running/)
    const { restarts, killed, interrupted } = harness.worker.counters
    assert.deepEqual({ restarts, killed, interrupted }, { restarts: 1, killed: 0, interrupted: 0 })
    assert.equal(harness.worker.threads.running, 1)
  })

  it('blocks its thread after it has ended: the thread is killed too when all that waited there has moved', async () => {
    await using harness = await FaultyHarness.running(faulty, { threads: 2, timeoutMs: 50, abandonAfterMs: 1_000 })
    await harness.outcomeOf(harness.tell({ do: 'spinLater' }))
    const behind = Array.from({ length: 10 }, () => harness.tell({ do: 'nothing' }))
    for (const id of behind) assert.deepEqual(await harness.outcomeOf(id), { kind: 'succeeded' })
    assert.equal(harness.worker.counters.restarts, 0)
    await harness.until(() => harness.worker.counters.restarts === 1)
    assert.deepEqual([harness.engine.inFlight, linesOf(harness, DIED)[0]?.runElsewhere], [0, 0])
  })

  it('replaces the timers of its thread: records go on', async () => {
    await using harness = await FaultyHarness.running(faulty, { timeoutMs: 5_000, abandonAfterMs: 0 })
    await harness.outcomeOf(harness.tell({ do: 'fakeTimers' }))
    const behind = Array.from({ length: 5 }, () => harness.tell({ do: 'nothingLater' }))
    await requireDoneInOrder(harness, behind)
    assert.equal(harness.worker.counters.restarts, 0)
  })

  it('interrupts what ran beside it, and does not call that timed out', async () => {
    await using harness = await FaultyHarness.running(faulty, { timeoutMs: 1_000, abandonAfterMs: 0 })
    const deadly = harness.tell({ do: 'wait', name: 'a' })
    await harness.atGate('a')
    // Long enough for the two to have different deadlines.
    await harness.outcomeOf(harness.tell({ do: 'work', ms: 700 }))
    const beside = harness.tell({ do: 'wait', name: 'b' })
    assert.equal((await harness.outcomeOf(deadly)).kind, 'timed-out')
    assert.equal((await harness.outcomeOf(beside)).kind, 'interrupted')
    assert.equal(harness.worker.counters.interrupted, 1)
  })

  it('keeps its thread when it ended in time, and only the main thread was too busy to hear of it', async () => {
    await using harness = await FaultyHarness.running(faulty, { timeoutMs: 200, abandonAfterMs: 100 })
    const [logged, failed] = [harness.tell({ do: 'logOnce' }), harness.tell({ do: 'throwSymbol' })]
    await new Promise((resolve) => setImmediate(resolve))
    // Sent by now. The watch's timer is due when this ends, and timers come before messages.
    for (const end = performance.now() + 1_000; performance.now() < end; );
    assert.equal((await harness.outcomeOf(logged)).kind, 'succeeded')
    assert.equal((await harness.outcomeOf(failed)).kind, 'failed')
    // Would run on another thread if this one were being ended.
    await harness.outcomeOf(harness.tell({ do: 'nothing' }))
    assert.equal(harness.worker.counters.restarts, 0)
  })

  it('is answered in time though a native call keeps its thread from being ended', async () => {
    await using harness = await FaultyHarness.running(faulty, { timeoutMs: 50, abandonAfterMs: 50 })
    const stuck = harness.tell({ do: 'callNative', ms: 4_000 })
    const behind = Array.from({ length: 5 }, () => harness.tell({ do: 'nothing' }))
    assert.equal((await harness.outcomeOf(stuck)).kind, 'timed-out')
    const { durationMs } = harness.completionOf(stuck)!
    assert.ok(durationMs < 3_500, `${durationMs} ms`)
    await requireDoneInOrder(harness, behind)
    const [left, ...others] = linesOf(
      harness,
      'a thread cannot be ended while it is inside a native call; it is left to itself',
    )
    assert.deepEqual([left?.handler, others], ['faulty', []])
    const [line] = linesOf(harness, DIED)
    assert.deepEqual([line?.handler, line?.timedOut], ['faulty', [`orders[0]@${stuck}`]])
    const { restarts, killed } = harness.worker.counters
    assert.deepEqual({ restarts, killed }, { restarts: 1, killed: 1 })
  })
})

describe('WorkerEngine: a record that kills its thread again and again', LIMIT, () => {
  it('takes the others along at most once when it ignores its signal each time', async () => {
    await using harness = await FaultyHarness.running(faulty, { timeoutMs: 1_000, abandonAfterMs: 0 })
    const submit = (fault: Fault, offset: number) => harness.submit(Buffer.from(JSON.stringify(fault)), { offset })
    let interrupted = 0
    for (let round = 1; round <= 3; round++) {
      const deadly = submit({ do: 'wait', name: `deadly ${round}` }, 999)
      await harness.atGate(`deadly ${round}`)
      // Half of its time later, so that they have some left when it has none.
      await harness.outcomeOf(submit({ do: 'work', ms: 500 }, 1_000 + round))
      const others = [1, 2, 3].map((number) => submit({ do: 'rest', ms: 600 }, 10 * round + number))
      assert.equal((await harness.outcomeOf(deadly)).kind, 'timed-out')
      for (const id of others) if ((await harness.outcomeOf(id)).kind === 'interrupted') interrupted++
    }
    assert.equal(interrupted, 3)
    assert.equal(harness.worker.counters.killed, 3)
  })

  for (const threads of [1, 2]) {
    it(`takes the others along at most once, with ${threads} threads`, async () => {
      await using harness = await FaultyHarness.running(faulty, { threads })
      // As the manager does it: what was interrupted is submitted again under its own position.
      const submit = (fault: Fault, offset: number) => harness.submit(Buffer.from(JSON.stringify(fault)), { offset })
      const others = new Map<number, { id: number; runs: number }>()
      for (let round = 1; round <= 4; round++) {
        const deadly = submit({ do: 'exitLater' }, 999)
        for (let offset = 1; offset <= 4; offset++) {
          const { id, runs } = others.get(offset) ?? { id: undefined, runs: 0 }
          if (id !== undefined && (await harness.outcomeOf(id)).kind !== 'interrupted') continue
          others.set(offset, { id: submit({ do: 'rest', ms: 40 }, offset), runs: runs + 1 })
        }
        assert.equal((await harness.outcomeOf(deadly)).kind, 'interrupted')
      }
      for (const [offset, { id, runs }] of others) {
        assert.deepEqual(await harness.outcomeOf(id), { kind: 'succeeded' })
        assert.ok(runs <= 2, `the record at ${offset} ran ${runs} times`)
      }
      assert.equal(harness.worker.counters.restarts, 4)
    })
  }
})

describe('WorkerEngine: a handler that says odd things', LIMIT, () => {
  it('returns what cannot be cloned: that is a success', async () => {
    await using harness = await FaultyHarness.running(faulty)
    const odd = harness.tell({ do: 'returnFunction' })
    const behind = Array.from({ length: 5 }, () => harness.tell({ do: 'nothing' }))
    await requireDoneInOrder(harness, [odd, ...behind])
    assert.deepEqual([harness.worker.counters.restarts, linesOf(harness, DIED)], [0, []])
  })

  it('transfers the bytes of its record: those of the records that came with it stay', async () => {
    await using harness = await FaultyHarness.running(faulty)
    const key = Buffer.from('k')
    const odd = harness.submit(Buffer.from(JSON.stringify({ do: 'transferBytes' })), { key })
    const behind = Array.from({ length: 5 }, () => harness.tell({ do: 'nothing' }))
    await requireDoneInOrder(harness, [odd, ...behind])
  })

  it('throws what is no error: that is a failure like any other', async () => {
    await using harness = await FaultyHarness.running(faulty)
    for (const [fault, message] of [
      ['throwSymbol', /Symbol\(odd\)/],
      ['throwRevoked', /cannot be shown/],
    ] as const) {
      const odd = harness.tell({ do: fault })
      const behind = Array.from({ length: 5 }, () => harness.tell({ do: 'nothing' }))
      const failure = await harness.failureOf(odd)
      assert.deepEqual([failure.reason, failure.retryable], ['handler', true])
      assert.match(failure.message, message)
      await requireDoneInOrder(harness, behind)
    }
    assert.equal(harness.worker.counters.restarts, 0)
  })

  it('posts messages that are not ours: nobody listens to them', async () => {
    await using harness = await FaultyHarness.running(faulty)
    const odd = harness.tell({ do: 'postForeign' })
    const behind = Array.from({ length: 5 }, () => harness.tell({ do: 'nothing' }))
    await requireDoneInOrder(harness, [odd, ...behind])
    assert.deepEqual([harness.worker.counters.restarts, harness.logs], [0, []])
  })

  it('floods the log: every line arrives, in order, before the end of its attempt', async () => {
    await using harness = await FaultyHarness.running(faulty)
    const lines = 20_000
    let atEnd = 0
    const id = harness.tell({ do: 'flood', lines })
    const behind = Array.from({ length: 5 }, () => harness.tell({ do: 'nothing' }))
    await harness.until(() => {
      atEnd = harness.logs.length
      return harness.completionOf(id) !== undefined
    })
    assert.equal(atEnd, lines)
    assert.ok(harness.logs.every(({ fields }, index) => fields.line === index + 1))
    const { handler, topic, partition, offset } = harness.logs[0]?.fields ?? {}
    assert.deepEqual(
      { handler, topic, partition, offset },
      { handler: 'faulty', topic: 'orders', partition: 0, offset: id },
    )
    await requireDoneInOrder(harness, behind)
    assert.equal(harness.worker.counters.restarts, 0)
  })

  it('logs errors and what JSON cannot carry: as much of it arrives as on the main thread', async () => {
    await using harness = await FaultyHarness.running(faulty)
    await harness.outcomeOf(harness.tell({ do: 'logOddly' }))
    const [withError, odd] = harness.logs
    const err = withError?.fields.err as Error & { readonly code?: string }
    assert.ok(err instanceof Error)
    assert.equal(err.constructor.name, 'GatewayError')
    assert.equal(err.message, 'refused')
    assert.equal(err.code, 'E_GATEWAY')
    assert.match(err.stack ?? '', /faulty\.ts/)
    assert.equal((err.cause as Error).message, 'no route')
    assert.equal(withError?.fields.tries, 2)
    assert.deepEqual(
      { part: odd?.fields.part, fine: odd?.fields.fine, big: odd?.fields.big, loop: odd?.fields.loop },
      { part: 'b', fine: 1, big: 5, loop: '[cannot be shown]' },
    )
  })

  it('publishes with a key and headers: they are made in the thread, and produced as bytes', async () => {
    await using harness = await FaultyHarness.running(faulty)
    await harness.outcomeOf(harness.tell({ do: 'publishKeyed' }))
    const [record] = harness.produced
    assert.equal(record?.key?.toString(), 'the key')
    assert.equal(record?.value?.toString(), '{"some":"value"}')
    assert.deepEqual(record?.headers, [['trace', Buffer.from('abc')]])
  })

  it('publishes nothing where a header is neither text nor bytes, and fails', async () => {
    await using harness = await FaultyHarness.running(faulty)
    const failure = await harness.failureOf(harness.tell({ do: 'publishNumberInHeader' }))
    assert.match(failure.message, /its header 'attempt' is a number/)
    assert.deepEqual(harness.produced, [])
  })

  it('meets a publish that fails: the error has its code in the thread too', async () => {
    await using harness = await FaultyHarness.running(faulty)
    await harness.outcomeOf(harness.tell({ do: 'publishRefused' }))
    assert.deepEqual(harness.news, [
      { name: 'PyrallelError', message: 'the broker is full', code: 'PYR_PRODUCE_FAILED' },
    ])
  })
})

describe('WorkerEngine: a thread that does not start', LIMIT, () => {
  it('fails the start of the engine after three tries, each of them told', async () => {
    process.env.FAULTY_SETUP = 'fails'
    await using harness = new FaultyHarness(faulty)
    await assert.rejects(harness.start(), (error: Error & { readonly code?: string }) => {
      assert.equal(error.code, 'PYR_WORKER_START')
      assert.match(error.message, /faulty.*the database is away/)
      return true
    })
    assert.equal(harness.worker.counters.failedStarts, 3)
    const lines = linesOf(harness, NOT_STARTED)
    assert.deepEqual(
      lines.map(({ handler, failuresInARow }) => [handler, failuresInARow]),
      [1, 2, 3].map((failures) => ['faulty', failures]),
    )
    assert.match(String(lines[0]?.why), /the database is away/)
    assert.equal(harness.worker.threads.running, 0)
  })

  it('names the syntax error of a bundle', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pyrallel-syntax-'))
    const file = join(folder, 'broken.mjs')
    await writeFile(file, 'export const a = ;\n')
    await using harness = new FaultyHarness(pathToFileURL(file).href)
    await assert.rejects(harness.start(), { code: 'PYR_WORKER_START', message: /SyntaxError: Unexpected token/ })
    const [line] = linesOf(harness, NOT_STARTED)
    assert.equal(line?.handler, 'faulty')
    assert.match(String(line?.why), /SyntaxError: Unexpected token/)
    assert.equal(harness.worker.counters.failedStarts, 3)
    await rm(folder, { recursive: true })
  })

  it('fails the start of the engine after three tries also when no thread can be made', async () => {
    await using harness = new FaultyHarness(new URL('gone.mjs', faulty).href)
    await assert.rejects(harness.start(), {
      code: 'PYR_WORKER_START',
      message: /gone\.mjs.*\. 3 threads could not be started\./,
    })
    const lines = linesOf(harness, NOT_STARTED)
    assert.deepEqual(
      lines.map(({ failuresInARow }) => failuresInARow),
      [1, 2, 3],
    )
    assert.match(String(lines[0]?.why), /could not be made: .*gone\.mjs/)
    assert.equal(harness.worker.counters.failedStarts, 3)
    assert.equal(harness.worker.threads.running, 0)
  })

  it('names the limit when the machine has no memory for a stack of that size', async () => {
    await using harness = new FaultyHarness(faulty, { resourceLimits: { stackSizeMb: 2 ** 30 } })
    await assert.rejects(harness.start(), { code: 'PYR_WORKER_START', message: /EAGAIN .*stackSizeMb/ })
  })

  it('gives a thread up that is not ready in 30 s', async () => {
    process.env.FAULTY_SETUP = 'hangs'
    const clock = new ManualClock()
    await using harness = new FaultyHarness(faulty, { clock })
    const starting = assert.rejects(harness.start(), { message: /not ready after 30000 ms/ })
    while (harness.worker.counters.failedStarts < 3) {
      clock.advance(30_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await starting
  })

  it('is tried again until it starts when it is to replace another; records wait, and none is failed for it', async () => {
    await using harness = await FaultyHarness.running(faulty)
    process.env.FAULTY_SETUP = 'fails'
    await harness.outcomeOf(harness.tell({ do: 'exit' }))
    const waiting = harness.tell({ do: 'nothing' })
    await harness.until(() => linesOf(harness, NOT_STARTED).length === 2)
    assert.equal(harness.completionOf(waiting), undefined)
    delete process.env.FAULTY_SETUP
    assert.deepEqual(await harness.outcomeOf(waiting), { kind: 'succeeded' })
    assert.ok(harness.worker.counters.failedStarts >= 2)
  })

  it('is tried again also while its file is away', async () => {
    const own = new URL('moved.mjs', faulty)
    const away = new URL('away.mjs', faulty)
    await copyFile(new URL(faulty), own)
    await using harness = await FaultyHarness.running(own.href)
    await rename(own, away)
    await harness.outcomeOf(harness.tell({ do: 'exit' }))
    const waiting = harness.tell({ do: 'nothing' })
    await harness.until(() => linesOf(harness, NOT_STARTED).length === 2)
    assert.equal(harness.completionOf(waiting), undefined)
    await rename(away, own)
    assert.deepEqual(await harness.outcomeOf(waiting), { kind: 'succeeded' })
    assert.equal(harness.worker.counters.restarts, 1)
  })

  it('closes the engine though no thread comes up', async () => {
    await using harness = await FaultyHarness.running(faulty)
    process.env.FAULTY_SETUP = 'fails'
    await harness.outcomeOf(harness.tell({ do: 'exit' }))
    const waiting = harness.tell({ do: 'nothing' })
    await harness.until(() => linesOf(harness, NOT_STARTED).length === 1)
    await harness.engine.close(10)
    assert.equal((await harness.outcomeOf(waiting)).kind, 'interrupted')
    assert.equal(harness.worker.threads.running, 0)
  })
})
