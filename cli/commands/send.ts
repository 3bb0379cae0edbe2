/** `pyrallel send`: checks a value against its topic's schema, produces it, and says what was acknowledged. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import type { KafkaConnection } from '../../framework/kafka/kafka-client.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { OutgoingRecord } from '../../framework/model/record.ts'
import { createLogger } from '../../framework/observability/logger.ts'
import { suggestion } from '../../framework/runtime/nearest-name.ts'
import type { TopicDefinition } from '../../framework/topic.ts'
import { isAlive, readDevFile } from '../dev/dev-file.ts'
import { exitCodes } from '../failure.ts'
import { hasColor, type Io } from '../io.ts'
import { painter } from '../paint.ts'
import { configFile, loadProject, loadRoutes, type Project } from '../project.ts'
import { readHeader, readValue } from '../send/payload.ts'
import { chooseTarget, type Target } from '../send/target.ts'

export interface SendOptions {
  readonly key?: string
  readonly header: readonly string[]
  readonly count: number
  readonly brokers?: string
  readonly json?: boolean
}

/** How a cluster is reached; replaced in tests. */
export type Connect = (target: Target, project: Project | undefined, io: Io) => Promise<KafkaConnection>

const CHECK_TIMEOUT_MS = 5_000
const CLOSE_TIMEOUT_MS = 5_000

export async function send(
  topicName: string,
  argument: string,
  options: SendOptions,
  io: Io,
  connect: Connect = connectNative,
): Promise<number> {
  const value = await readValue(argument, io)
  const headers = options.header.map(readHeader)
  const root = io.cwd()
  const project = existsSync(join(root, configFile)) ? await loadProject(root) : undefined
  const topics = await declaredTopics(root)
  const declared = topics.find(({ name }) => name === topicName)
  if (declared !== undefined) refuseInvalid(declared, value)
  const key = options.key ?? ownKey(declared, value)
  const target = chooseTarget({ flag: options.brokers, dev: readDevFile(root), isAlive, config: project?.config })
  const connection = await connect(target, project, io)
  try {
    await connection.check(CHECK_TIMEOUT_MS)
    await refuseUnknown(connection, topicName, topics)
    const record: OutgoingRecord = {
      topic: topicName,
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(JSON.stringify(value)),
      headers,
    }
    const tookMs = await produce(connection, record, options.count)
    report(
      { topic: topicName, key, count: options.count, broker: connection.description, from: target.from, tookMs },
      options,
      io,
    )
  } finally {
    await connection.close()
  }
  return exitCodes.fine
}

/** The topics that handlers here read; empty outside a project, or before the first `generate`. */
async function declaredTopics(root: string): Promise<readonly TopicDefinition<unknown>[]> {
  const routes = (await loadRoutes(root)) ?? []
  return routes.map(({ handler }) => handler.topic)
}

function refuseInvalid(topic: TopicDefinition<unknown>, value: unknown): void {
  const { schema } = topic
  if (schema === undefined || Value.Check(schema, value)) return
  const mistakes = Value.Errors(schema, value).map(
    ({ instancePath, message }) => `  ${instancePath === '' ? 'the value' : instancePath}: ${message}`,
  )
  throw new PyrallelError(
    'PYR_SCHEMA',
    `The value does not satisfy the schema of ${topic.name}; nothing was sent.\n${[...new Set(mistakes)].join('\n')}`,
  )
}

/** What the topic's own `key` says. A value that it cannot read has no key: without a schema, nothing says that it must. */
function ownKey(topic: TopicDefinition<unknown> | undefined, value: unknown): string | null {
  if (topic?.key === undefined || value === null) return null
  try {
    const key: unknown = topic.key(value)
    return typeof key === 'string' ? key : null
  } catch {
    return null
  }
}

async function refuseUnknown(
  connection: KafkaConnection,
  topic: string,
  declared: readonly TopicDefinition<unknown>[],
): Promise<void> {
  const missing = await connection.missingTopics([topic])
  if (missing.length === 0) return
  const known = declared.map(({ name }) => name)
  throw new PyrallelError(
    'PYR_TOPIC_UNKNOWN',
    `There is no topic '${topic}' at ${connection.description}.${suggestion(topic, known)} Nothing was sent.`,
  )
}

async function produce(connection: KafkaConnection, record: OutgoingRecord, count: number): Promise<number> {
  const producer = await connection.producer()
  const startedAt = performance.now()
  try {
    await Promise.all(Array.from({ length: count }, () => producer.produce(record)))
    return Math.round(performance.now() - startedAt)
  } finally {
    await producer.close(CLOSE_TIMEOUT_MS)
  }
}

interface Sent {
  readonly topic: string
  readonly key: string | null
  readonly count: number
  readonly broker: string
  readonly from: Target['from']
  readonly tookMs: number
}

function report(sent: Sent, options: SendOptions, io: Io): void {
  if (options.json === true) {
    io.stdout.write(`${JSON.stringify(sent)}\n`)
    return
  }
  const paint = painter(hasColor(io.stdout, io.env))
  const what = sent.count === 1 ? '1 record' : `${sent.count} records`
  const key = sent.key === null ? 'without a key' : `key ${sent.key}`
  io.stdout.write(
    `${paint('green', '✓')} ${sent.topic}  ${what}, ${key}, acknowledged by ${sent.broker} (${sent.from}) in ${sent.tookMs} ms\n`,
  )
}

const connectNative: Connect = async (target, project, io) => {
  const { connectKafka } = await import('../../framework/kafka/librdkafka-client.ts')
  const settings = project?.config.logging ?? { level: 'warn', pretty: 'auto' }
  // The outcome of one record is told by this command; the client's own lines would only be in the way.
  const log = createLogger({ ...settings, level: settings.level === 'debug' ? 'debug' : 'error' }, io.stderr)
  return connectKafka({
    brokers: target.brokers,
    clientId: project?.config.kafka.clientId ?? 'pyrallel',
    groupProtocol: 'consumer',
    createTopicsBy: target.isEmbedded ? 'metadata' : 'admin',
    ...(target.isEmbedded || project === undefined
      ? {}
      : { security: project.config.kafka.security, librdkafka: project.config.kafka.librdkafka }),
    log,
  })
}
