/** Stands in for the native consumer: answers as the test has scripted it, and writes down what it was asked. */

import { ErrorReport } from '../../../framework/kafka/faults/error-report.ts'
import type {
  NativeConsumer,
  NativeError,
  NativeMessage,
  NativeMetadata,
  NativePartition,
} from '../../../framework/kafka/librdkafka/binding.ts'
import type { ConsumerCallbacks } from '../../../framework/kafka/librdkafka/consumer.ts'
import { LibrdkafkaConsumer } from '../../../framework/kafka/librdkafka/consumer.ts'
import type { GroupBooks } from '../../../framework/kafka/librdkafka/late-answers.ts'
import type { NativeLogEntry } from '../../../framework/kafka/librdkafka/log.ts'
import type { ForeignCommits } from '../../../framework/kafka/librdkafka/starts-source.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { recordedLog } from './recorded-log.ts'

export class ScriptedConsumer implements NativeConsumer {
  /** Every call that changes something, as `name` and its arguments. */
  readonly calls: [name: string, ...args: unknown[]][] = []
  readonly batches: (readonly NativeMessage[] | NativeError)[] = []
  /** By partition; a negative one is not told. */
  readonly logEnds = new Map<number, number>()
  readonly logStarts = new Map<number, number>()
  readonly committedAnswers: (readonly (NativePartition | Error)[] | NativeError)[] = []
  protocol = 'COOPERATIVE'
  isLost = false
  /** The next call of that name throws. */
  readonly throwing = new Map<string, Error>()
  answersDisconnect = true
  subscriptionEnds: () => void = () => {}
  connectionEnds: () => Promise<void> = async () => {}

  named(name: string): unknown[][] {
    return this.calls.filter(([called]) => called === name).map(([, ...args]) => args)
  }

  #called(name: string, ...args: unknown[]): void {
    this.calls.push([name, ...args])
    const error = this.throwing.get(name)
    this.throwing.delete(name)
    if (error !== undefined) throw error
  }

  connect(_request: object, done: (error: NativeError | null, metadata: NativeMetadata) => void): void {
    done(null, { topics: [], brokers: [] })
  }
  /** Topics that the broker does not know any more. */
  readonly deletedTopics = new Set<string>()
  /** How many each topic has. */
  partitions = 2
  getMetadata({ topic = '' }: { topic?: string }, done: (error: null, metadata: NativeMetadata) => void): void {
    this.#called('getMetadata', topic)
    const count = this.deletedTopics.has(topic) ? 0 : this.partitions
    const partitions = Array.from({ length: count }, () => ({}))
    setImmediate(() => done(null, { topics: [{ name: topic, partitions }], brokers: [] }))
  }
  readonly #listeners = new Map<string, ((event: never) => void)[]>()
  on(event: string, listener: (event: never) => void): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener])
  }
  emit(event: 'event.error', error: NativeError): void
  emit(event: 'event.log', entry: NativeLogEntry): void
  emit(event: string, what: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(what as never)
  }
  isConnected(): boolean {
    return true
  }
  answersLogEnds = true
  /** What was not answered, to be answered now. */
  readonly openLogEnds: (() => void)[] = []
  queryWatermarkOffsets(
    topic: string,
    partition: number,
    _timeoutMs: number,
    done: (error: NativeError | null, result: { lowOffset: number; highOffset: number }) => void,
  ) {
    this.#called('queryWatermarkOffsets', topic, partition)
    const highOffset = this.logEnds.get(partition) ?? 0
    const lowOffset = this.logStarts.get(partition) ?? 0
    const answer = () =>
      done(highOffset < 0 ? { message: 'Local: Timed out', code: -185 } : null, { lowOffset, highOffset })
    if (this.answersLogEnds) answer()
    else this.openLogEnds.push(answer)
  }
  subscribe(topics: readonly string[]): void {
    this.#called('subscribe', topics)
  }
  unsubscribe(): void {
    this.#called('unsubscribe')
    this.subscriptionEnds()
  }
  setDefaultIsTimeoutOnlyForFirstMessage(): void {}
  #timeoutMs = 0
  setDefaultConsumeTimeout(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs
  }
  consume(maxMessages: number, done: (error: NativeError | null, messages: readonly NativeMessage[]) => void): void {
    this.#called('consume', maxMessages, this.#timeoutMs)
    const batch = this.batches.shift() ?? []
    setImmediate(() => ('code' in batch ? done(batch, []) : done(null, batch)))
  }
  commit(partitions: readonly NativePartition[]): void {
    this.#called('commit', partitions)
  }
  committed(
    partitions: readonly NativePartition[],
    _timeoutMs: number,
    done: (error: NativeError | null, found: readonly (NativePartition | Error)[]) => void,
  ): void {
    this.#called('committed', partitions)
    const answer = this.committedAnswers.shift() ?? partitions
    if ('code' in answer) done(answer, [])
    else done(null, answer)
  }
  assign(partitions: readonly NativePartition[]): void {
    this.#called('assign', partitions)
  }
  unassign(): void {
    this.#called('unassign')
  }
  incrementalAssign(partitions: readonly NativePartition[]): void {
    this.#called('incrementalAssign', partitions)
  }
  incrementalUnassign(partitions: readonly NativePartition[]): void {
    this.#called('incrementalUnassign', partitions)
  }
  assignmentLost(): boolean {
    return this.isLost
  }
  rebalanceProtocol(): string {
    return this.protocol
  }
  pause(partitions: readonly NativePartition[]): void {
    this.#called('pause', partitions)
  }
  resume(partitions: readonly NativePartition[]): void {
    this.#called('resume', partitions)
  }
  /** By partition; none before the first record. */
  readonly positions = new Map<number, number>()
  position(partitions: readonly NativePartition[]): NativePartition[] {
    return partitions.map(({ topic, partition }) => {
      const offset = this.positions.get(partition)
      return offset === undefined ? { topic, partition } : { topic, partition, offset }
    })
  }
  /** As fetches have told them, by partition. */
  readonly fetchedMarks = new Map<number, { lowOffset: number; highOffset: number }>()
  getWatermarkOffsets(_topic: string, partition: number): { lowOffset: number; highOffset: number } {
    return this.fetchedMarks.get(partition) ?? { lowOffset: 0, highOffset: -1001 }
  }
  disconnect(done: () => void): void {
    this.#called('disconnect')
    void this.connectionEnds().then(() => this.answersDisconnect && setImmediate(done))
  }
}

