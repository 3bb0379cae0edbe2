/** What users write in handlers/: a topic, options, and a function for one record. Declares; runs nothing. */
import type { Static, TSchema } from 'typebox'
import type { Duration } from '../model/duration.ts'
import type { Logger } from '../model/logger.ts'
import type { RecordHeader, TopicPartition } from '../model/record.ts'
import { patternText, type TopicPattern } from '../model/topic-pattern.ts'
import type { BatchOptions, SchemaOptions } from './options.ts'
import { type MatchedTopics, type TopicDefinition, topic as topicOf } from './topic.ts'

/** Header names may repeat and values are bytes; the text methods read them as UTF-8. */
export interface RecordHeaders extends Iterable<RecordHeader> {
  /** The last value of that name, which is the one that counts by Kafka's convention. */
  get(name: string): string | undefined
  getAll(name: string): readonly string[]
  getBytes(name: string): Buffer | null | undefined
}

/** One record, decoded and validated. */
export interface HandlerRecord<T, Topic extends string = string, K = string> {
  readonly topic: Topic
  readonly partition: number
  readonly offset: number
  /**
   * `topic/partition/offset` of the place where it first came: the same over all attempts, restarts and `pyrallel dlq replay`. For logs, and to notice what
   * was seen before. Not for what must happen once: a topic that is made anew gives the same ids to other records, a producer that sends a value
   * twice makes two records, and a header can be forged. Take an id from the value for that.
   */
  readonly id: string
  /** The key as UTF-8 text, or as the topic's `keyFormat` reads it; `null` when the record has none. */
  readonly key: K | null
  readonly keyBytes: Buffer | null
  readonly value: T
  readonly headers: RecordHeaders
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number
  /** 1 on the first try. After a crash it may be one that was before. */
  readonly attempt: number
}

/** One record as it was fetched: what is known of it before its value is decoded, and its key. `key` is the bytes as UTF-8 text, whatever the topic's `keyFormat` is. */
export type UndecodedRecord = Pick<
  HandlerRecord<unknown>,
  'topic' | 'partition' | 'offset' | 'key' | 'keyBytes' | 'headers' | 'timestamp'
>

export interface PublishOptions<K = string> {
  /** Overrides the topic's own `key`: a text, or what the topic's `keyFormat` says. */
  readonly key?: K | null
  /** Text, which is written as UTF-8, or bytes. Anything else is refused (`PYR_RECORD_INVALID`), before the record is sent. */
  readonly headers?: Readonly<Record<string, string | Uint8Array>>
}

/** Publishes a value and waits for the broker's acknowledgement. */
export type Publish = <T, K = string>(
  to: TopicDefinition<T, string, K> | string,
  value: T,
  options?: PublishOptions<NoInfer<K>>,
) => Promise<void>

export interface OutputOptions<K = string> extends PublishOptions<K> {
  /**
   * Of batch handlers in exactly-once groups: the record that this is an output of. It becomes visible if that record succeeds, whatever becomes of the
   * others. Without it, the output is one of the whole batch, which then succeeds or fails as one. Elsewhere it changes nothing.
   * A record that the handler was not given is refused (`PYR_OUTPUT_OWNER`).
   */
  readonly of?: HandlerRecord<unknown, string, unknown>
}

/** `publish` of a handler's context. Can be given wherever a `Publish` is asked for. */
export type ContextPublish = <T, K = string>(
  to: TopicDefinition<T, string, K> | string,
  value: T,
  options?: OutputOptions<NoInfer<K>>,
) => Promise<void>

