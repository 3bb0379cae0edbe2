/** Plays a schedule: two members of one group, each a WorkManager, against the world; the oracle watches. */

import type { Surroundings } from '../../framework/control-plane/explainer.ts'
import type { DeadLetterRequest } from '../../framework/control-plane/failures/failed-records.ts'
import { MAX_INTERRUPTIONS } from '../../framework/control-plane/failures/retry-policy.ts'
import { decodeCompleted } from '../../framework/control-plane/offsets/metadata-encoder.ts'
import type { CommitSnapshot } from '../../framework/control-plane/partition/commit-budget.ts'
import { CommitPlan } from '../../framework/control-plane/shell/commit-plan.ts'
import { WorkManager } from '../../framework/control-plane/work-manager.ts'
import type { RecordExplanation, Wait } from '../../framework/model/explanation.ts'
import type { KafkaRecord, TopicPartition } from '../../framework/model/record.ts'
import type { Route } from '../../framework/model/settings.ts'
import type { HandlerFailure, Outcome, Recalled, WorkItem } from '../../framework/model/work.ts'
import { seededRandom } from '../../framework/runtime/seeded-random.ts'
import { type Assignment, type Delivered, MAX_RETRY_MS, Oracle, type Running, seen, Violation } from './oracle.ts'
import { writtenBy } from './predecessor-texts.ts'
import { isNotAccepted, MAX_DELAY_MS, notBeforeOf, type Schedule, type Setup, type Step } from './schedule.ts'
import { WatchBooks } from './watch-books.ts'
import { isFoundLater, Log, type LogRecord, TOPICS, topicOf } from './world.ts'

const MEMBERS = 2
const HANDLER = 'handle'
const CALM_ROUNDS = 600
/** Of one commit, for at most three partitions: halving ends. */
const MOST_REQUESTS = 60

export interface Compared {
  offsets: number
  partitions: number
  /** Partitions of which it was said exactly what a crash would repeat. */
  exact: number
  waits: number
}

type CommitFate = 'applied' | 'applied-but-unheard' | 'refused' | 'late'

interface CommitInFlight {
  readonly snapshots: readonly CommitSnapshot[]
  readonly fate: CommitFate
  readonly sentAt: number
  /** Whose commit it is, by partition. */
  readonly senders: ReadonlyMap<number, Assignment>
}

interface Owned {
  assignment: Assignment
  fetchFrom: number
  isDraining: boolean
}

type NotReady = Extract<Outcome, { readonly kind: 'not-ready' }>
type Ran = Exclude<Outcome, NotReady>

/** What the manager says of a record that gets no further attempt. */
type GivenUp = Pick<DeadLetterRequest, 'record' | 'failure'>

/** One process. */
interface Member {
  readonly id: number
  readonly manager: WorkManager
  /** One for each topic, whether it has been found yet or not. */
  readonly routes: readonly Route[]
  readonly plan: CommitPlan
  readonly owned: Map<number, Owned>
  readonly paused: Set<number>
  /** Somebody has paused the handler. */
  isPaused: boolean
  running: Running[]
  deadLetters: { readonly request: DeadLetterRequest; readonly running: Delivered }[]
  /** Given up where there is no dead-letter topic, and not looked at yet. */
  dropped: GivenUp[]
  /** Told as not to be read yet, and not looked at: how long each waits. Milliseconds. */
  unready: Map<KafkaRecord, number>
  /** The last failed attempt of each record that was given up, to match the request with it. */
  readonly interruptions: Map<Assignment, Map<number, number>>
  readonly lastRunning: Map<string, Running>
  /** Have failed while the manager hands out no dead letters: it tells later which of them it has given up. With the time. */
  readonly withheld: Map<LogRecord, number>
  commit: CommitInFlight | undefined
  /** Somebody looks on; undefined in every other game. */
  readonly watch: WatchBooks | undefined
}

/** What runs the work items of each member. */
export interface Attempts {
  /** Items that this member's engine can have in flight. */
  capacity(member: number): number
  /** Of the items in flight, those that take no slot. */
  setAside(member: number): number
  start(member: number, item: WorkItem): void
  /** The partition is given up: whatever runs of it should stop. */
  abort(member: number, partition: number): void
  /** What has not begun of these must not begin. */
  recall(member: number, shouldRecall: (item: WorkItem) => boolean): void
  /** The process is gone, with its engine. */
  crash(member: number): void
}

/**
 * @param onStep after each step, before the weather is calm
 * @throws Violation, or whatever the code under test throws
 */
export function play({ setup, steps }: Schedule, onStep?: (game: Game, step: number) => void): void {
  // Nothing runs: a step of the schedule says what has become of an item.
  const byHand: Attempts = {
    ...{ capacity: () => setup.concurrency, setAside: () => 0, start() {}, abort() {}, crash() {} },
    // Of four items, three have begun.
    recall: (member, shouldRecall) => game.takeBack(member, (item) => isUnbegun(item) && shouldRecall(item)),
  }
  const game: Game = new Game(setup, byHand)
  for (const [index, step] of steps.entries()) {
    game.step(step)
    onStep?.(game, index)
  }
  for (const member of game.calmWeather(CALM_ROUNDS)) game.succeedAll(member)
}

export class Game {
  readonly #setup: Setup
  readonly #attempts: Attempts
  readonly #oracle: Oracle
  readonly #logs: Log[]
  #members: Member[]
  #now = 0
  #isCalm = false
  #lastUid = 0

  constructor(setup: Setup, attempts: Attempts) {
    this.#setup = setup
    this.#attempts = attempts
    this.#oracle = new Oracle(setup)
    this.#logs = Array.from({ length: setup.partitions }, () => new Log())
    this.#members = Array.from({ length: MEMBERS }, (_, id) => this.#newMember(id))
  }

