/**
 * Publishes dead letters again, and marks them: in one transaction, or publish, wait for the acknowledgement, then mark. Never deletes, never publishes
 * what could not be marked, and goes on where it was interrupted.
 */
import type { AssignedPartition, KafkaClient } from '../../kafka/kafka-client.ts'
import { PyrallelError } from '../../model/errors.ts'
import { type KafkaRecord, recordPlace, type TopicPartition } from '../../model/record.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import { notAssigned, whilePolling } from '../read-topic.ts'
import { Reading } from '../reading.ts'
import { LetterQueue } from './letter-queue.ts'
import { type LetterSender, SingleSender } from './letter-sender.ts'
import { MarkRoom } from './mark-room.ts'
import { Pace } from './pace.ts'
import type { PartitionMarks } from './partition-marks.ts'
import { ReplayCuts } from './replay-cuts.ts'
import { failureOf, isFull, isSurelyUnwritten } from './replay-errors.ts'
import { type DueLetter, ReplayIntake } from './replay-intake.ts'
import { ReplayMarks } from './replay-marks.ts'
import { isTransactional, type ReplayOutlet, TIMEOUT_MS } from './replay-outlet.ts'
import type { ReplayOptions, ReplayReport } from './replay-report.ts'

const MAX_POLL = 500
const POLL_WAIT_MS = 20
/** Something is on its way, and nothing is acknowledged for so long: the replay ends. */
const STALL_MS = 30_000
/** What is still on its way when a replay ends, and its last marks, are waited for so long. */
const FINISH_MS = 10_000
/** After so long the brokers have ended a transaction that a killed replay has left open: its time-out, and they look every 10 s. What it has changed is not told before. */
const OPEN_TRANSACTION_MS = TIMEOUT_MS + 10_000
/** Brokers take their time, and a group hands partitions out step by step. */
const HAND_OVER_SLACK_MS = 5_000
/** A member that was killed has its partitions for a session, and for another where the coordinator of the group has died meanwhile: both, and this. */
const JOIN_SLACK_MS = 30_000
/** Partitions take as long to come only when another member has them, or has left a transaction open. */
const TELL_WAITING_MS = 3_000

/** Never rejects: whatever ends it, the report says what was done and what was not. */
export function replay(client: KafkaClient, outlet: ReplayOutlet, options: ReplayOptions): Promise<ReplayReport> {
  return new ReplayRun(client, outlet, options).run()
}

/** publishing --all is read and acknowledged; or stopped, or failed--> ending --nothing is on its way, all is marked--> over */
class ReplayRun {
  readonly #client: KafkaClient
  readonly #sender: LetterSender
  readonly #options: ReplayOptions
  readonly #clock: Clock
  readonly #intake: ReplayIntake
  readonly #reading: Reading
  readonly #queue = new LetterQueue()
  readonly #room: MarkRoom
  readonly #pace: Pace
  readonly #marks: ReplayMarks
  #phase: 'publishing' | 'ending' | 'over' = 'publishing'
  #started = 0
  #replayed = 0
  #inFlight = 0
  /** Refused in a way that leaves open whether they were written. */
  #unknown = 0
  /** Acknowledged when their partition was gone already. */
  #lost = 0
  /** When something was last acknowledged, or began to be waited for. */
  #heardAt: number
  /** When partitions last came or went. */
  #changedAt: number
  #wasAssigned = false
  #timer: Timer | undefined
  #onAnswered: (() => void)[] = []
  #failure: (() => PyrallelError) | undefined
  #isStopped = false
  /** What nobody has answered for so long is not waited for again. */
  #hasStalled = false

