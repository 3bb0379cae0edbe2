/**
 * Writes the outputs of one transaction after the other: in order in each partition, one batch of each under way. What no broker has answered is not written again, as
 * a late one could get into a later transaction: then this one is given up.
 */
import { type OutgoingRecord, type PartitionId, partitionId } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import { sleep } from '../../time/wait.ts'
import { faultCodes, isRetriable } from '../faults/codes.ts'
import { partitionOfKey } from '../murmur2.ts'
import { type BatchCompression, recordSize, type StampedRecord, writeBatch } from './batch-writer.ts'
import type { Brokers } from './brokers.ts'
import { byTopic, type TopicMetadata } from './cluster-calls.ts'
import { answeredFault, KafkaFault, toFault } from './errors.ts'
import { type PartitionBatch, produceCall, type TransactionIdentity } from './produce-calls.ts'
import { ProducerTopics } from './producer-topics.ts'

/** Below the default of a topic's `max.message.bytes`, 1,048,588. One record alone may be larger. */
const MAX_BATCH_BYTES = 1_000_000
const MAX_BATCH_RECORDS = 10_000
/** Beyond `socket.request.max.bytes`, 100 MiB by default, a broker closes the connection. */
const MAX_RECORD_BYTES = 100_000_000
const MAX_REQUEST_BYTES = 8_000_000
const RETRY_MS = { least: 20, most: 500 } as const
/** Sequences begin anew at zero behind 2^31 - 1. */
const SEQUENCES = 2 ** 31

/** Nothing was written. The leader has moved, or its epoch; or the transaction before is still being ended. */
const passing: ReadonlySet<number> = new Set([
  faultCodes.KAFKA_STORAGE_ERROR,
  faultCodes.FENCED_LEADER_EPOCH,
  faultCodes.CONCURRENT_TRANSACTIONS,
])

/** Why the outputs are not written. */
export interface RefusedOutputs {
  readonly fault: KafkaFault
  /** What is refused is among these. In their order. */
  readonly indexes: readonly number[]
  readonly topic: string
}

interface PlacedOutput {
  readonly index: number
  readonly record: StampedRecord
  readonly bytes: number
}

/** What is to be written to one partition. */
export interface PartitionOutputs {
  readonly topic: string
  readonly partition: number
  readonly outputs: PlacedOutput[]
  /** Halved where the topic takes less. */
  maxBytes: number
}

export interface TransactionOutputsOptions {
  readonly brokers: Brokers
  readonly clock: Clock
  readonly crc32c: (bytes: Buffer) => number
  /** Default: none. */
  readonly compression?: BatchCompression | undefined
}

export class TransactionOutputs {
  readonly #options: TransactionOutputsOptions
  readonly #topics: ProducerTopics
  /** Of each partition, the number of the next record; under the identity that was last written with. */
  readonly #sequences = new Map<PartitionId, number>()
  #identity: TransactionIdentity | undefined
  /** Topics of which a leader has not answered: others may lead now. */
  readonly #inDoubt = new Set<string>()

  constructor(options: TransactionOutputsOptions) {
    this.#options = options
    this.#topics = new ProducerTopics(options.brokers, options.clock)
  }

