/** The thread of a handler that does what no handler should. What it is told comes in its records, what it has seen goes out in publishes. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, resourceLimits, threadId } from 'node:worker_threads'
import { type HandlerContext, type HandlerRecord, handler } from '../../../framework/api/handler.ts'
import { topic } from '../../../framework/api/topic.ts'
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'

export interface Fault {
  readonly do: keyof typeof faults
  readonly name?: string
  readonly ms?: number
  readonly lines?: number
}

const news = topic<unknown>('news', { key: () => 'the key' })
let setups = 0
/** Runs in a timer that no attempt has set. */
let beside: (() => void) | undefined
setInterval(() => {
  const act = beside
  beside = undefined
  act?.()
}, 1).unref()

const faults = {
  nothing: () => {},
  nothingLater: async () => {},
  exit: () => process.exit(7),
  exitLater: async () => {
    await sleep(5)
    process.exit(7)
  },
  logAndExit: (_fault: Fault, { log }: HandlerContext) => {
    for (let line = 1; line <= 100; line++) log.info({ line }, 'before the end')
    process.exit(7)
  },
  throwInTimer: async () => {
    setTimeout(() => {
      throw new RangeError('nobody catches this')
    })
    await sleep(60_000)
  },
  /** Leaves a moment between the thread's error and its exit. */
  throwAndLinger: async ({ name }: Fault, { publish }: HandlerContext) => {
    void publish('gate', name)
    process.once('exit', () => faults.work({ do: 'work', ms: 50 }))
    await faults.throwBeside()
  },
  throwBeside: async () => {
    beside = () => {
      throw new RangeError('nobody catches this')
    }
    await sleep(60_000)
  },
  rejectBeside: () => {
    beside = () => void Promise.reject(new TypeError('nobody awaits this'))
  },
  throwNullInTimer: async () => {
    setTimeout(() => {
      throw null
    })
    await sleep(60_000)
  },
  throwNothingInTimer: async () => {
    setTimeout(() => {
      throw undefined
    })
    await sleep(60_000)
  },
  throwSymbolInTimer: async () => {
    setTimeout(() => {
      throw Symbol('odd')
    })
    await sleep(60_000)
  },
  rejectUnhandled: async () => {
    void Promise.reject(new TypeError('nobody awaits this'))
    await sleep(60_000)
  },
  outOfMemory: () => {
    const kept: unknown[] = []
    for (;;) kept.push(new Array(1_000).fill({}).map(() => ({})))
  },
  spin: () => {
    for (;;);
  },
  /** Succeeds, and blocks its thread after that. */
  spinLater: () => {
    setImmediate(() => {
      for (;;);
    })
  },
  /** As timers of a test do that nobody takes back. */
  fakeTimers: () => {
    Object.assign(globalThis, { setImmediate: () => {}, queueMicrotask: () => {} })
    performance.now = () => -1e9
  },
  block: () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  },
  callNative: ({ ms = 0 }: Fault) => {
    spawnSync('sleep', [String(ms / 1_000)])
  },
  /** Blocks its thread until the test makes a file of this name. */
  blockUntil: ({ name = '' }: Fault) => {
    const cell = new Int32Array(new SharedArrayBuffer(4))
    while (!existsSync(name)) Atomics.wait(cell, 0, 0, 5)
  },
  work: ({ ms = 0 }: Fault) => {
    const end = performance.now() + ms
    while (performance.now() < end);
  },
  rest: async ({ ms = 0 }: Fault) => {
    await sleep(ms)
  },
  wait: async ({ name }: Fault, { publish }: HandlerContext) => {
    await publish('gate', name)
  },
  relay: async (fault: Fault, { publish }: HandlerContext) => {
    await publish('relayed', fault, { key: fault.name ?? null })
  },
  /** As a library does that hands bytes on without copying them. Whether it is refused or ignored depends on Node. */
  transferBytes: (_fault: Fault, _context: HandlerContext, { keyBytes }: HandlerRecord<Fault>) => {
    try {
      structuredClone(keyBytes?.buffer, { transfer: [keyBytes?.buffer as ArrayBuffer] })
    } catch {
      // As good as ignored.
    }
  },
  logOnce: (_fault: Fault, { log }: HandlerContext) => {
    log.info({}, 'once')
  },
  returnFunction: () => () => 'no message can carry this',
  throwSymbol: () => {
    throw Symbol('odd')
  },
  throwRevoked: () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    throw proxy
  },
  flood: ({ lines = 0 }: Fault, { log }: HandlerContext) => {
    for (let line = 1; line <= lines; line++) log.info({ line }, 'flood')
  },
  /** As a library does that was made for another pool. */
  postForeign: () => {
    const odd = [
      null,
      undefined,
      'ready',
      7,
      [],
      { kind: 'log' },
      { kind: 'over', slot: 0 },
      { kind: 'stopped' },
      { kind: 1 },
    ]
    for (const message of odd) parentPort?.postMessage(message)
  },
  logOddly: (_fault: Fault, { log }: HandlerContext) => {
    class GatewayError extends Error {
      readonly code = 'E_GATEWAY'
    }
    const loop: { self?: unknown } = {}
    loop.self = loop
    log.error({ err: new GatewayError('refused', { cause: new Error('no route') }), tries: 2 }, 'with an error')
    log.child({ part: 'b' }).info({ loop, fine: 1, big: 5n, call: () => {} }, 'with what JSON cannot carry')
  },
  tellThread: async (_fault: Fault, { publish }: HandlerContext) => {
    await publish('news', { threadId, setups, resourceLimits })
  },
  publishKeyed: async (_fault: Fault, { publish }: HandlerContext) => {
    await publish(news, { some: 'value' }, { headers: { trace: 'abc' } })
  },
  /** As JavaScript can, past the types. */
  publishNumberInHeader: async (_fault: Fault, { publish }: HandlerContext) => {
    await publish(news, 'sent', { headers: { attempt: 5 as never } })
  },
  publishRefused: async (_fault: Fault, { publish }: HandlerContext) => {
    await publish('refused', 'x').catch(async (error: unknown) => {
      const { name, message, code } = error as Error & { readonly code?: string }
      await publish('news', { name, message, code })
    })
  },
}

async function sayGoodbye(): Promise<void> {
  for (let line = 1; line <= 200; line++) {
    console.log(`goodbye ${line}`)
    if (line === 100) await sleep(5)
  }
}

runThread({
  default: handler<Fault>('orders', (record, context) => faults[record.value.do](record.value, context, record)),
  setup: async () => {
    if (process.env.FAULTY_SETUP === 'fails') throw new Error('the database is away')
    // With a timer: a thread that waits for nothing ends by itself.
    if (process.env.FAULTY_SETUP === 'hangs') await sleep(600_000)
    if (process.env.FAULTY_SETUP === 'dies soon') setTimeout(() => process.exit(3), 5)
    setups++
  },
  teardown: async () => {
    if (process.env.FAULTY_SETUP === 'wordy teardown') await sayGoodbye()
    if (process.env.FAULTY_SETUP === 'slow teardown') await sleep(1_500)
    if (process.env.FAULTY_SETUP === 'endless teardown') await new Promise(() => {})
    if (process.env.FAULTY_SETUP === 'no teardown') throw new Error('cannot tear down')
    if (process.env.FAULTY_TEARDOWN_FILE) appendFileSync(process.env.FAULTY_TEARDOWN_FILE, `${threadId}\n`)
  },
})
