/** Logs and the brokers that lead them, by the rules that were probed on Apache Kafka 4.4.0 (Fetch v17, KIP-320). Written from what the real one answers. */
import type {
  AskedPartition,
  FetchAnswer,
  FetchedBlock,
  FetchedPartition,
  FetchRequest,
} from '../../../framework/kafka/javascript/fetch-steps.ts'
import type { GroupPartition } from '../../../framework/kafka/javascript/membership-steps.ts'
import type { ModelReplica } from './model-replica.ts'

export interface ModelRecord {
  readonly key: string
  readonly offset: number
  /** Unique over all logs: an offset that is written again has another. */
  readonly uid: number
}

interface ModelBatch {
  readonly base: number
  readonly last: number
  readonly epoch: number
  readonly bytes: number
  /** Compaction takes some away; a marker has none. */
  records: readonly ModelRecord[]
  isAborted: boolean
}

export const fetchCodes = {
  ...{ RANGE: 1, UNKNOWN_TOPIC: 3, NOT_LEADER: 6, NO_REPLICA: 9 },
  ...{ FENCED: 74, UNKNOWN_EPOCH: 75, UNKNOWN_ID: 100 },
}

let lastUid = 0

export class ModelLog {
  readonly of: GroupPartition
  readonly key: string
  leader: number
  nearest: ModelReplica | undefined
  epoch = 0
  logStart = 0
  batches: ModelBatch[] = []
  /** The first offset of a transaction that is not decided. */
  #openSince: number | undefined
  #end = 0
  /** Where each epoch begins. One in which nothing was written has no entry, apart from the last. */
  #epochs: { readonly epoch: number; readonly start: number }[] = [{ epoch: 0, start: 0 }]

  constructor(of: GroupPartition, leader: number) {
    this.of = of
    this.key = `${of.topicId}/${of.partition}`
    this.leader = leader
  }

  get end(): number {
    return this.#end
  }

  get lastStable(): number {
    return this.#openSince ?? this.#end
  }

  /** What a consumer is to see. */
  get visible(): readonly ModelRecord[] {
    return this.batches
      .filter(({ isAborted, last }) => !isAborted && last < this.lastStable)
      .flatMap(({ records }) => records)
      .filter(({ offset }) => offset >= this.logStart)
  }

  append(count: number, bytes: number): void {
    const base = this.#end
    const records = Array.from({ length: count }, (_, index) => {
      lastUid += 1
      return { key: this.key, offset: base + index, uid: lastUid }
    })
    this.#push(base + count - 1, bytes, records)
  }

