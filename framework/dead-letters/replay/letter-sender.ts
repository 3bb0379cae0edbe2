/** How letters get to their topics, and are marked: in cuts (`replay-cuts.ts`), or here, one record at a time, each marked once it is acknowledged. */
import type { RecordProducer } from '../../kafka/kafka-client.ts'
import type { MarkRoom } from './mark-room.ts'
import type { PartitionMarks } from './partition-marks.ts'
import type { DueLetter } from './replay-intake.ts'
import type { ReplayMarks } from './replay-marks.ts'
import { replayRecord } from './replay-record.ts'

/** Published and in no commit that was acknowledged: after a kill, no more than these are published twice. */
const MAX_UNMARKED = 100

export interface LetterSender {
  readonly isTransactional: boolean
  /** @param outstanding published, and not known to be marked */
  hasRoom(outstanding: number): boolean
  /** False where it can only be decided once what is on its way of the same partition is acknowledged. */
  canTell(due: DueLetter): boolean
  publish(due: DueLetter): void
  /** Called whenever something may have become due. @param isIdle nothing is on its way */
  advance(isIdle: boolean): void
  /** These are about to be given up. Settles when nothing more of them is sent, and what is published of them is marked, as far as it can be. */
  leave(partitions: readonly PartitionMarks[]): Promise<void>
  /** Sends nothing of what waits. */
  drop(): void
}

export interface SingleSenderOptions {
  readonly producer: RecordProducer
  readonly marks: ReplayMarks
  readonly room: MarkRoom
  readonly onPublished: (due: DueLetter) => void
  readonly onRefused: (due: DueLetter, thrown: unknown) => void
  /** Settles with the next answer of the brokers. */
  readonly answered: () => Promise<void>
}

export class SingleSender implements LetterSender {
  readonly isTransactional = false
  readonly #options: SingleSenderOptions

  constructor(options: SingleSenderOptions) {
    this.#options = options
  }

  hasRoom(outstanding: number): boolean {
    return outstanding < MAX_UNMARKED
  }

  /** What is on its way is not in the books that would be looked at. */
  canTell({ marks, tracker, letter }: DueLetter): boolean {
    return marks.inFlight === 0 || !this.#options.room.needsLook(tracker, letter.record.offset)
  }

  publish(due: DueLetter): void {
    const { producer, onPublished, onRefused } = this.#options
    producer.produce(replayRecord(due.letter, due.target, due.partition)).then(
      () => onPublished(due),
      (thrown: unknown) => onRefused(due, thrown),
    )
  }

  advance(isIdle: boolean): void {
    this.#options.marks.markIfDue(isIdle)
  }

  async leave(partitions: readonly PartitionMarks[]): Promise<void> {
    while (partitions.some(({ inFlight }) => inFlight > 0)) await this.#options.answered()
    await this.#options.marks.markLast(partitions)
  }

  /** Nothing waits here. */
  drop(): void {}
}
