/**
 * Logs, a group's offsets and transactions as brokers keep them, and books of what read-committed readers see. They are kept from what was sent alone, and know nothing
 * of trackers, units or cuts.
 */
import { decodeMetadata } from '../../../framework/control-plane/offsets/metadata-encoder.ts'
import { outcomeOf } from '../../../framework/kafka/cuts.ts'
import type { Blame, Cut, SettledCut, StoredOffset } from '../../../framework/kafka/transactional-producer.ts'
import {
  type KafkaRecord,
  type OutgoingRecord,
  partitionId,
  type TopicPartition,
} from '../../../framework/model/record.ts'
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'
import type { Setup } from './schedule.ts'

export const TOPIC = 'orders'
export const OUT = 'invoices'
/** What outputs weigh, beside what says whose they are. */
const VALUE_BYTES = 40
const LETTER = 'letter'

export class Violation extends Error {
  override readonly name = 'Violation'
}

/** What a model handler publishes says whose it is. */
export interface Told {
  readonly partition: number
  /** Inputs that it belongs to. */
  readonly offsets: readonly number[]
  readonly attempt: number
  /** Of so many of these inputs in this attempt, the how manieth. */
  readonly index: number
  readonly of: number
}

export interface Transaction {
  readonly member: object
  readonly cut: Cut
  state: 'open' | 'committed' | 'aborted'
  /** Its commit was sent. */
  wasTried: boolean
}

/** How often each thing was met: a schedule that never meets it proves nothing about it. */
export const seen = {
  committed: 0,
  aborted: 0,
  unknownCommitted: 0,
  unknownAborted: 0,
  overwritten: 0,
  givenUpInTransaction: 0,
  refusedOutputs: 0,
  refusedMetadata: 0,
  notOwned: 0,
  letters: 0,
  shortLetters: 0,
  partialCuts: 0,
  restored: 0,
  crashes: 0,
  full: 0,
  renewals: 0,
}

export class ModelBroker {
  readonly setup: Setup
  readonly logs: readonly (readonly KafkaRecord[])[]
  readonly owners: (object | undefined)[]
  readonly #stored: (StoredOffset | undefined)[]
  /** Of each partition, by offset: the attempts whose outputs are visible. */
  readonly #visible: Map<number, Set<string>>[]
  /** Of each partition, by key: the highest input of which an output is visible. */
  readonly #highest: Map<string, number>[]
  /** Inputs whose handler publishes nothing, or whose record is dropped: done at most once told. */
  readonly #silent: ReadonlySet<number>[]
  readonly #tooLarge: ReadonlySet<number>[]
  readonly #dropped: Set<number>[]
  readonly transactions: Transaction[] = []

  constructor(setup: Setup) {
    this.setup = setup
    const random = seededRandom(setup.seed + 1)
    const some = (part: number, of: readonly KafkaRecord[]) =>
      new Set(of.filter(() => random() < part).map(({ offset }) => offset))
    this.logs = Array.from({ length: setup.partitions }, (_, partition) => {
      let offset = Math.floor(random() * 3)
      return Array.from({ length: setup.records }, () => {
        const key = Buffer.from(`key ${Math.floor(random() * setup.keys)}`)
        const record = { topic: TOPIC, partition, offset, key, value: Buffer.alloc(10), headers: [], timestamp: 0 }
        offset += random() < 0.15 ? 2 : 1
        return record
      })
    })
    this.owners = this.logs.map(() => undefined)
    this.#stored = this.logs.map(() => undefined)
    this.#visible = this.logs.map(() => new Map())
    this.#highest = this.logs.map(() => new Map())
    this.#silent = this.logs.map((log) => some(setup.silent, log))
    this.#tooLarge = this.logs.map((log) => some(setup.tooLarge, log))
    this.#dropped = this.logs.map(() => new Set())
  }

  isSilent({ partition, offset }: KafkaRecord): boolean {
    return this.#silent[partition]?.has(offset) === true
  }

  /** The record was given up, and its handler has no dead-letter topic. */
  onDropped({ partition, offset }: KafkaRecord): void {
    this.#dropped[partition]?.add(offset)
  }

  outputsOf(records: readonly KafkaRecord[], attempt: number, count: number): readonly OutgoingRecord[] {
    const [first] = records
    if (first === undefined) return []
    const offsets = records.map(({ offset }) => offset)
    return Array.from({ length: count }, (_, index) => {
      const told: Told = { partition: first.partition, offsets, attempt, index, of: count }
      return {
        topic: OUT,
        key: first.key,
        value: Buffer.from(JSON.stringify(told)),
        headers: [['pad', Buffer.alloc(VALUE_BYTES)]],
      }
    })
  }

