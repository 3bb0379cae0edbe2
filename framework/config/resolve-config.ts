/** Turns what `pyrallel.config.ts` exports, and what the environment says, into settings in which every default is in place. Reads no file. */

import { beyondJavascript } from '../kafka/client-limits.ts'
import { insteadOf } from '../kafka/owned-properties.ts'
import { contradictions } from '../kafka/wire-properties.ts'
import { PyrallelError } from '../model/errors.ts'
import type {
  CommitSettings,
  FetchSettings,
  HttpSettings,
  Limits,
  RegistrySettings,
  RetrySettings,
  SecuritySettings,
  ShutdownSettings,
} from '../model/settings.ts'
import type { Ordering } from '../model/work.ts'
import { configSchema, type ResolvedConfig } from './config.ts'
import { type ConfigSurroundings, layered, otherModes, placeOfMode } from './config-layers.ts'
import { consoleMistake } from './http-options.ts'
import { registryMistakes } from './registry-options.ts'
import { readOptions } from './resolve-options.ts'
import { securityMistakes } from './security-options.ts'
import type { PassedOver } from './service-variables.ts'

/** A config, and where each of its values was written. */
export interface TracedConfig {
  readonly config: ResolvedConfig
  /** By option: `limits.maxRecords`. Without an entry, it is a default. */
  readonly places: ReadonlyMap<string, string>
  /** Variables of Kubernetes Services that look like options: somebody should hear of them. */
  readonly passedOver: readonly PassedOver[]
}

/** Nothing but the file counts, for whoever has no environment to ask. */
const fileOnly: ConfigSurroundings = { mode: 'production', env: {} }

/**
 * Checks a config and puts the defaults in place. Over the file's values come those of its section for the mode, and over them the `PYRALLEL_*`
 * variables. The sections of the other modes are checked too.
 * @param place the file it stands in, for messages: `pyrallel.config.ts`
 * @throws PyrallelError PYR_CONFIG_INVALID with one line for every mistake
 */
export function resolveConfig(config: unknown, place: string, around: ConfigSurroundings = fileOnly): ResolvedConfig {
  return traceConfig(config, place, around).config
}

/** The same, with the place of each value. */
export function traceConfig(file: unknown, place: string, around: ConfigSurroundings): TracedConfig {
  const { mistakes, ...traced } = resolveMode(file, place, place, around)
  // A mistake that only production would meet is found while developing.
  const ofOthers = otherModes(file, around.mode).flatMap(
    (mode) => resolveMode(file, place, placeOfMode(place, mode), { ...around, mode }).mistakes,
  )
  // What stands in the file itself is a mistake of every mode, and told once.
  const all = [...new Set([...mistakes, ...ofOthers])]
  if (all.length > 0) throw new PyrallelError('PYR_CONFIG_INVALID', all.join('\n'))
  return traced
}

interface ReadMode extends TracedConfig {
  readonly mistakes: readonly string[]
}

/** @param defaultPlace for mistakes that were written nowhere, such as an option that is missing */
function resolveMode(file: unknown, place: string, defaultPlace: string, around: ConfigSurroundings): ReadMode {
  const { values, places, passedOver } = layered(configSchema, file, place, around)
  const placeOf = (option: string) => places.get(option) ?? defaultPlace
  const { resolved: config, mistakes } = readOptions(configSchema, values, placeOf)
  const wrong = mistakes.map(({ option }) => option)
  const ofSections = checks.flatMap(({ reads, find }) => {
    const isSound = !reads.some((section) =>
      wrong.some((option) => isWithin(option, section) || isWithin(section, option)),
    )
    return isSound ? find(config, placeOf, (option) => places.has(option)) : []
  })
  return { config, places, passedOver, mistakes: [...mistakes.map(({ text }) => text), ...ofSections] }
}

/** `kafka.security.tls` is within `kafka.security`, and everything within the whole. */
function isWithin(option: string, section: string): boolean {
  return section === '' || option === section || option.startsWith(`${section}.`)
}

/** What no single option can tell. Each is looked at where the options that it reads are right for themselves. */
const checks = [
  { reads: ['kafka.librdkafka', 'kafka.security'], find: ofPassthrough },
  { reads: ['kafka.client', 'kafka.groupProtocol', 'kafka.librdkafka'], find: ofClient },
  { reads: ['kafka.fetch', 'kafka.requestTimeout'], find: ofRequestTimeout },
  {
    reads: [
      'kafka.librdkafka',
      'kafka.fetch',
      'kafka.requestTimeout',
      'kafka.connectTimeout',
      'kafka.keepAlive',
      'kafka.rack',
      'kafka.compression',
    ],
    find: ofContradictions,
  },
  { reads: ['kafka.security'], find: ofSecurity },
  { reads: ['registry'], find: ofRegistry },
  { reads: ['handlers.retry'], find: ofRetry },
  { reads: ['commit'], find: ofTakeOver },
  { reads: ['commit', 'kafka.librdkafka'], find: ofExactlyOnce },
  { reads: ['http'], find: ofConsole },
] as const

type PlaceOf = (option: string) => string

function ofPassthrough({ kafka }: ResolvedConfig, placeOf: PlaceOf): readonly string[] {
  return Object.keys(kafka.librdkafka).flatMap((key) => {
    const instead = insteadOf(key, kafka.security)
    const place = placeOf('kafka.librdkafka')
    return instead === undefined ? [] : [`${place}: option kafka.librdkafka['${key}'] belongs to Pyrallel: ${instead}.`]
  })
}

