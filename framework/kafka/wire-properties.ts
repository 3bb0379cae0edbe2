/** Which of librdkafka's properties an option of `kafka` stands for, which every client follows. Pure. */
import type { WireSettings } from '../model/settings.ts'

export interface WireProperty {
  /** `kafka.fetch.minBytes` */
  readonly option: string
  /** As librdkafka calls it, the usual name first. */
  readonly names: readonly [string, ...string[]]
  /** `fetch`: of consumers only; `produce`: of producers only. */
  readonly part: 'connection' | 'fetch' | 'produce'
  /** In librdkafka's unit, which is that of the resolved option. */
  readonly read: (settings: WireSettings) => number | boolean | string | undefined
  /** The same settings, without this one. */
  readonly without: (settings: WireSettings) => WireSettings
}

/** Said twice, and differently. */
export interface Contradiction {
  readonly property: WireProperty
  /** Under which of its names the passthrough has it. */
  readonly name: string
  readonly own: string
  readonly other: string
}

export const wireProperties: readonly WireProperty[] = [
  {
    option: 'kafka.fetch.minBytes',
    names: ['fetch.min.bytes'],
    part: 'fetch',
    read: ({ fetch }) => fetch?.minBytes,
    without: ({ fetch: { minBytes: _, ...fetch } = {}, ...others }) => ({ ...others, fetch }),
  },
  {
    option: 'kafka.fetch.maxWait',
    names: ['fetch.wait.max.ms'],
    part: 'fetch',
    read: ({ fetch }) => fetch?.maxWaitMs,
    without: ({ fetch: { maxWaitMs: _, ...fetch } = {}, ...others }) => ({ ...others, fetch }),
  },
  {
    option: 'kafka.fetch.maxBytes',
    names: ['fetch.max.bytes'],
    part: 'fetch',
    read: ({ fetch }) => fetch?.maxBytes,
    without: ({ fetch: { maxBytes: _, ...fetch } = {}, ...others }) => ({ ...others, fetch }),
  },
  {
    option: 'kafka.fetch.maxBytesPerPartition',
    names: ['max.partition.fetch.bytes', 'fetch.message.max.bytes'],
    part: 'fetch',
    read: ({ fetch }) => fetch?.maxBytesPerPartition,
    without: ({ fetch: { maxBytesPerPartition: _, ...fetch } = {}, ...others }) => ({ ...others, fetch }),
  },
  {
    option: 'kafka.requestTimeout',
    names: ['socket.timeout.ms'],
    part: 'connection',
    read: ({ requestTimeoutMs }) => requestTimeoutMs,
    without: ({ requestTimeoutMs: _, ...others }) => others,
  },
  {
    option: 'kafka.connectTimeout',
    names: ['socket.connection.setup.timeout.ms'],
    part: 'connection',
    read: ({ connectTimeoutMs }) => connectTimeoutMs,
    without: ({ connectTimeoutMs: _, ...others }) => others,
  },
  {
    option: 'kafka.keepAlive',
    names: ['socket.keepalive.enable'],
    part: 'connection',
    read: ({ keepAlive }) => keepAlive,
    without: ({ keepAlive: _, ...others }) => others,
  },
  {
    option: 'kafka.rack',
    names: ['client.rack'],
    part: 'connection',
    read: ({ rack }) => rack,
    without: ({ rack: _, ...others }) => others,
  },
  {
    option: 'kafka.compression',
    names: ['compression.codec', 'compression.type'],
    part: 'produce',
    read: ({ compression }) => compression,
    without: ({ compression: _, ...others }) => others,
  },
]

/** The option that stands for one of librdkafka's properties. */
export function wireProperty(name: string): WireProperty | undefined {
  return wireProperties.find(({ names }) => names.includes(name))
}

export function contradictions(
  settings: WireSettings,
  passthrough: Readonly<Record<string, unknown>>,
): readonly Contradiction[] {
  return wireProperties.flatMap((property) => {
    const name = property.names.find((each) => Object.hasOwn(passthrough, each))
    const own = property.read(settings)
    if (name === undefined || own === undefined || String(own) === String(passthrough[name])) return []
    return [{ property, name, own: String(own), other: String(passthrough[name]) }]
  })
}

/** Settings of which some are defaults, which are no statement: what the passthrough says otherwise is the passthrough's. */
export function yieldingTo(passthrough: Readonly<Record<string, unknown>>, settings: WireSettings): WireSettings {
  return contradictions(settings, passthrough).reduce((rest, { property }) => property.without(rest), settings)
}