  step({ kind, a, b }: Step): void {
    const member = this.#members[Math.floor(a * MEMBERS)] as Member
    const within = (a * MEMBERS) % 1
    switch (kind) {
      case 'produce':
        this.#produce(a, b)
        break
      case 'poll':
        this.#poll(member, b)
        // Digits of `b` that nothing else looks at.
        if ((b * 1_000) % 1 < 0.2) this.#readTo(member)
        break
      case 'start':
        this.#start(member)
        break
      case 'complete':
        this.#complete(member, within, b)
        break
      case 'take-dead-letters':
        this.#takeDeadLetters(member)
        break
      case 'answer-dead-letter':
        this.#answerDeadLetter(member, within, b < 0.7)
        break
      case 'commit':
        this.#commit(member, fateOf(b))
        break
      case 'answer-commit':
        this.#answerCommit(member)
        break
      case 'assign':
        this.#assign(member, b)
        break
      case 'begin-revoke':
        this.#beginRevoke(member, b)
        break
      case 'finish-revoke':
        this.#finishRevoke(member, b)
        break
      case 'lose':
        this.#lose(member, b)
        break
      case 'crash':
        this.#crash(member)
        break
      case 'truncate-below':
        this.#logAt(a).truncateBelow(this.#offsetIn(this.#logAt(a), b))
        break
      case 'truncate-above':
        this.#cut(a, (log) => log.truncateAbove(this.#offsetIn(log, b)))
        this.#comeBack(a)
        break
      case 'recreate':
        this.#cut(a, (log) => log.recreate())
        break
      case 'compact':
        this.#compact(a, b)
        break
      case 'foreign-metadata':
        this.#foreignMetadata(a, b)
        break
      case 'wait':
        this.#now += b * 1_000
        // A timer of the pump's is for this moment.
        for (const each of this.#members) if (this.#now >= (each.manager.stopsAt ?? this.#now + 1)) this.#start(each)
        break
      case 'pause':
        this.#pause(member)
        break
      case 'resume':
        this.#resume(member)
        break
      case 'retry-now':
      case 'give-up':
        this.#actByHand(member, kind, b)
        break
      case 'close-breaker':
        this.#closeBreaker(member, b)
        break
    }
  }

  /**
   * Nothing is disturbed any more: everything must get done, be committed, and leave nothing behind. Gives each member whose attempts must all have
   * ended before it goes on.
   * @param rounds of 50 ms at most
   */
  *calmWeather(rounds: number): Generator<number, void> {
    for (const member of this.#members) this.#resume(member)
    this.#isCalm = true
    for (let round = 0; round < rounds; round += 1) {
      let isBusy = false
      for (const member of this.#members) isBusy = (yield* this.#calmRound(member)) || isBusy
      if (!isBusy && this.#logs.every((log, partition) => this.#isDone(log, partition))) break
      this.#now += 50
      if (round === rounds - 1) throw new Violation('STUCK', this.#describe())
    }
    for (const member of this.#members) {
      const gauges = member.manager.gauges()
      const isZero = Object.values(gauges).every((value) => value === 0)
      if (!isZero) throw new Violation('GAUGE', `member ${member.id}: ${JSON.stringify(gauges)}`)
      const unsettled = member.manager.unsettled(member.manager.assigned())
      if (unsettled !== 0) throw new Violation('GAUGE', `member ${member.id} would wait for ${unsettled} records`)
      member.watch?.requireAllDone(member.owned.keys())
    }
  }

  *#calmRound(member: Member): Generator<number, boolean> {
    let isBusy = false
    for (const [partition, owned] of [...member.owned]) if (owned.isDraining) this.#revoke(member, partition)
    if (member.commit !== undefined) this.#answerCommit(member)
    for (let i = 0; i < this.#logs.length; i += 1) this.#assign(member, (i + 0.5) / this.#logs.length)
    this.#retryParked(member)
    this.#poll(member, 0)
    this.#readTo(member)
    this.#start(member)
    isBusy = member.running.length > 0
    yield member.id
    this.#takeDeadLetters(member)
    isBusy = isBusy || member.deadLetters.length > 0
    while (member.deadLetters.length > 0) this.#answerDeadLetter(member, 0, true)
    this.#commit(member, 'applied')
    isBusy = isBusy || member.commit !== undefined
    this.#answerCommit(member)
    // What is done for others may have come again here, and wait for a slot that an abandoned handler has.
    return (
      isBusy ||
      member.plan.waiting > 0 ||
      member.manager.nextWakeAt !== undefined ||
      member.manager.gauges().records > 0
    )
  }

  succeedAll(memberId: number): void {
    const member = this.#member(memberId)
    for (let next = member.running[0]; next !== undefined; next = member.running[0])
      this.#finishRunning(member, next, { kind: 'succeeded' })
  }

  /** These have not begun. */
  takeBack(memberId: number, isUnbegun: (item: WorkItem) => boolean): void {
    const member = this.#member(memberId)
    const items = new Set(member.running.map(({ item }) => item).filter(isUnbegun))
    for (const { id } of items) this.complete(memberId, id, { kind: 'recalled' })
  }

  /** An engine has completed this item. */
  complete(memberId: number, workId: number, outcome: Outcome | Recalled): void {
    const member = this.#member(memberId)
    const running = member.running.find(({ item }) => item.id === workId)
    if (running === undefined) throw new Violation('TWICE', `item ${workId} is completed, and is not in flight`)
    this.#finishRunning(member, running, outcome)
  }

  isIdle(memberId: number): boolean {
    return this.#member(memberId).running.length === 0
  }

  #member(memberId: number): Member {
    const member = this.#members[memberId]
    if (member === undefined) throw new Error(`there is no member ${memberId}`)
    return member
  }

  #isDone(log: Log, partition: number): boolean {
    // Nothing is left behind: the lag is 0, as Kafka's own tools see it. What is committed of a log that is gone is left out here.
    const isCut = this.#members.some(
      ({ owned }) => (owned.get(partition)?.assignment.incarnation ?? log.incarnation) !== log.incarnation,
    )
    const end = isCut ? (log.records.at(-1)?.offset ?? -1) + 1 : log.end
    return log.records.every(({ uid }) => this.#oracle.isFinished(uid)) && (log.stored?.position ?? 0) >= end
  }

  #describe(): string {
    const logs = this.#logs.map(({ start, end, stored, records }) => {
      const open = records.filter(({ uid }) => !this.#oracle.isFinished(uid)).map(({ offset }) => offset)
      return { start, end, position: stored?.position, open: open.slice(0, 5) }
    })
    return JSON.stringify({ logs, gauges: this.#members.map(({ manager }) => manager.gauges()) })
  }

  #newMember(id: number): Member {
    const { ordering, attempts, hasDeadLetters, concurrency, maxRecords, maxRecordsPerPartition, maxOffsetSpan, seed } =
      this.#setup
    const { batch, rateLimit, adaptive, poison, maxBlockingMs, maxAgeMs, retryMinMs, then } = this.#setup
    const leavesOut =
      this.#setup.leftOutShare === 0
        ? undefined
        : ({ value }: KafkaRecord) => isNotAccepted(this.#setup, JSON.parse(String(value)).uid)
    const notBefore = ({ value, timestamp }: KafkaRecord) =>
      notBeforeOf(this.#setup, JSON.parse(String(value)).uid, timestamp)
    const delay = this.#setup.delayShare === 0 ? undefined : { notBefore, maxDelayMs: MAX_DELAY_MS }
    const rules = { batch, rateLimit, adaptive, poison, maxBlockingMs, leavesOut, delay }
    const delays = { backoff: 'exponential', minMs: retryMinMs, maxMs: MAX_RETRY_MS, jitter: true } as const
    const retry = { attempts, ...delays, maxAgeMs, then }
    const dropped: GivenUp[] = []
    const unready = new Map<KafkaRecord, number>()
    const watch = seed % 2 === 0 ? new WatchBooks() : undefined
    const rest = { handlerId: HANDLER, ordering, concurrency, retry, ...rules }
    const routes: readonly Route[] = TOPICS.map((topic) => {
      return { ...rest, topic, deadLetterTopic: hasDeadLetters ? `${topic}.dlq` : null }
    })
    const manager = new WorkManager({
      routes: routes.filter(({ topic }) => !isFoundLater(topic, seed)),
      limits: {
        ...{ maxRecords, maxBytes: 1e9, maxRecordsPerPartition, maxBytesPerPartition: 1e9, maxOffsetSpan },
        maxUncommitted: this.#setup.maxUncommitted,
      },
      sessionTimeoutMs: this.#setup.sessionTimeoutMs,
      recovery: this.#setup.recovery,
      takeOver: this.#setup.takeOver,
      maxMetadataLength: this.#setup.maxMetadataLength,
      random: seededRandom(seed),
      watchedBy: { watch },
      onEvent: (event) => {
        watch?.onEvent(event)
        if (event.kind === 'record.not-ready') unready.set(event.record, event.delayMs)
        if (event.kind === 'record.dead' && event.deadLetterTopic === null) dropped.push(event)
      },
    })
    const empty = { running: [], deadLetters: [], commit: undefined, isPaused: false }
    return {
      id,
      manager,
      routes,
      plan: new CommitPlan(manager),
      owned: new Map(),
      paused: new Set(),
      interruptions: new Map(),
      lastRunning: new Map(),
      withheld: new Map(),
      dropped,
      unready,
      watch,
      ...empty,
    }
  }

  #logAt(a: number): Log {
    return this.#logs[Math.floor(a * this.#logs.length)] as Log
  }

  #offsetIn(log: Log, b: number): number {
    return log.start + Math.floor(b * (log.end - log.start + 1))
  }

  #produce(a: number, b: number): void {
    const log = this.#logAt(a)
    const random = seededRandom(Math.floor(b * 2 ** 32))
    for (let count = 1 + Math.floor(random() * 6); count > 0; count -= 1) {
      if (random() < 0.1) log.skip(1 + Math.floor(random() * 3))
      this.#lastUid += 1
      const key = random() < 0.1 ? null : Buffer.from(`k${Math.floor(random() * this.#setup.keys)}`)
      log.append(this.#lastUid, key, random() < 0.1 ? -1 : this.#now)
    }
    if (random() < 0.1) log.skip(1)
  }

  #poll(member: Member, b: number): void {
    this.#applyIntake(member)
    const { manager } = member
    let room = manager.pollSize()
    const limit = this.#setup.maxRecords
    if (manager.gauges().records + room > limit)
      throw new Violation('LIMIT', `a poll of ${room} may pass ${limit} records`)
    const partitions = [...member.owned.keys()].filter((partition) => !member.paused.has(partition))
    const first = Math.floor(b * partitions.length)
    const records: KafkaRecord[] = []
    for (let i = 0; i < partitions.length; i += 1) {
      const partition = partitions[(first + i) % partitions.length] as number
      const owned = member.owned.get(partition)
      if (owned === undefined || owned.isDraining) continue
      for (const record of this.#fetch(member, owned, partition, room)) {
        room -= 1
        records.push(toKafkaRecord(record, partition, this.#setup.seed))
      }
    }
    manager.onPolled(records, this.#now)
    this.#checkLimits(member)
    this.#applyIntake(member)
  }

  #fetch(member: Member, owned: Owned, partition: number, max: number): readonly LogRecord[] {
    const log = this.#logs[partition] as Log
    owned.fetchFrom = log.fetchPosition(owned.fetchFrom)
    const records = log.read(owned.fetchFrom, max)
    const { expectedNext = 0, incarnation } = owned.assignment
    // The log is another one, and begins above what was read of the old one: no offset can show that, so the group tells.
    if (incarnation !== log.incarnation && records[0] !== undefined && records[0].offset >= expectedNext) {
      this.#takeAway(member, partition)
      return []
    }
    for (const record of records) owned.assignment = this.#oracle.deliver(owned.assignment, record, log, this.#now)
    owned.fetchFrom = (records.at(-1)?.offset ?? owned.fetchFrom - 1) + 1
    return records
  }

  /** As a client tells it: where nothing is left to read, the end of the log, over whatever holds no record. */
  #readTo(member: Member): void {
    for (const [partition, owned] of member.owned) {
      const log = this.#logs[partition] as Log
      if (owned.isDraining) continue
      // It has read a log that is gone, and not fetched since.
      if (owned.assignment.incarnation !== log.incarnation) continue
      if (!member.paused.has(partition)) {
        owned.fetchFrom = log.fetchPosition(owned.fetchFrom)
        if (log.read(owned.fetchFrom, 1).length === 0) owned.fetchFrom = log.end
      }
      this.#oracle.readTo(owned.assignment, owned.fetchFrom)
      member.manager.onReadTo(of(partition, this.#setup.seed), owned.fetchFrom)
    }
  }

  #around(member: Member): Surroundings {
    return {
      now: this.#now,
      capacityOf: () => this.#attempts.capacity(member.id),
      logEnd: ({ partition }) => this.#logs[partition]?.end,
    }
  }

  /** Of any record that was delivered, as it was seen a moment ago: now and then that was another attempt, or another assignment. */
  #actByHand(member: Member, step: 'retry-now' | 'give-up', b: number): void {
    const random = seededRandom(Math.floor(b * 2 ** 32))
    const choices = [...member.owned.values()].flatMap(({ assignment }) => {
      const open = assignment.delivered.filter(({ uid }) => !this.#oracle.isFinished(uid))
      return open.map((record) => ({ assignment, record }))
    })
    const waiting = choices.filter((each) => this.#oracle.isWaiting(each, this.#now) || this.#oracle.isParked(each))
    const among = random() < 0.7 && waiting.length > 0 ? waiting : choices
    const given = among[Math.floor(random() * among.length)]
    if (given === undefined) return
    const kind = step === 'give-up' && this.#setup.then !== 'dead-letter' && random() < 0.4 ? 'discard' : step
    const { partition } = given.assignment
    const at = { ...of(partition, this.#setup.seed), offset: given.record.offset }
    const seenAs = member.manager.explainer.explain(at, this.#around(member))
    if (seenAs === undefined) throw new Violation('EXPLAIN', `partition ${partition} is ours, and nobody knows it`)
    const [isOtherEpoch, isOtherAttempt] = [random() < 0.1, random() < 0.1]
    const action = {
      ...at,
      epoch: seenAs.epoch - (isOtherEpoch ? 1 : 0),
      attempt: seenAs.attempt + (isOtherAttempt ? 1 : 0),
    }
    const before = JSON.stringify(member.manager.gauges())
    const { byHand } = member.manager
    const around = this.#around(member)
    const verbs = { 'retry-now': 'retryNow', 'give-up': 'giveUp', discard: 'discard' } as const
    const result = byHand[verbs[kind]](action, around)
    const isMistaken = isOtherEpoch || isOtherAttempt
    if (result.isDone && isMistaken) throw new Violation('HAND', `${kind} of what is no more is done`)
    if (!result.isDone) {
      if (before !== JSON.stringify(member.manager.gauges()))
        throw new Violation('HAND', `${kind} is refused, and done`)
      const isDraining = member.owned.get(partition)?.isDraining === true
      if (!isMistaken && !isDraining) this.#oracle.requireRefusal(given, member.running, kind, this.#now)
    } else if (kind === 'discard') {
      const told = member.dropped.pop()
      if (told?.record.offset !== at.offset) throw new Violation('HAND', 'a record is discarded, and nobody is told')
      this.#oracle.discard(given, this.#now)
    } else if (kind === 'retry-now' && this.#oracle.isParked(given))
      this.#oracle.unpark(given, member.running, this.#now)
    else if (kind === 'retry-now') this.#oracle.hurry(given, member.running, this.#now)
    else this.#oracle.giveUpByHand(given, member.running, this.#now)
  }

  /** Somebody looks after what is parked; where the breaker of its key is open, later. */
  #retryParked(member: Member): void {
    const around = this.#around(member)
    for (const { assignment } of member.owned.values()) {
      for (const record of assignment.delivered) {
        const given = { assignment, record }
        if (!this.#oracle.isParked(given)) continue
        const at = { ...of(assignment.partition, this.#setup.seed), offset: record.offset }
        const { epoch, attempt } = member.manager.explainer.explain(at, around) ?? { epoch: -1, attempt: -1 }
        const result = member.manager.byHand.retryNow({ ...at, epoch, attempt }, around)
        if (result.isDone) this.#oracle.unpark(given, member.running, this.#now)
        else if (result.why !== 'poisoned') throw new Violation('HAND', `a parked record stays so: ${result.why}`)
      }
    }
  }

  /**
   * Every offset of every partition that somebody has: what the manager says of it, and of what a crash would repeat, against the books. The manager is
   * asked, and never believed.
   */
  compareAnswers(): Compared {
    const compared = { offsets: 0, exact: 0, partitions: 0, waits: 0 }
    for (const member of this.#members) {
      for (const [partition, { assignment }] of member.owned) {
        const log = this.#logs[partition] as Log
        if (assignment.incarnation !== log.incarnation) continue
        this.#compareStates(member, assignment, log, compared)
        this.#compareCrash(member, assignment, log, compared)
      }
    }
    return compared
  }

  #compareStates(member: Member, assignment: Assignment, log: Log, compared: Compared): void {
    const { partition } = assignment
    const { explainer } = member.manager
    const around = this.#around(member)
    const view = explainer.view(of(partition, this.#setup.seed), around, { looks: 10_000, runs: 10_000 })
    for (let offset = 0; offset < log.end + 2; offset += 1) {
      const at = `offset ${offset} of partition ${partition} at ${this.#now}`
      const answer = explainer.explain({ ...of(partition, this.#setup.seed), offset }, around)
      const states = this.#oracle.statesOf(assignment, offset, log, member.running, this.#now)
      if (answer === undefined || !states.includes(answer.state))
        throw new Violation('EXPLAIN', `${at} is ${states.join(' or ')}, and ${answer?.state} is said`)
      compared.offsets += 1
      const run = view?.runs.find(({ from, to }) => offset >= from && offset < to)
      if (run !== undefined && run.state !== answer.state)
        throw new Violation('EXPLAIN', `${at} is ${answer.state}, and ${run.state} in the list of runs`)
      const [first, last] = [view?.runs[0]?.from ?? 0, view?.runs.at(-1)?.to ?? 0]
      if (run === undefined && offset >= first && offset < Math.max(last, log.end))
        throw new Violation('EXPLAIN', `${at} is in no run`)
      this.#compareWaits(member, assignment, answer, compared)
    }
  }

  #compareWaits(member: Member, assignment: Assignment, answer: RecordExplanation, compared: Compared): void {
    const record = assignment.delivered.find(({ offset }) => offset === answer.offset)
    const isOpen = ['queued', 'delayed', 'waiting', 'parked', 'dead'].includes(answer.state)
    if (isOpen && answer.waitsFor.length === 0)
      throw new Violation('EXPLAIN', `record ${record?.uid} waits for nothing`)
    if (record === undefined) return
    for (const wait of answer.waitsFor) {
      compared.waits += 1
      if (!this.#isWaitTrue(member, assignment, record, wait))
        throw new Violation('EXPLAIN', `record ${record.uid} is said to wait: ${JSON.stringify(wait)}`)
    }
    const kinds = new Set(answer.waitsFor.map(({ kind }) => kind))
    if (answer.state === 'queued' && member.isPaused !== kinds.has('handler-paused'))
      throw new Violation('EXPLAIN', `record ${record.uid}: whether its handler is paused`)
  }

  #isWaitTrue(member: Member, assignment: Assignment, record: LogRecord, wait: Wait): boolean {
    const given = { assignment, record }
    switch (wait.kind) {
      case 'record': {
        // What was set apart stands where it came back.
        if (assignment.apart.size > 0) return true
        const before = assignment.delivered.filter(
          (each) => each.offset < record.offset && this.#oracle.isPartnerOf(each, record),
        )
        const open = before.filter(({ uid }) => !assignment.finished.has(uid) && !assignment.covered.has(uid))
        return open[0]?.offset === wait.offset && open.length === wait.ahead
      }
      case 'earlier-assignment':
        return member.running.some(
          (each) =>
            each.assignment !== assignment &&
            each.assignment.partition === assignment.partition &&
            this.#oracle.isPartnerOf(each.record, record),
        )
      case 'not-before':
        return wait.at === this.#oracle.timeOf(record)
      case 'not-ready':
        return wait.dueAt === this.#oracle.unreadyUntil(given)
      case 'slots':
      case 'adaptive-limit':
        return (
          new Set(member.running.map(({ item }) => item)).size >= (wait.kind === 'slots' ? wait.capacity : wait.limit)
        )
      case 'handler-paused':
        return member.isPaused
      case 'draining':
        return member.owned.get(assignment.partition)?.isDraining === true
      case 'commits-refused':
        return assignment.isRefused
      case 'poisoned':
        return this.#oracle.isPoisonedNow(given, this.#now)
      case 'dead-letter':
        return (
          wait.isSent ===
          member.deadLetters.some(({ running }) => running.record === record && running.assignment === assignment)
        )
      default:
        return true
    }
  }

  /** What the group has stored may be more than this member has heard of. */
  #compareCrash(member: Member, assignment: Assignment, log: Log, compared: Compared): void {
    // Nobody in this group has written it.
    if (log.isForeign) return
    compared.partitions += 1
    const said =
      member.manager.explainer.view(of(assignment.partition, this.#setup.seed), this.#around(member), {
        looks: 1,
        runs: 1,
      })?.runsAgain ?? 0
    const { own, atLeast, atMost } = this.#oracle.runsAgain(assignment, log, member.running)
    const heard = assignment.committedTo ?? 0
    const isHeard =
      member.commit === undefined && (log.stored?.position ?? 0) === heard && assignment.heard === log.stored
    const isExact = said >= atLeast && said <= atMost
    if (said < own || (isHeard && !isExact))
      throw new Violation(
        'CRASH',
        `partition ${assignment.partition} runs ${atLeast} to ${atMost} again, and ${said} is said`,
      )
    if (isExact) compared.exact += 1
  }

  #closeBreaker(member: Member, b: number): void {
    const open = member.manager.explainer.openBreakers(this.#now, 100)
    const chosen = open[Math.floor(b * open.length)]
    if (chosen === undefined) return
    const { topic, partition, epoch, id } = chosen
    const none = member.manager.byHand.closeBreaker({ topic, partition, epoch, breaker: id + 0.5 }, this.#now)
    if (none.isDone) throw new Violation('HAND', 'a breaker that does not exist is closed')
    const result = member.manager.byHand.closeBreaker({ topic, partition, epoch, breaker: id }, this.#now)
    if (!result.isDone) throw new Violation('HAND', `an open breaker is not closed: ${result.why}`)
    const owned = member.owned.get(partition)
    if (owned === undefined)
      throw new Violation('HAND', `a breaker of partition ${partition} is closed, which is not ours`)
    this.#oracle.closeBreaker(owned.assignment, chosen.key, this.#now)
  }

  #applyIntake(member: Member): void {
    const { pause, resume } = member.manager.takeIntakeChange()
    for (const { partition } of pause) member.paused.add(partition)
    for (const { partition } of resume) member.paused.delete(partition)
  }

  #checkLimits(member: Member): void {
    const { records } = member.manager.gauges()
    if (records > this.#setup.maxRecords) throw new Violation('LIMIT', `${records} records in memory`)
    for (const [partition, { assignment }] of member.owned) {
      const open = assignment.delivered.filter(({ uid }) => !this.#oracle.isFinished(uid)).length
      if (open > this.#setup.maxRecordsPerPartition)
        throw new Violation('LIMIT', `${open} records of partition ${partition}`)
    }
  }

  #pause(member: Member): void {
    if (member.isPaused) return
    seen.pauses += 1
    member.isPaused = true
    member.manager.pause(HANDLER)
    this.#attempts.recall(member.id, () => true)
    this.#oracle.pause(member.id)
  }

  /** The manager knows what time it is from the last verb that told it. */
  #resume(member: Member): void {
    if (member.isPaused) this.#start(member)
    member.manager.resume(HANDLER)
    if (!member.isPaused) return
    member.isPaused = false
    this.#oracle.resume(member.id, this.#now)
  }

  #start(member: Member): void {
    this.#oracle.beginTurn()
    this.#applyIntake(member)
    const full = new Set(member.paused)
    const wasHeld = member.manager.heldBecause !== null
    const setAside = this.#attempts.setAside(member.id)
    const items = member.manager.takeReady(
      this.#now,
      () => this.#attempts.capacity(member.id),
      () => setAside,
    )
    this.#judge(member, this.#takeGivenUp(member), full)
    for (const item of items) {
      const batched: LogRecord[] = []
      let owner: Assignment | undefined
      if (member.isPaused) throw new Violation('PAUSED', `record ${item.records[0]?.offset} starts`)
      for (const kafkaRecord of item.records) {
        const owned = member.owned.get(kafkaRecord.partition)
        const record = owned?.assignment.delivered.find(({ offset }) => offset === kafkaRecord.offset)
        if (owned === undefined || record === undefined)
          throw new Violation('START', `record ${kafkaRecord.offset} is not ours`)
        if (owned.isDraining) throw new Violation('START', 'a draining partition starts work')
        const running = { item, assignment: owned.assignment, record }
        this.#oracle.start(running, member.running, member.id, this.#now, setAside)
        this.#oracle.checkCommitted([...member.owned.values()].map(({ assignment }) => assignment))
        member.running.push(running)
        member.lastRunning.set(`${kafkaRecord.partition}/${kafkaRecord.offset}`, running)
        batched.push(record)
        owner = owned.assignment
      }
      if (owner === undefined) throw new Violation('START', 'a work item without a record')
      this.#oracle.startBatch(item, owner, batched, this.#now)
      this.#attempts.start(member.id, item)
    }
    const { stoppedBecause } = member.manager.permit
    if (stoppedBecause !== null) this.#attempts.recall(member.id, () => true)
    if (stoppedBecause === 'unacknowledged') seen.silences += 1
    if (stoppedBecause === 'uncommitted') seen.full += 1
    const most = [...member.owned.values()].reduce(
      (sum, each) => sum + this.#oracle.mayWait(each.assignment, this.#now),
      0,
    )
    const { retriesWaiting } = member.manager.gauges()
    if (retriesWaiting > most) throw new Violation('GAUGE', `${retriesWaiting} retries wait, of ${most} records`)
    for (const { assignment, isDraining } of member.owned.values()) {
      if (!isDraining) this.#oracle.checkBlocking(assignment, member.running, this.#now)
    }
    this.#applyIntake(member)
    if (!member.isPaused && stoppedBecause === null) this.#checkRelief(member, full, wasHeld)
    this.#checkWork(member)
  }

  /** @param full partitions of which nothing more was taken in before. @param wasHeld and whether nothing was at all */
  #checkRelief(member: Member, full: ReadonlySet<number>, wasHeld: boolean): void {
    const stands = [...member.owned].map(([partition, { assignment, isDraining }]) => {
      const isFull = full.has(partition) && member.paused.has(partition)
      return isDraining ? 'moves' : this.#oracle.checkRelief(assignment, member.running, isFull)
    })
    const isHeld = wasHeld && member.manager.heldBecause !== null
    if (isHeld && stands.includes('still') && !stands.includes('moves'))
      throw new Violation('STILL', 'memory is full, and all that is in it is parked or waits behind that')
  }

  #checkWork({ manager, owned }: Member): void {
    const endOf = ({ partition }: { readonly partition: number }) => this.#logs[partition]?.end
    const works = manager.readings.work(endOf, () => Number.POSITIVE_INFINITY)
    for (const work of TOPICS.flatMap((topic) => works.get(topic) ?? [])) {
      const assignment = owned.get(work.partition)?.assignment
      const log = this.#logs[work.partition]
      if (assignment !== undefined && log !== undefined) this.#oracle.checkWork(assignment, log, work)
    }
  }

  /** What was given up just now. Where a guard may have done that, the dead letters too: the oracle judges the moment. */
  #takeGivenUp(member: Member): readonly GivenUp[] {
    const dropped = member.dropped.splice(0)
    const { poison, maxBlockingMs, delayShare } = this.#setup
    const parks = this.#setup.then !== 'dead-letter'
    const isGuarded =
      delayShare > 0 || poison !== undefined || maxBlockingMs !== undefined || parks || this.#oracle.mayBeTight
    return isGuarded ? [...dropped, ...member.manager.takeDeadLetters()] : dropped
  }

  #complete(member: Member, which: number, b: number): void {
    const running = member.running[Math.floor(which * member.running.length)]
    if (running === undefined) return
    const { item } = running
    const isBad = member.running.some((other) => other.item === item && this.#isBad(other.record))
    const unready = unreadyOf(b, item.records.length, this.#setup)
    if (unready !== undefined) {
      this.#finishRunning(member, running, unready)
      return
    }
    const outcome = outcomeOf(b, item.records.length, this.#setup)
    this.#finishRunning(
      member,
      running,
      isBad && outcome.kind === 'succeeded' ? { kind: 'failed', failure: boom } : outcome,
    )
  }

  #isBad({ uid }: LogRecord): boolean {
    return uid % (this.#setup.badEvery ?? Number.POSITIVE_INFINITY) === 0
  }

  /** Ends the work item that this record runs in. */
  #finishRunning(member: Member, { item, assignment }: Running, outcome: Outcome | Recalled): void {
    const ended = member.running.filter((running) => running.item === item)
    member.running = member.running.filter((running) => running.item !== item)
    const isZombie = member.owned.get(assignment.partition)?.assignment !== assignment
    const before = JSON.stringify({ ...member.manager.gauges(), inFlight: 0 })
    const durationMs = (item.id % 7) * 10
    member.manager.onCompletion({ workId: item.id, outcome, durationMs }, this.#now)
    const givenUp = this.#takeGivenUp(member)
    for (const { record } of ended) {
      if (member.manager.permit.stoppedBecause === null) member.withheld.delete(record)
      else member.withheld.set(record, this.#now)
    }
    if (outcome.kind === 'recalled') seen.recalls += 1
    if (outcome.kind === 'recalled' || outcome.kind === 'not-ready') this.#oracle.takeBack(item, ended, member.id)
    if (outcome.kind === 'not-ready' && !isZombie) this.#holdUnready(member, ended, outcome)
    else if (outcome.kind !== 'recalled' && outcome.kind !== 'not-ready' && !isZombie)
      this.#bookAll(member, ended, outcome, givenUp)
    this.#judge(member, givenUp)
    if (!isZombie) return
    seen.zombies += 1
    const after = JSON.stringify({ ...member.manager.gauges(), inFlight: 0 })
    if (before !== after)
      throw new Violation('ZOMBIE', `a completion of an earlier assignment changed ${before} to ${after}`)
  }

  #holdUnready(member: Member, ended: readonly Running[], { waiting }: NotReady): void {
    for (const [index, running] of ended.entries()) {
      if (waiting !== undefined && !waiting.has(index)) continue
      const record = running.item.records.find(({ offset }) => offset === running.record.offset)
      const delayMs = record === undefined ? undefined : member.unready.get(record)
      this.#oracle.holdUnready(running, delayMs, this.#now)
    }
    member.unready.clear()
  }

  #bookAll(member: Member, ended: readonly Running[], outcome: Ran, givenUp: readonly GivenUp[]): void {
    const [first] = ended
    if (first !== undefined && ended.length > 1 && 'failure' in outcome) {
      const records = ended.map(({ record }) => record)
      this.#oracle.split(first.assignment, records, outcome, this.#now)
      return
    }
    const isPause = outcome.kind === 'partial' && outcome.pause !== undefined
    if (outcome.kind === 'partial') seen.partials += 1
    if (isPause) seen.pausedBatches += 1
    const isDraining = first === undefined || member.owned.get(first.assignment.partition)?.isDraining === true
    const [again, dead]: [LogRecord[], LogRecord[]] = [[], []]
    for (const [index, running] of ended.entries()) {
      const { record } = running
      const single = singleOutcome(outcome, index)
      // Behind a record of its shard that runs again, nothing counts; behind one that was given up, only success does.
      const isBehind = (others: readonly LogRecord[]) => others.some((other) => this.#oracle.isPartnerOf(record, other))
      if (isBehind(again) || (single.kind !== 'succeeded' && isBehind(dead))) {
        if (isPause && single.kind === 'failed') this.#oracle.failBehind(running, single.failure)
        again.push(record)
        continue
      }
      const inTheWay = givenUp.some(
        (each) => each.failure.reason === 'in-the-way' && each.record.offset === record.offset,
      )
      const isBlocked = !isDraining && this.#oracle.isOverdue(running, this.#now)
      this.#book(member, running, single, inTheWay, isBlocked)
      this.#oracle.wasReady(running)
      const isParked = this.#oracle.isParked(running)
      if (isParked && running.assignment.apart.has(record.uid)) continue
      const isGivenUp = () => running.assignment.givenUp.has(record.uid)
      const isSettled = single.kind === 'succeeded' || single.kind === 'interrupted' || isParked || isGivenUp()
      if (!isDraining && !isSettled && this.#oracle.isOverdue(running, this.#now))
        this.#oracle.giveUpBlocked(running, this.#now)
      // It succeeded, or was dropped.
      if (running.assignment.finished.has(record.uid)) continue
      const list = isGivenUp() ? dead : again
      list.push(record)
    }
  }

  /** @param inTheWay the manager has given it up for that reason */
  #book(member: Member, running: Running, outcome: Ran, inTheWay: boolean, isBlocked: boolean): void {
    if (outcome.kind === 'succeeded') {
      if (outcome.filtered === true) this.#oracle.finish(running, this.#now)
      else this.#oracle.succeed(running, this.#now)
      return
    }
    if (outcome.kind === 'interrupted') {
      const counts = member.interruptions.get(running.assignment) ?? new Map<number, number>()
      member.interruptions.set(running.assignment, counts)
      const count = (counts.get(running.record.uid) ?? 0) + 1
      counts.set(running.record.uid, count)
      if (count > MAX_INTERRUPTIONS && this.#oracle.parks('interrupted')) this.#oracle.park(running, this.#now)
      else if (count > MAX_INTERRUPTIONS) this.#oracle.giveUp(running, true, this.#now)
      else this.#oracle.interrupt(running)
      return
    }
    if (outcome.kind !== 'partial') this.#oracle.fail(running, outcome.failure, inTheWay, isBlocked, this.#now)
  }

  #takeDeadLetters(member: Member): void {
    this.#judge(member, member.manager.takeDeadLetters(this.#now))
  }

  #judge(member: Member, givenUp: readonly GivenUp[], full: ReadonlySet<number> = new Set()): void {
    for (const each of givenUp) {
      const { partition, offset } = each.record
      const { reason } = each.failure
      const running =
        reason === 'poisoned' || reason === 'by-hand' || reason === 'not-before'
          ? this.#deliveredTo(member, partition, offset)
          : member.lastRunning.get(`${partition}/${offset}`)
      if (running === undefined) throw new Violation('DEAD', `record ${offset} never ran`)
      if (reason === 'poisoned') this.#oracle.poison(running, this.#now)
      if (reason === 'not-before') this.#oracle.refuseTime(running, this.#now)
      const isBooked = () => running.assignment.givenUp.has(running.record.uid)
      if (reason === 'blocked' && !isBooked()) this.#oracle.giveUpBlocked(running, this.#now)
      if (reason === 'in-the-way' && this.#oracle.isParked(running)) {
        const isFull = full.has(partition) || member.manager.heldBecause !== null
        const isForMemory = each.failure.message.includes('memory for records is full')
        this.#oracle.relieve(running, isFull, isForMemory, this.#now)
      }
      const failedAt = member.withheld.get(running.record)
      if (reason === 'in-the-way' && failedAt !== undefined && !isBooked()) this.#oracle.giveUp(running, true, failedAt)
      if (!isBooked())
        throw new Violation('DEAD', `record ${running.record.uid} is given up (${reason}), and too early`)
      if (!isRequest(each)) continue
      const wanted = `${topicOf(running.assignment.partition, this.#setup.seed)}.dlq`
      if (each.topic !== wanted) throw new Violation('DEAD', `a dead letter goes to ${each.topic}, not to ${wanted}`)
      this.#oracle.checkSilence(member.id, this.#now, `the dead letter of record ${running.record.uid}`)
      this.#oracle.bury(running)
      member.deadLetters.push({ request: each, running })
    }
  }

  #deliveredTo(member: Member, partition: number, offset: number): Delivered | undefined {
    const { assignment } = member.owned.get(partition) ?? {}
    const record = assignment?.delivered.find((delivered) => delivered.offset === offset)
    return assignment === undefined || record === undefined ? undefined : { assignment, record }
  }

  #answerDeadLetter(member: Member, which: number, isAcknowledged: boolean): void {
    const letter = member.deadLetters[Math.floor(which * member.deadLetters.length)]
    if (letter === undefined || !isAcknowledged) return
    member.deadLetters = member.deadLetters.filter((other) => other !== letter)
    const { assignment } = letter.running
    const isZombie = member.owned.get(assignment.partition)?.assignment !== assignment
    if (!isZombie) this.#oracle.finish(letter.running, this.#now)
    seen.deadLetters += 1
    const before = JSON.stringify(member.manager.gauges())
    member.manager.onDeadLettered(letter.request, this.#now)
    const after = JSON.stringify(member.manager.gauges())
    if (isZombie && before !== after)
      throw new Violation('ZOMBIE', 'a dead letter of an earlier assignment changed something')
  }

  #commit(member: Member, fate: CommitFate): void {
    if (member.commit !== undefined) return
    const snapshots = this.#askBroker(member, false)
    if (snapshots.length === 0) return
    const senders = new Map<number, Assignment>()
    for (const snapshot of snapshots) {
      const owned = member.owned.get(snapshot.partition)
      const log = this.#logs[snapshot.partition] as Log
      if (owned === undefined) throw new Violation('COMMIT', `partition ${snapshot.partition} is not ours`)
      this.#oracle.commit(snapshot, owned.assignment, log)
      senders.set(snapshot.partition, owned.assignment)
    }
    member.commit = { snapshots, fate, senders, sentAt: this.#now }
    if (fate === 'applied' || fate === 'applied-but-unheard') this.#apply(member, member.commit)
  }

  #answerCommit(member: Member): void {
    const { commit } = member
    if (commit === undefined) return
    member.commit = undefined
    const isApplied = commit.fate === 'applied' || (commit.fate === 'late' && this.#apply(member, commit))
    if (isApplied) this.#hear(member, commit.snapshots, commit.sentAt, (partition) => commit.senders.get(partition))
  }

  #hear(
    member: Member,
    snapshots: readonly CommitSnapshot[],
    sentAt: number,
    senderOf: (partition: number) => Assignment | undefined,
  ): void {
    this.#oracle.heard(member.id, sentAt)
    for (const snapshot of snapshots) {
      const sender = senderOf(snapshot.partition)
      if (sender === undefined) continue
      this.#oracle.told(snapshot, sender)
      sender.heard = this.#logs[snapshot.partition]?.stored
    }
    member.manager.onCommitted(snapshots, sentAt)
  }

  /** What the coordinator takes of what has changed, or of what is to be committed again: refused requests are asked for as the plan says. */
  #askBroker(member: Member, isLast: boolean, only?: readonly TopicPartition[]): readonly CommitSnapshot[] {
    const { manager, plan } = member
    plan.begin(manager.collectCommits(only), this.#now, isLast)
    if (plan.isEmpty && only === undefined) {
      const isWithoutPosition = [...member.owned.values()].every(
        ({ assignment }) => assignment.expectedNext === undefined,
      )
      if (isWithoutPosition && member.owned.size > 0) this.#oracle.heard(member.id, this.#now)
      plan.begin(manager.collectRenewal(this.#now), this.#now, false)
    }
    const taken: CommitSnapshot[] = []
    let requests = 0
    for (let request = plan.next(); request !== undefined; request = plan.next()) {
      requests += 1
      if (requests > MOST_REQUESTS) throw new Violation('ENDLESS', `${requests} requests for one commit`)
      const refusal = this.#refusalOf(request)
      if (refusal === undefined) {
        plan.acknowledged(request)
        taken.push(...request)
        continue
      }
      seen.refusals += 1
      plan.refused(request, refusal, this.#now)
      const [only] = request
      const assignment = only === undefined ? undefined : member.owned.get(only.partition)?.assignment
      if (refusal === 'partition' && request.length === 1 && assignment !== undefined) this.#oracle.refuse(assignment)
    }
    for (const each of taken) {
      if (member.owned.get(each.partition) === undefined) continue
      const latest = taken.findLast(({ partition }) => partition === each.partition)
      if (latest !== each) throw new Violation('COMMIT', `partition ${each.partition} is in two requests`)
    }
    return taken
  }

  #refusalOf(request: readonly CommitSnapshot[]): 'too-large' | 'metadata' | 'partition' | undefined {
    const { brokerMetadata, brokerRequest, refusesFirst } = this.#setup
    if (request.reduce((sum, { metadata }) => sum + metadata.length + 10, 0) > brokerRequest) return 'too-large'
    if (request.some(({ metadata }) => metadata.length > brokerMetadata)) return 'metadata'
    return refusesFirst && !this.#isCalm && request.some(({ partition }) => partition === 0) ? 'partition' : undefined
  }

  /** The coordinator takes it as a whole, from whom it has as the owner. */
  #apply(member: Member, { snapshots, senders }: CommitInFlight): boolean {
    for (const { partition } of snapshots) {
      const sender = senders.get(partition)
      if (sender === undefined || member.owned.get(partition)?.assignment !== sender) return false
    }
    for (const snapshot of snapshots) this.#store(snapshot, senders.get(snapshot.partition))
    return true
  }

  #store(snapshot: CommitSnapshot, sender: Assignment | undefined): void {
    const log = this.#logs[snapshot.partition] as Log
    // A member that has not heard of a cut commits offsets of a log that is gone. Kafka stores that, and any consumer suffers; we leave it out.
    if (sender?.incarnation !== log.incarnation) return
    this.#oracle.applied(snapshot, snapshot.partition)
    log.store({ position: Math.min(snapshot.position, log.end), metadata: snapshot.metadata })
  }

  /** An unclean election seldom comes alone: the group rebalances before anything is written beyond the new end. */
  #comeBack(a: number): void {
    if (!this.#logAt(a).isStoredBeyondEnd) return
    const partition = Math.floor(a * this.#logs.length)
    const owner = this.#members.find(({ owned }) => owned.has(partition))
    if (owner !== undefined) this.#takeAway(owner, partition)
    this.#assign(owner ?? (this.#members[0] as Member), a)
  }

  #assign(member: Member, b: number): void {
    const partition = Math.floor(b * this.#logs.length)
    if (this.#members.some(({ owned }) => owned.has(partition))) return
    const log = this.#logs[partition] as Log
    if (Math.floor(b * 2 ** 20) % 2 === 0) this.#writeAsPredecessor(log)
    const assignment = this.#oracle.begin(member.id, partition, log)
    if (member.owned.size === 0) this.#oracle.heard(member.id, this.#now)
    member.owned.set(partition, { assignment, fetchFrom: log.stored?.position ?? log.start, isDraining: false })
    member.paused.delete(partition)
    const { position, metadata } = log.stored ?? { position: undefined, metadata: '' }
    this.#find(member, topicOf(partition, this.#setup.seed))
    member.manager.onAssigned([{ ...of(partition, this.#setup.seed), position, metadata, logEnd: log.end }], this.#now)
  }

  /** Looked for before its partitions come, again and again: what is known already must change nothing. */
  #find(member: Member, topic: string): void {
    if (!isFoundLater(topic, this.#setup.seed)) return
    for (const route of member.routes) if (route.topic === topic) member.manager.addRoute(route)
  }

  #beginRevoke(member: Member, b: number): void {
    const partition = this.#ownedBy(member, b)
    const owned = partition === undefined ? undefined : member.owned.get(partition)
    if (partition === undefined || owned === undefined) return
    owned.isDraining = true
    member.manager.startDraining([of(partition, this.#setup.seed)])
    this.#attempts.recall(member.id, ({ records: [record] }) => record?.partition === partition)
  }

  #finishRevoke(member: Member, b: number): void {
    const partition = this.#ownedBy(member, b)
    if (partition === undefined || !member.owned.get(partition)?.isDraining) return
    this.#revoke(member, partition)
  }

  /** Whatever is in flight is left behind; the last commit may meet one that is under way. */
  #revoke(member: Member, partition: number): void {
    if (member.commit !== undefined) this.#answerCommit(member)
    const owned = member.owned.get(partition)
    for (const snapshot of this.#askBroker(member, true, [of(partition, this.#setup.seed)])) {
      if (owned === undefined) throw new Violation('COMMIT', `partition ${partition} is not ours`)
      this.#oracle.commit(snapshot, owned.assignment, this.#logs[partition] as Log)
      this.#store(snapshot, owned.assignment)
      this.#hear(member, [snapshot], this.#now, () => owned.assignment)
    }
    if (owned !== undefined && !owned.assignment.isRefused)
      this.#oracle.checkHandedOver(owned.assignment, this.#logs[partition] as Log)
    this.#attempts.abort(member.id, partition)
    member.manager.onRevoked([of(partition, this.#setup.seed)])
    member.owned.delete(partition)
    this.#checkNothingLeft(member)
  }

  #lose(member: Member, b: number): void {
    const partition = this.#ownedBy(member, b)
    if (partition !== undefined) this.#takeAway(member, partition)
  }

  #takeAway(member: Member, partition: number): void {
    this.#attempts.abort(member.id, partition)
    member.owned.delete(partition)
    member.manager.onLost([of(partition, this.#setup.seed)])
    this.#checkNothingLeft(member)
    if (member.manager.collectCommits([of(partition, this.#setup.seed)]).length > 0)
      throw new Violation('COMMIT', 'a lost partition commits')
  }

  #crash(member: Member): void {
    this.#oracle.crash(member.id)
    this.#attempts.crash(member.id)
    this.#members = this.#members.map((other) => (other === member ? this.#newMember(member.id) : other))
  }

  /** A member without partitions keeps nothing but what its engine is still at work on. */
  #checkNothingLeft(member: Member): void {
    if (member.owned.size > 0) return
    const { inFlight: _, ...gauges } = member.manager.gauges()
    if (Object.values(gauges).some((value) => value !== 0))
      throw new Violation('GAUGE', `left over: ${JSON.stringify(gauges)}`)
  }

  /** Offsets get another meaning: fetches above the end start again at the beginning. */
  #cut(a: number, change: (log: Log) => void): void {
    const partition = Math.floor(a * this.#logs.length)
    const log = this.#logs[partition] as Log
    const before = log.incarnation
    change(log)
    if (log.incarnation === before) return
    this.#oracle.forget(partition)
    for (const member of this.#members) {
      const mine = member.owned.get(partition)
      if (mine === undefined) continue
      const { expectedNext, incarnation } = mine.assignment
      // Without a record of this assignment, nothing can show that the stored completions are of a log that is gone: the group tells.
      if (mine.assignment.delivered.length === 0) this.#takeAway(member, partition)
      else if (incarnation !== before || (expectedNext ?? 0) > log.end) mine.fetchFrom = log.start
      // Who had not read that far is not concerned.
      else mine.assignment.incarnation = log.incarnation
    }
  }

  #compact(a: number, b: number): void {
    const log = this.#logAt(a)
    const random = seededRandom(Math.floor(b * 2 ** 32))
    const last = log.records.at(-1)
    log.compact((record) => record !== last && random() < 0.3)
  }

  #foreignMetadata(a: number, b: number): void {
    const log = this.#logAt(a)
    if (log.stored === undefined) return
    const { position, metadata } = log.stored
    const { takeOver } = this.#setup
    const foreign = [
      // Nobody could see that it is a lie.
      takeOver === 'parallel-consumer' ? 'bAAGNgA' : 'bAAGNgA=',
      takeOver === 'pyrallel-consumer' ? 'R101-105,' : 'R101-105',
      'O',
      '\u0001\u0002',
      metadata.slice(0, -1),
      `${metadata} `,
      `${metadata}\0`,
    ]
    log.isForeign = true
    log.stored = { position, metadata: foreign[Math.floor(b * foreign.length)] as string }
  }

  /** As if the tool whose groups are taken over had done what was done. */
  #writeAsPredecessor(log: Log): void {
    const { takeOver } = this.#setup
    if (takeOver === 'none' || log.stored === undefined) return
    const { position, metadata } = log.stored
    const decoded = decodeCompleted(position, metadata)
    if (decoded.kind !== 'completed') return
    const taken = decoded.ranges.some(({ end }) => end > log.end) ? [] : decoded.ranges
    log.isForeign = true
    log.stored = { position, metadata: writtenBy(takeOver, position, decoded.ranges), taken }
  }

  #ownedBy(member: Member, b: number): number | undefined {
    return [...member.owned.keys()][Math.floor(b * member.owned.size)]
  }
}

function isUnbegun({ records: [record], attempts: [attempt = 0] }: WorkItem): boolean {
  return ((record?.offset ?? 0) + attempt) % 4 === 1
}

function of(partition: number, seed: number): TopicPartition {
  return { topic: topicOf(partition, seed), partition }
}

/** The value names the record, for handlers that are to do something. */
function toKafkaRecord({ uid, offset, key, at }: LogRecord, partition: number, seed: number): KafkaRecord {
  const value = Buffer.from(JSON.stringify({ seed, uid }))
  return { ...of(partition, seed), offset, key, value, headers: [], timestamp: at }
}

function fateOf(b: number): CommitFate {
  if (b < 0.6) return 'applied'
  if (b < 0.7) return 'applied-but-unheard'
  return b < 0.8 ? 'refused' : 'late'
}

const boom: HandlerFailure = { reason: 'handler', name: 'Error', message: 'boom', retryable: true }

function outcomeOf(b: number, records: number, setup: Setup): Ran {
  const { failureRate, interruptedShare } = setup
  if (b >= failureRate) return b > 0.97 ? { kind: 'succeeded', filtered: true } : { kind: 'succeeded' }
  const failure = boom
  const share = b / failureRate
  // Digits of `b` that nothing else looks at.
  const chance = (b * 10_000) % 1
  if (records > 1 && chance < 0.4) return partial(records, chance / 0.4, failure)
  if (records > 1 && chance < 0.5) return pause(records, (chance - 0.4) * 10, failure)
  if (share < interruptedShare) return { kind: 'interrupted', failure: { ...failure, reason: 'interrupted' } }
  const rest = (share - interruptedShare) / (1 - interruptedShare)
  if (rest < 0.6) return { kind: 'failed', failure }
  if (rest < 0.7 && records === 1) return { kind: 'failed', failure: { ...failure, retryAfterMs: 300 } }
  if (rest < 0.73) return { kind: 'failed', failure: { ...failure, reason: 'undecodable', retryable: false } }
  if (rest < 0.8) return { kind: 'failed', failure: { ...failure, reason: 'dead-letter', retryable: false } }
  return { kind: 'timed-out', failure: { ...failure, reason: 'timeout' } }
}

/** Some of the records cannot be read yet, or all. Undefined: all can. */
function unreadyOf(b: number, records: number, { unreadyShare }: Setup): NotReady | undefined {
  // Digits of `b` that nothing else looks at.
  const chance = (b * 100_000) % 1
  if (chance >= unreadyShare) return undefined
  const random = seededRandom(Math.floor((chance / unreadyShare) * 2 ** 32))
  const why = 'the registry does not answer'
  const waiting = new Set(Array.from({ length: records }, (_, index) => index).filter(() => random() < 0.5))
  return records === 1 || waiting.size === 0 ? { kind: 'not-ready', why } : { kind: 'not-ready', why, waiting }
}

/** Some of the records have failed, each for good or not. */
function partial(records: number, chance: number, failure: HandlerFailure): Ran {
  const random = seededRandom(Math.floor(chance * 2 ** 32))
  const indexes = Array.from({ length: records }, (_, index) => index).filter(() => random() < 0.4)
  const reason = random() < 0.5 ? 'dead-letter' : 'invalid'
  const final = { ...failure, reason, retryable: false } as const
  const failures = indexes.map((index) => [index, random() < 0.7 ? failure : final] as const)
  return { kind: 'partial', failures: new Map(failures) }
}

/** The batch function threw `RetryAfter`. What was malformed, or filtered, it was not given. */
function pause(records: number, chance: number, failure: HandlerFailure): Ran {
  const random = seededRandom(Math.floor(chance * 2 ** 32))
  const asked = { ...failure, retryAfterMs: 300 }
  const [failures, filtered] = [new Map<number, HandlerFailure>(), new Set<number>()]
  for (let index = 0; index < records; index += 1) {
    const fate = random()
    if (fate < 0.1) filtered.add(index)
    else failures.set(index, fate < 0.2 ? { ...failure, reason: 'invalid', retryable: false } : asked)
  }
  return { kind: 'partial', failures, filtered, pause: asked }
}

function isRequest(given: GivenUp): given is DeadLetterRequest {
  return 'id' in given
}

function singleOutcome(outcome: Ran, index: number): Ran {
  if (outcome.kind !== 'partial') return outcome
  const failure = outcome.failures.get(index)
  if (failure !== undefined) return { kind: 'failed', failure }
  return { kind: 'succeeded', filtered: outcome.filtered?.has(index) === true }
}
