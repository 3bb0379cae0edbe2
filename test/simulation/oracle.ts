/**
 * Keeps its own books of what was delivered, started and finished, and says what must never happen. It never asks the code under test: not
 * what is stale, not what is done, not what an attempt's number is.
 */
import { decodeCompleted } from '../../framework/control-plane/offsets/metadata-encoder.ts'
import type { CommitSnapshot } from '../../framework/control-plane/partition/commit-budget.ts'
import type { HandlerFailure, Ordering, Outcome, WorkItem } from '../../framework/model/work.ts'
import type { PartitionWork } from '../../framework/model/workload.ts'
import { isNotAccepted, MAX_DELAY_MS, notBeforeOf, type Setup } from './schedule.ts'
import type { Log, LogRecord, Stored } from './world.ts'

type Failed = Extract<Outcome, { readonly failure: HandlerFailure }>

export class Violation extends Error {
  readonly invariant: string

  constructor(invariant: string, facts: string) {
    super(`${invariant}: ${facts}`)
    this.name = 'Violation'
    this.invariant = invariant
  }
}

/** What the oracle knows of one partition in the hands of one member. Ends with the assignment. */
export interface Assignment {
  readonly member: number
  readonly partition: number
  /** In the order of delivery. */
  readonly delivered: LogRecord[]
  /** Of those finished, the ones that an acknowledged commit tells of. */
  readonly told: Set<number>
  /** Its own commits are refused, and none has been taken since. */
  isRefused: boolean
  /** Finished in this assignment. */
  readonly finished: Set<number>
  /** Their last attempt has failed. */
  readonly givenUp: Set<number>
  /** Out of attempts, and neither done nor given up: must not run. */
  readonly parked: Set<number>
  /** Were parked while the records of their shard went on. */
  readonly apart: Set<number>
  /** Those that still are: parked, or given up from there. */
  readonly loose: Set<number>
  /** Of those of them that run again: what has begun of their shard, and so may go on before them. */
  readonly ahead: Map<number, ReadonlySet<number>>
  /** The largest batch that a record may be in, by uid: it was in one that failed as a whole. */
  readonly limits: Map<number, number>
  /** What an earlier owner has completed above the position, as the stored commit tells, below the end of the log. */
  restored: readonly { readonly start: number; readonly end: number }[]
  /** The position that the group is known to have stored: as it was at the beginning, or acknowledged since. */
  committedTo: number | undefined
  /** Failed attempts of earlier owners, as the stored commit tells, by offset. */
  readonly tried: ReadonlyMap<number, number>
  /** That commit, and nothing that was stored since. */
  heard: Stored | undefined
  /** Finished before, and covered by what the group had stored when the assignment began, or left out: must not run. */
  readonly covered: Set<number>
  /** Above the highest offset that the stored commit names as finished, whether the log still has that record or not. */
  coveredTo: number
  expectedNext: number | undefined
  /** Of the log, when a record was last delivered: what is committed about an earlier one says nothing. */
  incarnation: number
}

export interface Running {
  readonly item: WorkItem
  readonly assignment: Assignment
  readonly record: LogRecord
}

/** A record in the hands of one member. */
export type Delivered = Pick<Running, 'assignment' | 'record'>

/** What the oracle knows of one key in one assignment. */
interface KeyHistory {
  /** Given up in a row, `DeadLetter` not counted. */
  givenUp: number
  lastAt: number
}

/** Since when and until when a record may wait for its next attempt. */
interface Wait {
  readonly from: number
  readonly until: number
  /** A success of the handler ends it. */
  readonly isPause: boolean
}

/** What the oracle knows of the handler in one process. */
interface Fortune {
  successes: number
  /** Batches that have failed as a whole since the last success. */
  wholeFailures: number
}

/** A metadata limit from here on holds whatever a schedule can complete. */
const ROOMY = 1_000
/** A span that no schedule reaches. */
const ENDLESS_SPAN = 1_000
/** The longest wait of a record that cannot be read is so long the first time, doubles, and grows no further than this. Milliseconds. */
const NOT_READY_MS = 20
const NOT_READY_MOST_MS = 5_000
/** The longest delay between two attempts. */
export const MAX_RETRY_MS = 800

/** Counted over all schedules, so that a run can show that it met what it is about. */
export const seen = {
  takenOver: 0,
  starts: 0,
  zombies: 0,
  commits: 0,
  restored: 0,
  beyondEnd: 0,
  rewinds: 0,
  crashes: 0,
  deadLetters: 0,
  retries: 0,
  poisoned: 0,
  blocked: 0,
  heldByRate: 0,
  pauses: 0,
  batches: 0,
  splits: 0,
  partials: 0,
  /** Batches that waited before they were split. */
  pausedSplits: 0,
  /** Such pauses that a success has ended. */
  endedPauses: 0,
  /** Batches that threw RetryAfter. */
  pausedBatches: 0,
  expired: 0,
  inTheWay: 0,
  refusals: 0,
  silences: 0,
  full: 0,
  /** Done by hand: attempts that were asked for, records that were given up, breakers that were closed; and what was refused. */
  hurried: 0,
  parked: 0,
  setApart: 0,
  /** Parked records that ran again, that were discarded by hand, and that had to go. */
  unparked: 0,
  discarded: 0,
  relieved: 0,
  givenUpByHand: 0,
  closedByHand: 0,
  refusedByHand: 0,
  /** Items that were taken back before they had begun. */
  recalls: 0,
  /** Records that were done as they arrived. */
  leftOut: 0,
  /** Records that started when they had had to wait for their time, and those given up as there was none to wait for. */
  delayed: 0,
  timeless: 0,
  /** Records that could not be read when they started. */
  notReady: 0,
  /** Attempts that commits told of, and records that an owner went on with where another had stopped. */
  carried: 0,
  wentOn: 0,
  /** Times that the client had read over offsets without a record. */
  passedHoles: 0,
}

export class Oracle {
  readonly #setup: Setup
  readonly #finished = new Set<number>()
  /** By uid: attempts that failed in the present assignment. */
  readonly #failures = new Map<Assignment, Map<number, number>>()
  readonly #lastApplied = new Map<number, number>()
  /** When records were delivered and finished, by uid, in the present assignment. */
  readonly #times = new Map<Assignment, Map<number, { deliveredAt: number; finishedAt: number | undefined }>>()
  readonly #interrupted = new Map<Assignment, Set<number>>()
  readonly #keys = new Map<Assignment, Map<string, KeyHistory>>()
  /** When attempts were started, by member. */
  readonly #starts = new Map<number, { readonly at: number; readonly item: WorkItem }[]>()
  readonly #fortunes = new Map<number, Fortune>()
  /** Successes of the handler before a record's first attempt, by uid. */
  readonly #before = new Map<Assignment, Map<number, number>>()
  /** Dropped since the manager began to choose what starts. */
  readonly #justDropped = new Set<number>()
  readonly #waits = new Map<Assignment, Map<number, Wait>>()
  /** By member: infinity while somebody has paused its handler. */
  readonly #pausedUntil = new Map<number, number>()
  /** By member: when that was sent which was last acknowledged. */
  readonly #heardAt = new Map<number, number>()
  /** Since a record could not be read: how often in a row, and until when it waits. */
  readonly #unready = new Map<Assignment, Map<number, { readonly times: number; readonly until: number }>>()
  readonly #buried = new Map<Assignment, Set<number>>()