/**
 * What handlers get from the application that `startPyrallel` runs in, as `context.services`. Empty until the application says what there is:
 * `declare module 'pyrallel' { interface Services { readonly payments: Payments } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: applications add to it.
export interface Services {}

export interface HandlerContext {
  /** Bound to handler, topic, partition, offset, key and attempt. */
  readonly log: Logger
  /**
   * Aborts at the deadline, when the partition is taken away, and at shutdown. Hand it to `fetch` and friends. A handler that has asked for it
   * and returns after it has aborted is not done: its record runs again, here or at the partition's next owner. First asked for after
   * the end of the attempt, it is aborted.
   */
  readonly signal: AbortSignal
  /** When this attempt's time is over, in milliseconds since the Unix epoch. */
  readonly deadline: number
  /**
   * A publish that was not awaited is awaited before the record counts as done; if it fails, the attempt fails. After the end it is refused
   * (PYR_ATTEMPT_OVER): the record is committed by then, or runs again, so that a crash would lose what is published, or a retry has published it.
   *
   * In an exactly-once group nothing is sent here: once checked, the value is kept, and becomes visible with the record's commit, or not at all. It settles
   * when it is kept, without a broker. What one attempt publishes may take a quarter of `limits.maxBytes`; beyond it, the record is given up
   * (`PYR_OUTPUTS_TOO_LARGE`). A tick has no record, and may not publish (`PYR_OUTPUT_OWNER`).
   */
  readonly publish: ContextPublish
  /**
   * What `startPyrallel({ services })` was given, as it is.
   * @throws PyrallelError PYR_USAGE where there are none: in worker threads, and in processes that `pyrallel start` and `pyrallel dev` have begun
   */
  readonly services: Services
}

/** What `tick` gets. */
export interface TickContext extends HandlerContext {
  /** With `everyPer: 'partition'`: the one that this tick is for. Else `null`. */
  readonly partition: TopicPartition | null
  /**
   * Partitions are being given up, or the process stops. What waits in memory should be done now, or it runs again elsewhere: until its records have
   * ended, ticks come every 100 ms, or as often as `every` says, if that is sooner.
   */
  readonly isDraining: boolean
}

/** What handlers with `engine: 'worker'` get: services stay in the thread that has made them. */
export type ThreadContext = Omit<HandlerContext, 'services'>

/** Records of one partition, in the order of the log; those of different keys, and consecutive ones of one key. */
export interface Batch<T, Topic extends string = string, K = string> extends Iterable<HandlerRecord<T, Topic, K>> {
  /** At least 1. */
  readonly size: number
  /**
   * This record has failed, the others have not, unless they are failed too. It is tried again or given up like any other; records of its
   * key that are behind it in the batch run again after it, so that their order is kept. `error` is read as if it had been thrown:
   * `RetryAfter` and `DeadLetter` count.
   * @throws PyrallelError PYR_ATTEMPT_OVER when the batch function has returned: the others count as done by then, and so does this one
   */
  fail(record: HandlerRecord<T, string, K>, error: unknown): void
}

/** What it returns is not read, so it returns nothing: a list of failures in there would count as success. */
export type BatchFunction<T, Context = HandlerContext, K = string> = (
  batch: Batch<T, string, K>,
  context: Context,
) => void | Promise<void>

export type HandlerFunction<T, Context = HandlerContext, K = string> = (
  record: HandlerRecord<T, string, K>,
  context: Context,
) => unknown

/**
 * Where a record's time stands. In the header: milliseconds since the Unix epoch, as digits, or an ISO 8601 time with `Z` or an offset. A record
 * without the header, and one for which the function returns undefined, starts when its turn comes.
 */
export type NotBefore = { readonly header: string } | ((record: UndecodedRecord) => Date | number | undefined)

/** What only TypeScript can say of them. */
export interface HandlerOptions<T, K = string> extends SchemaOptions {
  /**
   * Records for which it says false are done as they arrive: they are not decoded, wait behind nothing, and take no slot. Runs on the event loop, for every
   * record that is fetched, and again when an attempt begins. One for which it throws, or says neither, is taken in, and that fails its attempts.
   */
  readonly accept?: (record: UndecodedRecord) => boolean
  /**
   * The time before which a record does not start. Its key waits until then; other keys go on, and no slot is taken. Asked once by each owner of the
   * partition, on the event loop, when the record's turn comes. What gives no time to wait for, or one further away than `maxDelay`, goes to the
   * dead-letter topic without running, with reason `not-before`.
   */
  readonly notBefore?: NotBefore
  /**
   * Runs `every` so often, without a record, while partitions are assigned: for what waits in memory to be done together. Takes no slot, never runs
   * beside itself, and goes on while the handler is paused or drained. A throw is an event and counted; the next one comes as if nothing were.
   */
  readonly tick?: (context: TickContext) => unknown
  /** Records for which it says false are done at once. Runs after validation; a throw counts as a failed attempt. */
  readonly filter?: (record: HandlerRecord<T, string, K>) => boolean
}

