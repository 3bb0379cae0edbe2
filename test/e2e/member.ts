/**
 * A group member in a process of its own: the real runtime with one handler that behaves as the plan says. Every line is written at once
 * and synchronously, so that a SIGKILL loses nothing of what was done. Judges nothing: that is the ledger's business.
 */
import { close, open, openSync, writeSync } from 'node:fs'
import { DeadLetter, handler } from '../../framework/api/handler.ts'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import type { KafkaClient, KafkaConnection } from '../../framework/kafka/kafka-client.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import type { KafkaRecord } from '../../framework/model/record.ts'
import type { SecuritySettings } from '../../framework/model/settings.ts'
import { createLogger } from '../../framework/observability/logger.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { type MemberCommand, type MemberNote, type MemberPlan, monotonicMs } from './member-log.ts'

const plan = JSON.parse(process.argv[2] ?? '') as MemberPlan
const file = openSync(plan.file, 'a')

function write(note: MemberNote): void {
  writeSync(file, `${JSON.stringify({ at: monotonicMs(), ...note })}\n`)
}

/** A client has a request that nobody answers. librdkafka may wait for that answer without an end. */
let isClientLeftBehind = false
const log = createLogger(
  // With librdkafka's own: what a member does in its group is told by nothing else.
  { level: 'debug', pretty: false },
  {
    write: (text) => {
      const { level, msg, time: _, ...fields } = JSON.parse(text) as { level: string; msg: string; time: string }
      // Our own details say what the other lines do, once more and for every record.
      if (level !== 'debug' || msg === 'librdkafka') write({ kind: 'log', level, message: msg, fields })
      isClientLeftBehind ||= msg.startsWith('the consumer is left behind')
    },
  },
)

/** By key: ends the wait of its records. A key that was released stays so. */
const released = new Map<string, { readonly promise: Promise<void>; readonly resolve: () => void }>()
for (const key of plan.behaviour.blockedKeys) {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  released.set(key, { promise, resolve })
}

const { takesMs, ignoresSignal, failures, publishesTo, givesUpEvery } = plan.behaviour

async function work(key: string, attempt: number, signal: AbortSignal): Promise<void> {
  const [least, most] = takesMs
  const aborted = new Promise<never>((_resolve, reject) => {
    if (!ignoresSignal) signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
  })
  // Without a listener of its own, an abort after the end would be an unhandled rejection.
  aborted.catch(() => {})
  if (most > 0) {
    const takes = least + Math.random() * (most - least)
    await Promise.race([new Promise((resolve) => setTimeout(resolve, takes)), aborted])
  }
  const wait = released.get(key)
  if (wait !== undefined) await Promise.race([wait.promise, aborted])
  if (attempt <= (failures[key] ?? 0)) throw new Error(`attempt ${attempt} fails as planned`)
}

const definition = handler<unknown>(plan.topic, async (record, context) => {
  const { partition, offset, attempt } = record
  const key = record.key ?? ''
  const sequence = sequenceOf(record.value)
  const of = { partition, offset, key, sequence, attempt }
  write({ kind: 'start', ...of })
  try {
    // First: what it has published when it fails is what must not be seen.
    if (publishesTo !== null) for (const n of [1, 2]) await context.publish(publishesTo, { sequence, n }, { key })
    await work(key, attempt, context.signal)
    if (givesUpEvery > 0 && sequence % givesUpEvery === 0) throw new DeadLetter('given up as planned')
  } catch (error) {
    const isGivenUp = plan.commit.exactlyOnce === true && error instanceof DeadLetter
    write({ kind: 'fail', ...of, ...(isGivenUp && { isGivenUp }) })
    throw error
  }
  write({ kind: 'end', ...of })
})

/** Records of others have none. */
function sequenceOf(value: unknown): number {
  const { sequence } = (value ?? {}) as { readonly sequence?: number }
  return sequence ?? 0
}

function onEvent(event: RuntimeEvent): void {
  switch (event.kind) {
    case 'record.done':
      write({ kind: 'done', ...place(event.record) })
      return
    case 'record.dead':
      write({ kind: 'dead', ...place(event.record) })
      return
    case 'record.retry':
    case 'commit.done':
      return
    case 'partition.assigned': {
      const { partition, epoch, position, restored } = event
      write({ kind: 'assigned', partition, epoch, position: position ?? null, restored })
      return
    }
    case 'partition.revoked':
    case 'partition.lost': {
      const { partition, epoch, leftBehind } = event
      write({ kind: event.kind === 'partition.lost' ? 'lost' : 'revoked', partition, epoch, leftBehind })
      return
    }
    default: {
      const { kind, ...facts } = event
      write({ kind: 'event', name: kind, facts: { ...facts, ...('error' in facts && { error: facts.error.message }) } })
    }
  }
}

function place({ partition, offset }: KafkaRecord): { readonly partition: number; readonly offset: number } {
  return { partition, offset }
}

