/**
 * Publishes dead letters and marks them in one transaction: one at a time, and what comes meanwhile goes with the next. A letter's ticket is complete as soon as it is
 * here, so a cut is built from whole books, and kept as it is until it is told what has become of it. Never rejects, but tells what failed.
 */
import type {
  AbortedCut,
  Cut,
  CutOffset,
  CutOutcome,
  SettledCut,
  TransactionalProducer,
} from '../../kafka/transactional-producer.ts'
import { PyrallelError, toError } from '../../model/errors.ts'
import type { Clock } from '../../time/clock.ts'
import { sleep } from '../../time/wait.ts'
import type { LetterSender } from './letter-sender.ts'
import type { PartitionMarks } from './partition-marks.ts'
import type { DueLetter } from './replay-intake.ts'
import { replayRecord } from './replay-record.ts'

/** In one transaction: records, and bytes of their keys and values. */
const MAX_LETTERS = 500
const MAX_BYTES = 4 * 1_024 * 1_024
const RETRY_MS = 200

export interface ReplayCutsOptions {
  readonly producer: TransactionalProducer
  readonly topic: string
  readonly maxMetadataLength: number
  readonly clock: Clock
  /** False once nothing is tried again. */
  readonly mayGoOn: () => boolean
  /** It is in the books, and the next of its key may follow. */
  readonly onTaken: (due: DueLetter) => void
  /** These are published and marked. */
  readonly onCommitted: (dues: readonly DueLetter[]) => void
  /** Nothing of these is published: their partition is somebody else's, or `onFailed` has told why. */
  readonly onDropped: (dues: readonly DueLetter[]) => void
  /** Nobody has told whether these are published and marked, or nothing of both. */
  readonly onUnknown: (dues: readonly DueLetter[]) => void
  /** No other try would fare better. */
  readonly onFailed: (error: Error) => void
}

interface BuiltCut extends Cut {
  readonly dues: readonly DueLetter[]
}

export class ReplayCuts implements LetterSender {
  readonly isTransactional = true
  readonly #options: ReplayCutsOptions
  #waiting: DueLetter[] = []
  #bytes = 0
  #sending: Promise<void> | undefined
  /** The one that runs. A revoke waits for no more than that. */
  #attempt: Promise<unknown> | undefined
  /** Being given up: once a cut was aborted, nothing of these goes with the next try. */
  readonly #leaving = new Set<PartitionMarks>()

  constructor(options: ReplayCutsOptions) {
    this.#options = options
  }

  hasRoom(): boolean {
    return this.#waiting.length < MAX_LETTERS && this.#bytes < MAX_BYTES
  }

  /** A ticket is complete as soon as its letter is here. */
  canTell(): boolean {
    return true
  }

  publish(due: DueLetter): void {
    const { key, value } = due.letter.record
    due.tracker.complete(due.ticket)
    this.#waiting.push(due)
    this.#bytes += (key?.length ?? 0) + (value?.length ?? 0)
    // The order of a cut is that of its topics.
    this.#options.onTaken(due)
  }

  /** Sends what waits, unless a cut is on its way: then it goes when that has ended. */
  advance(): void {
    if (!this.#options.mayGoOn()) this.drop()
    if (this.#sending !== undefined || this.#waiting.length === 0) return
    const dues = this.#waiting.splice(0)
    this.#bytes = 0
    this.#sending = this.#run(dues).finally(() => {
      this.#sending = undefined
      this.advance()
    })
  }

  drop(): void {
    this.#bytes = 0
    this.#options.onDropped(this.#waiting.splice(0))
  }

  async leave(partitions: readonly PartitionMarks[]): Promise<void> {
    for (const each of partitions) this.#leaving.add(each)
    const gone = this.#waiting.filter(({ marks }) => this.#leaving.has(marks))
    this.#waiting = this.#waiting.filter(({ marks }) => !this.#leaving.has(marks))
    this.#options.onDropped(gone)
    await this.#attempt
  }

  async #run(dues: readonly DueLetter[]): Promise<void> {
    const { clock, mayGoOn, onDropped, onUnknown, onFailed } = this.#options
    let cut = this.#build(dues)
    try {
      while (cut.dues.length > 0) {
        const outcome = await this.#send(cut)
        if (outcome === 'committed') return this.#onCommitted(cut)
        if (outcome === 'overwritten') {
          // Of a partition that is still ours, a later cut would mark what was not published.
          if (cut.dues.some(({ marks }) => !marks.isGone)) onFailed(overwritten(this.#options.topic))
          return onDropped(cut.dues)
        }
        if (outcome !== 'aborted' && !mayPass(outcome)) {
          onFailed(outcome.error)
          return onDropped(cut.dues)
        }
        await sleep(clock, RETRY_MS)
        if (!mayGoOn()) return onDropped(cut.dues)
        const ours = this.#without(cut, (marks) => marks.isGone || this.#leaving.has(marks))
        onDropped(cut.dues.filter((each) => !ours.dues.includes(each)))
        cut = ours
      }
    } catch (thrown) {
      onFailed(toError(thrown))
      onUnknown(cut.dues)
    }
  }

  /** One try, until it is known what has become of it. */
  async #send(cut: Cut): Promise<AbortedCut | SettledCut> {
    const { producer } = this.#options
    const attempt = producer.transact(cut)
    this.#attempt = attempt.catch(() => {})
    const outcome: CutOutcome = await attempt
    switch (outcome.kind) {
      case 'committed':
        return 'committed'
      case 'aborted':
        return outcome
      case 'unknown':
        return producer.settle()
    }
  }

  #build(dues: readonly DueLetter[]): BuiltCut {
    const { topic, maxMetadataLength } = this.#options
    // Of partitions that went while these waited, nothing is sent: whoever has them now publishes it.
    const ours = dues.filter(({ marks, tracker }) => !marks.isGone && tracker === marks.tracker)
    this.#options.onDropped(dues.filter((each) => !ours.includes(each)))
    const offsets = [...new Set(ours.map(({ marks }) => marks))].flatMap((marks): readonly CutOffset[] => {
      const commit = marks.commit(topic, maxMetadataLength)
      return commit === undefined ? [] : [{ ...commit, before: marks.stored }]
    })
    return { dues: ours, offsets, outputs: ours.map(outputOf) }
  }

  #without(cut: BuiltCut, isGone: (marks: PartitionMarks) => boolean): BuiltCut {
    const dues = cut.dues.filter(({ marks }) => !isGone(marks))
    const kept = new Set(dues.map(({ marks }) => marks.partition))
    return { dues, offsets: cut.offsets.filter(({ partition }) => kept.has(partition)), outputs: dues.map(outputOf) }
  }

  #onCommitted({ dues, offsets }: BuiltCut): void {
    const byPartition = new Map(dues.map(({ marks }) => [marks.partition, marks]))
    for (const { partition, position, metadata } of offsets) {
      byPartition.get(partition)?.storedAs({ position, metadata })
    }
    this.#options.onCommitted(dues)
  }
}

function outputOf({ letter, target, partition }: DueLetter) {
  return replayRecord(letter, target, partition)
}

function overwritten(topic: string): PyrallelError {
  const facts = `Another process has stored marks of ${topic} while this replay had its partitions. Run it again: it goes on from there.`
  return new PyrallelError('PYR_TRANSACTION_FAILED', facts)
}

/** The group that moves on, a broker that is away. Records that are refused, rights and another process with the id are not. */
function mayPass({ blame, error }: AbortedCut): boolean {
  if (blame.kind === 'outputs' || blame.kind === 'fenced') return false
  return error.retriable || error.code === 'PYR_NOT_OWNED'
}
