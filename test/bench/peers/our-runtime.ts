/** Starts a runtime for one handler, through the package's public interface only. */
import type { HandlerDefinition, PyrallelConfig } from '../../../framework/index.ts'
import { createLogger, handler, startPyrallel } from '../../../framework/index.ts'
import { since } from './meter.ts'
import { fail, type Handle } from './peer.ts'
import type { BenchValue, PeerSettings } from './protocol.ts'

type Accept = NonNullable<HandlerDefinition<BenchValue>['options']['accept']>

export interface OurKind {
  readonly client: 'librdkafka' | 'javascript'
  /** The module of its threads; on the event loop, when there is none. */
  readonly entry?: string
  /** Default: all are taken. */
  readonly accept?: Accept
  /** What is published and the offsets go in transactions. Default false. */
  readonly exactlyOnce?: boolean
  /** Default: nothing is served. */
  readonly http?: PyrallelConfig['http']
}

export async function runOurs(
  settings: PeerSettings,
  handle: Handle,
  { client, entry, http, accept, exactlyOnce = false }: OurKind,
): Promise<void> {
  const definition = definitionOf(settings, handle, entry !== undefined, accept)
  const registered = { id: 'bench', file: 'bench', topic: settings.topic, group: null, handler: definition }
  const pyrallel = await startPyrallel({
    config: {
      group: settings.group,
      kafka: {
        client,
        brokers: settings.brokers.split(','),
        ...(client === 'librdkafka' && { librdkafka: settings.librdkafka }),
      },
      commit: { minInterval: settings.commitMs, exactlyOnce },
      // As with `pyrallel start`, which counts nothing unless it is asked to.
      http: http ?? { metrics: false },
    },
    routes: [entry === undefined ? registered : { ...registered, entry }],
    log: createLogger({ level: 'error', pretty: false }, process.stderr),
    env: {},
  })
  pyrallel.failed.catch(fail)
}

export function definitionOf(
  { topic, outputs, sinceLog, concurrency, cores }: PeerSettings,
  handle: Handle,
  onThreads: boolean,
  accept?: Accept,
): HandlerDefinition<BenchValue> {
  const options = {
    concurrency,
    deadLetter: false,
    retry: { attempts: 1 },
    ...(accept !== undefined && { accept }),
  } as const
  const engine = onThreads ? ({ engine: 'worker', worker: { threads: cores } } as const) : {}
  if (outputs === '') {
    return sinceLog
      ? handler<BenchValue>(topic, { ...options, ...engine }, ({ value, timestamp }) => handle(since(timestamp, value)))
      : handler<BenchValue>(topic, { ...options, ...engine }, ({ value }) => handle(value))
  }
  return handler<BenchValue>(topic, { ...options, ...engine }, async ({ key, value, timestamp }, context) => {
    await handle(value)
    await context.publish(outputs, sinceLog ? since(timestamp, value) : value, { key })
  })
}

/** Takes what its header says. @param leftOut is told of each record that is not wanted */
export function wanted(leftOut: (records: number) => void): Accept {
  return ({ headers }) => {
    if (headers.get('kind') === 'wanted') return true
    leftOut(1)
    return false
  }
}
