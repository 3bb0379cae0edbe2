/** Around the fetch plan: what it has sent and what was not answered yet, whom it fetches for, and what it hands out, watched by the oracle. */
import { FetchPlan } from '../../../framework/kafka/javascript/fetch-plan.ts'
import type {
  BoundsLookUp,
  FetchAnswer,
  FetchRequest,
  PartitionLeader,
} from '../../../framework/kafka/javascript/fetch-steps.ts'
import { Violation } from '../oracle.ts'
import { checkRequest, FetchBooks, fetchSeen } from './fetch-oracle.ts'
import type { FetchSetup } from './fetch-schedule.ts'
import { fetchCodes, type ModelCluster, type ModelLog, type ModelRecord } from './model-log.ts'

const MAX_WAIT_MS = 1_000
const SHORT_WAIT_MS = 50
const MIN_SHARE_BYTES = 40

interface Out {
  readonly request: FetchRequest
  readonly sentAtMs: number
  answer: FetchAnswer<ModelRecord> | undefined
}

export class FetchClient {
  readonly plan: FetchPlan<ModelRecord>
  readonly books = new Map<string, FetchBooks>()
  readonly out: Out[] = []
  readonly lookUps: BoundsLookUp[] = []
  asksLeaders = false
  /** Fetches sent so far. */
  asked = 0
  /** Questions about leaders that were answered so far. */
  questions = 0
  /** Bytes that have come, by partition, since somebody has looked. */
  readonly gathered = new Map<string, number>()
  readonly #cluster: ModelCluster

  constructor(setup: FetchSetup, cluster: ModelCluster) {
    this.#cluster = cluster
    this.plan = new FetchPlan<ModelRecord>({
      maxBytes: setup.maxBytes,
      minShareBytes: MIN_SHARE_BYTES,
      maxShareBytes: 120,
      partitionBufferBytes: setup.partitionBufferBytes,
      totalBufferBytes: setup.totalBufferBytes,
      minWaitMs: MAX_WAIT_MS,
      maxWaitMs: MAX_WAIT_MS,
      shortWaitMs: SHORT_WAIT_MS,
    })
  }

