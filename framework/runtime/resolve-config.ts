/** Turns what `pyrallel.config.ts` exports into settings in which every default is in place. Reads no file. */
import { configSchema, type ResolvedConfig } from '../config.ts'
import { PyrallelError } from '../model/errors.ts'
import type { CommitSettings, LifecycleSettings, Limits, RetrySettings } from '../model/settings.ts'
import type { Ordering } from '../model/work.ts'
import { resolveOptions } from './resolve-options.ts'

/** librdkafka's settings that Pyrallel sets itself, and where to say the same instead. */
const refusedLibrdkafka: Readonly<Record<string, string>> = {
  'bootstrap.servers': 'Use kafka.brokers.',
  'metadata.broker.list': 'Use kafka.brokers.',
  'client.id': 'Use kafka.clientId.',
  'group.id': "Use group, or the handler's own group.",
  'group.instance.id': 'Use kafka.instanceId.',
  'group.protocol': 'Use kafka.groupProtocol.',
  'group.remote.assignor': 'The assignor belongs to the protocol: use kafka.groupProtocol.',
  'partition.assignment.strategy': 'The assignor belongs to the protocol: use kafka.groupProtocol.',
  'auto.offset.reset': 'Use kafka.startFrom.',
  'enable.auto.commit': 'Pyrallel commits what is done, and only that.',
  'auto.commit.interval.ms': 'Use commit.minInterval.',
  'enable.auto.offset.store': 'Pyrallel commits what is done, and only that.',
  'enable.partition.eof': 'Pyrallel does not read the end-of-partition events.',
  'enable.idempotence': 'Pyrallel always produces with idempotence.',
  acks: 'Pyrallel always waits for all in-sync replicas.',
  'request.required.acks': 'Pyrallel always waits for all in-sync replicas.',
  rebalance_cb: 'Pyrallel answers rebalances itself.',
  offset_commit_cb: 'Pyrallel reads the answers to its commits itself.',
  dr_cb: 'Pyrallel reads the acknowledgements itself.',
  dr_msg_cb: 'Pyrallel reads the acknowledgements itself.',
  event_cb: 'Pyrallel reads the events itself.',
}

/**
 * Checks a config and puts the defaults in place.
 * @param place the file it stands in, for messages: `pyrallel.config.ts`
 * @throws PyrallelError PYR_CONFIG_INVALID with one line for every mistake
 */
export function resolveConfig(config: unknown, place: string): ResolvedConfig {
  const resolved = resolveOptions(configSchema, config, place, 'PYR_CONFIG_INVALID')
  const mistakes = Object.keys(resolved.kafka.librdkafka).flatMap((key) => {
    const advice = Object.hasOwn(refusedLibrdkafka, key) ? refusedLibrdkafka[key] : undefined
    return advice === undefined ? [] : [`${place}: option kafka.librdkafka['${key}'] belongs to Pyrallel. ${advice}`]
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
  readonly retry: Check<RetrySettings, ResolvedConfig['handlers']['retry']>
  readonly ordering: Check<Ordering, ResolvedConfig['handlers']['ordering']>
}
