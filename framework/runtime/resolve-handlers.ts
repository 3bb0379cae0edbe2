/** Turns registered handlers into handlers with every option in place, or says what is wrong with them. Starts nothing. */

import type { HandlerDefinition } from '../api/handler.ts'
import { handlerSchema, type ResolvedConfig } from '../config/config.ts'
import { suggestion } from '../config/nearest-name.ts'
import type { ResolvedOptions } from '../config/option-schema.ts'
import { resolveOptions } from '../config/resolve-options.ts'
import { leftOutBy } from '../execution-plane/attempt/record-check.ts'
import { startTimeBy } from '../execution-plane/attempt/start-time.ts'
import { topicsText } from '../model/by-handler.ts'
import { PyrallelError } from '../model/errors.ts'
import type { BatchSettings, DelaySettings, Route } from '../model/settings.ts'
import { ANY_TOPIC, isPatternText } from '../model/topic-pattern.ts'
import { withSchemas } from '../validation/derived-schema.ts'
import type { RegisteredHandler, ResolvedHandler, WorkerSettings } from './runtime.ts'

/** The longest name that Kafka allows for a topic. */
const MAX_TOPIC_LENGTH = 249

type HandlerSettings = ResolvedOptions<(typeof handlerSchema)['properties']>

/**
 * Applies the config's defaults to each handler, checks them one by one and against each other.
 * @throws PyrallelError PYR_HANDLER_EXPORT, PYR_GENERATED_STALE, PYR_HANDLER_OPTION, PYR_HANDLER_DUPLICATE or PYR_CONFIG_INVALID
 */
export function resolveHandlers(
  registered: readonly RegisteredHandler[],
  config: ResolvedConfig,
): readonly ResolvedHandler[] {
  const resolved = registered.map((entry) => {
    const { id, handler } = entry
    return resolveHandler(
      entry,
      registered.filter((each) => each.id === id && each.handler === handler),
      config,
    )
  })
  refuseDuplicates(resolved)
  refuseUnknownPaused(
    config.paused,
    resolved.map(({ route }) => route.handlerId),
  )
  return resolved
}

/** Whoever pauses a handler relies on it: with a misspelled id, it would run. */
function refuseUnknownPaused(paused: readonly string[], known: readonly string[]): void {
  const mistakes = paused
    .filter((id) => !known.includes(id))
    .map((id) => `Option paused (PYRALLEL_PAUSED) names '${id}', and there is no such handler.${suggestion(id, known)}`)
  if (mistakes.length > 0) throw new PyrallelError('PYR_CONFIG_INVALID', mistakes.join('\n'))
}

/** @param entries those of the same handler, this one included: there is one for each topic that it reads */
function resolveHandler(
  entry: RegisteredHandler,
  entries: readonly RegisteredHandler[],
  config: ResolvedConfig,
): ResolvedHandler {
  const definition: HandlerDefinition<unknown> = entry.handler
  if ((definition as HandlerDefinition<unknown> | undefined)?.kind !== 'pyrallel.handler') {
    throw new PyrallelError(
      'PYR_HANDLER_EXPORT',
      `${entry.file}: the default export is not a handler. Write \`export default handler(topic, async (record, context) => { ... })\`.`,
    )
  }
  const settings = resolveOptions(handlerSchema, withDefaults(definition, config), entry.file, 'PYR_HANDLER_OPTION')
  const reads = topicsText(entries)
  refuseStale(entry, reads, definition, settings)
  const group = settings.group ?? config.group
  const { when: _when, delay: _delay, ...retry } = settings.retry
  const { minMs, maxMs } = retry
  if (minMs > maxMs) {
    throw new PyrallelError(
      'PYR_HANDLER_OPTION',
      `${entry.file}: option retry.min (${minMs} ms) is above retry.max (${maxMs} ms). Raise max or lower min.`,
    )
  }
  return {
    route: {
      handlerId: entry.id,
      topic: entry.topic,
      ...(definition.pattern === undefined ? {} : { pattern: definition.pattern }),
      ordering: settings.ordering,
      concurrency: settings.concurrency,
      retry,
      deadLetterTopic: deadLetterTopic(entry, entries, group, settings.deadLetter),
      ...deadLetterPayload(settings.deadLetter),
      ...guardsOf(entry, settings),
      ...(settings.accept === undefined ? {} : { leavesOut: leftOutBy(settings.accept) }),
      ...delayOf(entry, definition, settings),
      ...batchSettings(entry, definition, settings),
      ...tickSettings(entry, settings),
    },
    group,
    file: entry.file,
    timeoutMs: settings.timeoutMs,
    definition: definitionFor(entry, entries),
    publishes: entry.publishes,
    topicSchemas: entry.topicSchemas,
    topicFormats: entry.topicFormats,
    worker: workerSettings(entry, settings),
  }
}

/** As its topic alone would have it, with all of them beside: the engine is one for all. */
function definitionFor(
  { handler, topic }: RegisteredHandler,
  entries: readonly RegisteredHandler[],
): HandlerDefinition<unknown> {
  const definition = withSchemas(handler, (name) => entries.find((each) => each.topic === name)?.schema)
  const own = definition.topics?.find(({ name }) => name === topic)
  return own === undefined ? definition : { ...definition, topic: own }
}