  /** When something happens without a word from outside; a fetch that waits for data is over then. */
  nextMs(nowMs: number): number {
    const hasNew = this.out.some(({ sentAtMs }) => sentAtMs === nowMs)
    if (hasNew || this.asksLeaders || this.lookUps.length > 0) return nowMs
    let nextMs = this.plan.wakeAtMs
    for (const { sentAtMs, request, answer } of this.out) {
      if (answer === undefined && request.brokerId !== this.#cluster.frozen)
        nextMs = Math.min(nextMs, sentAtMs + request.maxWaitMs)
    }
    return nextMs
  }

  pump(nowMs: number): void {
    const { events, requests, lookUps, asksLeaders } = this.plan.step(nowMs)
    for (const event of events) {
      if (event.kind !== 'broker-refused') this.books.get(`${event.topicId}/${event.partition}`)?.told(event)
    }
    for (const request of requests) {
      const other = this.out.find((out) => out.request.brokerId === request.brokerId)
      if (other !== undefined) throw new Violation('TWO-OUT', `two fetches are out at broker ${request.brokerId}`)
      checkRequest(request, (key) => this.books.get(key)?.isPaused === false, MIN_SHARE_BYTES)
      this.out.push({ request, sentAtMs: nowMs, answer: undefined })
    }
    this.lookUps.push(...lookUps)
    this.asksLeaders ||= asksLeaders
    this.asked += requests.length
  }

  deliver(out: Out, nowMs: number): void {
    const { request, sentAtMs } = out
    if (out.answer !== undefined || request.brokerId === this.#cluster.frozen) return
    if (this.#cluster.stopped.has(request.brokerId)) this.fail(out, nowMs)
    else out.answer = this.#cluster.fetch(request, nowMs >= sentAtMs + request.maxWaitMs)
  }

  reply(out: Out, nowMs: number): void {
    if (out.answer === undefined) return
    this.out.splice(this.out.indexOf(out), 1)
    if (out.answer.partitions.some(({ errorCode }) => errorCode === fetchCodes.FENCED)) fetchSeen.movedLeaders += 1
    if (out.answer.partitions.some(({ topicId, partition }) => !this.books.has(`${topicId}/${partition}`))) {
      fetchSeen.lateAnswers += 1
    }
    this.#noteReplicas(out.request.brokerId, out.answer)
    for (const { topicId, partition, block } of out.answer.partitions) {
      const key = `${topicId}/${partition}`
      if (typeof block === 'object') this.gathered.set(key, (this.gathered.get(key) ?? 0) + block.bytes)
    }
    this.plan.answered(out.request.id, out.answer, nowMs)
  }

  #noteReplicas(brokerId: number, { partitions }: FetchAnswer<ModelRecord>): void {
    for (const { topicId, partition, block, errorCode, divergingEpoch, preferredReplica } of partitions) {
      if (preferredReplica !== undefined) fetchSeen.namedReplicas += 1
      const log = this.#cluster.logs.get(`${topicId}/${partition}`)
      if (log === undefined || log.leader === brokerId || log.nearest?.id !== brokerId) continue
      if (typeof block === 'object') fetchSeen.ofReplicas += 1
      else if (errorCode !== 0 || divergingEpoch !== undefined) fetchSeen.refusedByReplicas += 1
    }
  }

  fail(out: Out, nowMs: number): void {
    fetchSeen.failed += 1
    this.out.splice(this.out.indexOf(out), 1)
    this.plan.failed(out.request.id, nowMs)
  }

  handOut(max: number, nowMs: number): number {
    const records = this.plan.handOut(max, nowMs)
    if (records.length > max) throw new Violation('TOO-MANY', `${records.length} records, not ${max}`)
    for (const record of records) {
      const books = this.books.get(record.key)
      if (books === undefined) throw new Violation('ZOMBIE', `${record.key}@${record.offset} is not assigned`)
      books.handOut(record)
    }
    // What it has to tell of, it tells before anything else is handed out.
    this.pump(nowMs)
    return records.length
  }

  /** @param leaders `undefined`: nobody tells them */
  tellLeaders(leaders: readonly PartitionLeader[] | undefined, nowMs: number): void {
    if (!this.asksLeaders) return
    this.asksLeaders = false
    this.questions += 1
    if (leaders === undefined) this.plan.leadersNotTold(nowMs)
    else this.plan.leadersTold(leaders, nowMs)
  }

  tellBounds(nowMs: number): void {
    const lookUp = this.lookUps.shift()
    if (lookUp === undefined) return
    const key = `${lookUp.topicId}/${lookUp.partition}`
    const log = this.#cluster.logs.get(key)
    if (log === undefined) this.plan.boundsRefused(lookUp.id, fetchCodes.UNKNOWN_TOPIC, nowMs)
    else if (log.leader !== lookUp.brokerId || log.epoch !== lookUp.currentLeaderEpoch) {
      this.plan.boundsRefused(lookUp.id, fetchCodes.NOT_LEADER, nowMs)
    } else {
      this.plan.boundsTold(lookUp.id, { logStart: log.logStart, logEnd: log.end }, nowMs)
      this.books.get(key)?.boundsTold()
    }
  }

  /** @param code Kafka's; `undefined`: the answer is lost */
  refuseBounds(code: number | undefined, nowMs: number): void {
    const lookUp = this.lookUps.shift()
    if (lookUp !== undefined) this.plan.boundsRefused(lookUp.id, code, nowMs)
  }

  setPaused(log: ModelLog, isPaused: boolean): void {
    const books = this.books.get(log.key)
    if (books === undefined) return
    books.isPaused = isPaused
    if (isPaused) this.plan.pause([log.of])
    else this.plan.resume([log.of])
  }

  assign(log: ModelLog, position: number | undefined): void {
    this.plan.assign([{ ...log.of, position }])
    this.books.set(log.key, new FetchBooks(log, position))
  }

  drop(log: ModelLog): void {
    this.plan.drop([log.of])
    this.books.delete(log.key)
  }
}
