/** Plays a schedule of fetching: one plan against model brokers, watched by the oracle; then the weather is calm. */
import { FetchPlan } from '../../../framework/kafka/javascript/fetch-plan.ts'
import type { BoundsLookUp, FetchAnswer, FetchRequest } from '../../../framework/kafka/javascript/fetch-steps.ts'
import { Violation } from '../oracle.ts'
import { checkRequest, FetchBooks, fetchSeen } from './fetch-oracle.ts'
import type { FetchSchedule, FetchScheduleStep, FetchSetup } from './fetch-schedule.ts'
import { fetchCodes, ModelCluster, ModelLog, type ModelRecord } from './model-log.ts'

const MAX_WAIT_MS = 1_000
const SHORT_WAIT_MS = 50
const MIN_SHARE_BYTES = 40
const CALM_MS = 6_000
/** Nothing new for so long, and the plan is to be quiet. */
const QUIET_MS = 2_000
/** In that time at each broker: one each `MAX_WAIT_MS` would do. */
const MOST_WHEN_QUIET = 6
/** How long there is always something of all partitions. */
const TURNS = 20
const TURN_MS = 10
/** What is written while nobody takes anything: of each partition more than may be held. */
const GATHERED_BATCHES = 40
const GATHERED_BYTES = 100

interface Out {
  readonly request: FetchRequest
  readonly sentAtMs: number
  answer: FetchAnswer<ModelRecord> | undefined
}

/** @throws Violation, or whatever the code under test throws */
export function playFetch({ setup, steps }: FetchSchedule): void {
  const game = new FetchGame(setup)
  for (const step of steps) game.step(step)
  game.calm()
}

class FetchGame {
  readonly #setup: FetchSetup
  readonly #plan: FetchPlan<ModelRecord>
  readonly #cluster = new ModelCluster()
  /** By number, the newest of its topic. */
  readonly #logs: ModelLog[] = []
  readonly #books = new Map<string, FetchBooks>()
  #out: Out[] = []
  #lookUps: BoundsLookUp[] = []
  #asksLeaders = false
  /** As metadata of a while ago tells them. */
  #leadersBefore: { topicId: string; partition: number; leaderId: number; leaderEpoch: number }[] = []
  /** Bytes that have come, by partition, since somebody has looked. */
  readonly #gathered = new Map<string, number>()
  #topics = 0
  #asked = 0
  #now = 0