function delayOf(
  { file }: RegisteredHandler,
  { options }: HandlerDefinition<unknown>,
  { notBefore, maxDelayMs, deadLetter }: HandlerSettings,
): { readonly delay?: DelaySettings } {
  if (notBefore !== undefined && deadLetter === false) {
    throw new PyrallelError(
      'PYR_HANDLER_OPTION',
      `${file}: option notBefore with deadLetter: false would drop records that never ran, whose time is none or too far away. Allow a dead-letter topic, or remove notBefore.`,
    )
  }
  if (notBefore !== undefined) return { delay: { notBefore: startTimeBy(notBefore), maxDelayMs } }
  if (options.maxDelay === undefined) return {}
  throw new PyrallelError(
    'PYR_HANDLER_OPTION',
    `${file}: option maxDelay is for handlers with notBefore, and this one has none. Remove it, or set notBefore.`,
  )
}

function batchSettings(
  entry: RegisteredHandler,
  definition: HandlerDefinition<unknown>,
  { batch }: HandlerSettings,
): { readonly batch?: BatchSettings } {
  if (definition.runBatch !== undefined) return { batch: { size: batch.size, waitMs: batch.waitMs } }
  if (definition.options.batch === undefined) return {}
  throw new PyrallelError(
    'PYR_HANDLER_OPTION',
    `${entry.file}: option batch is for batch handlers, and this one takes a record at a time. Write batchHandler(...), or remove it.`,
  )
}

function tickSettings(
  { file }: RegisteredHandler,
  { tick, everyMs, everyPer, engine }: HandlerSettings,
): Pick<Route, 'tick'> {
  const refuse = (sentence: string) => new PyrallelError('PYR_HANDLER_OPTION', `${file}: ${sentence}`)
  if (tick === undefined && everyMs === undefined) return {}
  if (tick === undefined)
    throw refuse('option every says how often tick runs, and there is none. Write one, or remove it.')
  if (everyMs === undefined) {
    throw refuse("option tick is a function that runs every so often, and nothing says how often. Set every: '10s'.")
  }
  if (everyPer === 'partition' && engine === 'worker') {
    const why = 'in threads, the records of a partition are in any of them'
    throw refuse(`option everyPer is 'partition', and ${why}. Leave it out: there is a tick in each thread.`)
  }
  return { tick: { everyMs, everyPer } }
}

function workerSettings(entry: RegisteredHandler, { engine, worker }: HandlerSettings): WorkerSettings | undefined {
  const { threads, resourceLimits, recycleAfter } = worker
  const limits = Object.fromEntries(Object.entries(resourceLimits).filter(([, limit]) => limit !== undefined))
  if (engine === 'worker' && entry.entry !== undefined) {
    return { entry: entry.entry, threads, recycleAfter, resourceLimits: limits }
  }
  if (engine === 'worker' || entry.entry !== undefined) {
    throw new PyrallelError(
      'PYR_GENERATED_STALE',
      `${entry.file}: the engine is '${engine}', but generated/routes.ts has '${engine === 'worker' ? 'async' : 'worker'}'. Run \`pyrallel generate\`.`,
    )
  }
  if (threads === undefined && recycleAfter === undefined && Object.keys(limits).length === 0) return undefined
  throw new PyrallelError(
    'PYR_HANDLER_OPTION',
    `${entry.file}: option worker is for handlers with engine: 'worker', and this one runs on the event loop. Remove it, or set the engine.`,
  )
}

/** What the handler says, over what the config says for all handlers. */
function withDefaults(
  definition: HandlerDefinition<unknown>,
  config: ResolvedConfig,
): Readonly<Record<string, unknown>> {
  const { concurrency, ordering, timeoutMs, retry, rateLimit, adaptive, poison, maxBlockingMs } = config.handlers
  const { minMs, maxMs, maxAgeMs, ...ofRetry } = retry
  const { intervalMs, ...ofAdaptive } = adaptive
  const { cooldownMs, ...ofPoison } = poison
  const own = definition.options
  return {
    concurrency,
    ordering,
    timeout: timeoutMs,
    rateLimit,
    maxBlocking: maxBlockingMs,
    ...own,
    retry: over({ ...ofRetry, min: minMs, max: maxMs, maxAge: maxAgeMs }, own.retry),
    adaptive: over({ ...ofAdaptive, interval: intervalMs }, own.adaptive),
    poison: over({ ...ofPoison, cooldown: cooldownMs }, own.poison),
  }
}

/** What is no object stays as it is, so that it is refused in its own words. */
function over(defaults: object, own: unknown): unknown {
  if (own === undefined) return defaults
  return typeof own === 'object' && own !== null && !Array.isArray(own) ? { ...defaults, ...own } : own
}

