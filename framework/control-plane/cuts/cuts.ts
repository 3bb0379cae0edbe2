/**
 * What the next transaction of an exactly-once group makes visible: units that wait, and the offsets that go with them. What a cut stores is what its partitions
 * have done, without the units that it leaves out. Synchronous; sends nothing.
 */
import type { AbortedCut, Cut, CutOffset, StoredOffset } from '../../kafka/transactional-producer.ts'
import type { PyrallelError } from '../../model/errors.ts'
import type { EventSink } from '../../model/events.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { HandlerFailure, KeptOutput } from '../../model/work.ts'
import { deadLetterRecord, smallerPayload } from '../failures/dead-letter-record.ts'
import type { CommitSnapshot } from '../partition/commit-budget.ts'
import type { PartitionState } from '../partition/partition-state.ts'
import type { Assignment, PartitionLookup } from '../partition/partition-table.ts'
import type { Pending } from '../partition/shard-queue.ts'
import { PartitionsApart } from './partitions-apart.ts'
import { type Letter, leftWithFollowers, offsetsOf, type Unit, unitBytes } from './unit.ts'

/** A cut takes this part of the bytes at most, and one unit always: the rest is for what comes meanwhile. */
const CUT_PART = 0.5
/** From this part on, a cut does not wait for its interval. */
const URGENT_PART = 0.25
/** In each, the metadata is written anew. */
const MOST_ROUNDS = 100

export interface BuiltCut extends Cut {
  readonly offsets: readonly (CommitSnapshot & CutOffset)[]
  readonly units: readonly Unit[]
}

interface CutLimit {
  readonly units: number
  readonly bytes: number
}

export interface CutsOptions {
  readonly group: string
  /** Of units that wait; at it, nothing starts. */
  readonly maxBytes: number
  readonly table: () => PartitionLookup
  readonly onEvent?: EventSink | undefined
}

export class Cuts {
  readonly #options: CutsOptions
  /** In the order in which they were done. */
  #waiting: Unit[] = []
  #bytes = 0
  /** Of those that wait, what the metadata of their partition has no room for. */
  #withoutRoom: ReadonlySet<Unit> = new Set()
  /** Units of one cut: halved while their outputs are refused, until the one to blame is alone. */
  #mostUnits = Number.POSITIVE_INFINITY
  readonly #apart = new PartitionsApart()
  #renewed = 0

  constructor(options: CutsOptions) {
    this.#options = options
  }

  /** Of records and outputs that are done and not visible. */
  get bytes(): number {
    return this.#bytes
  }

  get units(): number {
    return this.#waiting.length
  }

