/** What becomes visible together or not at all: records that are done, and what was published of them. Plain data, and what it weighs. Pure. */
import { type KafkaRecord, type OutgoingRecord, type RecordHeader, recordBytes } from '../../model/record.ts'
import type { DeadLetterPayload } from '../failures/dead-letter-record.ts'
import type { DeadLetterRequest } from '../failures/failed-records.ts'
import type { PartitionState } from '../partition/partition-state.ts'

/** A record of a unit: enough of it to be given up, should its topic refuse an output. */
export interface UnitRecord {
  readonly record: KafkaRecord
  readonly attempt: number
  /** Of the shard that it was in; undefined for one without. */
  readonly key: string | undefined
}

/** A record that is given up: its dead letter is the output in its place. */
export interface Letter {
  readonly request: Omit<DeadLetterRequest, 'id'>
  readonly payload: DeadLetterPayload
  /** Milliseconds since the Unix epoch. */
  readonly givenUpAt: number
}

export interface Unit {
  /** The assignment that has done it. */
  readonly state: PartitionState
  readonly records: readonly UnitRecord[]
  readonly outputs: readonly OutgoingRecord[]
  /** Instead of what handlers have published; of each record one. Empty: none was given up. */
  readonly letters: readonly Letter[]
  readonly durationMs: number
  /** Of records and outputs. */
  readonly bytes: number
}

export function unitBytes({ records, outputs }: Pick<Unit, 'records' | 'outputs'>): number {
  let bytes = 0
  for (const { record } of records) bytes += recordBytes(record)
  for (const output of outputs) bytes += outputBytes(output)
  return bytes
}

function outputBytes({ key, value, headers }: OutgoingRecord): number {
  const ofHeader = ([name, bytes]: RecordHeader) => name.length + (bytes?.length ?? 0)
  return 96 + (key?.length ?? 0) + (value?.length ?? 0) + headers.reduce((sum, each) => sum + ofHeader(each), 0)
}

/** Of these, ascending, what their partition must not tell. */
export function offsetsOf(units: readonly Unit[]): readonly number[] {
  return units.flatMap(({ records }) => records.map(({ record }) => record.offset)).sort((a, b) => a - b)
}

/**
 * Of these, in the order in which they were done, those that `isLeft` says, and those behind them with a key of theirs: what was published later of a key is
 * never seen first.
 */
export function leftWithFollowers(units: readonly Unit[], isLeft: (unit: Unit) => boolean): ReadonlySet<Unit> {
  const left = new Set<Unit>()
  const keys = new Map<PartitionState, Set<string>>()
  for (const unit of units) {
    const ofState = keys.get(unit.state)
    const follows = ofState !== undefined && unit.records.some(({ key }) => key !== undefined && ofState.has(key))
    if (!follows && !isLeft(unit)) continue
    left.add(unit)
    const own = ofState ?? new Set<string>()
    keys.set(unit.state, own)
    for (const { key } of unit.records) if (key !== undefined) own.add(key)
  }
  return left
}
