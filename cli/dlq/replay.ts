/**
 * Publishes dead letters again: publish, wait for the acknowledgement, then mark. Never deletes, never publishes what could not be marked, and
 * goes on where it was interrupted.
 */
import { randomUUID } from 'node:crypto'
import { decodeCompleted, encodeCompleted } from '../../framework/control-plane/metadata-encoder.ts'
import { type OffsetRange, OffsetTracker, rangesBelow } from '../../framework/control-plane/offset-tracker.ts'
import type {
  AssignedPartition,
  CommitRequest,
  GroupOffset,
  KafkaClient,
  RecordProducer,
} from '../../framework/kafka/kafka-client.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { KafkaRecord, OutgoingRecord, RecordHeader, TopicPartition } from '../../framework/model/record.ts'
import { type DeadLetter, ownHeaders, readDeadLetter } from './dead-letter.ts'
import { MarkRoom } from './mark-room.ts'
import { readToEnd, type TopicReader, whilePolling } from './read-topic.ts'
import type { Selection } from './selection.ts'

/** Marks are committed so often while a replay runs: after a kill, at most this much is published twice. Milliseconds. */
const COMMIT_EVERY_MS = 1_000
const MAX_POLL = 100

export interface ReplayOptions {
  readonly topic: string
  readonly selection: Selection
  /** Where to, instead of the topic that each record came from. */
  readonly to: string | undefined
  /** The most records to publish. */
  readonly limit: number
  /** Records per second; undefined: as fast as they are acknowledged. */
  readonly rate: number | undefined
  readonly isDryRun: boolean
  /** Whether a topic exists: nothing is published where nobody made one. */
  readonly topicExists: (topic: string) => Promise<boolean>
  readonly sleep: (ms: number) => Promise<void>
  /** True once somebody wants it to end: what is published is marked, and the rest is left for the next time. */
  readonly isStopped: () => boolean
  /** Each record that is, or would be, published. */
  readonly onReplay: (letter: DeadLetter, target: string) => void
}

export interface ReplayReport {
  /** Published and acknowledged; in a dry run, what would be. */
  readonly replayed: number
  /** Marked by an earlier replay. Those below the group's position are not read, and not counted. */
  readonly alreadyReplayed: number
  readonly notSelected: number
  /** Without their value, or without a topic to go to. */
  readonly notReplayable: number
  readonly isStopped: boolean
}

/** The group whose committed offsets are the marks: what is below the position, or named in its metadata, was replayed. */
export function replayGroup(topic: string): string {
  return `${topic}.replay`
}

/** Whether an earlier replay has published it, by what the group has committed. */
export function replayMarks(committed: readonly GroupOffset[], topic: string): (record: KafkaRecord) => boolean {
  const marks = new Map(
    committed
      // Of a log that ends below the position, the marks are gone with the records: a replay reads it from its start.
      .filter((offset) => offset.topic === topic && offset.position <= offset.logEnd)
      .map((offset) => [offset.partition, { position: offset.position, above: markedAbove(offset) }]),
  )
  return ({ partition, offset }) => {
    const mark = marks.get(partition)
    if (mark === undefined) return false
    return offset < mark.position || mark.above.some(({ start, end }) => offset >= start && offset < end)
  }
}

/** What is marked above the position, as far as the log reaches: one that was cut gives the offsets beyond to other dead letters. */
function markedAbove({
  position,
  metadata,
  logEnd,
}: Pick<AssignedPartition, 'position' | 'metadata' | 'logEnd'>): readonly OffsetRange[] {
  const decoded = position === undefined ? undefined : decodeCompleted(position, metadata)
  const told = decoded?.kind === 'completed' ? decoded.ranges : []
  return logEnd === undefined ? told : rangesBelow(told, logEnd)
}

/**
 * @throws PyrallelError what the broker answered to the first publish that failed, or PYR_METADATA_TOO_LARGE at the first record whose mark
 * has no room in the commit; what was acknowledged before is marked
 */
export async function replay(
  client: KafkaClient,
  producer: RecordProducer,
  options: ReplayOptions,
): Promise<ReplayReport> {
  const run = new ReplayRun(client, producer, options)
  const size = Math.max(1, Math.min(MAX_POLL, Math.floor(options.rate ?? MAX_POLL)))
  try {
    await readToEnd(client, options.topic, size, run)
  } finally {
    await run.mark()
  }
  return run.report()
}

class ReplayRun implements TopicReader {
  readonly #client: KafkaClient
  readonly #producer: RecordProducer
  readonly #options: ReplayOptions
  readonly #trackers = new Map<number, OffsetTracker<KafkaRecord>>()
  readonly #room: MarkRoom
  readonly #id = randomUUID()
  readonly #knownTopics = new Map<string, boolean>()
  #counts = { replayed: 0, alreadyReplayed: 0, notSelected: 0, notReplayable: 0 }
  #isStopped = false
  #markedAt = performance.now()

  constructor(client: KafkaClient, producer: RecordProducer, options: ReplayOptions) {
    this.#client = client
    this.#producer = producer
    this.#options = options
    this.#room = new MarkRoom(client.maxMetadataLength)
  }

