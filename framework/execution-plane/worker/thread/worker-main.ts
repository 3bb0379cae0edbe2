/** The thread side of the worker engine: loads one handler, and runs what its lane sends. `pyrallel/worker`; never loaded by the main thread. */

import { parentPort, workerData } from 'node:worker_threads'
import { ThreadWorker } from 'poolifier'
import type { TSchema } from 'typebox'
import type { HandlerDefinition } from '../../../api/handler.ts'
import { PyrallelError } from '../../../model/errors.ts'
import { ownProperty } from '../../../model/own-property.ts'
import { type FormatTable, joinFormats } from '../../../publishing/topic-formats.ts'
import { type Clock, systemClock } from '../../../time/clock.ts'
import { loadTracing } from '../../../tracing/tracing.ts'
import { withSchemas } from '../../../validation/derived-schema.ts'
import { slowPatterns } from '../../../validation/slow-patterns.ts'
import { failureOf } from '../../attempt/handler-failure.ts'
import { PreparedHandler } from '../../attempt/prepared-handler.ts'
import { TickRuns } from '../../attempt/tick-runs.ts'
import { StrayFaults } from '../../engines/stray-faults.ts'
import { LaneMemory } from './lane-memory.ts'
import { type LogLine, PostingLogger } from './log-line.ts'
import { type FromThread, type ThreadSettings, type ToThread, TURN } from './thread-messages.ts'
import { ThreadPublisher } from './thread-publisher.ts'
import { type PostFromThread, ThreadRunner } from './thread-runner.ts'
import { ThreadSchemas } from './thread-schemas.ts'

/** What a handler's file may export. */
export interface HandlerModule {
  // biome-ignore lint/suspicious/noExplicitAny: each handler has a value type of its own; the thread validates before it calls.
  readonly default: HandlerDefinition<any, any>
  /** Runs once in each thread, before its first record. */
  readonly setup?: () => unknown
  /** Runs once in each thread that ends in order. A thread that is killed does not get to it. */
  readonly teardown?: () => unknown
}

/** What the generator derived from types. A schema that the user wrote comes before it. */
export interface GeneratedSchemas {
  /** Of the values that the handler reads, where it reads one topic. */
  readonly schema?: TSchema
  /** The same by topic, where it reads several. */
  readonly schemas?: Readonly<Record<string, TSchema>>
  /** By topic, for what it publishes. */
  readonly topicSchemas?: Readonly<Record<string, TSchema>>
  /** What topics are written in where that is not JSON and text, by topic. */
  readonly topicFormats?: FormatTable
}

/** Lines that a thread may be ahead of the main thread. A handler that floods the log waits, and nothing piles up. */
const LINES_AHEAD = 1_000

/** What `generated/workers/<id>.ts` calls. */
export function runThread(module: HandlerModule, schemas: GeneratedSchemas = {}): void {
  const port = parentPort
  if (port === null) {
    throw new PyrallelError(
      'PYR_USAGE',
      'runThread() was called outside of a worker thread. Files below generated/workers/ are started by the worker engine only.',
    )
  }
  const post: PostFromThread = (message, transferred = []) => port.postMessage(message, transferred)
  serve(module, schemas, workerData as ThreadSettings, post).catch((thrown: unknown) =>
    post({ kind: 'pyrallel.unfit', failure: failureOf(thrown) }),
  )
}

