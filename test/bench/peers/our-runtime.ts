/** Starts a runtime for one handler, through the package's public interface only. */
import type { HandlerDefinition } from '../../../framework/index.ts'
import {
  connectKafka,
  createLogger,
  createRuntime,
  handler,
  resolveConfig,
  resolveHandlers,
} from '../../../framework/index.ts'
import { fail, type Handle } from './peer.ts'
import type { BenchValue, PeerSettings } from './protocol.ts'

/** @param entry the module of its threads; on the event loop, when there is none */
export async function runOurs(settings: PeerSettings, handle: Handle, entry?: string): Promise<void> {
  const config = resolveConfig(
    {
      group: settings.group,
      kafka: { brokers: settings.brokers.split(','), librdkafka: settings.librdkafka },
      commit: { minInterval: settings.commitMs },
      logging: { level: 'error', pretty: false },
    },
    'the benchmark',
  )
  const definition = definitionOf(settings, handle, entry !== undefined)
  const registered = { id: 'bench', file: 'bench', topic: settings.topic, group: null, handler: definition }
  const handlers = resolveHandlers([entry === undefined ? registered : { ...registered, entry }], config)
  const log = createLogger(config.logging, process.stderr)
  const { clientId, groupProtocol, security, librdkafka } = config.kafka
  const runtime = createRuntime({
    connection: await connectKafka({ brokers: settings.brokers, clientId, groupProtocol, security, librdkafka, log }),
    handlers,
    startFrom: config.kafka.startFrom,
    limits: config.limits,
    commit: config.commit,
    lifecycle: config.shutdown,
    log,
  })
  await runtime.start()
  runtime.failed.catch(fail)
}

export function definitionOf(
  { topic, concurrency, cores }: PeerSettings,
  handle: Handle,
  onThreads: boolean,
): HandlerDefinition<BenchValue> {
  const options = { concurrency, deadLetter: false, retry: { attempts: 1 } } as const
  const engine = onThreads ? ({ engine: 'worker', worker: { threads: cores } } as const) : {}
  return handler<BenchValue>(topic, { ...options, ...engine }, ({ value }) => handle(value))
}