  constructor(client: KafkaClient, outlet: ReplayOutlet, options: ReplayOptions) {
    const { clock, topic } = options
    this.#client = client
    this.#options = options
    this.#clock = clock
    this.#intake = new ReplayIntake(options)
    this.#reading = new Reading(options.bounds, () => clock.now())
    this.#room = new MarkRoom(client.maxMetadataLength)
    this.#pace = new Pace(options.rate)
    this.#heardAt = clock.now()
    this.#changedAt = clock.now()
    this.#marks = new ReplayMarks({
      client,
      topic,
      clock,
      onMarked: () => {
        this.#heardAt = clock.now()
        this.#advance()
      },
      onFailed: (error) => this.#fail(error),
    })
    this.#sender = this.#senderOf(outlet, options)
  }

  #senderOf(producer: ReplayOutlet, { topic, clock }: ReplayOptions): LetterSender {
    if (!isTransactional(producer)) {
      return new SingleSender({
        producer,
        marks: this.#marks,
        room: this.#room,
        onPublished: (due) => this.#onPublished(due),
        onRefused: (due, thrown) => this.#onRefused(due, thrown),
        answered: () => new Promise((resolve) => this.#onAnswered.push(resolve)),
      })
    }
    const { maxMetadataLength } = this.#client
    return new ReplayCuts({
      producer,
      topic,
      maxMetadataLength,
      clock,
      onTaken: (due) => this.#queue.release(due),
      mayGoOn: () => this.#phase !== 'over' && this.#failure === undefined,
      onCommitted: (dues) => {
        for (const due of dues) this.#count(due)
        this.#advance()
      },
      onDropped: (dues) => {
        for (const due of dues) {
          this.#leave(due)
          const present = this.#marks.get(due.marks.partition)
          // One that has come back since is read anew.
          if (present !== undefined && present !== due.marks) continue
          this.#reading.forget(due.marks.partition, due.letter.record.offset)
        }
      },
      onUnknown: (dues) => {
        this.#unknown += dues.length
        for (const due of dues) this.#leave(due)
      },
      onFailed: (error) => this.#fail(error),
    })
  }

  async run(): Promise<ReplayReport> {
    try {
      if (!this.#reading.isComplete) await this.#readAll()
    } catch (thrown) {
      this.#fail(thrown)
    }
    await this.#finish()
    return {
      ...this.#intake.counts,
      ...this.#intake.notes,
      replayed: this.#replayed,
      notMarked: this.#marks.unmarked + this.#lost,
      onTheirWay: this.#inFlight + this.#unknown,
      isTransactional: this.#sender.isTransactional,
      isStopped: this.#isStopped,
      // Of one that was cut short, what was not read says nothing about other replays.
      unread: this.#isCutShort ? [] : this.#reading.unread(),
      failure: this.#failure?.(),
    }
  }

  async #readAll(): Promise<void> {
    const { topic, sessionTimeoutMs, onWaiting } = this.#options
    const limitMs = 2 * sessionTimeoutMs + JOIN_SLACK_MS
    const startedAt = this.#clock.now()
    let hasTold = false
    await this.#client.subscribe([topic], {
      onAssigned: (assigned) => this.#onAssigned(assigned),
      onRevoked: (partitions) => this.#onRevoked(partitions),
      onLost: (partitions) => this.#onLost(partitions),
    })
    while (!this.#isDone) {
      await this.#readSome()
      if (this.#waitsSince !== undefined && !hasTold && this.#clock.now() - this.#waitsSince > TELL_WAITING_MS) {
        hasTold = true
        onWaiting()
      }
      if (!this.#wasAssigned && this.#clock.now() - startedAt > limitMs) throw notAssigned(topic, limitMs)
    }
  }

  /** Since when nothing is left to do but what has not come to us; `undefined` while there is something. */
  get #waitsSince(): number | undefined {
    const isIdle = this.#queue.isEmpty && this.#inFlight === 0 && this.#reading.isOver && !this.#reading.isComplete
    return isIdle ? Math.max(this.#changedAt, this.#heardAt) : undefined
  }

  async #readSome(): Promise<void> {
    const { hasRoom } = this.#queue
    const records = await this.#client.poll(hasRoom ? MAX_POLL : 0, POLL_WAIT_MS)
    for (const record of records) this.#take(record)
    this.#advance()
    this.#lookForStall()
    if (!hasRoom) this.#reading.wasBusy()
    else if (this.#reading.isSilent) {
      await whilePolling(this.#client, this.#options.logs())
      this.#reading.brokerAnswered()
    }
  }

  get #isCutShort(): boolean {
    this.#isStopped ||= this.#options.isStopped()
    return this.#isStopped || this.#failure !== undefined || this.#started >= this.#options.limit
  }

  get #isDone(): boolean {
    if (this.#isCutShort) return true
    if (!this.#queue.isEmpty || this.#inFlight > 0) return false
    if (this.#reading.isComplete) return true
    // Of one that was killed, what we have not got comes late, and in parts: two that were killed had sessions of their own.
    const handOverMs = Math.max(this.#options.sessionTimeoutMs, OPEN_TRANSACTION_MS) + HAND_OVER_SLACK_MS
    return this.#wasAssigned && this.#reading.isOver && this.#clock.now() - this.#changedAt > handOverMs
  }

  #take(record: KafkaRecord): void {
    const marks = this.#marks.get(record.partition)
    if (marks === undefined || !this.#reading.accept(record)) return
    const due = this.#intake.take(record, marks)
    if (due !== undefined) this.#queue.push(due)
    // The plan has seen the same records, and nothing was published before it had found none of these.
    const [odd] = [...this.#intake.refused.keys(), ...this.#intake.unknown.keys()]
    if (odd === undefined) return
    const facts = `The dead letter ${recordPlace(record)} is meant for ${odd}, which none was a moment ago. Run it again.`
    throw new PyrallelError('PYR_REPLAY_TARGET', facts)
  }

  /** Publishes and marks what may be. Called whenever that may have changed. */
  #advance(): void {
    while (this.#publishNext()) {
      // All is done by the condition.
    }
    if (this.#phase === 'over') return
    this.#sender.advance(this.#inFlight === 0)
  }

  #publishNext(): boolean {
    const due = this.#queue.next
    if (due === undefined || this.#phase !== 'publishing' || this.#isCutShort) return false
    if (!this.#sender.hasRoom(this.#outstanding) || this.#mustWait() || !this.#sender.canTell(due)) return false
    const { record } = due.letter
    if (!this.#room.hasRoom(due.tracker, record.offset)) {
      // Published without a mark, it would be published again by every replay to come.
      this.#failure = () => isFull(record, `${this.#replayed} were published, and are marked`)
      return false
    }
    this.#queue.take()
    this.#pace.gone(this.#clock.now())
    this.#publish(due)
    return true
  }

  /** Published, and not known to be marked. */
  get #outstanding(): number {
    return this.#inFlight + this.#marks.unmarked
  }

  /** For its turn. The timer comes back to it. */
  #mustWait(): boolean {
    const waitMs = this.#pace.waitMs(this.#clock.now())
    if (waitMs === 0) return false
    this.#timer ??= this.#clock.setTimer(waitMs, () => {
      this.#timer = undefined
      this.#advance()
    })
    return true
  }

  #publish(due: DueLetter): void {
    if (this.#outstanding === 0) this.#heardAt = this.#clock.now()
    this.#started += 1
    this.#inFlight += 1
    due.marks.inFlight += 1
    this.#sender.publish(due)
  }

  #onPublished(due: DueLetter): void {
    const { marks, tracker, ticket } = due
    if (marks.isGone || tracker !== marks.tracker) this.#lost += 1
    else {
      tracker.complete(ticket)
      marks.unmarked += 1
    }
    this.#queue.release(due)
    this.#count(due)
    this.#advance()
  }

  /** It is published. */
  #count(due: DueLetter): void {
    this.#heardAt = this.#clock.now()
    this.#replayed += 1
    this.#leave(due)
    this.#options.onReplay(due.letter, due.target)
  }

  #onRefused(due: DueLetter, thrown: unknown): void {
    if (!isSurelyUnwritten(thrown)) this.#unknown += 1
    this.#leave(due)
    this.#fail(thrown)
    this.#advance()
  }

  #leave({ marks }: DueLetter): void {
    this.#inFlight -= 1
    marks.inFlight -= 1
    for (const call of this.#onAnswered.splice(0)) call()
  }

  #onAssigned(assigned: readonly AssignedPartition[]): void {
    for (const each of assigned) {
      this.#marks.assign(each)
      this.#reading.assign(each)
    }
    this.#wasAssigned = true
    this.#changedAt = this.#clock.now()
  }

  /** What is on its way is waited for and marked, so that whoever comes next does not publish it again. */
  async #onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    if (this.#phase === 'over') return
    const gone = partitions.flatMap(({ partition }) => this.#marks.get(partition) ?? [])
    for (const marks of gone) this.#giveUp(marks)
    // Whoever comes next waits for a transaction of which nobody has told the end.
    await this.#sender.leave(gone)
    this.#onLost(partitions)
  }

  #onLost(partitions: readonly TopicPartition[]): void {
    if (this.#phase === 'over') return
    for (const { partition } of partitions) {
      const marks = this.#marks.get(partition)
      if (marks === undefined) continue
      this.#giveUp(marks)
      this.#lost += this.#marks.forget(marks)
    }
    this.#changedAt = this.#clock.now()
  }

  #giveUp(marks: PartitionMarks): void {
    this.#reading.forget(marks.partition, this.#queue.drop(marks))
  }

  /** Nothing more is published. What is on its way may still be acknowledged, and is marked then. */
  async #finish(): Promise<void> {
    this.#phase = 'ending'
    this.#timer?.cancel()
    const until = this.#clock.now() + (this.#hasStalled ? 0 : FINISH_MS)
    while ((this.#inFlight > 0 || this.#marks.isOpen) && this.#clock.now() < until) {
      this.#advance()
      try {
        await this.#client.poll(0, POLL_WAIT_MS)
      } catch (thrown) {
        // A client that cannot go on brings nothing more.
        this.#fail(thrown)
        break
      }
    }
    this.#phase = 'over'
    this.#sender.drop()
  }

  #lookForStall(): void {
    if (this.#outstanding === 0 || this.#clock.now() - this.#heardAt < STALL_MS) return
    const facts = `Nothing was acknowledged for ${STALL_MS / 1_000} s. Look at the cluster, then run it again: it goes on from here.`
    this.#hasStalled = true
    this.#fail(new PyrallelError('PYR_PRODUCE_FAILED', facts, { retriable: true }))
  }

  /** The first reason counts. */
  #fail(thrown: unknown): void {
    const failure = failureOf(thrown)
    this.#failure ??= () => failure
  }
}
