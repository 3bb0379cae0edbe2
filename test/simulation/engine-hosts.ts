/** Real engines for schedules: the async engine on a clock that is moved by hand, the worker engine on the machine's. */

import type { HandlerDefinition } from '../../framework/api/handler.ts'
import { AsyncEngine } from '../../framework/execution-plane/engines/async-engine.ts'
import { StrayFaults } from '../../framework/execution-plane/engines/stray-faults.ts'
import type { ExecutionEngine } from '../../framework/execution-plane/execution-engine.ts'
import { WorkerEngine } from '../../framework/execution-plane/worker/worker-engine.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { OutgoingRecord } from '../../framework/model/record.ts'
import type { CompletionEvent } from '../../framework/model/work.ts'
import type { OutputRules } from '../../framework/publishing/output-rules.ts'
import { publishInto } from '../../framework/publishing/publisher.ts'
import { ManualClock } from '../../framework/testing/manual-clock.ts'
import { systemClock } from '../../framework/time/clock.ts'
import type { AttemptSpan, AttemptTracer } from '../../framework/tracing/attempt-tracer.ts'
import type { HandlerSigns, Host } from './engine-play.ts'
import { obedient, obedientBatch, STARTS } from './obedient-handlers.ts'

const TIMEOUT_MS = 300
/** What handlers leave behind in this process; threads listen by themselves. What is nobody's is found by what it leaves undone. */
const strayFaults = new StrayFaults({ log: silent(), onException: () => {}, clock: new ManualClock() })
let isListening = false
const ABANDON_MS = 100
/** On threads, time is real: short, and still long enough for a healthy attempt on a machine that is busy. */
const THREAD_TIMEOUT_MS = 60

/** Nothing is refused, and nothing has to be waited for. */
const rules: OutputRules = {
  maxAttemptBytes: Number.POSITIVE_INFINITY,
  maxRecordBytes: undefined,
  requireTopic: () => undefined,
}

interface Attached {
  onCompletion: (completion: CompletionEvent) => void
  signs: HandlerSigns
}

/** @param wrap to break it on purpose */
export async function asyncHost(
  concurrency: number,
  isBatch: boolean,
  isKept: boolean,
  wrap: (engine: ExecutionEngine) => ExecutionEngine = (engine) => engine,
): Promise<Host> {
  const to = nobody()
  const clock = new ManualClock()
  if (!isListening) strayFaults.listen()
  isListening = true
  strayFaults.followAll()
  const definition = (isBatch ? obedientBatch : obedient) as HandlerDefinition<unknown>
  const engine = wrap(
    new AsyncEngine({
      handlerId: 'handle',
      definition,
      concurrency,
      timeoutMs: TIMEOUT_MS,
      abandonAfterMs: ABANDON_MS,
      publish: async (topic, value) => onPublished(to, topic, value),
      keeping: isKept ? { publishInto: publishInto(), rules } : undefined,
      log: lines(to, {}, isBatch),
      clock,
      trace: brokenTracer,
      attribution: strayFaults.attribution,
    }),
  )
  await engine.start((completion) => to.onCompletion(completion))
  return {
    engine,
    attach: attachTo(to),
    pass: (ms) => clock.advanceAndSettle(ms),
    nudge: () => clock.advanceAndSettle(100),
  }
}

export interface ThreadSetup {
  readonly entry: string
  readonly concurrency: number
  readonly isBatch: boolean
  readonly threads: number
  /** Its group is one of exactly once: what is published comes with the outcome. */
  readonly isKept: boolean
  readonly recycleAfter?: number
}

/** Serves many schedules, one after the other: threads take long to begin. */
export async function workerHost({ isBatch, isKept, ...setup }: ThreadSetup): Promise<Host> {
  const to = nobody()
  const engine = new WorkerEngine({
    ...setup,
    handlerId: 'handle',
    group: 'simulation',
    timeoutMs: THREAD_TIMEOUT_MS,
    abandonAfterMs: ABANDON_MS,
    produce: async ({ topic, value }: OutgoingRecord) => {
      onPublished(to, topic, JSON.parse(String(value)))
      return { partition: 0, offset: 0 }
    },
    outputs: isKept ? rules : undefined,
    log: lines(to, {}, isBatch),
    clock: systemClock(),
  })
  await engine.start((completion) => to.onCompletion(completion))
  const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
  return { engine, attach: attachTo(to), pass: () => pause(1), nudge: () => pause(2) }
}

/** Throws where it can, each time elsewhere: none of it may change what becomes of a record. */
function brokenTracer({ records: [record], attempts }: Parameters<AttemptTracer>[0]): AttemptSpan {
  const where = ((record?.offset ?? 0) + (attempts[0] ?? 0)) % 5
  const fail = (): never => {
    throw new Error('thrown by the tracer')
  }
  if (where === 0) fail()
  const leave = <T>(call: () => T): T => {
    call()
    return fail()
  }
  const run = where === 1 ? fail : where === 2 ? leave : <T>(call: () => T): T => call()
  return { run, end: where === 3 ? fail : () => {} }
}

function silent(): Logger {
  const nothing = (): void => {}
  return { debug: nothing, info: nothing, warn: nothing, error: nothing, child: silent }
}

function nobody(): Attached {
  return { onCompletion() {}, signs: { onStart() {}, onLine() {} } }
}

function attachTo(to: Attached): Host['attach'] {
  return (onCompletion, signs) => Object.assign(to, { onCompletion, signs })
}

function onPublished(to: Attached, topic: unknown, value: unknown): void {
  if (topic !== STARTS) return
  const { uid, attempt } = value as { readonly uid: number; readonly attempt: number }
  to.signs.onStart(uid, attempt)
}

/** The lines of a batch are bound to its first record, those of a single one to it. */
function lines(to: Attached, bindings: Readonly<Record<string, unknown>>, isBatch: boolean): Logger {
  const nothing = (): void => {}
  return {
    debug: nothing,
    info: (fields, message) => {
      const all: Readonly<Record<string, unknown>> = { ...bindings, ...fields }
      if (message === 'runs' && !isBatch) to.signs.onLine(Number(all.uid), all.offset)
    },
    warn: nothing,
    error: nothing,
    child: (more) => lines(to, { ...bindings, ...more }, isBatch),
  }
}