  constructor(setup: Setup) {
    this.#setup = setup
  }

  isFinished(uid: number): boolean {
    return this.#finished.has(uid)
  }

  begin(member: number, partition: number, log: Log): Assignment {
    const covered = this.#coveredBy(log.stored, log)
    for (const uid of covered) {
      if (!this.#finished.has(uid))
        throw new Violation('LOSS', `the stored commit covers record ${uid}, which is not finished`)
    }
    if (this.#coveredTo(log.stored) > log.end) seen.beyondEnd += 1
    if (this.#setup.recovery === 'metadata' && (log.stored?.taken?.length ?? 0) > 0) seen.takenOver += 1
    const expectedNext = log.stored?.position
    const { incarnation } = log
    return {
      member,
      partition,
      delivered: [],
      told: new Set(),
      isRefused: false,
      finished: new Set(),
      givenUp: new Set(),
      parked: new Set(),
      apart: new Set(),
      loose: new Set(),
      ahead: new Map(),
      limits: new Map(),
      restored: this.#restoredBy(log.stored, log),
      tried: this.#triedBy(log.stored, log),
      // What names offsets beyond the end is of a log that was cut, and is to be replaced.
      committedTo: this.#coveredTo(log.stored) > log.end ? undefined : expectedNext,
      heard: log.stored,
      covered,
      coveredTo: Math.min(this.#coveredTo(log.stored), log.end),
      expectedNext,
      incarnation,
    }
  }

  /** Returns the assignment that the record belongs to: another one when the log went back. */
  deliver(assignment: Assignment, record: LogRecord, log: Log, now: number): Assignment {
    let current = assignment
    if (assignment.expectedNext !== undefined && record.offset < assignment.expectedNext) {
      seen.rewinds += 1
      const nothing = {
        delivered: [],
        told: new Set<number>(),
        isRefused: false,
        finished: new Set<number>(),
        givenUp: new Set<number>(),
        parked: new Set<number>(),
        apart: new Set<number>(),
        loose: new Set<number>(),
        ahead: new Map<number, ReadonlySet<number>>(),
        limits: new Map<number, number>(),
        covered: new Set<number>(),
        restored: [],
        tried: new Map<number, number>(),
        committedTo: undefined,
        heard: undefined,
      }
      current = { ...assignment, ...nothing, coveredTo: 0 }
      this.#lastApplied.delete(assignment.partition)
    }
    current.expectedNext = record.offset + 1
    current.incarnation = log.incarnation
    current.delivered.push(record)
    this.#timesOf(current).set(record.uid, { deliveredAt: now, finishedAt: undefined })
    if (isNotAccepted(this.#setup, record.uid) && !current.covered.has(record.uid)) {
      seen.leftOut += 1
      this.#finished.add(record.uid)
      current.covered.add(record.uid)
      current.coveredTo = Math.max(current.coveredTo, record.offset + 1)
    }
    return current
  }

  /** The client has read up to there: a record below it comes only if the log goes back. */
  readTo(assignment: Assignment, offset: number): void {
    if (offset > (assignment.delivered.at(-1)?.offset ?? -1) + 1) seen.passedHoles += 1
    if (offset > 0) assignment.expectedNext = Math.max(assignment.expectedNext ?? 0, offset)
  }

  /** The next process of this name has a rate of its own. */
  crash(member: number): void {
    seen.crashes += 1
    this.#starts.delete(member)
    this.#fortunes.delete(member)
    this.#pausedUntil.delete(member)
    this.#heardAt.delete(member)
  }

  pause(member: number): void {
    this.#pausedUntil.set(member, Number.POSITIVE_INFINITY)
  }

  resume(member: number, now: number): void {
    this.#pausedUntil.set(member, now)
  }

  /** @param runningHere everything that this process is at work on, whatever assignment it came from */
  start(running: Running, runningHere: readonly Running[], member: number, now: number, setAside: number): void {
    seen.starts += 1
    this.checkSilence(member, now, `record ${running.record.uid}`)
    if (running.assignment.isRefused)
      throw new Violation('REFUSED', `record ${running.record.uid} starts, and its commits are refused`)
    this.#checkRate(member, running.item, now)
    this.#checkBreaker(running, now)
    const { assignment, record, item } = running
    const { uid } = record
    if (assignment.covered.has(uid))
      throw new Violation('REPEAT', `record ${uid} was completed and committed, and runs again`)
    if (assignment.finished.has(uid)) throw new Violation('REPEAT', `record ${uid} is finished and runs again`)
    if (assignment.givenUp.has(uid)) throw new Violation('CAP', `record ${uid} was given up and runs again`)
    if (assignment.parked.has(uid)) throw new Violation('PARKED', `record ${uid} is parked and runs`)
    this.#checkWait(running, now)
    this.#checkTime(running, now)
    this.#checkReady(running, now)
    const before = mapOf(this.#before, assignment)
    if (!before.has(uid)) before.set(uid, this.#fortuneOf(assignment).successes)
    const failures = this.#failuresOf(running)
    if (this.#triedBefore(running) > 0 && !this.#failures.get(assignment)?.has(uid)) seen.wentOn += 1
    const attempt = item.attempts[item.records.findIndex(({ offset }) => offset === record.offset)]
    if (attempt !== failures + 1) {
      throw new Violation('ATTEMPT', `record ${uid} starts attempt ${attempt} after ${failures} failed ones`)
    }
    const shard = shardOf(record, this.#setup.ordering)
    for (const other of runningHere) {
      if (other.assignment.partition !== assignment.partition) continue
      const isSame = other.assignment === assignment && other.record.uid === uid
      // Records of one batch may follow each other in it.
      const isAhead = other.record.offset < record.offset || assignment.ahead.get(uid)?.has(other.record.uid) === true
      const isBefore = other.item === item && isAhead
      const isPartner = !isBefore && shard !== undefined && shardOf(other.record, this.#setup.ordering) === shard
      if (isSame || isPartner) throw new Violation('ORDER', `record ${uid} starts while ${other.record.uid} runs`)
    }
    for (const earlier of assignment.delivered) {
      if (earlier.offset >= record.offset) break
      const isPartner = shard !== undefined && shardOf(earlier, this.#setup.ordering) === shard
      const isWithIt = runningHere.some((other) => other.item === item && other.record === earlier)
      const isDone = assignment.finished.has(earlier.uid) || assignment.covered.has(earlier.uid)
      if (isPartner && !isWithIt && !isDone && !this.#mayPass(running, earlier)) {
        throw new Violation('ORDER', `record ${uid} starts before ${earlier.uid} of its shard is finished`)
      }
    }
    const later = assignment.delivered.find(
      (other) => other.offset > record.offset && assignment.finished.has(other.uid) && this.isPartnerOf(other, record),
    )
    if (later !== undefined && !assignment.apart.has(uid))
      throw new Violation('ORDER', `record ${uid} runs after ${later.uid} of its shard is done`)
    this.#checkSpan(assignment, record)
    const items = new Set([...runningHere.map((other) => other.item), item])
    if (items.size > this.#setup.concurrency + setAside) throw new Violation('LIMIT', `${items.size} in flight`)
  }

  /** Whether the record may go on while this earlier one of its shard is not done. */
  #mayPass({ assignment, record }: Delivered, { uid }: LogRecord): boolean {
    if (!assignment.apart.has(uid)) return false
    return assignment.loose.has(uid) || assignment.ahead.get(uid)?.has(record.uid) === true
  }

  /** They were started and had not begun: as if they had not been. What has not failed was not tried before, either. */
  takeBack(item: WorkItem, ended: readonly Running[], member: number): void {
    this.#starts.set(
      member,
      (this.#starts.get(member) ?? []).filter((start) => start.item !== item),
    )
    for (const { assignment, record } of ended) {
      const hasFailed = this.#hasFailed({ assignment, record }) || assignment.limits.has(record.uid)
      if (!hasFailed) this.#before.get(assignment)?.delete(record.uid)
    }
  }

  /** A commit of this member was acknowledged, or it got its first partition. */
  heard(member: number, sentAt: number): void {
    this.#heardAt.set(member, Math.max(this.#heardAt.get(member) ?? sentAt, sentAt))
  }

  /** This commit was acknowledged. */
  told({ position, metadata }: CommitSnapshot, assignment: Assignment): void {
    const ranges = rangesOf({ position, metadata })
    assignment.isRefused = false
    assignment.committedTo = position
    assignment.told.clear()
    for (const { uid, offset } of assignment.delivered) {
      if (offset < position || ranges.some(({ start, end }) => offset >= start && offset < end))
        assignment.told.add(uid)
    }
  }

  refuse(assignment: Assignment): void {
    assignment.isRefused = true
  }

  checkSilence(member: number, now: number, what: string): void {
    const silentMs = now - (this.#heardAt.get(member) ?? Number.NEGATIVE_INFINITY)
    if (silentMs >= (this.#setup.sessionTimeoutMs * 2) / 3)
      throw new Violation('SILENT', `${what} starts ${silentMs} ms after the last acknowledged commit`)
  }

  /** Something starts: not too much is finished that a commit could tell and none has. */
  checkCommitted(assignments: readonly Assignment[]): void {
    const { maxUncommitted, recovery, maxMetadataLength, brokerMetadata, brokerRequest } = this.#setup
    const isRoomy = Math.min(maxMetadataLength, brokerMetadata, brokerRequest) >= ROOMY
    if (!Number.isFinite(maxUncommitted) || (recovery === 'metadata' && !isRoomy)) return
    let count = 0
    for (const { delivered, finished, covered, told, isRefused } of assignments) {
      if (isRefused) continue
      for (const { uid } of delivered) {
        // What is dropped while the manager chooses counts when it chooses again.
        const isDone = finished.has(uid) && !this.#justDropped.has(uid)
        if (isDone && !told.has(uid)) count += 1
        if (recovery === 'contiguous' && !isDone && !covered.has(uid)) break
      }
    }
    if (count >= maxUncommitted) throw new Violation('UNCOMMITTED', `${count} records are done and not committed`)
  }

  /** What scaling out is decided by: nothing that is left is forgotten, and nothing that is done is counted. */
  checkWork(
    { delivered, finished, covered, expectedNext, incarnation, partition }: Assignment,
    log: Log,
    work: PartitionWork,
  ): void {
    if (incarnation !== log.incarnation) return
    const open = delivered.filter(({ uid }) => !finished.has(uid) && !covered.has(uid)).length
    const { records, notArrived, startable, runnable, queued } = work
    const isOf = startable <= runnable && runnable <= queued && queued <= records
    if (records !== open || !isOf) {
      throw new Violation('WORK', `${open} records are open in partition ${partition}: ${JSON.stringify(work)}`)
    }
    if (expectedNext === undefined) return
    const ahead = log.records.filter(({ offset }) => offset >= expectedNext)
    const done = ahead.filter(({ uid }) => covered.has(uid)).length
    const most = Math.max(0, log.end - expectedNext) - done
    if (notArrived === null || notArrived < ahead.length - done || notArrived > most) {
      const facts = `${ahead.length - done} to ${most} offsets have not arrived in partition ${partition}`
      throw new Violation('WORK', `${facts}, and it says ${notArrived}`)
    }
  }

  /** A batch begins: neither too large nor too early, and without a record that has failed in one as large. */
  startBatch({ records }: WorkItem, assignment: Assignment, batched: readonly LogRecord[], now: number): void {
    const { batch } = this.#setup
    if (records.length > 1) seen.batches += 1
    const most = batch?.size ?? 1
    if (records.length > most) throw new Violation('BATCH', `${records.length} records in a batch of ${most}`)
    const limits = batched.flatMap(({ uid }) => assignment.limits.get(uid) ?? [])
    const limit = Math.min(most, ...limits)
    if (records.length > limit)
      throw new Violation('SPLIT', `a batch of ${records.length} has a record that is allowed in ${limit} at most`)
    if (records.length === most || limits.length > 0 || batch === undefined) return
    const times = this.#timesOf(assignment)
    const oldest = Math.min(...batched.map(({ uid }) => times.get(uid)?.deliveredAt ?? now))
    if (now - oldest < batch.waitMs)
      throw new Violation('EARLY', `a batch of ${records.length} starts after ${now - oldest} ms`)
  }

  /**
   * A batch has failed as a whole: that is nobody's attempt, and its records may only run in smaller ones; from the second failure in a row on
   * after a pause that grows.
   */
  split(assignment: Assignment, batched: readonly LogRecord[], outcome: Failed, now: number): void {
    seen.splits += 1
    const { limits } = assignment
    const limit = Math.max(1, Math.floor(batched.length / 2))
    for (const { uid } of batched) limits.set(uid, Math.min(limits.get(uid) ?? limit, limit))
    if (outcome.kind === 'interrupted' || !outcome.failure.retryable) return
    const fortune = this.#fortuneOf(assignment)
    fortune.wholeFailures += 1
    if (fortune.wholeFailures === 1) return
    seen.pausedSplits += 1
    const heads = batched.filter(
      (record, index) => !batched.slice(0, index).some((other) => this.isPartnerOf(record, other)),
    )
    for (const { uid } of heads)
      this.#wait(assignment, uid, { ...this.#backoff(fortune.wholeFailures - 1, now), isPause: true })
  }

  /** Nothing starts before its delay, or its pause, is over. */
  #checkWait({ assignment, record: { uid } }: Running, now: number): void {
    const waits = mapOf(this.#waits, assignment)
    const { from, isPause } = waits.get(uid) ?? { from: now, isPause: false }
    if (now < from)
      throw new Violation(
        'PAUSE',
        `record ${uid} starts at ${now}, and ${isPause ? 'its batch ' : ''}waits until ${from}`,
      )
    waits.delete(uid)
  }

  /** What `notBefore` says of it, where it is a time. */
  timeOf({ uid, at }: LogRecord): number | undefined {
    const time = notBeforeOf(this.#setup, uid, at)
    return typeof time === 'number' ? time : undefined
  }

  /** It could not be read: that is no attempt, and it waits as long as the manager has told, which is within limits of its own. */
  holdUnready({ assignment, record: { uid } }: Delivered, delayMs: number | undefined, now: number): void {
    seen.notReady += 1
    const unready = mapOf(this.#unready, assignment)
    const times = (unready.get(uid)?.times ?? 0) + 1
    const most = Math.min(NOT_READY_MS * 2 ** (times - 1), NOT_READY_MOST_MS)
    if (delayMs === undefined || delayMs < most / 2 || delayMs > most)
      throw new Violation('READY', `record ${uid}, not read ${times} times, waits ${delayMs} ms, of at most ${most}`)
    unready.set(uid, { times, until: now + delayMs })
  }

  /** It could be read, whatever has become of it then. */
  wasReady({ assignment, record: { uid } }: Delivered): void {
    const unready = this.#unready.get(assignment)?.get(uid)
    if (unready !== undefined) mapOf(this.#unready, assignment).set(uid, { ...unready, times: 0 })
  }

  unreadyUntil({ assignment, record: { uid } }: Delivered): number | undefined {
    return this.#unready.get(assignment)?.get(uid)?.until
  }

  /** What cannot be read waits before it is looked at again. */
  #checkReady(running: Running, now: number): void {
    const until = this.unreadyUntil(running)
    if (until !== undefined && now < until)
      throw new Violation('READY', `record ${running.record.uid} starts at ${now}, and waits until ${until}`)
  }

  /** Nothing starts before its time, or without one that it could wait for. */
  #checkTime({ assignment, record }: Running, now: number): void {
    const time = notBeforeOf(this.#setup, record.uid, record.at)
    if (time === undefined) return
    if (typeof time === 'string' || now < time)
      throw new Violation('TIME', `record ${record.uid} starts at ${now}, and its time is ${time}`)
    if (time > (this.#timesOf(assignment).get(record.uid)?.deliveredAt ?? now)) seen.delayed += 1
  }

  /** Given up without running, as its time cannot be waited for. */
  refuseTime(given: Delivered, now: number): void {
    seen.timeless += 1
    const { uid, at } = given.record
    const time = notBeforeOf(this.#setup, uid, at)
    if (time === undefined || (typeof time === 'number' && time - now <= MAX_DELAY_MS))
      throw new Violation('TIME', `record ${uid} was not run at ${now}, and its time is ${time}`)
    this.giveUp(given, false, now)
  }

  #wait(assignment: Assignment, uid: number, wait: Wait): void {
    mapOf(this.#waits, assignment).set(uid, wait)
  }

  /** With jitter: the upper half. */
  #backoff(attempt: number, now: number): Omit<Wait, 'isPause'> {
    const longest = Math.min(this.#setup.retryMinMs * 2 ** (attempt - 1), MAX_RETRY_MS)
    return { from: now + longest / 2, until: now + longest }
  }

  #fortuneOf({ member }: Assignment): Fortune {
    const fortune = this.#fortunes.get(member) ?? { successes: 0, wholeFailures: 0 }
    this.#fortunes.set(member, fortune)
    return fortune
  }

  isPartnerOf(record: LogRecord, other: LogRecord): boolean {
    const shard = shardOf(record, this.#setup.ordering)
    return shard !== undefined && shardOf(other, this.#setup.ordering) === shard
  }

  finish({ assignment, record }: Delivered, now: number): void {
    this.#finished.add(record.uid)
    assignment.finished.add(record.uid)
    const times = this.#timesOf(assignment).get(record.uid)
    if (times !== undefined) times.finishedAt = now
  }

  /** The handler has handled it. One that was filtered says nothing of key or handler. */
  succeed(running: Running, now: number): void {
    this.#keyOf(running)?.clear()
    const fortune = this.#fortuneOf(running.assignment)
    fortune.successes += 1
    fortune.wholeFailures = 0
    for (const [{ member }, waits] of this.#waits) {
      if (member !== running.assignment.member) continue
      for (const [uid, { isPause }] of waits) {
        if (!isPause) continue
        seen.endedPauses += 1
        waits.delete(uid)
      }
    }
    this.finish(running, now)
  }

  /** @param countsForKey whether this says something about the next record of the key */
  giveUp(running: Delivered, countsForKey: boolean, now: number): void {
    running.assignment.parked.delete(running.record.uid)
    running.assignment.givenUp.add(running.record.uid)
    if (countsForKey) this.#keyOf(running)?.add(now)
    if (this.#setup.hasDeadLetters) return
    this.#justDropped.add(running.record.uid)
    this.finish(running, now)
  }

  /** Whether a failure that leaves no attempt parks the record. */
  parks(reason: HandlerFailure['reason']): boolean {
    const isOutOfAttempts = reason === 'handler' || reason === 'timeout' || reason === 'interrupted'
    return this.#setup.then !== 'dead-letter' && isOutOfAttempts
  }

  /** Out of attempts: it waits for somebody's hand, or until it is in the way. */
  park(running: Delivered, now: number): void {
    const { assignment, record } = running
    seen.parked += 1
    assignment.parked.add(record.uid)
    this.#keyOf(running)?.add(now)
    if (this.#setup.then !== 'park-alone') return
    seen.setApart += 1
    assignment.apart.add(record.uid)
    assignment.loose.add(record.uid)
  }

  isParked({ assignment, record }: Delivered): boolean {
    return assignment.parked.has(record.uid)
  }

  /** It runs again: somebody has asked for that. */
  unpark({ assignment, record }: Delivered, runningHere: readonly Running[], now: number): void {
    seen.unparked += 1
    const { uid } = record
    if (this.#isPoisoned({ assignment, record }, now))
      throw new Violation('HAND', `record ${uid} is hurried into an open breaker`)
    assignment.parked.delete(uid)
    if (!assignment.loose.delete(uid)) return
    const ahead = assignment.delivered.filter((other) => {
      const isRunning = runningHere.some((each) => each.assignment === assignment && each.record === other)
      const waits = this.#waits.get(assignment)?.has(other.uid) === true
      const hasBegun = assignment.limits.has(other.uid) || this.#hasFailed({ assignment, record: other })
      return other !== record && this.isPartnerOf(other, record) && (isRunning || waits || hasBegun)
    })
    assignment.ahead.set(uid, new Set(ahead.map((other) => other.uid)))
  }

  /** Somebody wants nothing more of it. */
  discard(given: Delivered, now: number): void {
    seen.discarded += 1
    const { assignment, record } = given
    if (!assignment.parked.delete(record.uid))
      throw new Violation('HAND', `record ${record.uid} is discarded, and is not parked`)
    assignment.givenUp.add(record.uid)
    this.finish(given, now)
  }

  /**
   * A parked record is given up though nobody has asked for it: others want room, and there is none before it is gone.
   * @param isFull nothing more is taken in of its partition
   * @param isForMemory that is why it goes
   */
  relieve(given: Delivered, isFull: boolean, isForMemory: boolean, now: number): void {
    seen.relieved += 1
    const { assignment, record } = given
    const lowest = assignment.delivered.find(({ uid }) => !assignment.finished.has(uid) && !assignment.covered.has(uid))
    if (lowest !== record) throw new Violation('RELIEF', `record ${record.uid} goes, and does not hold the position`)
    if (!isFull && !this.#isMetadataTight && this.#spanFrom(given) < this.#setup.maxOffsetSpan)
      throw new Violation('RELIEF', `record ${record.uid} is parked, goes, and there is room`)
    const delayed = this.#turnOf(assignment).find((each) => (this.timeOf(each) ?? now) > now)
    if (isForMemory && delayed !== undefined)
      throw new Violation(
        'RELIEF',
        `record ${record.uid} is parked, goes, and ${delayed.uid} starts when its time has come`,
      )
    this.giveUp(given, false, now)
  }

  /** Open, not parked, and nothing of their order is before them. */
  #turnOf(assignment: Assignment): readonly LogRecord[] {
    const { delivered, finished, covered, parked } = assignment
    const open = delivered.filter(({ uid }) => !finished.has(uid) && !covered.has(uid))
    const isBehind = (record: LogRecord, before: LogRecord) =>
      this.isPartnerOf(before, record) && !this.#mayPass({ assignment, record }, before)
    return open.filter(
      (record, index) => !parked.has(record.uid) && !open.slice(0, index).some((before) => isBehind(record, before)),
    )
  }

  #spanFrom({ assignment, record }: Delivered): number {
    const highest = assignment.delivered.findLast(({ uid }) => assignment.finished.has(uid))
    return Math.max((highest?.offset ?? 0) + 1, assignment.coveredTo) - record.offset
  }

  /**
   * What may start has been started: no parked record keeps its partition from moving.
   * @param isFull nothing more is taken in of this partition
   */
  checkRelief(assignment: Assignment, runningHere: readonly Running[], isFull: boolean): 'idle' | 'still' | 'moves' {
    // What is dropped while the manager chooses makes others hold the position: it looks at those when it chooses again.
    if (this.#justDropped.size > 0) return 'moves'
    const { delivered, finished, covered, parked, givenUp, isRefused } = assignment
    const open = delivered.filter(({ uid }) => !finished.has(uid) && !covered.has(uid))
    const [lowest] = open
    if (lowest === undefined) return 'idle'
    if (!parked.has(lowest.uid) || isRefused) return 'moves'
    const isHere = ({ assignment: other }: Running) => other.partition === assignment.partition
    const moves = open.some(({ uid }) => givenUp.has(uid) || this.#waits.get(assignment)?.has(uid) === true)
    if (moves || runningHere.some(isHere)) return 'moves'
    const startable = this.#turnOf(assignment)
    if (isFull && startable.length === 0)
      throw new Violation('STILL', `record ${lowest.uid} is parked, and its partition is full and stands still`)
    const highest = delivered.findLast(({ uid }) => finished.has(uid))?.offset ?? -1
    const isWithoutRoom = highest + 1 - lowest.offset >= this.#setup.maxOffsetSpan
    const wantRoom = startable.length > 0 && startable.every(({ offset }) => offset > highest)
    if (isWithoutRoom && wantRoom && highest >= assignment.coveredTo)
      throw new Violation('STILL', `record ${lowest.uid} is parked, and leaves no room for ${startable[0]?.uid}`)
    return startable.length === 0 ? 'still' : 'moves'
  }

  /** The manager is about to choose what starts. */
  beginTurn(): void {
    this.#justDropped.clear()
  }

  interrupt({ assignment, record }: Running): void {
    const interrupted = this.#interrupted.get(assignment) ?? new Set()
    this.#interrupted.set(assignment, interrupted.add(record.uid))
  }

  /** Given up without running. */
  poison(given: Delivered, now: number): void {
    seen.poisoned += 1
    if (!this.#isPoisoned(given, now)) {
      throw new Violation('POISON', `record ${given.record.uid} was not run, and its key is not poisoned`)
    }
    this.giveUp(given, false, now)
  }

  /** Whether it waits for its next attempt, by all that is known: what is due may have been woken. */
  isWaiting({ assignment, record: { uid } }: Delivered, now: number): boolean {
    return now < (this.#waits.get(assignment)?.get(uid)?.from ?? now)
  }

  isPoisonedNow(given: Delivered, now: number): boolean {
    return this.#isPoisoned(given, now)
  }

  /** Somebody has asked for its next attempt, and was not refused. */
  hurry(given: Delivered, runningHere: readonly Running[], now: number): void {
    seen.hurried += 1
    if (this.#isPoisoned(given, now))
      throw new Violation('HAND', `record ${given.record.uid} is hurried into an open breaker`)
    const { assignment, record } = given
    this.#checkIdle(given, runningHere)
    if (!mapOf(this.#waits, assignment).delete(record.uid))
      throw new Violation('HAND', `record ${record.uid} is hurried, and waits for no attempt`)
  }

  /** Somebody has given it up, and was not refused. */
  giveUpByHand(given: Delivered, runningHere: readonly Running[], now: number): void {
    seen.givenUpByHand += 1
    const { uid } = given.record
    this.#checkIdle(given, runningHere)
    if (!this.#setup.hasDeadLetters) throw new Violation('HAND', `record ${uid} is given up by hand, and would be lost`)
    mapOf(this.#waits, given.assignment).delete(uid)
    this.giveUp(given, false, now)
  }

  closeBreaker(assignment: Assignment, key: Buffer, now: number): void {
    seen.closedByHand += 1
    const key16 = key.toString('hex')
    const history = this.#keys.get(assignment)?.get(key16)
    const { poison } = this.#setup
    const isOpen =
      poison !== undefined &&
      history !== undefined &&
      history.givenUp >= poison.threshold &&
      now < history.lastAt + poison.cooldownMs
    if (!isOpen) throw new Violation('HAND', `a breaker is closed by hand, and it is not open`)
    this.#keys.get(assignment)?.delete(key16)
  }

  /** What was refused should have been done. */
  requireRefusal(
    given: Delivered,
    runningHere: readonly Running[],
    action: 'retry-now' | 'give-up' | 'discard',
    now: number,
  ): void {
    seen.refusedByHand += 1
    const { record, assignment } = given
    const isIdle = !assignment.finished.has(record.uid) && !assignment.givenUp.has(record.uid)
    const isParked = assignment.parked.has(record.uid)
    if (!isParked && (!isIdle || this.#isBusy(given, runningHere) || !this.isWaiting(given, now))) return
    if (action === 'discard' && !isParked) return
    const isRetry = action === 'retry-now' && !this.#isPoisoned(given, now)
    const isAllowed = action === 'discard' || isRetry || (action === 'give-up' && this.#setup.hasDeadLetters)
    if (isAllowed) throw new Violation('HAND', `${action} of record ${record.uid} is refused, and it waits`)
  }

  /** Whether it can be the next of its shard, or waits, and nothing of that runs. */
  #checkIdle(given: Delivered, runningHere: readonly Running[]): void {
    const { assignment, record } = given
    if (assignment.finished.has(record.uid) || assignment.covered.has(record.uid) || assignment.givenUp.has(record.uid))
      throw new Violation('HAND', `record ${record.uid} is done or given up, and somebody's hand still moves it`)
    if (assignment.parked.has(record.uid)) return
    if (this.#isBusy(given, runningHere))
      throw new Violation('HAND', `record ${record.uid} runs, or another one of its shard`)
    const earlier = assignment.delivered.find(
      (other) =>
        other.offset < record.offset &&
        this.isPartnerOf(other, record) &&
        !assignment.finished.has(other.uid) &&
        !assignment.covered.has(other.uid) &&
        !this.#mayPass(given, other),
    )
    if (earlier !== undefined) throw new Violation('HAND', `record ${record.uid} is not the next: ${earlier.uid} is`)
  }

  #isBusy({ assignment, record }: Delivered, runningHere: readonly Running[]): boolean {
    return runningHere.some(
      (other) =>
        other.assignment.partition === assignment.partition &&
        ((other.assignment === assignment && other.record === record) || this.isPartnerOf(other.record, record)),
    )
  }

  /** A record that is given up is asked for once: twice in its dead-letter topic, it would be replayed twice. */
  bury({ assignment, record: { uid } }: Delivered): void {
    const buried = this.#buried.get(assignment) ?? new Set()
    this.#buried.set(assignment, buried)
    if (buried.has(uid)) throw new Violation('DEAD', `record ${uid} has two dead letters in one assignment`)
    buried.add(uid)
  }

  /** What may be said of an offset at this moment. More than one, where what is due may have been woken, or not. */
  statesOf(
    assignment: Assignment,
    offset: number,
    log: Log,
    runningHere: readonly Running[],
    now: number,
  ): readonly string[] {
    const { delivered, expectedNext = 0, committedTo } = assignment
    const record = delivered.find((each) => each.offset === offset)
    const isDone = ({ uid }: LogRecord) => assignment.finished.has(uid) || assignment.covered.has(uid)
    const position = delivered.find((each) => !isDone(each))?.offset
    if (record !== undefined && !isDone(record)) {
      if (runningHere.some((each) => each.assignment === assignment && each.record === record)) return ['in-flight']
      if (assignment.givenUp.has(record.uid)) return ['dead']
      if (assignment.parked.has(record.uid)) return ['parked']
      const wait = this.#waits.get(assignment)?.get(record.uid)
      const time = this.timeOf(record)
      const mayBeDelayed = time !== undefined && time - now <= MAX_DELAY_MS
      const mayBeUnready = this.unreadyUntil({ assignment, record }) !== undefined
      if (wait === undefined) return mayBeDelayed || mayBeUnready ? ['queued', 'delayed'] : ['queued']
      return now < wait.from ? ['waiting'] : ['waiting', 'queued']
    }
    if (offset < (committedTo ?? 0)) return ['committed']
    if (offset < (position ?? 0)) return ['done']
    // Of what is left out in a row, the first keeps a place: the others look as if they held no record.
    if (record !== undefined && isNotAccepted(this.#setup, record.uid)) return ['done', 'done-above-gap', 'hole']
    if (record !== undefined) return position === undefined ? ['done'] : ['done-above-gap']
    const isRestored = assignment.restored.some(({ start, end }) => offset >= start && offset < end)
    if (isRestored) return position === undefined ? ['done', 'done-above-gap'] : ['done-above-gap']
    if (offset < expectedNext) return position === undefined ? ['done'] : ['hole']
    return offset >= log.end ? ['not-written'] : ['not-fetched']
  }

  /**
   * Records that the next owner would run again if this member ended now, by what the group has stored. Of what an earlier owner has completed, the manager
   * knows offsets: at least those that have records count, and at most all. `own`: without those.
   */
  runsAgain(
    assignment: Assignment,
    log: Log,
    runningHere: readonly Running[],
  ): { readonly own: number; readonly atLeast: number; readonly atMost: number } {
    const { stored } = log
    const ranges = stored === undefined || this.#setup.recovery !== 'metadata' ? [] : rangesOf(stored)
    const isTold = (offset: number) =>
      offset < (stored?.position ?? 0) || ranges.some(({ start, end }) => offset >= start && offset < end)
    const runs = new Set(runningHere.filter((each) => each.assignment === assignment).map(({ record }) => record.uid))
    let count = 0
    for (const { uid, offset } of assignment.delivered) {
      const isTouched = assignment.finished.has(uid) || assignment.givenUp.has(uid) || runs.has(uid)
      if (isTouched && !isTold(offset)) count += 1
    }
    const held = new Set(log.records.map(({ offset }) => offset))
    let [atLeast, atMost] = [count, count]
    for (const { start, end } of assignment.restored) {
      for (let offset = start; offset < end; offset += 1) {
        if (isTold(offset)) continue
        atMost += 1
        if (held.has(offset)) atLeast += 1
      }
    }
    return { own: count, atLeast, atMost }
  }

  giveUpBlocked(given: Delivered, now: number): void {
    seen.blocked += 1
    const { assignment, record } = given
    if (!this.#hasFailed(given)) throw new Violation('BLOCKED', `record ${record.uid} is given up and has not failed`)
    if (!this.isOverdue(given, now)) {
      const since = this.#blockedSince(assignment)
      throw new Violation('BLOCKED', `record ${record.uid} was given up at ${now}; blocked since ${since?.at}`)
    }
    // A parked one has counted.
    this.giveUp(given, !assignment.parked.has(record.uid), now)
  }

  /** By itself: the failure of a whole batch is nobody's. */
  #hasFailed({ assignment, record }: Delivered): boolean {
    const isOfBatch = this.#triedBefore({ assignment, record }) > 0 && assignment.limits.has(record.uid)
    const failures = this.#failures.get(assignment)?.get(record.uid) ?? 0
    return failures > 0 || isOfBatch || this.#interrupted.get(assignment)?.has(record.uid) === true
  }

  /** Whether it holds the position, and has for too long. */
  isOverdue({ assignment, record }: Delivered, now: number): boolean {
    const { maxBlockingMs } = this.#setup
    const since = maxBlockingMs === undefined ? undefined : this.#blockedSince(assignment)
    return since?.record === record && now - since.at >= (maxBlockingMs ?? 0)
  }

  /** Nothing that has failed and does not run holds the position for longer than allowed. */
  checkBlocking(assignment: Assignment, runningHere: readonly Running[], now: number): void {
    const { maxBlockingMs, ordering } = this.#setup
    const since = maxBlockingMs === undefined ? undefined : this.#blockedSince(assignment)
    if (since === undefined || maxBlockingMs === undefined || now - since.at < maxBlockingMs) return
    const { record } = since
    const shard = shardOf(record, ordering)
    const isBusy = runningHere.some(
      (other) =>
        other.assignment.partition === assignment.partition &&
        (other.record === record || (shard !== undefined && shardOf(other.record, ordering) === shard)),
    )
    if (this.#hasFailed({ assignment, record }) && !isBusy && !assignment.givenUp.has(record.uid)) {
      throw new Violation('BLOCKED', `record ${record.uid} has failed and blocks since ${since.at}, at ${now}`)
    }
  }

  /** Records that may wait for a retry, or for the end of a pause: neither finished nor given up. */
  mayWait(assignment: Assignment, now: number): number {
    const waiting = [...mapOf(this.#waits, assignment)].filter(([, { until }]) => now < until)
    return waiting.filter(([uid]) => !assignment.finished.has(uid) && !assignment.givenUp.has(uid)).length
  }

  /**
   * @param inTheWay it was given up for that reason; where only the metadata tells, the oracle cannot say that it should have been
   * @param isBlocked it has held the position for too long
   */
  fail(running: Running, failure: HandlerFailure, inTheWay: boolean, isBlocked: boolean, now: number): void {
    const { assignment, record } = running
    const count = this.#countFailure(running)
    const { attempts, maxAgeMs } = this.#setup
    const since = Math.max(record.at, this.timeOf(record) ?? record.at, this.unreadyUntil(running) ?? record.at)
    const isExpired = count >= 2 && record.at >= 0 && now - since >= (maxAgeMs ?? Number.POSITIVE_INFINITY)
    const span = count >= 2 ? this.#spanInTheWay(running) : 0
    const mustGoFor = span >= this.#setup.maxOffsetSpan
    if (inTheWay && !mustGoFor && (span <= 0 || !this.#isMetadataTight)) {
      throw new Violation(
        'IN-THE-WAY',
        `record ${record.uid} is given up after ${count} failures for a span of ${span}`,
      )
    }
    const hasAttempts = failure.retryable && count < attempts
    if (hasAttempts && isExpired) seen.expired += 1
    if (hasAttempts && inTheWay) seen.inTheWay += 1
    const isOut = !hasAttempts || (isExpired && !isBlocked)
    if (isOut && this.parks(failure.reason)) {
      this.park(running, now)
      return
    }
    if (!hasAttempts || isExpired || inTheWay || mustGoFor) {
      this.giveUp(running, saysSomethingOfKey(failure), now)
      return
    }
    seen.retries += 1
    const { retryAfterMs } = failure
    const wait =
      retryAfterMs === undefined ? this.#backoff(count, now) : { from: now + retryAfterMs, until: now + retryAfterMs }
    this.#wait(assignment, record.uid, { ...wait, isPause: false })
  }

  /** With a batch that asked for a pause, and behind another record of its shard that is not done: an attempt, but never the last one. */
  failBehind(running: Running, { retryable }: HandlerFailure): void {
    if (retryable && this.#failuresOf(running) + 1 < this.#setup.attempts) this.#countFailure(running)
  }

  #countFailure(running: Running): number {
    const { uid } = running.record
    const failures = mapOf(this.#failures, running.assignment)
    failures.set(uid, (failures.get(uid) ?? 0) + 1)
    return this.#failuresOf(running)
  }

  /** Those of earlier owners too, as far as the group had stored them. */
  #failuresOf(of: Delivered): number {
    return this.#triedBefore(of) + (this.#failures.get(of.assignment)?.get(of.record.uid) ?? 0)
  }

  /** One that had used up all its attempts has the last one again. */
  #triedBefore({ assignment, record }: Delivered): number {
    return Math.min(assignment.tried.get(record.offset) ?? 0, this.#setup.attempts - 1)
  }

  /** Whether a partition can run out of room for completions, in offsets or in metadata. */
  get mayBeTight(): boolean {
    return this.#setup.maxOffsetSpan < ENDLESS_SPAN || this.#isMetadataTight
  }

  get #isMetadataTight(): boolean {
    const { recovery, maxMetadataLength, brokerMetadata, brokerRequest } = this.#setup
    return recovery === 'metadata' && Math.min(maxMetadataLength, brokerMetadata, brokerRequest) < ROOMY
  }

  /** How many offsets a record keeps from being committed though others have succeeded since it was first tried; 0 when it does not. */
  #spanInTheWay({ assignment, record }: Running): number {
    const { successes } = this.#fortuneOf(assignment)
    const lowest = assignment.delivered.find(({ uid }) => !assignment.finished.has(uid) && !assignment.covered.has(uid))
    if (lowest !== record || successes <= (this.#before.get(assignment)?.get(record.uid) ?? successes)) return 0
    const highest = assignment.delivered.findLast(({ uid }) => assignment.finished.has(uid))
    return Math.max((highest?.offset ?? 0) + 1, assignment.coveredTo) - record.offset
  }

  /** A snapshot that leaves the process: all that it claims must be finished now. */
  commit(snapshot: CommitSnapshot, assignment: Assignment, log: Log): void {
    seen.commits += 1
    if (snapshot.metadata.length > this.#setup.maxMetadataLength) throw new Violation('LIMIT', 'metadata too long')
    if (assignment.incarnation !== log.incarnation) return
    this.#checkCoverage(snapshot, assignment, log)
    this.#checkAttempts(snapshot, assignment)
    const ranges = rangesOf(snapshot)
    for (const { uid, offset } of log.records) {
      const isClaimed = offset < snapshot.position || ranges.some(({ start, end }) => offset >= start && offset < end)
      if (isClaimed && !this.#finished.has(uid)) {
        throw new Violation(
          'LOSS',
          `commit ${snapshot.position} claims record ${uid} at ${offset}, which is not finished`,
        )
      }
    }
  }

  /** How often a record that is not done was tried is told where there is room, and never more than that. */
  #checkAttempts({ position, metadata }: Stored, assignment: Assignment): void {
    const told = triedOf({ position, metadata })
    const { delivered, finished, covered, givenUp, tried } = assignment
    for (const record of delivered) {
      const { uid, offset } = record
      const of = { assignment, record }
      if (offset < position || finished.has(uid) || covered.has(uid)) continue
      const failures = this.#failuresOf(of)
      const count = told.get(offset) ?? 0
      if (count > failures) {
        throw new Violation('TRIED', `record ${uid} has failed ${failures} times, and commit ${position} says ${count}`)
      }
      if (count < failures && !givenUp.has(uid) && this.#tellsAttempts) {
        throw new Violation('TRIED', `record ${uid} has failed ${failures} times, and commit ${position} says ${count}`)
      }
      if (count > 0) seen.carried += 1
    }
    const arrived = new Set(delivered.map(({ offset }) => offset))
    const lowest = assignment.expectedNext ?? 0
    for (const [offset, count] of tried) {
      if (offset < Math.max(position, lowest) || arrived.has(offset) || !this.#tellsAttempts) continue
      if (told.get(offset) !== count) {
        throw new Violation(
          'TRIED',
          `offset ${offset} was tried ${count} times, and commit ${position} does not tell it`,
        )
      }
    }
  }

  /** A partition is given up in order: what the group has stored tells how often each record was tried. */
  checkHandedOver(assignment: Assignment, log: Log): void {
    const { stored } = log
    const isOfThisLog = assignment.incarnation === log.incarnation && assignment.heard === stored
    if (stored !== undefined && isOfThisLog) this.#checkAttempts(stored, assignment)
  }

  get #tellsAttempts(): boolean {
    const { recovery, maxMetadataLength, brokerMetadata, brokerRequest } = this.#setup
    return recovery === 'metadata' && Math.min(maxMetadataLength, brokerMetadata, brokerRequest) >= ROOMY
  }

  /** What is finished above the position must be told, as long as it fits. Else it would run again after a restart. */
  #checkCoverage(snapshot: CommitSnapshot, assignment: Assignment, log: Log): void {
    const { maxMetadataLength, brokerMetadata, brokerRequest } = this.#setup
    if (this.#setup.recovery !== 'metadata' || Math.min(maxMetadataLength, brokerMetadata, brokerRequest) < ROOMY)
      return
    const ranges = rangesOf(snapshot)
    for (const { uid, offset } of log.records) {
      const isTold = offset < snapshot.position || ranges.some(({ start, end }) => offset >= start && offset < end)
      if (!isTold && (assignment.finished.has(uid) || assignment.covered.has(uid))) {
        throw new Violation(
          'FORGOTTEN',
          `record ${uid} at ${offset} is finished, and commit ${snapshot.position} does not tell it`,
        )
      }
    }
  }

  /** Nothing starts above the highest finished offset, restored ones included, while the gap below it is as wide as allowed. */
  #checkSpan(assignment: Assignment, record: LogRecord): void {
    const isFinished = ({ uid }: LogRecord): boolean => assignment.finished.has(uid) || assignment.covered.has(uid)
    const lowest = assignment.delivered.find((other) => !isFinished(other))
    // What was dropped while these were chosen may have come behind them.
    const wasFinished = ({ uid }: LogRecord): boolean => assignment.finished.has(uid) && !this.#justDropped.has(uid)
    const highest = assignment.delivered.findLast(wasFinished)
    if (lowest === undefined || highest === undefined) return
    // What was finished by an earlier owner, and compacted since, is still the highest that is finished.
    if (record.offset < Math.max(highest.offset, assignment.coveredTo)) return
    const span = highest.offset + 1 - lowest.offset
    if (span >= this.#setup.maxOffsetSpan)
      throw new Violation('SPAN', `record ${record.uid} starts above a span of ${span} offsets`)
  }

  /** In any second, and a tenth more for what a late start may catch up with. The last batch may be whole. */
  #checkRate(member: number, item: WorkItem, now: number): void {
    const { rateLimit } = this.#setup
    if (rateLimit === undefined) return
    const starts = [...(this.#starts.get(member) ?? []).filter(({ at }) => at > now - 1_000), { at: now, item }]
    this.#starts.set(member, starts)
    if (starts.length >= rateLimit) seen.heldByRate += 1
    if (starts.length > rateLimit * 1.1 + (this.#setup.batch?.size ?? 1))
      throw new Violation('RATE', `${starts.length} starts in a second`)
  }

  #checkBreaker(running: Running, now: number): void {
    if (this.#isPoisoned(running, now)) {
      throw new Violation('POISON', `record ${running.record.uid} runs, and its key is poisoned`)
    }
  }

  #isPoisoned({ assignment, record }: Delivered, now: number): boolean {
    const { poison } = this.#setup
    const history = record.key === null ? undefined : this.#keys.get(assignment)?.get(record.key.toString('hex'))
    if (poison === undefined || history === undefined) return false
    return history.givenUp >= poison.threshold && now < history.lastAt + poison.cooldownMs
  }

  #keyOf({ assignment, record }: Delivered): { add(now: number): void; clear(): void } | undefined {
    if (record.key === null) return undefined
    const key = record.key.toString('hex')
    const keys = this.#keys.get(assignment) ?? new Map<string, KeyHistory>()
    this.#keys.set(assignment, keys)
    return {
      add: (now) => keys.set(key, { givenUp: (keys.get(key)?.givenUp ?? 0) + 1, lastAt: now }),
      clear: () => keys.delete(key),
    }
  }

  /** The lowest delivered record that is not finished, and since when all below it are; the time of a pause does not count. */
  #blockedSince(assignment: Assignment): { readonly record: LogRecord; readonly at: number } | undefined {
    const times = this.#timesOf(assignment)
    let at = Number.NEGATIVE_INFINITY
    for (const record of assignment.delivered) {
      const { deliveredAt = 0, finishedAt } = times.get(record.uid) ?? {}
      if (!assignment.finished.has(record.uid) && !assignment.covered.has(record.uid)) {
        const pausedUntil = this.#pausedUntil.get(assignment.member) ?? Number.NEGATIVE_INFINITY
        const unreadyUntil = this.unreadyUntil({ assignment, record }) ?? at
        return { record, at: Math.max(at, deliveredAt, pausedUntil, unreadyUntil, this.timeOf(record) ?? at) }
      }
      at = Math.max(at, finishedAt ?? at)
    }
    return undefined
  }

  #timesOf(assignment: Assignment): Map<number, { deliveredAt: number; finishedAt: number | undefined }> {
    const times = this.#times.get(assignment) ?? new Map()
    this.#times.set(assignment, times)
    return times
  }

  applied(snapshot: CommitSnapshot, partition: number): void {
    const before = this.#lastApplied.get(partition)
    if (before !== undefined && snapshot.position < before) {
      throw new Violation('BACKWARDS', `partition ${partition} was committed to ${before}, now to ${snapshot.position}`)
    }
    this.#lastApplied.set(partition, snapshot.position)
  }

  /** The log was cut or made anew: what was committed says nothing about it. */
  forget(partition: number): void {
    this.#lastApplied.delete(partition)
  }

  #restoredBy(stored: Stored | undefined, log: Log) {
    const ranges = stored === undefined || this.#setup.recovery !== 'metadata' ? [] : rangesOf(stored)
    return ranges.flatMap(({ start, end }) => (start < log.end ? [{ start, end: Math.min(end, log.end) }] : []))
  }

  #triedBy(stored: Stored | undefined, log: Log): ReadonlyMap<number, number> {
    const tried = stored === undefined || this.#setup.recovery !== 'metadata' ? new Map() : triedOf(stored)
    return new Map([...tried].filter(([offset]) => offset < log.end))
  }

  #coveredTo(stored: Stored | undefined): number {
    const ranges = stored === undefined || this.#setup.recovery !== 'metadata' ? [] : rangesOf(stored)
    return ranges.at(-1)?.end ?? 0
  }

  #coveredBy(stored: Stored | undefined, log: Log): Set<number> {
    if (stored === undefined) return new Set()
    const ranges = this.#setup.recovery === 'metadata' ? rangesOf(stored) : []
    const isCovered = ({ offset }: LogRecord): boolean =>
      offset < stored.position || ranges.some(({ start, end }) => offset >= start && offset < end)
    const covered = new Set(log.records.filter(isCovered).map(({ uid }) => uid))
    seen.restored += log.records.filter(({ uid, offset }) => offset >= stored.position && covered.has(uid)).length
    return covered
  }
}

function saysSomethingOfKey({ reason }: HandlerFailure): boolean {
  return reason !== 'dead-letter' && reason !== 'undecodable' && reason !== 'invalid'
}

function mapOf<Key, Inner extends Map<unknown, unknown>>(maps: Map<Key, Inner>, key: Key): Inner {
  const map = maps.get(key) ?? (new Map() as Inner)
  maps.set(key, map)
  return map
}

function rangesOf({ position, metadata, taken }: Stored): readonly { start: number; end: number }[] {
  if (taken !== undefined) return taken
  const decoded = decodeCompleted(position, metadata)
  return decoded.kind === 'completed' ? decoded.ranges : []
}

/** By offset. */
function triedOf({ position, metadata }: Stored): ReadonlyMap<number, number> {
  const decoded = decodeCompleted(position, metadata)
  const attempts = decoded.kind === 'completed' ? (decoded.attempts ?? []) : []
  return new Map(attempts.map(({ offset, tried }) => [offset, tried]))
}

function shardOf({ key }: LogRecord, ordering: Ordering): string | undefined {
  if (ordering === 'partition') return 'all'
  return ordering === 'unordered' || key === null ? undefined : key.toString('hex')
}