  /** Where each goes. Writes nothing. @param limitMs for brokers that are away */
  async place(
    outputs: readonly OutgoingRecord[],
    limitMs: number,
  ): Promise<readonly PartitionOutputs[] | RefusedOutputs> {
    const now = Math.floor(this.#options.clock.now())
    const placed = new Map<PartitionId, PartitionOutputs>()
    const numbered = outputs.map((record, index) => ({ topic: record.topic, record, index }))
    for (const [topic, of] of byTopic(numbered)) {
      const highest = of.reduce((most, { record }) => Math.max(most, record.partition ?? 0), 0)
      const found = await this.#topic(topic, highest, limitMs)
      if (found instanceof KafkaFault) return { fault: found, indexes: of.map(({ index }) => index), topic }
      const count = found.partitions.length
      for (const { record, index } of of) {
        const partition = record.partition ?? (record.key === null ? now % count : partitionOfKey(record.key, count))
        const bytes = recordSize(record)
        const fault = unwritable(partition, count, bytes)
        if (fault !== undefined) return { fault, indexes: [index], topic }
        const id = partitionId({ topic, partition })
        const queue = placed.get(id) ?? { topic, partition, outputs: [], maxBytes: MAX_BATCH_BYTES }
        placed.set(id, queue)
        queue.outputs.push({ index, record: { ...record, timestamp: record.timestamp ?? now }, bytes })
      }
    }
    return [...placed.values()]
  }

  /**
   * Writes what was placed, once.
   * @param untilMs by then it is written or given up
   * @returns `undefined` when all is acknowledged
   */
  async write(
    placed: readonly PartitionOutputs[],
    identity: TransactionIdentity,
    untilMs: number,
  ): Promise<RefusedOutputs | undefined> {
    const { clock } = this.#options
    if (this.#identity?.id !== identity.id || this.#identity.epoch !== identity.epoch) this.#sequences.clear()
    this.#identity = identity
    let left = placed
    for (let pauseMs: number = RETRY_MS.least; left.length > 0; ) {
      const round = await this.#round(left, identity, untilMs)
      if ('fault' in round) return round
      left = left.filter(({ outputs }) => outputs.length > 0)
      if (round.later === undefined) {
        pauseMs = RETRY_MS.least
        continue
      }
      if (clock.now() + pauseMs >= untilMs) return round.later
      await sleep(clock, pauseMs)
      pauseMs = Math.min(pauseMs * 2, RETRY_MS.most)
    }
    return undefined
  }

  /** What is being asked for is asked no further. */
  stop(): void {
    this.#topics.stop()
  }

  async #topic(name: string, partition: number, limitMs: number): Promise<TopicMetadata | KafkaFault> {
    const known = this.#topics.known(name)
    // Partitions may have been added.
    if (known !== undefined && partition < known.partitions.length && !this.#inDoubt.has(name)) return known
    this.#inDoubt.delete(name)
    return this.#topics.find(name, limitMs).catch(toFault)
  }

  /** One request to each leader. @returns what is refused, or why some of it has to be tried again */
  async #round(
    left: readonly PartitionOutputs[],
    identity: TransactionIdentity,
    untilMs: number,
  ): Promise<RefusedOutputs | { readonly later: RefusedOutputs | undefined }> {
    const byLeader = new Map<number, PartitionOutputs[]>()
    const leaderless: PartitionOutputs[] = []
    for (const queue of left) {
      const leader = this.#options.brokers.leaderOf(queue.topic, queue.partition)
      if (leader === undefined) leaderless.push(queue)
      else byLeader.set(leader, [...(byLeader.get(leader) ?? []), queue])
    }
    const sent = [...byLeader].map(([leader, queues]) => this.#send(leader, queues, identity, untilMs))
    const refusals = (await Promise.all(sent)).flat()
    const none = answeredFault(faultCodes.LEADER_NOT_AVAILABLE)
    for (const queue of leaderless) refusals.push(refusalOf(queue, queue.outputs, none))
    const later: RefusedOutputs[] = []
    for (const refusal of refusals) {
      const why = await this.#isForGood(refusal, untilMs)
      if (why !== undefined) return why
      later.push(refusal)
    }
    return { later: later[0] }
  }

  async #send(
    leader: number,
    queues: readonly PartitionOutputs[],
    identity: TransactionIdentity,
    untilMs: number,
  ): Promise<readonly RefusedOutputs[]> {
    const { brokers, clock } = this.#options
    const batches: (PartitionBatch & { readonly queue: PartitionOutputs; readonly taken: readonly PlacedOutput[] })[] =
      []
    let bytes = 0
    for (const queue of queues) {
      if (bytes > MAX_REQUEST_BYTES) break
      const batch = this.#batch(queue, identity)
      bytes += batch.bytes.length
      batches.push(batch)
    }
    const leftMs = Math.max(0, untilMs - clock.now())
    const call = produceCall(batches, Math.ceil(leftMs), identity)
    let answers: Awaited<ReturnType<typeof call.read>>
    try {
      answers = await brokers.inTime(brokers.node(leader, 'data').call(call), leftMs)
    } catch (thrown) {
      for (const { queue } of batches) this.#inDoubt.add(queue.topic)
      return batches.map(({ queue, taken }) => refusalOf(queue, taken, toFault(thrown)))
    }
    return batches.flatMap(({ queue, taken }) => {
      const { topic, partition } = queue
      const answer = answers.find((each) => each.partition === partition && each.topic === topic)
      if (answer === undefined) {
        return [refusalOf(queue, taken, new KafkaFault(faultCodes.BAD_MESSAGE, 'the answer leaves a partition out'))]
      }
      if (answer.code === 0) this.#written(queue, taken)
      else if (answer.code === faultCodes.MSG_SIZE_TOO_LARGE && taken.length > 1) {
        const whole = taken.reduce((sum, each) => sum + each.bytes, 0)
        queue.maxBytes = Math.max(1, Math.floor(Math.min(queue.maxBytes, whole) / 2))
      } else return [refusalOf(queue, taken, answeredFault(answer.code, answer.message))]
      return []
    })
  }

  /** The next batch of a partition; the same again, as long as nobody has acknowledged it. */
  #batch(queue: PartitionOutputs, identity: TransactionIdentity) {
    const { topic, partition, outputs, maxBytes } = queue
    let [count, bytes] = [0, 0]
    for (const each of outputs) {
      bytes += each.bytes
      if (count > 0 && (bytes > maxBytes || count === MAX_BATCH_RECORDS)) break
      count++
    }
    const taken = outputs.slice(0, count)
    const { crc32c, compression } = this.#options
    const sequence = this.#sequences.get(partitionId(queue)) ?? 0
    const place = { id: identity.id, epoch: identity.epoch, sequence, isTransactional: true }
    const records = taken.map(({ record }) => record)
    return { topic, partition, queue, taken, bytes: writeBatch(records, place, crc32c, compression) }
  }