  /** @returns what the coordinator has answered, when it refuses the offsets or a topic an output; undefined: the transaction is open */
  begin(
    member: object,
    cut: Cut,
    b: number,
  ): { blame: Blame; code: 'PYR_NOT_OWNED' | 'PYR_METADATA_TOO_LARGE' | 'PYR_RECORD_TOO_LARGE' } | Transaction {
    if (cut.offsets.length === 0) throw new Violation('a transaction has no offsets')
    for (const each of cut.offsets) {
      const { before } = each
      if (before?.position === each.position && before.metadata === each.metadata)
        throw new Violation(`${partitionId(each)} goes with a transaction, and changes nothing`)
    }
    const foreign = cut.offsets.filter(({ partition }) => this.owners[partition] !== member)
    if (foreign.length > 0) {
      seen.notOwned += 1
      return {
        blame: b < 0.5 ? { kind: 'member' } : { kind: 'partitions', partitions: foreign },
        code: 'PYR_NOT_OWNED',
      }
    }
    this.#requireEnded(cut.offsets)
    for (const each of cut.offsets) this.#requireTruth(each)
    const long = cut.offsets.filter(({ metadata }) => metadata.length > this.setup.brokerMetadataLength)
    if (long.length > 0) {
      seen.refusedMetadata += 1
      return { blame: { kind: 'partitions', partitions: cut.offsets }, code: 'PYR_METADATA_TOO_LARGE' }
    }
    const refused = cut.outputs.flatMap((output, index) => (this.#isTooLarge(output) ? [index] : []))
    if (refused.length > 0) {
      seen.refusedOutputs += 1
      // Whoever is told of may be more than who is to blame.
      const indexes = b < 0.3 ? cut.outputs.map((_, index) => index) : refused
      return { blame: { kind: 'outputs', indexes }, code: 'PYR_RECORD_TOO_LARGE' }
    }
    const transaction: Transaction = { member, cut, state: 'open', wasTried: false }
    this.transactions.push(transaction)
    return transaction
  }

  end(transaction: Transaction, how: 'committed' | 'aborted'): void {
    if (transaction.state !== 'open') return
    transaction.state = how
    this.transactions.splice(this.transactions.indexOf(transaction), 1)
    if (how === 'committed') this.#commit(transaction.cut)
  }

  settle({ cut }: Transaction): SettledCut {
    const stored = cut.offsets.flatMap((each) => {
      const own = this.#stored[each.partition]
      return own === undefined ? [] : [[partitionId(each), own] as const]
    })
    return outcomeOf(cut, new Map(stored))
  }

  stored(partition: number): StoredOffset | undefined {
    return this.#stored[partition]
  }

  /** Every input is visible once, and its offset is stored. */
  requireAllVisible(): void {
    for (const [partition, log] of this.logs.entries()) {
      const told = this.#toldOf(partition)
      for (const { offset } of log)
        if (!told(offset)) throw new Violation(`${partition}@${offset} is not done at the end`)
    }
  }

  /** Offsets of a transaction that is open are waited for by whoever reads them. */
  endThoseOf(partition: number, how: 'committed' | 'aborted'): void {
    for (const each of [...this.transactions])
      if (each.cut.offsets.some((offset) => offset.partition === partition)) {
        if (!each.wasTried && how === 'committed') this.end(each, 'aborted')
        else this.end(each, how)
      }
  }

  #requireEnded(offsets: readonly TopicPartition[]): void {
    for (const { partition } of offsets)
      if (this.transactions.some(({ cut }) => cut.offsets.some((each) => each.partition === partition)))
        throw new Violation(`a transaction of partition ${partition} begins while another is open`)
  }

  /** A member that owns a partition knows what is stored of it. */
  #requireTruth(each: Cut['offsets'][number]): void {
    const stored = this.#stored[each.partition]
    const isRenewal =
      stored?.position === each.position && stored.metadata === each.metadata && each.before === undefined
    if (isRenewal) {
      seen.renewals += 1
      return
    }
    if (stored?.position !== each.before?.position || stored?.metadata !== each.before?.metadata)
      throw new Violation(`the owner of partition ${each.partition} does not know what is stored of it`)
  }