/** The generator read id, group and topic from the source; running code that says otherwise would move offsets unseen. */
function refuseStale(
  entry: RegisteredHandler,
  reads: string,
  { topic, topics = [topic] }: HandlerDefinition<unknown>,
  settings: HandlerSettings,
): void {
  const pairs = [
    ['topic', reads, topics.map(({ name }) => name).join(',')],
    ['group', entry.group, settings.group ?? null],
    ['id', entry.id, settings.id ?? entry.id],
  ] as const
  for (const [what, generated, actual] of pairs) {
    if (generated === actual) continue
    throw new PyrallelError(
      'PYR_GENERATED_STALE',
      `${entry.file}: the ${what} is '${actual ?? "the config's"}', but generated/routes.ts has '${generated ?? "the config's"}'. Run \`pyrallel generate\`.`,
    )
  }
}

function deadLetterTopic(
  entry: RegisteredHandler,
  entries: readonly RegisteredHandler[],
  group: string,
  option: HandlerSettings['deadLetter'],
): string | null {
  if (option === false) return null
  const topic = option?.topic ?? `${isPatternText(entry.topic) ? ANY_TOPIC : entry.topic}.${group}.dlq`
  if (entries.some((each) => each.topic === topic)) {
    throw new PyrallelError(
      'PYR_HANDLER_OPTION',
      `${entry.file}: option deadLetter.topic is '${topic}', a topic that the handler reads. Its dead letters would come back to it for ever. Name another topic.`,
    )
  }
  if (topic.length > MAX_TOPIC_LENGTH) {
    throw new PyrallelError(
      'PYR_HANDLER_OPTION',
      `${entry.file}: the dead-letter topic '${topic}' is longer than ${MAX_TOPIC_LENGTH} characters, which Kafka refuses. Set deadLetter: { topic: '...' }.`,
    )
  }
  return topic
}

/** Only those that are on. */
function guardsOf(
  { file }: RegisteredHandler,
  { rateLimit, adaptive, poison, maxBlockingMs, concurrency, deadLetter, retry }: HandlerSettings,
): Pick<Route, 'rateLimit' | 'adaptive' | 'poison' | 'maxBlockingMs'> {
  const { enabled, min, intervalMs } = adaptive
  if (enabled && min > concurrency) {
    throw new PyrallelError(
      'PYR_HANDLER_OPTION',
      `${file}: option adaptive.min (${min}) is above concurrency (${concurrency}). Lower min or raise concurrency.`,
    )
  }
  if (deadLetter === false && retry.then !== 'dead-letter') {
    throw new PyrallelError(
      'PYR_HANDLER_OPTION',
      `${file}: option retry.then is '${retry.then}', and deadLetter: false would drop a parked record that is in the way. Allow a dead-letter topic, or set retry.then to 'dead-letter'.`,
    )
  }
  const dropping = poison.threshold > 0 ? 'poison.threshold' : maxBlockingMs > 0 ? 'maxBlocking' : undefined
  if (deadLetter === false && dropping !== undefined) {
    throw new PyrallelError(
      'PYR_HANDLER_OPTION',
      `${file}: option ${dropping} with deadLetter: false would drop records that were not tried to the end. Allow a dead-letter topic, or set ${dropping} to 0.`,
    )
  }
  return {
    ...(rateLimit === undefined ? {} : { rateLimit }),
    ...(enabled ? { adaptive: { min, intervalMs } } : {}),
    ...(poison.threshold > 0 ? { poison } : {}),
    ...(maxBlockingMs > 0 ? { maxBlockingMs } : {}),
  }
}

function deadLetterPayload(option: HandlerSettings['deadLetter']): Pick<Route, 'deadLetterPayload'> {
  const payload = option === undefined || option === false ? undefined : option.payload
  return payload === undefined ? {} : { deadLetterPayload: payload }
}

function refuseDuplicates(handlers: readonly ResolvedHandler[]): void {
  const byId = new Map<string, ResolvedHandler>()
  const byTopic = new Map<string, ResolvedHandler>()
  for (const handler of handlers) {
    const { handlerId, topic } = handler.route
    const sameId = byId.get(handlerId)
    if (sameId !== undefined && sameId.definition.run !== handler.definition.run) {
      throw new PyrallelError(
        'PYR_HANDLER_DUPLICATE',
        `${handler.file} and ${sameId.file} have the same id '${handlerId}'. Give one of them another \`id\`.`,
      )
    }
    byId.set(handlerId, handler)
    const subscription = `${handler.group}:${topic}`
    const sameTopic = byTopic.get(subscription)
    if (sameTopic !== undefined && sameTopic.definition.run === handler.definition.run) {
      throw new PyrallelError(
        'PYR_HANDLER_DUPLICATE',
        `${handler.file} names the topic '${topic}' twice in its list. Name it once.`,
      )
    }
    if (sameTopic !== undefined) {
      throw new PyrallelError(
        'PYR_HANDLER_DUPLICATE',
        `${handler.file} and ${sameTopic.file} both read '${topic}' in group '${handler.group}', but a group hands each record to one of them only. Give one of them a \`group\` of its own.`,
      )
    }
    byTopic.set(subscription, handler)
  }
}