export interface BatchHandlerOptions<T, K = string> extends HandlerOptions<T, K> {
  readonly batch?: BatchOptions
}

/** Options that say that it runs on the event loop. */
interface OnEventLoop {
  readonly engine?: 'async'
}

export interface HandlerDefinition<T, K = string> {
  readonly kind: 'pyrallel.handler'
  /** Of several, the first. Of those that a pattern matches, none: its name is the pattern's text. */
  readonly topic: TopicDefinition<T, string, K>
  /** Only of handlers that were given one: `topicsMatching`. */
  readonly pattern?: TopicPattern
  /** All that it reads. Only of handlers that were given a list. */
  readonly topics?: readonly TopicDefinition<T, string, K>[]
  readonly options: BatchHandlerOptions<T, K>
  readonly run: HandlerFunction<T, HandlerContext, K>
  /** Of batch handlers: is called instead of `run`. */
  readonly runBatch?: BatchFunction<T, HandlerContext, K>
}

/** What a handler of several topics reads: each a topic's definition, or its name. At least one, and none twice. */
export type TopicList = readonly [ListedTopic, ...ListedTopic[]]

type ListedTopic = Pick<TopicDefinition<never, string, unknown>, 'kind' | 'name' | 'key'> | string

/** The values of any of them: `Order | Payment`. Of a topic that is only a name, nothing is known. */
export type ListedValue<List extends TopicList> = List[number] extends infer Each
  ? Each extends TopicDefinition<infer T, string, infer _>
    ? T
    : unknown
  : never

/** A record of any of them. Where the names are known to the compiler, `record.topic` tells which value it has. */
export type ListedRecord<List extends TopicList> = List[number] extends infer Each
  ? Each extends TopicDefinition<infer T, infer Name, infer K>
    ? HandlerRecord<T, Name, K>
    : Each extends string
      ? HandlerRecord<unknown, Each>
      : never
  : never

/** A batch of any of them: all its records are of one topic. */
export type ListedBatch<List extends TopicList> = List[number] extends infer Each
  ? Each extends TopicDefinition<infer T, infer Name, infer K>
    ? Batch<T, Name, K>
    : Each extends string
      ? Batch<unknown, Each>
      : never
  : never

type ListFunction<List extends TopicList, Context = HandlerContext> = (
  record: ListedRecord<List>,
  context: Context,
) => unknown

type ListBatchFunction<List extends TopicList, Context = HandlerContext> = (
  batch: ListedBatch<List>,
  context: Context,
) => void | Promise<void>

/**
 * Declares a handler for one record at a time. Returning is done; throwing is a retry; `RetryAfter` sets the delay; `DeadLetter` gives up at once.
 * `export default handler(orders, { concurrency: 64 }, async (record, context) => { ... })`, or of several topics, over all of which its options apply:
 * `export default handler([orders, payments], async (record) => { ... })`. With `topicsMatching(/^orders\./)` in place of a topic, it reads all that the pattern matches.
 */