  constructor(setup: FetchSetup) {
    this.#setup = setup
    this.#plan = new FetchPlan<ModelRecord>({
      maxBytes: setup.maxBytes,
      minShareBytes: MIN_SHARE_BYTES,
      maxShareBytes: 120,
      partitionBufferBytes: setup.partitionBufferBytes,
      totalBufferBytes: setup.totalBufferBytes,
      maxWaitMs: MAX_WAIT_MS,
      shortWaitMs: SHORT_WAIT_MS,
    })
    for (let partition = 0; partition < setup.partitions; partition += 1) this.#makeLog(partition)
    for (const log of this.#logs) this.#assign(log, undefined)
    this.#pump()
  }

  step({ kind, a, b }: FetchScheduleStep): void {
    const log = this.#logs[Math.floor(a * this.#logs.length)] as ModelLog
    const out = this.#out[Math.floor(a * this.#out.length)]
    const broker = Math.floor(b * this.#setup.brokers)
    switch (kind) {
      case 'append':
        log.append(1 + Math.floor(b * 4), 20 + Math.floor(b * 40))
        break
      case 'append-large':
        fetchSeen.oversized += 1
        log.append(1, 150 + Math.floor(b * 3_000))
        break
      case 'begin-transaction':
        log.beginTransaction(1 + Math.floor(b * 3))
        break
      case 'end-transaction':
        log.endTransaction(b < 0.6)
        break
      case 'compact':
        log.compact(b)
        break
      case 'expire-oldest':
        log.expireOldest()
        break
      case 'move-leader':
        this.#rememberLeaders()
        log.moveLeader(broker)
        break
      case 'cut-log':
        this.#cut(log, broker)
        break
      case 'make-topic-anew':
        this.#makeTopicAnew()
        break
      case 'stop-broker':
        this.#cluster.stopped.add(broker)
        break
      case 'start-broker':
        this.#cluster.stopped.clear()
        break
      case 'deliver':
        if (out !== undefined) this.#deliver(out)
        break
      case 'reply':
        if (out !== undefined) this.#reply(out)
        break
      case 'fail':
        if (out !== undefined) this.#fail(out)
        break
      case 'tell-leaders':
        this.#tellLeaders()
        break
      case 'tell-leaders-of-before':
        if (this.#asksLeaders) this.#plan.leadersTold(this.#leadersBefore, this.#now)
        this.#asksLeaders = false
        break
      case 'tell-no-leaders':
        if (this.#asksLeaders) this.#plan.leadersNotTold(this.#now)
        this.#asksLeaders = false
        break
      case 'tell-bounds':
        this.#tellBounds()
        break
      case 'refuse-bounds': {
        const lookUp = this.#lookUps.shift()
        if (lookUp !== undefined) this.#plan.boundsRefused(lookUp.id, b < 0.5 ? undefined : 7, this.#now)
        break
      }
      case 'refuse-next':
        this.#cluster.refuseNext = [2, 29, -1, 56, 78, 9, 3, 35][Math.floor(b * 8)]
        break
      case 'damage-next':
        this.#cluster.damagesNext = true
        break
      case 'hand-out':
        if (this.#setup.mostTaken > 0) this.#handOut(1 + Math.floor(b * this.#setup.mostTaken))
        break
      case 'pause':
      case 'resume':
        this.#setPaused(log, kind === 'pause')
        break
      case 'drop':
        this.#plan.drop([log.of])
        this.#books.delete(log.key)
        break
      case 'assign':
        if (!this.#books.has(log.key)) this.#assign(log, b < 0.2 ? undefined : Math.floor(b * (log.end + 2)))
        break
      case 'wait':
        this.#pass(b * 400)
        break
    }
    this.#pump()
  }

  /** Everything that is to come arrives within a bound, then the plan is quiet; and it takes no more than it may. */
  calm(): void {
    this.#cluster.stopped.clear()
    this.#cluster.refuseNext = undefined
    this.#cluster.damagesNext = false
    for (const log of this.#logs) {
      log.endTransaction(false)
      this.#setPaused(log, false)
    }
    this.#live(CALM_MS, true)
    for (const [key, books] of this.#books) {
      if (!this.#cluster.logs.has(key)) {
        // By now the group has taken it away.
        this.#plan.drop([books.log.of])
        this.#books.delete(key)
        continue
      }
      const [missing] = books.missing
      if (missing !== undefined) throw new Violation('SKIPPED', `${key}@${missing.offset} is never handed out`)
    }
    const asked = this.#live(QUIET_MS, true)
    if (asked > MOST_WHEN_QUIET * this.#setup.brokers) throw new Violation('SPIN', `${asked} fetches of nothing`)
    if (this.#setup.floods) this.#checkTurns()
    for (const log of this.#logs) for (let i = 0; i < GATHERED_BATCHES; i += 1) log.append(1, GATHERED_BYTES)
    this.#gathered.clear()
    this.#live(QUIET_MS, false)
    this.#checkGathered()
    if (this.#books.size > 0 && this.#live(1_000, false) > 0) {
      throw new Violation('GATHERS', 'it goes on fetching what nobody takes')
    }
  }

  /** A batch that is larger than every limit comes, though there is always something of all others. */
  #checkTurns(): void {
    const large = this.#logs.at(-1)
    if (large === undefined || this.#logs.length < 2) return
    for (const log of this.#logs) if (log.leader !== 0) log.moveLeader(0)
    large.append(1, 3 * this.#setup.maxBytes)
    for (let round = 0; round < TURNS; round += 1) {
      for (const log of this.#logs) if (log !== large) log.append(1, this.#setup.maxBytes - 1)
      this.#live(TURN_MS, true)
    }
    const [missing] = this.#books.get(large.key)?.missing ?? []
    if (missing !== undefined) throw new Violation('STARVED', `${large.key}@${missing.offset} waits behind the others`)
  }

  /** With blocks counted whole, one more than fits is the most. */
  #checkGathered(): void {
    const { partitionBufferBytes, totalBufferBytes, maxBytes, brokers } = this.#setup
    const most = Math.max(...this.#gathered.values(), 0)
    const all = [...this.#gathered.values()].reduce((sum, bytes) => sum + bytes, 0)
    const block = Math.max(maxBytes, GATHERED_BYTES)
    if (most > partitionBufferBytes + block) throw new Violation('GATHERS', `${most} bytes of one partition are held`)
    if (all > totalBufferBytes + brokers * block) throw new Violation('GATHERS', `${all} bytes are held`)
  }

  /** @returns how many fetches were sent */
  #live(ms: number, takes: boolean): number {
    const untilMs = this.#now + ms
    const before = this.#asked
    while (this.#now < untilMs) {
      this.#pump()
      this.#tellLeaders()
      while (this.#lookUps.length > 0) this.#tellBounds()
      for (const out of [...this.#out]) {
        this.#deliver(out)
        if (out.answer !== undefined) this.#reply(out)
      }
      if (takes) while (this.#handOut(7) > 0);
      this.#pump()
      const hasNew = this.#out.some(({ sentAtMs }) => sentAtMs === this.#now)
      const isAsked = hasNew || this.#asksLeaders || this.#lookUps.length > 0
      let nextMs = isAsked ? this.#now : Math.min(untilMs, this.#plan.wakeAtMs)
      for (const { sentAtMs, request, answer } of this.#out) {
        if (answer === undefined) nextMs = Math.min(nextMs, sentAtMs + request.maxWaitMs)
      }
      this.#now = Math.max(nextMs, this.#now + 2)
    }
    return this.#asked - before
  }

  #pass(ms: number): void {
    const untilMs = this.#now + ms
    while (this.#now < untilMs) {
      this.#now = Math.min(untilMs, Math.max(this.#plan.wakeAtMs, this.#now + 1))
      this.#pump()
    }
  }

  #pump(): void {
    const { events, requests, lookUps, asksLeaders } = this.#plan.step(this.#now)
    for (const event of events) {
      if (event.kind !== 'broker-refused') this.#books.get(`${event.topicId}/${event.partition}`)?.told(event)
    }
    for (const request of requests) {
      const other = this.#out.find((out) => out.request.brokerId === request.brokerId)
      if (other !== undefined) throw new Violation('TWO-OUT', `two fetches are out at broker ${request.brokerId}`)
      checkRequest(request, (key) => this.#books.get(key)?.isPaused === false, MIN_SHARE_BYTES)
      this.#out.push({ request, sentAtMs: this.#now, answer: undefined })
    }
    this.#lookUps.push(...lookUps)
    this.#asksLeaders ||= asksLeaders
    this.#asked += requests.length
  }

  #deliver(out: Out): void {
    const { request, sentAtMs } = out
    if (out.answer !== undefined) return
    if (this.#cluster.stopped.has(request.brokerId)) this.#fail(out)
    else out.answer = this.#cluster.fetch(request, this.#now >= sentAtMs + request.maxWaitMs)
  }

  #reply(out: Out): void {
    if (out.answer === undefined) return
    this.#out.splice(this.#out.indexOf(out), 1)
    if (out.answer.partitions.some(({ errorCode }) => errorCode === fetchCodes.FENCED)) fetchSeen.movedLeaders += 1
    if (out.answer.partitions.some(({ topicId, partition }) => !this.#books.has(`${topicId}/${partition}`))) {
      fetchSeen.lateAnswers += 1
    }
    for (const { topicId, partition, block } of out.answer.partitions) {
      const key = `${topicId}/${partition}`
      if (typeof block === 'object') this.#gathered.set(key, (this.#gathered.get(key) ?? 0) + block.bytes)
    }
    this.#plan.answered(out.request.id, out.answer, this.#now)
  }

  #fail(out: Out): void {
    fetchSeen.failed += 1
    this.#out.splice(this.#out.indexOf(out), 1)
    this.#plan.failed(out.request.id, this.#now)
  }

  #handOut(max: number): number {
    const records = this.#plan.handOut(max, this.#now)
    if (records.length > max) throw new Violation('TOO-MANY', `${records.length} records, not ${max}`)
    for (const record of records) {
      const books = this.#books.get(record.key)
      if (books === undefined) throw new Violation('ZOMBIE', `${record.key}@${record.offset} is not assigned`)
      books.handOut(record)
    }
    // What it has to tell of, it tells before anything else is handed out.
    this.#pump()
    return records.length
  }

  #tellLeaders(): void {
    if (!this.#asksLeaders) return
    this.#asksLeaders = false
    this.#plan.leadersTold(this.#leaders(), this.#now)
  }

  #leaders() {
    return this.#logs.map(({ of, leader, epoch }) => ({ ...of, leaderId: leader, leaderEpoch: epoch }))
  }

  #rememberLeaders(): void {
    this.#leadersBefore = this.#leaders()
  }

  #tellBounds(): void {
    const lookUp = this.#lookUps.shift()
    if (lookUp === undefined) return
    const key = `${lookUp.topicId}/${lookUp.partition}`
    const log = this.#cluster.logs.get(key)
    if (log === undefined) this.#plan.boundsRefused(lookUp.id, fetchCodes.UNKNOWN_TOPIC, this.#now)
    else if (log.leader !== lookUp.brokerId || log.epoch !== lookUp.currentLeaderEpoch) {
      this.#plan.boundsRefused(lookUp.id, fetchCodes.NOT_LEADER, this.#now)
    } else {
      this.#plan.boundsTold(lookUp.id, { logStart: log.logStart, logEnd: log.end }, this.#now)
      this.#books.get(key)?.boundsTold()
    }
  }

  #setPaused(log: ModelLog, isPaused: boolean): void {
    const books = this.#books.get(log.key)
    if (books === undefined) return
    books.isPaused = isPaused
    if (isPaused) this.#plan.pause([log.of])
    else this.#plan.resume([log.of])
  }

  #assign(log: ModelLog, position: number | undefined): void {
    this.#plan.assign([{ ...log.of, position }])
    this.#books.set(log.key, new FetchBooks(log, position))
  }

  #cut(log: ModelLog, leader: number): void {
    const from = log.cut(leader)
    this.#books.get(log.key)?.cut(from)
  }

  /** The group takes the old partitions away, some time later; the new ones come at once. */
  #makeTopicAnew(): void {
    this.#topics += 1
    for (const old of this.#logs.splice(0)) {
      this.#cluster.logs.delete(old.key)
      this.#makeLog(old.of.partition)
      if (old.of.partition % 2 === 0) {
        this.#plan.drop([old.of])
        this.#books.delete(old.key)
      }
    }
    for (const log of this.#logs) this.#assign(log, undefined)
  }

  #makeLog(partition: number): void {
    const log = new ModelLog({ topicId: `topic-${this.#topics}`, partition }, partition % this.#setup.brokers)
    this.#logs.push(log)
    this.#cluster.logs.set(log.key, log)
  }
}
