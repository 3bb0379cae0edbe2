/** Starts a runtime for one handler, through the package's public interface only. */
import type { HandlerDefinition, PyrallelConfig } from '../../../framework/index.ts'
import { createLogger, handler, startPyrallel } from '../../../framework/index.ts'
import { fail, type Handle } from './peer.ts'
import type { BenchValue, PeerSettings } from './protocol.ts'

type Accept = NonNullable<HandlerDefinition<BenchValue>['options']['accept']>

export interface OurKind {
  readonly client: 'librdkafka' | 'javascript'
  /** The module of its threads; on the event loop, when there is none. */
  readonly entry?: string
  /** Default: all are taken. */
  readonly accept?: Accept
  /** Default: nothing is served. */
  readonly http?: PyrallelConfig['http']
}

export async function runOurs(
  settings: PeerSettings,
  handle: Handle,
  { client, entry, http, accept }: OurKind,
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
      commit: { minInterval: settings.commitMs },
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
  { topic, concurrency, cores }: PeerSettings,
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
  return handler<BenchValue>(topic, { ...options, ...engine }, ({ value }) => handle(value))
}

/** Takes what its header says. @param leftOut is told of each record that is not wanted */
export function wanted(leftOut: (records: number) => void): Accept {
  return ({ headers }) => {
    if (headers.get('kind') === 'wanted') return true
    leftOut(1)
    return false
  }
}