  /** Nothing starts. What has no room in the metadata does not count: it waits for records that would have to start. */
  get isFull(): boolean {
    if (this.#bytes < this.#options.maxBytes) return false
    let bytes = this.#bytes
    for (const unit of this.#withoutRoom) bytes -= unit.bytes
    return bytes >= this.#options.maxBytes
  }

  get isUrgent(): boolean {
    return this.#bytes >= this.#options.maxBytes * URGENT_PART
  }

  keep(state: PartitionState, done: readonly Pending[], outputs: readonly KeptOutput[], durationMs: number): void {
    const records = done.map(({ record, attempt, shard: { key } }) => ({ record, attempt, key }))
    this.#add({ state, records, outputs, letters: [], durationMs, bytes: unitBytes({ records, outputs }) })
  }

  /** @param key of its shard */
  keepLetter(state: PartitionState, request: Letter['request'], key: string | undefined, now: number): void {
    const { record, attempt, durationMs, payload } = request
    const letters = [{ request, payload, givenUpAt: now }]
    this.#add(this.#unitOf(state, [{ record, attempt, key }], letters, durationMs))
  }

  /** The partition is given up: its next owner does it again. */
  forget(state: PartitionState): void {
    this.#drop((unit) => unit.state === state)
    this.#apart.forget(state)
  }

  /** Whether anything of these waits. */
  has(partitions: readonly TopicPartition[]): boolean {
    return this.#statesOf(partitions).some((state) => this.#waiting.some((unit) => unit.state === state))
  }

  /**
   * What may become visible now; undefined for nothing.
   * @param only of these, whatever was refused of them before: there is no later
   */
  build(now: number, only?: readonly TopicPartition[]): BuiltCut | undefined {
    const states = only === undefined ? [...this.#options.table()] : this.#statesOf(only)
    for (const together of this.#apart.inTurns(states, now, only !== undefined)) {
      const cut = this.#buildOf(new Set(together))
      if (cut !== undefined) return cut
    }
    return undefined
  }

  /** What is stored is stored once more: only a member may. Another partition's each time, as one may be refused for reasons of its own. */
  renewal(): BuiltCut | undefined {
    const states = [...this.#options.table()].filter(({ commits }) => commits.stored !== undefined)
    // One whose outputs are refused would go on with a commit that has none.
    const free = states.filter(({ isRefused }) => !isRefused)
    const among = free.length > 0 ? free : states
    this.#renewed += 1
    const snapshot = among[this.#renewed % among.length]?.commits.storedAgain()
    return snapshot === undefined ? undefined : { outputs: [], offsets: this.#offsets([snapshot]), units: [] }
  }

  /** The transaction was committed. */
  onCommitted({ units, offsets }: BuiltCut): void {
    const visible = new Set(units)
    this.#drop((unit) => visible.has(unit))
    if (units.length > 0)
      this.#mostUnits = this.#mostUnits * 2 >= this.#waiting.length ? Number.POSITIVE_INFINITY : this.#mostUnits * 2
    for (const state of this.#present(offsets)) this.#apart.forget(state)
    const onEvent = this.#options.onEvent
    for (const { letters } of units)
      for (const { request } of letters) onEvent?.({ ...deadOf(request), deadLetterTopic: request.topic })
  }

  /**
   * Nothing of it is visible, and all of it waits still.
   * @returns whether the next cut is another one, so that it need not wait
   */
  onAborted(cut: BuiltCut, { blame, error }: Pick<AbortedCut, 'blame' | 'error'>, now: number): boolean {
    if (blame.kind === 'outputs') return this.#onOutputsRefused(cut, blame.indexes, error, now)
    if (blame.kind !== 'partitions' || error.code === 'PYR_NOT_OWNED') return false
    return this.#onPartitionsRefused(cut, blame.partitions, error, now)
  }

  #add(unit: Unit): void {
    this.#waiting.push(unit)
    this.#bytes += unit.bytes
  }

  #drop(isGone: (unit: Unit) => boolean): void {
    this.#waiting = this.#waiting.filter((unit) => {
      if (!isGone(unit)) return true
      this.#bytes -= unit.bytes
      return false
    })
    if (this.#withoutRoom.size > 0) this.#withoutRoom = new Set([...this.#withoutRoom].filter((each) => !isGone(each)))
  }

  #statesOf(partitions: readonly TopicPartition[]): readonly PartitionState[] {
    const table = this.#options.table()
    return partitions.flatMap(({ topic, partition }) => table.find(topic, partition) ?? [])
  }

  #present(assignments: readonly Assignment[]): readonly PartitionState[] {
    const table = this.#options.table()
    return this.#statesOf(assignments.filter((each) => table.isCurrent(each)))
  }

  #buildOf(states: ReadonlySet<PartitionState>): BuiltCut | undefined {
    const cut = this.#buildWithin(states, { units: this.#mostUnits, bytes: this.#options.maxBytes * CUT_PART })
    if (this.#withoutRoom.size === 0 || (cut !== undefined && cut.units.length > 0)) return cut
    // Batches that lie between each other may have room together, and not one by one.
    return this.#buildWithin(states, { units: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY })
  }

  #buildWithin(states: ReadonlySet<PartitionState>, most: CutLimit): BuiltCut | undefined {
    const left = new Set<Unit>()
    for (let round = 0; ; round += 1) {
      // What does not fit makes room for what was done later.
      const units = round < MOST_ROUNDS ? this.#next(states, left, most) : []
      const snapshots = this.#snapshots(states, units)
      const withoutRoom = units.filter(({ state, records }) => {
        const snapshot = snapshots.get(state)
        if (snapshot === undefined) return true
        return records.some(({ record }) => record.offset >= Math.max(snapshot.position, snapshot.coveredTo))
      })
      for (const unit of withoutRoom) left.add(unit)
      if (withoutRoom.length > 0) continue
      this.#withoutRoom = left
      const offsets = this.#offsets([...snapshots.values()])
      return offsets.length === 0 ? undefined : { offsets, units, outputs: units.flatMap(({ outputs }) => outputs) }
    }
  }

  /** The first that are done, but for these and what must not be seen before them. */
  #next(states: ReadonlySet<PartitionState>, left: ReadonlySet<Unit>, most: CutLimit): readonly Unit[] {
    const units: Unit[] = []
    const behind = left.size === 0 ? left : leftWithFollowers(this.#waiting, (unit) => left.has(unit))
    let bytes = 0
    for (const unit of this.#waiting) {
      if (!states.has(unit.state) || behind.has(unit)) continue
      bytes += unit.bytes
      if (units.length > 0 && (units.length === most.units || bytes > most.bytes)) break
      units.push(unit)
    }
    return units
  }

  /** Position and metadata as of now, without the units that the cut leaves out. */
  #snapshots(states: ReadonlySet<PartitionState>, units: readonly Unit[]): ReadonlyMap<PartitionState, CommitSnapshot> {
    const taken = new Set(units)
    const left = new Map<PartitionState, Unit[]>()
    if (units.length < this.#waiting.length) {
      for (const unit of this.#waiting) {
        if (taken.has(unit) || !states.has(unit.state)) continue
        const ofState = left.get(unit.state)
        if (ofState === undefined) left.set(unit.state, [unit])
        else ofState.push(unit)
      }
    }
    const snapshots = new Map<PartitionState, CommitSnapshot>()
    for (const state of states) {
      const snapshot = state.commits.cut(offsetsOf(left.get(state) ?? []))
      if (snapshot !== undefined) snapshots.set(state, snapshot)
    }
    return snapshots
  }