  #written(queue: PartitionOutputs, taken: readonly PlacedOutput[]): void {
    queue.outputs.splice(0, taken.length)
    const id = partitionId(queue)
    this.#sequences.set(id, ((this.#sequences.get(id) ?? 0) + taken.length) % SEQUENCES)
  }

  /** Asks for the leaders where these may have changed. @returns the refusal that no later try changes */
  async #isForGood(refusal: RefusedOutputs, untilMs: number): Promise<RefusedOutputs | undefined> {
    const { fault, topic } = refusal
    const isOfTopic = fault.code === faultCodes.UNKNOWN_TOPIC_OR_PART
    const isAgain = !fault.isUnanswered && (isOfTopic || isRetriable(fault) || passing.has(fault.code))
    if (!isAgain) return refusal
    if (fault.code === faultCodes.CONCURRENT_TRANSACTIONS) return undefined
    const found = await this.#topics.find(topic, Math.max(0, untilMs - this.#options.clock.now())).catch(toFault)
    return found instanceof KafkaFault ? { ...refusal, fault: found } : undefined
  }
}

function refusalOf({ topic }: PartitionOutputs, outputs: readonly PlacedOutput[], fault: KafkaFault): RefusedOutputs {
  return { fault, indexes: outputs.map(({ index }) => index), topic }
}

function unwritable(partition: number, count: number, bytes: number): KafkaFault | undefined {
  if (partition >= count) return new KafkaFault(faultCodes.UNKNOWN_PARTITION, `the topic has no partition ${partition}`)
  return bytes > MAX_RECORD_BYTES ? answeredFault(faultCodes.MSG_SIZE_TOO_LARGE) : undefined
}