export const ASSIGN = { message: 'assign', code: -175 }
export const REVOKE = { message: 'revoke', code: -174 }
export const COMMIT_TIMEOUT_MS = 60_000
export const REVOKE_LIMIT_MS = 240_000

/** A consumer on a scripted native one, subscribed, with everything it told its listener. */
export async function scripted({
  isExpectedBack = false,
  startFrom = 'earliest' as 'earliest' | 'latest',
  foreign = undefined as ForeignCommits | undefined,
  books = undefined as GroupBooks | undefined,
} = {}) {
  const native = new ScriptedConsumer()
  const clock = new ManualClock()
  const { log, lines } = recordedLog()
  /** As they are counted. */
  const errors: string[] = []
  const told: [what: string, ...partitions: unknown[]][] = []
  let callbacks: ConsumerCallbacks | undefined
  const consumer = await LibrdkafkaConsumer.open(
    async (given) => {
      callbacks = given
      return native
    },
    {
      group: 'shop',
      log,
      clock,
      commitTimeoutMs: COMMIT_TIMEOUT_MS,
      revokeLimitMs: REVOKE_LIMIT_MS,
      pollIntervalMs: 300_000,
      isExpectedBack,
      groupProtocol: 'consumer',
      startFrom,
      foreign,
      books,
      errors: new ErrorReport(log, clock, (code) => errors.push(code)),
    },
  )
  const listener = {
    onAssigned: (partitions: readonly unknown[]): void => {
      told.push(['assigned', ...partitions])
    },
    onRevoked: async (partitions: readonly unknown[]): Promise<void> => {
      told.push(['revoked', ...partitions])
    },
    onLost: (partitions: readonly unknown[]): void => {
      told.push(['lost', ...partitions])
    },
  }
  await consumer.subscribe(['orders'], {
    onAssigned: (partitions) => listener.onAssigned(partitions),
    onRevoked: (partitions) => listener.onRevoked(partitions),
    onLost: (partitions) => listener.onLost(partitions),
  })
  const settle = () => new Promise(setImmediate)
  return {
    native,
    clock,
    consumer,
    listener,
    told,
    lines,
    errors,
    settle,
    async rebalance(event: NativeError, partitions: readonly NativePartition[]) {
      callbacks?.rebalance_cb(event, partitions)
      await settle()
    },
    answerCommit(error: NativeError | undefined, partitions: readonly NativePartition[]) {
      callbacks?.offset_commit_cb(error, partitions)
    },
  }
}

export function message(partition: number, offset: number): NativeMessage {
  return { topic: 'orders', partition, offset, key: null, value: Buffer.from('x'), timestamp: 0 }
}