  #offsets(snapshots: readonly CommitSnapshot[]): BuiltCut['offsets'] {
    return snapshots.map((snapshot) => {
      const stored = this.#options.table().find(snapshot.topic, snapshot.partition)?.commits.stored
      // What is stored again is stored whatever becomes of its transaction.
      return { ...snapshot, before: isSame(stored, snapshot) ? undefined : stored }
    })
  }

  /** The topic's own refusal: no time, and no other record in its place, would change it. */
  #onOutputsRefused({ units }: BuiltCut, indexes: readonly number[], error: PyrallelError, now: number): boolean {
    const blamed = blamedUnits(units, indexes)
    const [only] = blamed
    if (only === undefined) return false
    if (error.code !== 'PYR_RECORD_TOO_LARGE' && error.code !== 'PYR_RECORD_INVALID') {
      // A topic that is gone or forbidden is nobody's fault. The others go on.
      for (const state of new Set(blamed.map(({ state }) => state))) this.#putOff(state, now)
      return true
    }
    if (blamed.length > 1) {
      const last = blamed[Math.floor(blamed.length / 2) - 1] ?? only
      this.#mostUnits = units.indexOf(last) + 1
      return true
    }
    this.#giveUp(only, error, now)
    return true
  }

  #onPartitionsRefused(
    cut: BuiltCut,
    partitions: readonly TopicPartition[],
    error: PyrallelError,
    now: number,
  ): boolean {
    const isBlamed = ({ topic, partition }: TopicPartition) =>
      partitions.some((each) => each.topic === topic && each.partition === partition)
    const blamed = cut.offsets.filter(isBlamed)
    const states = this.#present(blamed)
    const [state] = states
    if (state === undefined) return true
    if (blamed.length > 1) {
      for (const each of states) this.#apart.setApart(each)
      return true
    }
    const { length } = blamed[0]?.metadata ?? ''
    if (length > 0 && error.code === 'PYR_METADATA_TOO_LARGE')
      state.commits.halveMetadata(length, state.commits.stored?.metadata.length)
    else this.#putOff(state, now)
    return true
  }

  /** Nothing of it starts, and none of its units is tried, until its time comes. */
  #putOff(state: PartitionState, now: number): void {
    this.#apart.putOff(state, now)
    state.onCommitRefused()
  }

  /** Its key is free already, so it cannot run again: its dead letter takes the place of what was refused. */
  #giveUp(unit: Unit, error: PyrallelError, now: number): void {
    if (unit.letters.length > 0) this.#shorten(unit, error, now)
    else this.#bury(unit, error, now)
  }

  #bury(unit: Unit, error: PyrallelError, now: number): void {
    const { state, records, durationMs } = unit
    const { handlerId, deadLetterTopic, deadLetterPayload: payload = 'full' } = state.route
    const failure: HandlerFailure = { reason: 'handler', name: error.name, message: error.message, retryable: false }
    const of = { handlerId, epoch: state.epoch, failure, durationMs, payload }
    if (deadLetterTopic === null) {
      this.#drop((each) => each === unit)
      for (const { record, attempt } of records)
        this.#options.onEvent?.({ ...deadOf({ ...of, record, attempt }), deadLetterTopic: null })
      return
    }
    const requests = records.map(({ record, attempt }) => ({ ...of, record, attempt, topic: deadLetterTopic }))
    const letters = requests.map((request) => ({ request, payload, givenUpAt: now }))
    this.#replace(unit, letters)
  }

  /** Our headers make it larger than it was: with less of it, it may fit. */
  #shorten(unit: Unit, error: PyrallelError, now: number): void {
    const smaller = unit.letters.map((letter) => ({ ...letter, payload: smallerPayload(letter.payload) }))
    for (const { request } of unit.letters) {
      const { handlerId, record } = request
      this.#options.onEvent?.({ kind: 'dead-letter.failed', handlerId, record, error, delayMs: 0 })
    }
    const letters = smaller.filter((each): each is Letter => each.payload !== undefined)
    if (letters.length < unit.letters.length) this.#putOff(unit.state, now)
    else this.#replace(unit, letters)
  }

  #replace(unit: Unit, letters: readonly Letter[]): void {
    const { state, records, durationMs } = unit
    const other = this.#unitOf(state, records, letters, durationMs)
    this.#waiting = this.#waiting.map((each) => (each === unit ? other : each))
    this.#bytes += other.bytes - unit.bytes
  }

  #unitOf(state: PartitionState, records: Unit['records'], letters: readonly Letter[], durationMs: number): Unit {
    const { group } = this.#options
    const outputs = letters.map(({ request, payload, givenUpAt: now }) =>
      deadLetterRecord(request, { group, payload, now }),
    )
    return { state, records, outputs, letters, durationMs, bytes: unitBytes({ records, outputs }) }
  }
}

/** Of these, in their order, those with an output among these. */
function blamedUnits(units: readonly Unit[], indexes: readonly number[]): readonly Unit[] {
  const blamed = new Set(indexes)
  let index = 0
  return units.filter(({ outputs }) => {
    const own = outputs.map(() => blamed.has(index++))
    return own.includes(true)
  })
}

function deadOf({
  handlerId,
  record,
  attempt,
  durationMs,
  failure,
}: Omit<Letter['request'], 'epoch' | 'topic' | 'payload'>) {
  return { kind: 'record.dead' as const, handlerId, record, attempt, durationMs, failure }
}

function isSame(one: StoredOffset | undefined, other: StoredOffset): boolean {
  return one?.position === other.position && one.metadata === other.metadata
}