export function handler<S extends TSchema>(
  topic: string,
  options: HandlerOptions<Static<S>> & OnEventLoop & { readonly schema: S },
  run: HandlerFunction<Static<S>>,
): HandlerDefinition<Static<S>>
export function handler<S extends TSchema>(
  topic: string,
  options: HandlerOptions<Static<S>> & { readonly schema: S },
  run: HandlerFunction<Static<S>, ThreadContext>,
): HandlerDefinition<Static<S>>
export function handler<T, K = string>(
  topic: TopicDefinition<T, string, K> | MatchedTopics<T> | string,
  options: HandlerOptions<T, NoInfer<K>> & OnEventLoop,
  run: HandlerFunction<T, HandlerContext, NoInfer<K>>,
): HandlerDefinition<T, K>
export function handler<T, K = string>(
  topic: TopicDefinition<T, string, K> | MatchedTopics<T> | string,
  options: HandlerOptions<T, NoInfer<K>>,
  run: HandlerFunction<T, ThreadContext, NoInfer<K>>,
): HandlerDefinition<T, K>
export function handler<T, K = string>(
  topic: TopicDefinition<T, string, K> | MatchedTopics<T> | string,
  run: HandlerFunction<T, HandlerContext, NoInfer<K>>,
): HandlerDefinition<T, K>
export function handler<const List extends TopicList>(
  topics: List,
  options: HandlerOptions<ListedValue<List>> & OnEventLoop,
  run: ListFunction<List>,
): HandlerDefinition<ListedValue<List>>
export function handler<const List extends TopicList>(
  topics: List,
  options: HandlerOptions<ListedValue<List>>,
  run: ListFunction<List, ThreadContext>,
): HandlerDefinition<ListedValue<List>>
export function handler<const List extends TopicList>(
  topics: List,
  run: ListFunction<List>,
): HandlerDefinition<ListedValue<List>>
export function handler(
  topic: Topics,
  optionsOrRun: (HandlerOptions<unknown> & { readonly schema?: TSchema }) | HandlerFunction<unknown>,
  maybeRun?: HandlerFunction<unknown>,
): HandlerDefinition<unknown> {
  const { options, run } = parts<HandlerFunction<unknown>>('handler', optionsOrRun, maybeRun)
  return { ...declared(topic, options), run }
}

/**
 * Declares a handler for many records at a time. Returning is done for all that were not failed by `batch.fail`. A throw fails the batch as a
 * whole: it is split and tried again, until the record that is to blame is alone; only then does the retry policy count. While batches fail and none
 * succeeds, they wait longer and longer before that. `RetryAfter` makes the whole batch wait as it is, which is an attempt of each record.
 * `export default batchHandler(views, { batch: { size: 200, wait: '50ms' } }, async (batch, context) => { for (const record of batch) ... })`
 */
export function batchHandler<S extends TSchema>(
  topic: string,
  options: BatchHandlerOptions<Static<S>> & OnEventLoop & { readonly schema: S },
  run: BatchFunction<Static<S>>,
): HandlerDefinition<Static<S>>
export function batchHandler<S extends TSchema>(
  topic: string,
  options: BatchHandlerOptions<Static<S>> & { readonly schema: S },
  run: BatchFunction<Static<S>, ThreadContext>,
): HandlerDefinition<Static<S>>
export function batchHandler<T, K = string>(
  topic: TopicDefinition<T, string, K> | MatchedTopics<T> | string,
  options: BatchHandlerOptions<T, NoInfer<K>> & OnEventLoop,
  run: BatchFunction<T, HandlerContext, NoInfer<K>>,
): HandlerDefinition<T, K>
export function batchHandler<T, K = string>(
  topic: TopicDefinition<T, string, K> | MatchedTopics<T> | string,
  options: BatchHandlerOptions<T, NoInfer<K>>,
  run: BatchFunction<T, ThreadContext, NoInfer<K>>,
): HandlerDefinition<T, K>
export function batchHandler<T, K = string>(
  topic: TopicDefinition<T, string, K> | MatchedTopics<T> | string,
  run: BatchFunction<T, HandlerContext, NoInfer<K>>,
): HandlerDefinition<T, K>
export function batchHandler<const List extends TopicList>(
  topics: List,
  options: BatchHandlerOptions<ListedValue<List>> & OnEventLoop,
  run: ListBatchFunction<List>,
): HandlerDefinition<ListedValue<List>>
export function batchHandler<const List extends TopicList>(
  topics: List,
  options: BatchHandlerOptions<ListedValue<List>>,
  run: ListBatchFunction<List, ThreadContext>,
): HandlerDefinition<ListedValue<List>>
export function batchHandler<const List extends TopicList>(
  topics: List,
  run: ListBatchFunction<List>,
): HandlerDefinition<ListedValue<List>>
export function batchHandler(
  topic: Topics,
  optionsOrRun: (BatchHandlerOptions<unknown> & { readonly schema?: TSchema }) | BatchFunction<unknown>,
  maybeRun?: BatchFunction<unknown>,
): HandlerDefinition<unknown> {
  const { options, run } = parts<BatchFunction<unknown>>('batchHandler', optionsOrRun, maybeRun)
  const runOne = () => {
    throw new TypeError('A batch handler is called with batches, not with single records.')
  }
  return { ...declared(topic, options), run: runOne, runBatch: run }
}

