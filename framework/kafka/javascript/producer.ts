/**
 * Produces records: gathers those of one turn into batches, with one request under way for each broker. Idempotent (KIP-98); keeps the order of the
 * calls per partition. What no broker has acknowledged in five minutes is rejected: whoever owns a record sends it again.
 */
import { PyrallelError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import { refuseUncarryable } from '../../model/outgoing-check.ts'
import type { OutgoingRecord } from '../../model/record.ts'
import { partitionId } from '../../model/record.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import { sleep } from '../../time/wait.ts'
import { faultCodes, isRetriable } from '../faults/codes.ts'
import type { ErrorReport } from '../faults/error-report.ts'
import { produceError } from '../faults/produce-error.ts'
import type { RecordPlace, RecordProducer } from '../kafka-client.ts'
import { type BatchCompression, recordSize } from './batch-writer.ts'
import type { Brokers } from './brokers.ts'
import { answeredFault, KafkaFault, toFault } from './errors.ts'
import { IdentitySource } from './identity-source.ts'
import { PartitionQueue, type Production } from './partition-queue.ts'
import { Placement } from './placement.ts'
import { type ProducedBatch, type ProducerIdentity, produceCall } from './produce-calls.ts'
import { ProducerTopics } from './producer-topics.ts'

/** As librdkafka's `message.timeout.ms`. */
const DELIVERY_LIMIT_MS = 300_000
/** How long a leader may wait for its followers. Well below the time-out of a request. */
const ACKNOWLEDGE_LIMIT_MS = 20_000
/** Beyond it a broker closes the connection (`socket.request.max.bytes`, 100 MiB by default), and each repeat would do the same. */
export const MAX_RECORD_BYTES = 100_000_000
const MAX_REQUEST_BYTES = 8_000_000
const RETRY_MS = { least: 50, most: 1_000 } as const

/** The broker does not know the place of this producer (any more), which a topic made anew explains: nothing was written. */
const misplaced: ReadonlySet<number> = new Set([
  faultCodes.OUT_OF_ORDER_SEQUENCE,
  faultCodes.INVALID_PRODUCER_EPOCH,
  faultCodes.UNKNOWN_PRODUCER_ID,
])
/** The leader has moved, or its epoch has. */
const moved: ReadonlySet<number> = new Set([
  faultCodes.UNKNOWN_TOPIC_OR_PART,
  faultCodes.KAFKA_STORAGE_ERROR,
  faultCodes.FENCED_LEADER_EPOCH,
])

export interface JavascriptProducerOptions {
  readonly brokers: Brokers
  readonly crc32c: (bytes: Buffer) => number
  /** Default: none. */
  readonly compression?: BatchCompression | undefined
  readonly clock: Clock
  readonly log: Logger
  readonly errors: ErrorReport
}

export class JavascriptProducer implements RecordProducer {
  readonly #options: JavascriptProducerOptions
  readonly #topics: ProducerTopics
  readonly #placement: Placement
  readonly #queues = new Map<string, PartitionQueue>()
  /** Those with something that is not under way. */
  readonly #ready = new Set<PartitionQueue>()
  /** Nodes with a request under way. */
  readonly #busy = new Set<number>()
  readonly #identities: IdentitySource
  #wake: Timer | 'at turn end' | undefined
  #outstanding = 0
  #closing: Promise<void> | undefined

  constructor(options: JavascriptProducerOptions) {
    this.#options = options
    const { brokers, clock } = options
    this.#identities = new IdentitySource(brokers)
    this.#topics = new ProducerTopics(brokers, clock)
    this.#placement = new Placement({
      topics: this.#topics,
      clock,
      limitMs: DELIVERY_LIMIT_MS,
      onPlaced: (production, partition) => this.#enqueue(production, partition),
    })
  }

  produce(record: OutgoingRecord): Promise<RecordPlace> {
    if (this.#closing !== undefined) return Promise.reject(closedError())
    return new Promise((resolve, reject) => {
      refuseUncarryable(record)
      const bytes = recordSize(record)
      if (bytes > MAX_RECORD_BYTES) throw produceError(answeredFault(faultCodes.MSG_SIZE_TOO_LARGE), record.topic)
      const nowMs = this.#options.clock.now()
      this.#outstanding++
      this.#placement.place({
        record: { ...record, timestamp: record.timestamp ?? Math.floor(nowMs) },
        bytes,
        untilMs: nowMs + DELIVERY_LIMIT_MS,
        resolve: (place) => {
          this.#outstanding--
          resolve(place)
        },
        reject: (error) => {
          this.#outstanding--
          reject(error)
        },
      })
    })
  }

  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  #enqueue(production: Production, partition: number): void {
    const queue = this.#queueOf(production.record.topic, partition)
    queue.push(production)
    this.#ready.add(queue)
    this.#flushAtTurnEnd()
  }

  #queueOf(topic: string, partition: number): PartitionQueue {
    const id = partitionId({ topic, partition })
    const known = this.#queues.get(id)
    if (known !== undefined) return known
    const { crc32c, compression } = this.#options
    const queue = new PartitionQueue(topic, partition, crc32c, compression)
    this.#queues.set(id, queue)
    return queue
  }

  #flushAtTurnEnd(): void {
    if (this.#wake === 'at turn end') return
    this.#wake?.cancel()
    this.#wake = 'at turn end'
    this.#options.clock.atTurnEnd(() => {
      this.#wake = undefined
      this.#flush()
    })
  }

  #flushIn(delayMs: number): void {
    if (this.#wake !== undefined || (this.#closing !== undefined && this.#outstanding === 0)) return
    this.#wake = this.#options.clock.setTimer(delayMs, () => {
      this.#wake = undefined
      this.#flush()
    })
  }

  #flush(): void {
    const { clock, brokers } = this.#options
    const nowMs = clock.now()
    if (this.#ready.size === 0) return
    const identity = this.#identities.current
    if (identity === undefined) {
      this.#askIdentity()
      return
    }
    const byNode = new Map<number, PartitionQueue[]>()
    let pauseMs = Number.POSITIVE_INFINITY
    for (const queue of this.#ready) {
      this.#giveUpOverdue(queue, nowMs)
      if (queue.isEmpty) {
        this.#ready.delete(queue)
        continue
      }
      const leader = brokers.leaderOf(queue.topic, queue.partition)
      if (leader === undefined) this.#refresh(queue.topic)
      if (leader === undefined || queue.notBeforeMs > nowMs) {
        pauseMs = Math.min(pauseMs, Math.max(queue.notBeforeMs - nowMs, RETRY_MS.least))
      } else if (!this.#busy.has(leader)) {
        byNode.set(leader, [...(byNode.get(leader) ?? []), queue])
      }
    }
    for (const [node, queues] of byNode) void this.#send(node, queues, identity)
    if (Number.isFinite(pauseMs)) this.#flushIn(pauseMs)
  }

  #giveUpOverdue(queue: PartitionQueue, nowMs: number): void {
    const late = new KafkaFault(faultCodes.MSG_TIMED_OUT, `not acknowledged within ${DELIVERY_LIMIT_MS} ms`)
    for (const each of queue.takeOverdue(nowMs)) each.reject(produceError(late, queue.topic))
  }

  async #send(node: number, queues: readonly PartitionQueue[], identity: ProducerIdentity): Promise<void> {
    this.#busy.add(node)
    const sent: PartitionQueue[] = []
    const batches = []
    let bytes = 0
    for (const queue of queues) {
      if (bytes > MAX_REQUEST_BYTES) break
      const batch = queue.take(identity)
      bytes += batch.bytes.length
      sent.push(queue)
      batches.push(batch)
      this.#ready.delete(queue)
    }
    const { brokers } = this.#options
    try {
      const answers = await brokers.node(node, 'data').call(produceCall(batches, ACKNOWLEDGE_LIMIT_MS))
      for (const queue of sent) this.#onAnswer(queue, answers)
    } catch (thrown) {
      for (const queue of sent) this.#onFault(queue, toFault(thrown))
    }
    this.#busy.delete(node)
    for (const queue of sent) if (!queue.isEmpty) this.#ready.add(queue)
    if (this.#ready.size > 0) this.#flushAtTurnEnd()
  }

  #onAnswer(queue: PartitionQueue, answers: readonly ProducedBatch[]): void {
    const { topic, partition } = queue
    const answer = answers.find((each) => each.partition === partition && each.topic === topic)
    if (answer === undefined)
      this.#onFault(queue, new KafkaFault(faultCodes.BAD_MESSAGE, 'the answer leaves a partition out'))
    else if (answer.code === 0) queue.acknowledged(answer.baseOffset)
    else this.#onFault(queue, answeredFault(answer.code, answer.message))
  }

  #onFault(queue: PartitionQueue, fault: KafkaFault): void {
    const { clock } = this.#options
    if (fault.code === faultCodes.MSG_SIZE_TOO_LARGE && queue.split()) return
    const isAgain = isRetriable(fault) || moved.has(fault.code) || misplaced.has(fault.code) || fault.isAuthentication
    // A topic that was deleted stays unknown: then its search says so.
    if (!isAgain) {
      const error = produceError(fault, queue.topic)
      // The one without a name says nothing about what was written.
      if (fault.code === faultCodes.UNKNOWN) queue.abandoned(error)
      else queue.refused(error)
      return
    }
    queue.kept(clock.now() + Math.min(RETRY_MS.least * 2 ** Math.min(queue.refusals, 10), RETRY_MS.most))
    if (misplaced.has(fault.code)) {
      this.#identities.forget(queue.identity)
      queue.renumber()
    }
    this.#refresh(queue.topic)
  }

  /** Who leads its partitions. A topic that does not exist any more takes its records with it. */
  #refresh(topic: string): void {
    this.#topics.find(topic).then(
      () => this.#flushIn(0),
      (thrown: unknown) => {
        const error = produceError(toFault(thrown), topic)
        for (const queue of this.#queues.values()) {
          if (queue.topic === topic && !queue.isOut) for (const each of queue.takeAll()) each.reject(error)
        }
      },
    )
  }

  #askIdentity(): void {
    if (this.#identities.isAsking) return
    this.#identities.ask(DELIVERY_LIMIT_MS).then(
      () => this.#flushAtTurnEnd(),
      (fault: KafkaFault) => {
        this.#options.errors.tell(fault, 'a producer has got no identity')
        for (const queue of this.#ready) {
          for (const each of queue.takeAll()) each.reject(produceError(fault, queue.topic))
        }
        this.#ready.clear()
      },
    )
  }

  async #close(timeoutMs: number): Promise<void> {
    const { clock, log, brokers } = this.#options
    const untilMs = clock.now() + timeoutMs
    while (this.#outstanding > 0 && clock.now() < untilMs) await sleep(clock, 5)
    this.#topics.stop()
    if (this.#outstanding > 0) {
      log.warn({ timeoutMs, undelivered: this.#outstanding }, 'the producer was closed before all was delivered')
    }
    const left = [...this.#queues.values()].flatMap((queue) => queue.takeAll())
    for (const each of [...left, ...this.#placement.takeAll()]) each.reject(closedError())
    this.#ready.clear()
    if (typeof this.#wake === 'object') this.#wake.cancel()
    brokers.close()
  }
}

function closedError(): PyrallelError {
  return new PyrallelError('PYR_CLIENT_CLOSED', 'The Kafka producer is closed.')
}