  #isTooLarge(output: OutgoingRecord): boolean {
    if (output.topic === OUT) {
      const { partition, offsets } = toldBy(output)
      return offsets.some((offset) => this.#tooLarge[partition]?.has(offset) === true)
    }
    const { partition, offset } = letterOf(output)
    const isLarge = (offset * 7) % 10 < this.setup.largeLetters * 10 && output.value !== null
    if (isLarge) seen.shortLetters += 1
    void partition
    return isLarge
  }

  #commit({ outputs, offsets }: Cut): void {
    const before = offsets.map(({ partition }) => this.#toldOf(partition))
    for (const { partition, position, metadata } of offsets) this.#stored[partition] = { position, metadata }
    const touched = new Set(offsets.map(({ partition }) => partition))
    const groups = new Map<string, number>()
    for (const output of outputs) {
      const { partition, inputs, attempt, of } = this.#read(output)
      if (!touched.has(partition)) throw new Violation(`an output of partition ${partition} goes without its offsets`)
      for (const offset of inputs) this.#see(partition, offset, attempt)
      const group = `${partition}/${inputs.join('+')}/${attempt}/${of}`
      groups.set(group, (groups.get(group) ?? 0) + 1)
    }
    for (const [group, count] of groups)
      if (count !== Number(group.split('/').at(-1)))
        throw new Violation(`outputs of ${group} are not all in one transaction`)
    for (const [index, { partition }] of offsets.entries()) this.#compare(partition, before[index] ?? (() => false))
  }

  #read(output: OutgoingRecord) {
    if (output.topic === OUT) {
      const { partition, offsets, attempt, of } = toldBy(output)
      return { partition, inputs: offsets, attempt: `${attempt}`, of }
    }
    seen.letters += 1
    const { partition, offset } = letterOf(output)
    return { partition, inputs: [offset], attempt: LETTER, of: 1 }
  }

  #see(partition: number, offset: number, attempt: string): void {
    const attempts = this.#visible[partition]?.get(offset) ?? new Set<string>()
    this.#visible[partition]?.set(offset, attempts)
    if (attempts.has(attempt)) return
    attempts.add(attempt)
    if (attempts.size > 1) throw new Violation(`outputs of ${partition}@${offset} are visible twice: ${[...attempts]}`)
    // A record that is given up holds nothing back: what was published behind it in its batch may be seen before its dead letter.
    if (this.setup.ordering !== 'key' || attempt === LETTER) return
    const key = String(this.logs[partition]?.find((record) => record.offset === offset)?.key)
    const highest = this.#highest[partition]?.get(key) ?? -1
    if (offset < highest)
      throw new Violation(`outputs of ${partition}@${offset} are seen after those of ${highest}, of the same key`)
    this.#highest[partition]?.set(key, offset)
  }

  /** What is stored as done is what is visible, no more and no less. */
  #compare(partition: number, wasTold: (offset: number) => boolean): void {
    const told = this.#toldOf(partition)
    let isWhole = true
    for (const record of this.logs[partition] ?? []) {
      const { offset } = record
      if (wasTold(offset) && !told(offset))
        throw new Violation(`${partition}@${offset} was stored as done, and is not any more`)
      const isVisible = this.#visible[partition]?.has(offset) === true
      const hasNone = this.isSilent(record) || this.#dropped[partition]?.has(offset) === true
      if (isVisible && !told(offset)) throw new Violation(`${partition}@${offset} is visible, and not stored as done`)
      if (!isVisible && !hasNone && told(offset))
        throw new Violation(`${partition}@${offset} is stored as done, and not visible`)
      if (!told(offset)) isWhole = false
    }
    if (!isWhole) seen.partialCuts += 1
  }

  #toldOf(partition: number): (offset: number) => boolean {
    const stored = this.#stored[partition]
    if (stored === undefined) return () => false
    const decoded = decodeMetadata(stored.position, stored.metadata)
    if (decoded.kind === 'rejected') throw new Violation(`what is stored of partition ${partition} cannot be read`)
    const ranges = decoded.kind === 'completed' ? decoded.ranges : undefined
    return (offset) => offset < stored.position || ranges?.has(offset) === true
  }
}

function toldBy({ value }: OutgoingRecord): Told {
  return JSON.parse(String(value)) as Told
}

function letterOf({ headers }: OutgoingRecord): { readonly partition: number; readonly offset: number } {
  const number = (wanted: string) => Number(headers.find(([name]) => name === wanted)?.[1])
  return { partition: number('pyrallel-partition'), offset: number('pyrallel-offset') }
}
