/** Decides of each dead letter whether it is to be published, and where. Publishes nothing, marks nothing. */
import type { OffsetTicket, OffsetTracker } from '../../control-plane/offsets/offset-tracker.ts'
import type { KafkaRecord } from '../../model/record.ts'
import { type DeadLetter, readDeadLetter } from '../dead-letter.ts'
import type { Selection } from '../selection.ts'
import type { PartitionMarks } from './partition-marks.ts'
import { type PlaceNotes, SourcePartitions } from './source-partition.ts'

/** A replay or two get over an outage, a third one a repair that was not enough. What fails after that fails for a reason of its own. */
export const DEFAULT_MAX_REPLAYS = 3

export interface IntakeOptions {
  readonly selection: Selection
  /** Where to, instead of the topic that each record came from. */
  readonly to: string | undefined
  /** Topics that a header may name. */
  readonly allowed: ReadonlySet<string>
  /** Letters that were replayed so often are left out, so that what fails each time does not go round for ever. A whole number from 1. */
  readonly maxReplays: number
  /** How many partitions each topic has; nothing is published where nobody made one. */
  readonly partitions: ReadonlyMap<string, number>
}

/** A dead letter that is to be published. */
export interface DueLetter {
  readonly letter: DeadLetter
  readonly target: string
  /** Undefined: by its key. */
  readonly partition: number | undefined
  readonly marks: PartitionMarks
  /** To be completed with `ticket` once the publish is acknowledged. */
  readonly tracker: OffsetTracker<true>
  readonly ticket: OffsetTicket
}

export interface IntakeCounts {
  /** Marked by an earlier replay. Those below the group's position are not read, and not counted. */
  readonly alreadyReplayed: number
  readonly notSelected: number
  /** Selected, and not to be published. */
  readonly notReplayable: number
  /** Of these: replayed as often as is allowed, and given up each time. */
  readonly replayedTooOften: number
  /** Of these: the value was left out of the dead letter. */
  readonly withoutValue: number
  /** Of these: a share group has left out all of the record. */
  readonly withoutRecord: number
  /** Of these: headers of several tools contradict each other. */
  readonly contradictory: number
  /** Of these: no header tells where it came from. */
  readonly withoutTopic: number
  /** Of all that were read: those whose time is that of the record, as their headers tell no time of failure. */
  readonly withSourceTime: number
}

/** Topics that letters are meant for, which no letter goes to; each with how many there are, and the place of the first. */
export type Refused = ReadonlyMap<string, { readonly count: number; readonly first: KafkaRecord }>

export class ReplayIntake {
  readonly #options: IntakeOptions
  readonly #places: SourcePartitions
  readonly #counts = {
    alreadyReplayed: 0,
    notSelected: 0,
    replayedTooOften: 0,
    withoutValue: 0,
    withoutRecord: 0,
    contradictory: 0,
    withoutTopic: 0,
    withSourceTime: 0,
  }
  readonly #refused = new Map<string, { count: number; readonly first: KafkaRecord }>()
  readonly #unknown = new Map<string, { count: number; readonly first: KafkaRecord }>()

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#places = new SourcePartitions(options.partitions)
  }

  get counts(): IntakeCounts {
    const { replayedTooOften, withoutValue, withoutRecord, contradictory, withoutTopic } = this.#counts
    const notReplayable = replayedTooOften + withoutValue + withoutRecord + contradictory + withoutTopic
    return { ...this.#counts, notReplayable }
  }

  /** Named by headers, and not allowed. */
  get refused(): Refused {
    return this.#refused
  }

  /** Not on the cluster. */
  get unknown(): Refused {
    return this.#unknown
  }

  get notes(): PlaceNotes {
    return this.#places.notes()
  }

  /** Undefined for one that stays as it is. Must be called in the order of the log. */
  take(record: KafkaRecord, marks: PartitionMarks): DueLetter | undefined {
    marks.arrived(record.offset)
    const { tracker } = marks
    if (tracker.skipRestored(record.offset)) {
      this.#counts.alreadyReplayed += 1
      return undefined
    }
    const ticket = tracker.track(record.offset, true)
    const letter = readDeadLetter(record)
    if (letter.time === 'source') this.#counts.withSourceTime += 1
    if (!this.#options.selection(letter)) {
      this.#counts.notSelected += 1
      return undefined
    }
    const target = this.#targetOf(letter)
    if (target === undefined) return undefined
    return { letter, target, partition: this.#places.partitionFor(letter, target), marks, tracker, ticket }
  }

  #targetOf(letter: DeadLetter): string | undefined {
    const { to, allowed, partitions, maxReplays } = this.#options
    if (letter.replays >= maxReplays) {
      this.#counts.replayedTooOften += 1
      return undefined
    }
    if (!letter.hasPayload) {
      this.#counts[letter.leftOut === 'record' ? 'withoutRecord' : 'withoutValue'] += 1
      return undefined
    }
    const target = to ?? letter.topic
    if (target === null) {
      this.#counts[letter.family === 'several' ? 'contradictory' : 'withoutTopic'] += 1
      return undefined
    }
    if (to === undefined && !allowed.has(target)) return noteIn(this.#refused, target, letter.record)
    if (!partitions.has(target)) return noteIn(this.#unknown, target, letter.record)
    return target
  }
}

function noteIn(
  targets: Map<string, { count: number; readonly first: KafkaRecord }>,
  target: string,
  first: KafkaRecord,
) {
  const known = targets.get(target)
  if (known === undefined) targets.set(target, { count: 1, first })
  else known.count += 1
  return undefined
}