async function serve(
  module: HandlerModule,
  { schema, schemas, topicSchemas, topicFormats }: GeneratedSchemas,
  settings: ThreadSettings,
  post: PostFromThread,
): Promise<void> {
  const { handlerId, group, timeoutMs, abandonAfterMs, isTracking, outputs } = settings
  const memory = LaneMemory.of(settings.memory)
  const log = new PostingLogger(postLines(memory, post))
  const derivedOf = (topic: string) => (schemas === undefined ? schema : ownProperty(schemas, topic))
  const definition = withSchemas(definitionOf(module, handlerId), derivedOf)
  const clock = sharedClock(settings)
  const faults = new StrayFaults({
    log: log.child({ handler: handlerId }),
    clock,
    // Thrown in a listener, it ends the thread, as it would without one.
    onException: (error) => {
      throw error
    },
  })
  faults.listen()
  // A record takes a thread far longer than to follow what it does.
  faults.followAll()
  await module.setup?.()
  // After `setup`, which may have registered a tracer provider for this thread.
  const tracing = await loadTracing(log)
  const schemaOf = (topic: string) => ownProperty(topicSchemas, topic)
  const rulesOf = slowPatterns(log, clock, { handlerId })
  const { topic: first, topics = [first] } = definition
  const formatsOf = (topic: string) =>
    joinFormats(
      topics.find(({ name }) => name === topic),
      ownProperty(topicFormats, topic),
    )
  const publisher = new ThreadPublisher(post, tracing?.publishTracer, schemaOf, rulesOf, formatsOf)
  const trace = tracing?.attemptTracer({ handlerId, group })
  const { publish } = publisher
  const { attribution } = faults
  const schemaSource = new ThreadSchemas(post, clock)
  const handler = await PreparedHandler.of({
    handlerId,
    timeoutMs,
    definition,
    publish,
    keeping: outputs === undefined ? undefined : publisher.keeping(outputs),
    log,
    clock,
    trace,
    attribution,
    schemas: schemaSource.known,
  })
  const runner = new ThreadRunner(handler, memory, clock, abandonAfterMs, post, isTracking)
  const ticks = new TickRuns(handler)
  process.once('exit', () => runner.onExit())
  const turn = (message?: ToThread): void => {
    if (message === undefined) return
    for (const answer of message.published) publisher.settle(answer)
    for (const reply of message.schemas) schemaSource.settle(reply)
    for (const order of message.aborts) runner.abort(order)
    if (message.batch !== undefined) runner.accept(message.batch)
    if (message.tick !== undefined) {
      void ticks.run({ of: null, ...message.tick }).then((outcome) => post({ kind: 'pyrallel.ticked', outcome }))
    }
    if (message.stop) {
      const onError = (error: unknown) => log.warn({ handler: handlerId, err: error }, "a handler's teardown failed")
      void endAll(ticks, module, onError).then(() => {
        post({ kind: 'pyrallel.stopped' })
        // By itself: a thread that is ended from outside loses what it has written to its standard output and not yet passed on.
        process.exit(0)
      })
    }
  }
  // poolifier greets its thread as soon as somebody listens; from here on the lane may send.
  new ThreadWorker<ToThread, void>({ [TURN]: turn })
  post({ kind: 'pyrallel.ready' })
}

function definitionOf(module: HandlerModule, handlerId: string): HandlerDefinition<unknown> {
  if ((module.default as HandlerDefinition<unknown> | undefined)?.kind === 'pyrallel.handler') return module.default
  throw new PyrallelError(
    'PYR_HANDLER_EXPORT',
    `The module of worker handler ${handlerId} has no handler as its default export. Run \`pyrallel generate\`.`,
  )
}

/** A tick that runs may need what `teardown` takes away. Whoever waits for the thread keeps the time. */
async function endAll(ticks: TickRuns, module: HandlerModule, onError: (error: unknown) => void): Promise<void> {
  await ticks.end(Number.POSITIVE_INFINITY, 0, '')
  await tearDown(module, onError)
}

async function tearDown(module: HandlerModule, onError: (error: unknown) => void): Promise<void> {
  try {
    await module.teardown?.()
  } catch (thrown) {
    onError(thrown)
  }
}

function postLines(memory: LaneMemory, post: (message: FromThread) => void): (line: LogLine) => void {
  let sent = 0
  return (line) => {
    sent = (sent + 1) | 0
    memory.waitForLines(sent, LINES_AHEAD)
    post({ kind: 'pyrallel.log', line })
  }
}

/** As it is before a handler or its libraries replace it. */
const monotonicMs = performance.now.bind(performance)

/** The engine's time: the monotonic clock is one for all threads of a process. */
function sharedClock({ epochMs, monotonicNs }: ThreadSettings): Clock {
  const sinceMs = Number(process.hrtime.bigint() - monotonicNs) / 1e6
  const origin = epochMs + sinceMs - monotonicMs()
  return { ...systemClock(), now: () => origin + monotonicMs() }
}