interface DeclaredOptions extends BatchHandlerOptions<unknown> {
  readonly schema?: TSchema
}

function parts<Run extends (...args: never[]) => unknown>(
  verb: string,
  optionsOrRun: DeclaredOptions | Run,
  maybeRun: Run | undefined,
): { readonly options: DeclaredOptions; readonly run: Run } {
  const options = typeof optionsOrRun === 'function' ? {} : optionsOrRun
  const run = typeof optionsOrRun === 'function' ? optionsOrRun : maybeRun
  if (typeof run !== 'function') throw new TypeError(`${verb}(topic, [options], run): run is not a function.`)
  return { options, run }
}

type Topics =
  | TopicDefinition<unknown>
  | MatchedTopics<unknown>
  | string
  | readonly (TopicDefinition<unknown> | string)[]

function declared(topic: Topics, { schema, ...options }: DeclaredOptions): Omit<HandlerDefinition<unknown>, 'run'> {
  if (isMatched(topic)) {
    const { source, flags } = topic.pattern
    const own = schema ?? topic.schema
    const name = patternText({ source, flags })
    const stand = { kind: 'pyrallel.topic', name, ...(own === undefined ? {} : { schema: own }) } as const
    return { kind: 'pyrallel.handler', topic: stand, pattern: { source, flags }, options }
  }
  if (isList(topic) && topic.some(isMatched)) {
    throw new TypeError(
      'A list names topics. Give topicsMatching(...) alone, and say all that it is to match in one pattern.',
    )
  }
  const [first, ...others] = (isList(topic) ? topic : [topic]).map((each) =>
    typeof each === 'string' ? topicOf(each) : each,
  )
  if (first === undefined) throw new TypeError('The list of topics is empty: name at least one.')
  if (!isList(topic)) {
    return { kind: 'pyrallel.handler', topic: schema === undefined ? first : { ...first, schema }, options }
  }
  if (schema !== undefined) {
    throw new TypeError('The option schema is for one topic. In a list, write topic(name, { schema }) for each.')
  }
  return { kind: 'pyrallel.handler', topic: first, topics: [first, ...others], options }
}

function isMatched(topic: Topics): topic is MatchedTopics<unknown> {
  return typeof topic === 'object' && 'kind' in topic && topic.kind === 'pyrallel.topics'
}

function isList(topic: Topics): topic is readonly (TopicDefinition<unknown> | string)[] {
  return Array.isArray(topic)
}

/** Thrown by a handler: try again, but not before `delay`. Uses up an attempt like any other failure; of a batch, one of each record. */
export class RetryAfter extends Error {
  readonly delay: Duration

  constructor(delay: Duration, message = 'the handler asked for a retry', options?: ErrorOptions) {
    super(message, options)
    this.name = 'RetryAfter'
    this.delay = delay
  }
}

/** Thrown by a handler: no further attempt; the record goes to the dead-letter topic now. */
export class DeadLetter extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DeadLetter'
  }
}
