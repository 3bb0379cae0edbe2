/** Starts and stops the embedded broker: a Kafka listener for development and tests, in a child process that never outlives this one. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PyrallelError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import type { KafkaConnectionOptions } from '../librdkafka/settings.ts'
import type { HostMessage } from './embedded-broker-host.ts'

export interface EmbeddedBrokerOptions {
  readonly log: Logger
  /** Created before this returns, four partitions each: the mock cluster knows no other number. */
  readonly topics?: readonly string[]
}

export interface EmbeddedBroker {
  /** `127.0.0.1:port`, as other programs on this machine can use it too. */
  readonly brokers: string
  /** What `connectKafka` must be told, besides `clientId` and `log`, for the mock cluster to behave. */
  readonly connection: Pick<KafkaConnectionOptions, 'brokers' | 'groupProtocol' | 'createTopicsBy' | 'fetch'>
  /** Settles when it ends without having been told to, and else never. The error says how. */
  readonly died: Promise<PyrallelError>
  /** Close the clients first. May be called twice. */
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 15_000
const STOP_TIMEOUT_MS = 2_000
/** The mock cluster does not wake a waiting fetch when a record arrives, so this is the latency of a record. */
const FETCH_WAIT_MS = 10

/**
 * Topics and offsets live as long as the broker: it keeps nothing on disk, and per partition only the newest 5 MB. The native client is loaded by the
 * child alone: this process may run on another one.
 * @throws PyrallelError PYR_NATIVE_MISSING; PYR_BROKER_UNREACHABLE when it does not start
 */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const child = forkHost(options.topics ?? [])
  const brokers = await readiness(child)
  let stopping: Promise<void> | undefined
  const died = new Promise<PyrallelError>((resolve) => {
    child.once('exit', (code, signal) => {
      if (stopping !== undefined) return
      options.log.error({ code, signal }, 'the embedded broker has died')
      const facts = `The embedded broker has died (${signal ?? `exit code ${code}`}); its records are gone.`
      resolve(new PyrallelError('PYR_BROKER_UNREACHABLE', facts))
    })
  })
  // It must not keep this process alive: whoever forgets to stop it still ends, and the child follows.
  child.unref()
  child.channel?.unref()
  return {
    brokers,
    connection: { brokers, groupProtocol: 'consumer', createTopicsBy: 'metadata', fetch: { maxWaitMs: FETCH_WAIT_MS } },
    died,
    stop() {
      stopping ??= end(child)
      return stopping
    },
  }
}

function forkHost(topics: readonly string[]): ChildProcess {
  // From source this file ends in .ts and needs tsx; compiled it ends in .js, and so does its neighbour.
  const extension = extname(fileURLToPath(import.meta.url))
  const host = fileURLToPath(new URL(`./embedded-broker-host${extension}`, import.meta.url))
  return fork(host, [...topics], {
    execArgv: extension === '.ts' ? ['--import', import.meta.resolve('tsx')] : [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

async function readiness(child: ChildProcess): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const answer = await Promise.race([
    once(child, 'message').then(([message]) => message as HostMessage),
    once(child, 'exit').then(([code, signal]): HostMessage => failed(`it ended with ${signal ?? code}`)),
    new Promise<HostMessage>((resolve) => {
      const why = `it was not ready within ${START_TIMEOUT_MS} ms`
      timer = setTimeout(() => resolve(failed(why)), START_TIMEOUT_MS)
    }),
  ])
  clearTimeout(timer)
  if (answer.kind === 'ready') return answer.brokers
  await end(child)
  if (answer.isNativeMissing) throw new PyrallelError('PYR_NATIVE_MISSING', answer.why)
  throw new PyrallelError('PYR_BROKER_UNREACHABLE', `The embedded broker did not start: ${answer.why}.`)
}

function failed(why: string): HostMessage {
  return { kind: 'failed', why, isNativeMissing: false }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.ref()
  const exited = once(child, 'exit')
  // The host heeds no other word: signals reach it also when they are meant for its parent.
  if (child.connected) child.disconnect()
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(kill)
}