  beginTransaction(count: number): void {
    if (this.#openSince !== undefined) return
    this.#openSince = this.#end
    this.append(count, 20 * count)
  }

  /** Its batch is the one at the first open offset; the marker takes an offset and has no record. */
  endTransaction(isAborted: boolean): void {
    if (this.#openSince === undefined) return
    const batch = this.batches.find(({ base }) => base === this.#openSince)
    if (batch !== undefined) batch.isAborted = isAborted
    this.#openSince = undefined
    this.#push(this.#end, 10, [])
  }

  /** Some records go, some whole batches too; offsets stay. */
  compact(random: number): void {
    const stable = this.batches.filter(({ last }) => last < this.lastStable)
    const batch = stable[Math.floor(random * stable.length)]
    if (batch === undefined) return
    if (random * 10 - Math.floor(random * 10) < 0.3) this.batches.splice(this.batches.indexOf(batch), 1)
    else batch.records = batch.records.slice(0, -1)
  }

  expireOldest(): void {
    const [oldest, next] = this.batches
    if (oldest === undefined || oldest.last >= this.lastStable) return
    this.batches.shift()
    this.logStart = next?.base ?? this.#end
  }

  moveLeader(leader: number): void {
    this.leader = leader
    this.epoch += 1
    this.#beginEpoch()
  }

  /** An unclean election: the new leader lacks the last ones. @returns from where on */
  cut(leader: number): number {
    const batch = this.batches.pop()
    if (batch !== undefined) this.#end = batch.base
    if (this.#openSince !== undefined && this.#openSince >= this.#end) this.#openSince = undefined
    this.moveLeader(leader)
    return this.#end
  }

  /** The end of the largest epoch that is not above this one; `undefined` for an epoch above the leader's. */
  endOf(epoch: number): { epoch: number; endOffset: number } | undefined {
    if (epoch > this.epoch) return undefined
    const next = this.#epochs.find((each) => each.epoch > epoch)
    const floor = this.#epochs.filter((each) => each.epoch <= epoch).at(-1)
    return { epoch: floor?.epoch ?? epoch, endOffset: next?.start ?? this.#end }
  }

  #beginEpoch(): void {
    this.#epochs = [...this.#epochs.filter(({ start }) => start < this.#end), { epoch: this.epoch, start: this.#end }]
  }

  #push(last: number, bytes: number, records: readonly ModelRecord[]): void {
    this.batches.push({ base: this.#end, last, epoch: this.epoch, bytes, records, isAborted: false })
    this.#end = last + 1
  }
}

/** What one response brought, as it was then. */
export class ModelBlock implements FetchedBlock<ModelRecord> {
  readonly bytes: number
  readonly end: number
  readonly leaderEpoch: number
  corruptAt: number | undefined
  readonly #batches: readonly ModelBatch[]
  readonly #damagedBase: number | undefined

  constructor(batches: readonly ModelBatch[], damagedBase: number | undefined) {
    this.#batches = batches.map((batch) => ({ ...batch }))
    const last = batches.at(-1)
    this.bytes = batches.reduce((sum, { bytes }) => sum + bytes, 0)
    this.end = (last?.last ?? -1) + 1
    this.leaderEpoch = last?.epoch ?? -1
    this.#damagedBase = damagedBase
  }

  read(from: number, max: number, into: ModelRecord[]): number {
    let next = from
    let left = max
    for (const batch of this.#batches) {
      if (batch.last < next) continue
      if (batch.base === this.#damagedBase) {
        this.corruptAt = batch.base
        return next
      }
      for (const record of batch.isAborted ? [] : batch.records) {
        if (record.offset < next) continue
        if (left === 0) return record.offset
        into.push(record)
        left -= 1
        next = record.offset + 1
      }
      next = batch.last + 1
    }
    return next
  }
}

export class ModelCluster {
  readonly logs = new Map<string, ModelLog>()
  readonly stopped = new Set<number>()
  /** Takes requests, and answers none. */
  frozen: number | undefined
  refuseNext: number | undefined
  damagesNext = false

  /** Undefined: it waits for data. */
  fetch(request: FetchRequest, isOver: boolean): FetchAnswer<ModelRecord> | undefined {
    if (this.refuseNext !== undefined) return this.#refuse(request, this.refuseNext)
    const partitions: FetchedPartition<ModelRecord>[] = []
    let left = request.maxBytes
    let hasData = false
    let isUrgent = false
    for (const asked of request.partitions) {
      const { answer, bytes } = this.#one(asked, request, hasData ? left : Math.max(left, 1), !hasData)
      partitions.push(answer)
      left = Math.max(0, left - bytes)
      if (bytes > 0) hasData = true
      // Of an unknown id the broker tells only when the wait is over.
      if (
        answer.divergingEpoch !== undefined ||
        answer.preferredReplica !== undefined ||
        (answer.errorCode !== 0 && answer.errorCode !== fetchCodes.UNKNOWN_ID)
      ) {
        isUrgent = true
      }
    }
    if (!hasData && !isUrgent && !isOver) return undefined
    this.damagesNext = false
    return { errorCode: 0, partitions }
  }

  #refuse({ partitions }: FetchRequest, code: number): FetchAnswer<ModelRecord> {
    this.refuseNext = undefined
    if (code === 35) return { errorCode: code, partitions: [] }
    return {
      errorCode: 0,
      partitions: partitions.map(({ topicId, partition }) => ({
        topicId,
        partition,
        errorCode: code,
        lastStableOffset: -1,
      })),
    }
  }

  #one(
    asked: AskedPartition,
    { brokerId, asksNearest }: FetchRequest,
    left: number,
    isFirst: boolean,
  ): { answer: FetchedPartition<ModelRecord>; bytes: number } {
    const { topicId, partition, fetchOffset, currentLeaderEpoch, lastFetchedEpoch, partitionMaxBytes } = asked
    const of = { topicId, partition }
    const log = this.logs.get(`${topicId}/${partition}`)
    const refused = (errorCode: number, isTold = false) => {
      const told = isTold && log ? { currentLeader: { leaderId: log.leader, leaderEpoch: log.epoch } } : {}
      return { answer: { ...of, errorCode, lastStableOffset: -1, ...told }, bytes: 0 }
    }
    if (log === undefined) return refused(fetchCodes.UNKNOWN_ID)
    const isLeader = log.leader === brokerId
    const { nearest } = log
    if (!isLeader && nearest?.id === brokerId && nearest.state === 'refuses') return refused(fetchCodes.NO_REPLICA)
    if (currentLeaderEpoch < log.epoch) return refused(fetchCodes.FENCED, true)
    if (currentLeaderEpoch > log.epoch) return refused(fetchCodes.UNKNOWN_EPOCH)
    if (!isLeader && nearest?.id !== brokerId) return refused(fetchCodes.NOT_LEADER, true)
    // A replica knows no more than its own copy, of epochs too.
    const end = isLeader || nearest === undefined ? log.end : Math.min(log.end, nearest.end)
    const lastStable = Math.min(log.lastStable, end)
    if (lastFetchedEpoch >= 0) {
      const told = log.endOf(lastFetchedEpoch)
      if (told === undefined) return refused(fetchCodes.RANGE)
      const endOffset = Math.min(told.endOffset, end)
      if (told.epoch < lastFetchedEpoch || endOffset < fetchOffset) {
        const divergingEpoch = { epoch: told.epoch, endOffset }
        return { answer: { ...of, errorCode: 0, lastStableOffset: lastStable, divergingEpoch }, bytes: 0 }
      }
    }
    if (fetchOffset < log.logStart || fetchOffset > end) return refused(fetchCodes.RANGE)
    const answer = { ...of, errorCode: 0, lastStableOffset: lastStable }
    if (isLeader && asksNearest && nearest?.isNamed === true && nearest.id !== brokerId) {
      return { answer: { ...answer, preferredReplica: nearest.id }, bytes: 0 }
    }
    const limit = Math.min(partitionMaxBytes, left)
    const batches: ModelBatch[] = []
    let bytes = 0
    for (const batch of log.batches) {
      if (batch.last < fetchOffset) continue
      if (batch.last >= lastStable) break
      const isWhole = bytes + batch.bytes <= limit || (isFirst && bytes === 0)
      if (!isWhole && bytes === 0 && limit > 0) return { answer: { ...answer, block: 'partial' }, bytes: 1 }
      if (!isWhole) break
      batches.push(batch)
      bytes += batch.bytes
    }
    if (batches.length === 0) return { answer, bytes: 0 }
    const damaged = this.damagesNext ? batches.at(-1)?.base : undefined
    return { answer: { ...answer, block: new ModelBlock(batches, damaged) }, bytes }
  }
}