  report(): ReplayReport {
    return { ...this.#counts, isStopped: this.#isStopped }
  }

  onAssigned(assigned: AssignedPartition): void {
    const { partition, position } = assigned
    this.#trackers.set(partition, new OffsetTracker<KafkaRecord>(position, markedAbove(assigned)))
  }

  async onRecord(record: KafkaRecord): Promise<boolean> {
    const { selection, limit, isStopped } = this.#options
    if (isStopped()) {
      this.#isStopped = true
      return false
    }
    const tracker = this.#trackerFor(record)
    if (tracker === undefined) return true
    if (this.#counts.replayed >= limit) return false
    if (tracker.skipRestored(record.offset)) {
      this.#counts.alreadyReplayed += 1
      return true
    }
    const ticket = tracker.track(record.offset, record)
    const letter = readDeadLetter(record)
    if (!selection(letter)) {
      this.#counts.notSelected += 1
      return true
    }
    const target = this.#options.to ?? letter.topic
    if (!letter.hasPayload || target === null) {
      this.#counts.notReplayable += 1
      return true
    }
    // Published without a mark, it would be published again by every replay to come. A dry run tells of it, too.
    if (!this.#room.hasRoom(tracker, record.offset)) throw this.#isFull(record)
    await this.#publish(letter, target)
    tracker.complete(ticket)
    this.#counts.replayed += 1
    return true
  }

  /** Undefined when the partition was given up meanwhile. */
  #trackerFor({ partition, offset }: KafkaRecord): OffsetTracker<KafkaRecord> | undefined {
    const tracker = this.#trackers.get(partition)
    if (tracker?.next === undefined || offset >= tracker.next) return tracker
    // The topic was made anew: the marks are of records that are gone.
    const fresh = new OffsetTracker<KafkaRecord>(offset)
    this.#trackers.set(partition, fresh)
    return fresh
  }

  async onPolled(): Promise<void> {
    if (performance.now() - this.#markedAt >= COMMIT_EVERY_MS) await this.mark()
  }

  async onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    // The client is being polled already, by whoever called: it serves the answer.
    const marks = this.#marks().filter(({ partition }) => partitions.some((gone) => gone.partition === partition))
    if (marks.length > 0) await this.#client.commit(marks).catch(() => {})
    this.onLost(partitions)
  }

  onLost(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) this.#trackers.delete(partition)
  }

  /** Commits what is acknowledged. */
  async mark(): Promise<void> {
    this.#markedAt = performance.now()
    const marks = this.#marks()
    if (marks.length > 0) await whilePolling(this.#client, this.#client.commit(marks))
  }

  #marks(): readonly CommitRequest[] {
    const { topic, isDryRun } = this.#options
    if (isDryRun) return []
    return [...this.#trackers].flatMap(([partition, tracker]) => {
      const { position } = tracker
      if (position === undefined) return []
      const { text } = encodeCompleted(position, tracker.completedRanges(), this.#client.maxMetadataLength)
      return [{ topic, partition, position, metadata: text }]
    })
  }

  async #publish(letter: DeadLetter, target: string): Promise<void> {
    const { rate, sleep, isDryRun, onReplay } = this.#options
    await this.#refuseUnknown(target, letter)
    if (!isDryRun) {
      if (rate !== undefined && this.#counts.replayed > 0) await sleep(1_000 / rate)
      // One by one: were the next one published before this one is acknowledged, a failure in between would turn the order of a key around.
      await this.#producer.produce(replayRecord(letter, target, this.#id))
    }
    onReplay(letter, target)
  }

  #isFull({ topic, partition, offset, timestamp }: KafkaRecord): PyrallelError {
    const { isDryRun } = this.#options
    const sofar = `${this.#counts.replayed} ${isDryRun ? 'would be published' : 'were published, and are marked'}`
    return new PyrallelError(
      'PYR_METADATA_TOO_LARGE',
      `The marks of partition ${partition} of ${topic} are full before ${partition}/${offset}: one commit cannot tell more published records apart from those left out. ${sofar}. Close the gaps, then run this again: \`pyrallel dlq replay ${topic} --until ${new Date(timestamp).toISOString()}\` publishes what was left out up to here (--to sends it elsewhere).`,
    )
  }

  async #refuseUnknown(target: string, { record }: DeadLetter): Promise<void> {
    const isKnown = this.#knownTopics.get(target) ?? (await this.#options.topicExists(target))
    this.#knownTopics.set(target, isKnown)
    if (isKnown) return
    const next =
      this.#options.to === undefined
        ? `where the record at ${record.partition}/${record.offset} came from. Create it, or name another: --to.`
        : 'which --to names. Create it, or name another.'
    throw new PyrallelError('PYR_TOPIC_UNKNOWN', `There is no topic '${target}', ${next}`)
  }
}

/** The record as it was before it failed. Kept of the failure: since when, and how often it was replayed; so that nobody reads an old error for a new one. */
export function replayRecord(letter: DeadLetter, target: string, replayId: string): OutgoingRecord {
  const { key, value, headers } = letter.record
  const history: RecordHeader[] = [
    ['pyrallel-replay-id', Buffer.from(replayId)],
    ['pyrallel-replay-count', Buffer.from(String(letter.replays + 1))],
  ]
  if (letter.firstFailedAt !== null) history.push(['pyrallel-first-failed-at', Buffer.from(letter.firstFailedAt)])
  return { topic: target, key, value, headers: [...ownHeaders(headers), ...history] }
}
