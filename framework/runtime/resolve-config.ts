/** Turns what `pyrallel.config.ts` exports into settings in which every default is in place. Reads no file. */
import { configSchema, type ResolvedConfig } from '../config.ts'
import { ownedProperties } from '../kafka/librdkafka-settings.ts'
import { PyrallelError } from '../model/errors.ts'
import type { CommitSettings, HttpSettings, LifecycleSettings, Limits, RetrySettings } from '../model/settings.ts'
import type { Ordering } from '../model/work.ts'
import { resolveOptions } from './resolve-options.ts'

/**
 * Checks a config and puts the defaults in place.
 * @param place the file it stands in, for messages: `pyrallel.config.ts`
 * @throws PyrallelError PYR_CONFIG_INVALID with one line for every mistake
 */
export function resolveConfig(config: unknown, place: string): ResolvedConfig {
  const resolved = resolveOptions(configSchema, config, place, 'PYR_CONFIG_INVALID')
  const mistakes = Object.keys(resolved.kafka.librdkafka).flatMap((key) => {
    const instead = Object.hasOwn(ownedProperties, key) ? ownedProperties[key] : undefined
    return instead === undefined ? [] : [`${place}: option kafka.librdkafka['${key}'] belongs to Pyrallel: ${instead}.`]
  })
  const { minMs, maxMs } = resolved.handlers.retry
  if (minMs > maxMs) {
    mistakes.push(
      `${place}: option handlers.retry.min (${minMs} ms) is above handlers.retry.max (${maxMs} ms). Raise max or lower min.`,
    )
  }
  if (mistakes.length > 0) throw new PyrallelError('PYR_CONFIG_INVALID', mistakes.join('\n'))
  return resolved
}

/** The defaults, as one writes them. */
export const configDefaults: Omit<ResolvedConfig, 'group'> = (() => {
  const { group: _, ...defaults } = resolveConfig({ group: 'none' }, 'the defaults')
  return defaults
})()

/** Stated for the compiler: what the schema resolves to is what the planes read. */
type Check<Expected, Actual extends Expected> = Actual
export type ResolvedParts = {
  readonly limits: Check<Limits, ResolvedConfig['limits']>
  readonly commit: Check<CommitSettings, ResolvedConfig['commit']>
  readonly shutdown: Check<LifecycleSettings, ResolvedConfig['shutdown']>
  readonly http: Check<HttpSettings, ResolvedConfig['http']>
  readonly retry: Check<RetrySettings, ResolvedConfig['handlers']['retry']>
  readonly ordering: Check<Ordering, ResolvedConfig['handlers']['ordering']>
}
