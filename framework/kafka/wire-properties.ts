/** Which of librdkafka's properties an option of `kafka` stands for, which every client follows. Pure. */
import type { WireSettings } from '../model/settings.ts'

export interface WireProperty {
  /** `kafka.fetch.minBytes` */
  readonly option: string
  /** As librdkafka calls it, the usual name first. */
  readonly names: readonly [string, ...string[]]
  /** `fetch`: of consumers only. */
  readonly part: 'connection' | 'fetch'
  /** In librdkafka's unit, which is that of the resolved option. */
  readonly read: (settings: WireSettings) => number | boolean | string | undefined
}

export const wireProperties: readonly WireProperty[] = [
  {
    option: 'kafka.fetch.minBytes',
    names: ['fetch.min.bytes'],
    part: 'fetch',
    read: ({ fetch }) => fetch?.minBytes,
  },
  {
    option: 'kafka.fetch.maxWait',
    names: ['fetch.wait.max.ms'],
    part: 'fetch',
    read: ({ fetch }) => fetch?.maxWaitMs,
  },
  {
    option: 'kafka.fetch.maxBytes',
    names: ['fetch.max.bytes'],
    part: 'fetch',
    read: ({ fetch }) => fetch?.maxBytes,
  },
  {
    option: 'kafka.fetch.maxBytesPerPartition',
    names: ['max.partition.fetch.bytes', 'fetch.message.max.bytes'],
    part: 'fetch',
    read: ({ fetch }) => fetch?.maxBytesPerPartition,
  },
  {
    option: 'kafka.requestTimeout',
    names: ['socket.timeout.ms'],
    part: 'connection',
    read: ({ requestTimeoutMs }) => requestTimeoutMs,
  },
  {
    option: 'kafka.connectTimeout',
    names: ['socket.connection.setup.timeout.ms'],
    part: 'connection',
    read: ({ connectTimeoutMs }) => connectTimeoutMs,
  },
  {
    option: 'kafka.keepAlive',
    names: ['socket.keepalive.enable'],
    part: 'connection',
    read: ({ keepAlive }) => keepAlive,
  },
  {
    option: 'kafka.rack',
    names: ['client.rack'],
    part: 'connection',
    read: ({ rack }) => rack,
  },
]

/** The option that stands for one of librdkafka's properties. */
export function wireProperty(name: string): WireProperty | undefined {
  return wireProperties.find(({ names }) => names.includes(name))
}
