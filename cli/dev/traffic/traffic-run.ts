/** Produces the records of a traffic file, paced, and watches what becomes of them. */
import type { HandlerRecord } from '../../../framework/api/handler.ts'
import type { TrafficRecord } from '../../../framework/api/traffic.ts'
import type { RecordProducer } from '../../../framework/kafka/kafka-client.ts'
import { toError } from '../../../framework/model/errors.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import { keyLine } from '../../../framework/model/plain-text.ts'
import type { KafkaRecord, OutgoingRecord } from '../../../framework/model/record.ts'
import type { TopicFormats } from '../../../framework/publishing/topic-formats.ts'
import { withFoundTopics } from '../../../framework/runtime/found-topics.ts'
import type { ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import type { Clock } from '../../../framework/time/clock.ts'
import { topicsOf } from '../../project/declared-topics.ts'
import { type Delivery, OrderChecker, type Settlement } from './order-checker.ts'
import { TrafficLedger } from './traffic-ledger.ts'
import { nextRecord } from './traffic-record.ts'

/** Carries the run, the record's number in it, and its number among those of its key: `run/id/number`. */
const TRAFFIC_HEADER = 'pyrallel-traffic'
/** Without a rate, so many may be on their way: enough to keep every key busy, few enough that they do not just queue. */
const OUTSTANDING_UNPACED = 500
/** With a rate, production stops here until handlers have caught up: nothing may grow without limit. */
const OUTSTANDING_PACED = 20_000
const TICK_MS = 20

export interface TrafficRunOptions {
  readonly source: Iterator<TrafficRecord>
  /** Where `source` is written, relative to the project: for what is said of its mistakes. */
  readonly file: string
  readonly handlers: readonly ResolvedHandler[]
  readonly clock: Clock
  /** Records per second; `undefined`: as fast as they are handled. */
  readonly rate: number | undefined
  /** Tells the records of this run from those that an earlier one left in the topics. No slashes. */
  readonly runId: string
  /** `undefined`: until stopped. */
  readonly records: number | undefined
  /** Called before the first record of a topic is produced. */
  readonly ensureTopic: (topic: string) => Promise<void>
  /** Where it is given, a mistake of the source ends nothing: another source is waited for. Otherwise `run` rejects with it. */
  readonly onMistake?: (mistake: Error) => void
  /** Nothing settled for so long, although records are on their way: they are taken for lost. */
  readonly stallMs: number
}

export class TrafficRun {
  readonly ledger: TrafficLedger
  readonly checker: OrderChecker
  readonly #options: TrafficRunOptions
  #source: Iterator<TrafficRecord>
  #handlers: readonly ResolvedHandler[]
  #formats: ReadonlyMap<string, TopicFormats>
  /** By topic that was written to: the ids of the handlers that read it. */
  readonly #readers = new Map<string, readonly string[]>()
  #isStopped = false
  /** The source has made a mistake. */
  #isWaiting = false
  /** The source has no more records. Those that are on their way are waited for all the same. */
  #hasEnded = false
  #wake: () => void = () => {}

  constructor(options: TrafficRunOptions) {
    this.#options = options
    this.ledger = new TrafficLedger(() => options.clock.now())
    this.checker = new OrderChecker(new Map(options.handlers.map(({ route }) => [route.handlerId, route.ordering])))
    this.#source = options.source
    this.#handlers = options.handlers
    this.#formats = formatsBy(options.handlers)
  }

  /** Other handlers read from now on. What those that are gone have not settled is not waited for. */
  setHandlers(handlers: readonly ResolvedHandler[]): void {
    const before = [...this.#readers]
    this.#handlers = handlers
    this.#formats = formatsBy(handlers)
    this.#readers.clear()
    for (const [topic, ids] of before) {
      for (const id of ids) if (!this.#readersOf(topic).includes(id)) this.ledger.forget(id)
    }
  }

  /** Other records come from now on. */
  setSource(source: Iterator<TrafficRecord>): void {
    this.#source = source
    this.#isWaiting = false
  }

  /** For another source, as this one has made a mistake. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  /** Settles when all records are settled or taken for lost; without `records`, when it is stopped. */
  async run(producer: RecordProducer): Promise<void> {
    const { records = Number.POSITIVE_INFINITY, clock, rate } = this.#options
    let startedAt = clock.now()
    const limit = rate === undefined ? OUTSTANDING_UNPACED : OUTSTANDING_PACED
    for (let sent = 0; sent < records && !this.#isOver; ) {
      const due = rate === undefined ? records : Math.floor(((clock.now() - startedAt) * rate) / 1_000) + 1
      while (sent < Math.min(due, records) && this.ledger.outstanding < limit && !this.#isOver && !this.#isWaiting) {
        const sentAt = rate === undefined ? clock.now() : startedAt + (sent * 1_000) / rate
        if (await this.#produce(producer, sent + 1, sentAt)) sent++
      }
      if (sent >= records || this.#isOver) break
      if (this.#isWaiting) {
        const since = clock.now()
        await this.#pause(TICK_MS)
        // What was not sent meanwhile is not sent all at once.
        startedAt += clock.now() - since
      } else if (this.ledger.outstanding < limit) await this.#pause(TICK_MS)
      else if (!(await this.#progressed())) break
    }
    while (this.ledger.outstanding > 0 && !this.#isStopped && (await this.#progressed()));
  }

  stop(): void {
    this.#isStopped = true
    this.#wake()
  }

  onEvent(event: RuntimeEvent): void {
    if (event.kind === 'records.left-out') {
      for (const record of event.records) this.#leftOut(event.handlerId, record)
      return
    }
    const { kind } = event
    if (kind !== 'record.done' && kind !== 'record.retry' && kind !== 'record.parked' && kind !== 'record.dead') return
    const { record, handlerId } = event
    const ids = this.#idsOf(record)
    if (ids === undefined) return
    if (event.kind === 'record.done' || event.kind === 'record.dead') {
      this.checker.settled(rawDelivery(handlerId, record, ids.number), settlementOf(event))
    }
    if (event.kind === 'record.parked' && event.isAlone) {
      this.checker.parkedAlone(rawDelivery(handlerId, record, ids.number))
    }
    this.ledger.onEvent(ids.id, event)
  }

  #leftOut(handlerId: string, record: KafkaRecord): void {
    const ids = this.#idsOf(record)
    if (ids === undefined) return
    this.checker.leftOut(rawDelivery(handlerId, record, ids.number))
    this.ledger.leftOut(ids.id, handlerId)
  }

  #idsOf({ headers }: KafkaRecord): ReturnType<typeof readHeader> {
    const header = headers.find(([name]) => name === TRAFFIC_HEADER)?.[1]?.toString()
    return readHeader(header, this.#options.runId)
  }

  onStart(handlerId: string, record: HandlerRecord<unknown>): void {
    const delivery = deliveryOf(handlerId, record, this.#options.runId)
    if (delivery !== undefined) this.checker.started(delivery)
  }

  onEnd(handlerId: string, record: HandlerRecord<unknown>, hasSucceeded: boolean): void {
    const delivery = deliveryOf(handlerId, record, this.#options.runId)
    if (delivery !== undefined) this.checker.ended(delivery, hasSucceeded)
  }

  /** How many were asked for, when the source ended before it had given so many. */
  get endedBefore(): number | undefined {
    return this.#hasEnded ? this.#options.records : undefined
  }

  /** Nothing more is produced. */
  get #isOver(): boolean {
    return this.#isStopped || this.#hasEnded
  }

  #readersOf(topic: string): readonly string[] {
    const known = this.#readers.get(topic)
    if (known !== undefined) return known
    const readers = withFoundTopics(this.#handlers, [topic])
      .filter(({ route }) => route.topic === topic)
      .map(({ route }) => route.handlerId)
    this.#readers.set(topic, readers)
    return readers
  }

  /** @returns whether there was a record */
  async #produce(producer: RecordProducer, id: number, sentAt: number): Promise<boolean> {
    const next = await this.#next(id)
    if (next === undefined) return false
    const { topic, key, value, headers } = next
    await this.#options.ensureTopic(topic)
    const number = this.checker.numberOf(topic, keyOf(key))
    this.ledger.sent(id, this.#readersOf(topic), sentAt)
    const traffic = [TRAFFIC_HEADER, Buffer.from(`${this.#options.runId}/${id}/${number}`)] as const
    // Not awaited: the producer keeps the order of calls, and waiting for each acknowledgement would pace by the round trip.
    producer.produce({ topic, key, value, headers: [...headers, traffic] }).catch(() => this.ledger.refused(id))
    return true
  }

  async #next(id: number): Promise<OutgoingRecord | undefined> {
    const { file, onMistake } = this.#options
    const source = this.#source
    try {
      const next = await nextRecord(source, file, id, (topic) => this.#formats.get(topic))
      // Another one has come while a codec was loaded: that has not ended, and has made no mistake.
      if (source === this.#source) this.#hasEnded = next === undefined
      return next
    } catch (thrown) {
      if (onMistake === undefined) throw thrown
      if (source !== this.#source) return undefined
      this.#isWaiting = true
      onMistake(toError(thrown))
      return undefined
    }
  }

  /** False when nothing has settled for `stallMs`. */
  async #progressed(): Promise<boolean> {
    let hasProgressed = false
    const progress = this.ledger.nextProgress().then(() => {
      hasProgressed = true
    })
    await this.#pause(this.#options.stallMs, progress)
    return hasProgressed || this.#isStopped
  }

  /** Until so much time has passed, `stop` is called, or `sooner` settles. */
  async #pause(ms: number, sooner?: Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.setTimer(ms, resolve)
      this.#wake = () => {
        timer.cancel()
        resolve()
      }
      sooner?.then(this.#wake, this.#wake)
    })
  }
}

function settlementOf(event: Extract<RuntimeEvent, { readonly kind: 'record.done' | 'record.dead' }>): Settlement {
  if (event.kind === 'record.dead') return 'dead'
  return event.batch === undefined ? 'done' : 'done in a batch'
}

function rawDelivery(handlerId: string, { topic, partition, offset, key }: KafkaRecord, number: number): Delivery {
  return { handlerId, topic, partition, offset, key: keyOf(key), number }
}

function deliveryOf(handlerId: string, record: HandlerRecord<unknown>, runId: string): Delivery | undefined {
  const ids = readHeader(record.headers.get(TRAFFIC_HEADER), runId)
  if (ids === undefined) return undefined
  const { topic, partition, offset, keyBytes } = record
  return { handlerId, topic, partition, offset, key: keyOf(keyBytes), number: ids.number }
}

/** By its bytes, which are what orders: in a format, it is an object for the handler, and no text. */
function keyOf(bytes: Buffer | null): string | null {
  return bytes === null ? null : keyLine(bytes, bytes.length)
}

function readHeader(
  text: string | undefined,
  runId: string,
): { readonly id: number; readonly number: number } | undefined {
  const [run, id, number] = (text ?? '').split('/')
  return run === runId && id !== undefined ? { id: Number(id), number: Number(number) } : undefined
}

function formatsBy(handlers: readonly ResolvedHandler[]): ReadonlyMap<string, TopicFormats> {
  return new Map(topicsOf(handlers).map((topic) => [topic.name, topic]))
}