let commits = 0

/** What the connection has made, by what it is watched through. */
const made = new WeakMap<KafkaClient, KafkaClient>()

/** The same client, with its commits and their answers written down. */
function watched(client: KafkaClient): KafkaClient {
  const watching: KafkaClient = {
    maxMetadataLength: client.maxMetadataLength,
    revokeLimitMs: client.revokeLimitMs,
    pollIntervalMs: client.pollIntervalMs,
    subscribe: (topics, listener) => client.subscribe(topics, listener),
    changeTopics: (topics) => client.changeTopics(topics),
    poll: (maxRecords, waitMs) => client.poll(maxRecords, waitMs),
    pause: (partitions) => client.pause(partitions),
    resume: (partitions) => client.resume(partitions),
    askCoordinator: (timeoutMs) => client.askCoordinator(timeoutMs),
    nextOffset: (partition) => client.nextOffset(partition),
    logEnd: (partition) => client.logEnd(partition),
    logEndHeardAt: (partition) => client.logEndHeardAt(partition),
    unsettledSince: () => client.unsettledSince(),
    membership: () => client.membership(),
    askLogEnds: (partitions, timeoutMs) => client.askLogEnds(partitions, timeoutMs),
    close: () => client.close(),
    async commit(requests) {
      const id = ++commits
      const partitions = requests.map(({ partition, position, metadata }) => {
        return { partition, position, metadataLength: metadata.length }
      })
      write({ kind: 'commit', id, partitions })
      try {
        await client.commit(requests)
      } catch (error) {
        write({ kind: 'refused', id, error: String(error) })
        throw error
      }
      write({ kind: 'committed', id })
    },
  }
  made.set(watching, client)
  return watching
}

function securityOf(user: NonNullable<MemberPlan['user']>): SecuritySettings {
  const { security } = configDefaults.kafka
  return { ...security, sasl: { ...security.sasl, mechanism: 'SCRAM-SHA-512', ...user } }
}

async function main(): Promise<void> {
  const {
    brokers,
    groupProtocol,
    sessionTimeoutMs,
    user,
    librdkafka,
    instanceId,
    startFrom,
    limits,
    commit,
    shutdown,
    metrics,
  } = plan
  const settings = plan.client === 'librdkafka' ? { debug: 'cgrp', ...librdkafka } : librdkafka
  const security = user === undefined ? {} : { security: securityOf(user) }
  const common = { brokers, clientId: plan.name, sessionTimeoutMs, log, ...security }
  const kafka = await connectUnderTest({ ...common, groupProtocol, librdkafka: settings }, plan.client)
  const connection: KafkaConnection = {
    description: kafka.description,
    sessionTimeoutMs: kafka.sessionTimeoutMs,
    check: (timeoutMs) => kafka.check(timeoutMs),
    missingTopics: (topics) => kafka.missingTopics(topics),
    createTopics: (topics, partitions) => kafka.createTopics(topics, partitions),
    consumer: async (options) => watched(await kafka.consumer(options)),
    producer: () => kafka.producer(),
    ...(kafka.transactionalProducer !== undefined && {
      transactionalProducer: (consumer, transaction) => {
        const own = made.get(consumer)
        if (own === undefined || kafka.transactionalProducer === undefined) throw new Error('a consumer of others')
        return kafka.transactionalProducer(own, transaction)
      },
    }),
    close: () => kafka.close(),
  }
  const { topic, group, ordering, concurrency, timeoutMs, retry, deadLetterTopic } = plan
  const route = { handlerId: 'work', topic, ordering, concurrency, retry, deadLetterTopic }
  const runtime = createRuntime({
    connection,
    handlers: [{ route, group, file: 'member.ts', timeoutMs, definition }],
    startFrom,
    ...(instanceId !== undefined && { instanceId }),
    limits,
    commit,
    shutdown,
    log,
    ...(metrics && { http: { ...configDefaults.http, enabled: true, port: 0 } }),
    onEvent,
  })
  process.once('SIGTERM', () => {
    void runtime.stop().then(() => {
      write({ kind: 'stopped' })
      // As `pyrallel start` does.
      if (isClientLeftBehind) process.exit(0)
      // Nothing else may keep the process alive now.
      process.off('disconnect', endForsaken)
      process.disconnect()
    })
  })
  process.on('message', (command: MemberCommand) => {
    if ('release' in command) released.get(command.release)?.resolve()
    else for (const pipe of command.holdThreads) open(pipe, 'r', (_, descriptor) => close(descriptor))
  })
  runtime.failed.catch((error: unknown) => write({ kind: 'failed', error: String(error) }))
  await runtime.start()
  write({ kind: 'started' })
}

/** The test process is gone: nobody would ever stop this one. */
function endForsaken(): void {
  process.exit(3)
}

process.on('disconnect', endForsaken)
await main()