function ofClient({ kafka }: ResolvedConfig, placeOf: PlaceOf): readonly string[] {
  if (kafka.client !== 'javascript') return []
  const wish = placeOf('kafka.client')
  return beyondJavascript(kafka).map(({ option, text }) => {
    const place = placeOf(option)
    const also = wish === place ? '' : ` (kafka.client: 'javascript' is that of ${wish}.)`
    return `${place}: option ${option} ${text}.${also}`
  })
}

/** What is said twice, and differently. */
function ofContradictions(
  { kafka }: ResolvedConfig,
  placeOf: PlaceOf,
  isWritten: (option: string) => boolean,
): readonly string[] {
  return contradictions(kafka, kafka.librdkafka).flatMap(({ property: { option }, name, own, other }) => {
    if (!isWritten(option)) return []
    const [place, of] = [placeOf('kafka.librdkafka'), placeOf(option)]
    const also = of === place ? '' : ` (${option} is that of ${of}.)`
    return [`${place}: option kafka.librdkafka['${name}'] is ${other}, but ${option} says ${own}. Take it out.${also}`]
  })
}

/** Room for the answer, behind the wait. */
const ANSWER_MS = 1_000

function ofRequestTimeout({ kafka }: ResolvedConfig, placeOf: PlaceOf): readonly string[] {
  const { requestTimeoutMs, fetch } = kafka
  if (requestTimeoutMs === undefined || requestTimeoutMs >= fetch.maxWaitMs + ANSWER_MS) return []
  const place = placeOf('kafka.requestTimeout')
  const least = `kafka.fetch.maxWait (${fetch.maxWaitMs} ms) and a second`
  return [
    `${place}: option kafka.requestTimeout (${requestTimeoutMs} ms) is below ${least}. Raise it, or lower maxWait.`,
  ]
}

/** The position alone would be committed at once, and what was done above it be forgotten. */
function ofTakeOver({ commit }: ResolvedConfig, placeOf: PlaceOf): readonly string[] {
  if (commit.takeOver === 'none' || commit.recovery === 'metadata') return []
  const place = placeOf('commit.takeOver')
  return [
    `${place}: option commit.takeOver is '${commit.takeOver}', but commit.recovery is 'contiguous', which stores nothing of what is taken over. Write 'metadata' there, or take commit.takeOver out.`,
  ]
}

/** What transactions need to tell what is done, and whoever reads them to see no more than that. */
function ofExactlyOnce({ commit, kafka }: ResolvedConfig, placeOf: PlaceOf): readonly string[] {
  if (commit.exactlyOnce !== true) return []
  const mistakes: string[] = []
  if (commit.recovery === 'contiguous') {
    const place = placeOf('commit.exactlyOnce')
    mistakes.push(
      `${place}: option commit.exactlyOnce is true, but commit.recovery is 'contiguous', which does not store what is done above a gap. Write 'metadata' there.`,
    )
  }
  if ('isolation.level' in kafka.librdkafka) {
    const place = placeOf('kafka.librdkafka')
    mistakes.push(
      `${place}: option kafka.librdkafka['isolation.level'] belongs to Pyrallel: with commit.exactlyOnce only what is committed is read. Take it out.`,
    )
  }
  return mistakes
}

function ofSecurity({ kafka }: ResolvedConfig, placeOf: PlaceOf): readonly string[] {
  return securityMistakes(kafka.security).map(({ option, against, text }) => {
    const place = placeOf(`kafka.security.${option}`)
    const other = placeOf(`kafka.security.${against}`)
    const also = other === place ? '' : ` (kafka.security.${against} is that of ${other}.)`
    return `${place}: option kafka.security.${option} ${text}${also}`
  })
}

function ofRegistry({ registry }: ResolvedConfig, placeOf: PlaceOf): readonly string[] {
  return registryMistakes(registry).map(({ option, text }) => {
    return `${placeOf(`registry.${option}`)}: option registry.${option} ${text}`
  })
}

function ofConsole({ http }: ResolvedConfig, placeOf: PlaceOf): readonly string[] {
  const text = consoleMistake(http)
  return text === undefined ? [] : [`${placeOf('http.console.enabled')}: option http.console.enabled ${text}`]
}

function ofRetry({ handlers }: ResolvedConfig, placeOf: PlaceOf): readonly string[] {
  const { minMs, maxMs } = handlers.retry
  if (minMs <= maxMs) return []
  const place = placeOf('handlers.retry.min')
  const other = placeOf('handlers.retry.max')
  const also = other === place ? '' : `, ${other}`
  return [
    `${place}: option handlers.retry.min (${minMs} ms) is above handlers.retry.max (${maxMs} ms${also}). Raise max or lower min.`,
  ]
}

/** The defaults, as one writes them. */
export const configDefaults: Omit<ResolvedConfig, 'group'> = (() => {
  const { group: _, ...defaults } = resolveConfig({ group: 'none' }, 'the defaults')
  return defaults
})()

/** Makes the compiler compare two types: what the schemas of the options resolve to, and what the planes read. */
type Check<Expected, Actual extends Expected> = Actual
export type ResolvedParts = {
  readonly limits: Check<Limits, ResolvedConfig['limits']>
  readonly commit: Check<CommitSettings, ResolvedConfig['commit']>
  readonly shutdown: Check<ShutdownSettings, ResolvedConfig['shutdown']>
  readonly http: Check<HttpSettings, ResolvedConfig['http']>
  readonly retry: Check<RetrySettings, ResolvedConfig['handlers']['retry']>
  readonly ordering: Check<Ordering, ResolvedConfig['handlers']['ordering']>
  readonly fetch: Check<FetchSettings, ResolvedConfig['kafka']['fetch']>
  readonly security: Check<SecuritySettings, ResolvedConfig['kafka']['security']>
  readonly registry: Check<RegistrySettings, ResolvedConfig['registry']>
}
