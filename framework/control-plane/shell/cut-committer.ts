/**
 * Decides when an exactly-once group's transactions leave: one at a time, no more often than the interval, again with growing delays when one was aborted. Until it is
 * known what has become of one, nothing else is sent.
 */
import type { AbortedCut, SettledCut, TransactionalProducer } from '../../kafka/transactional-producer.ts'
import { type PyrallelError, toError } from '../../model/errors.ts'
import type { EventSink } from '../../model/events.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import type { BuiltCut } from '../cuts/cuts.ts'
import type { WorkManager } from '../work-manager.ts'
import type { Committer } from './committer.ts'
import { FIRST_RETRY_MS, LONGEST_RETRY_MS } from './offset-committer.ts'
import { TimeLimit } from './time-limit.ts'

/** A fence may be an earlier process of ours that still ends; so many in a row are another one that runs. */
const MOST_FENCES = 3
/** What is under way when the group is left gets so long. Milliseconds. */
const CLOSE_MS = 2_000

export interface CutCommitterOptions {
  readonly producer: TransactionalProducer
  readonly manager: Pick<WorkManager, 'nextCut' | 'cuts' | 'onCommitted' | 'permit' | 'present'>
  readonly clock: Clock
  readonly minIntervalMs: number
  readonly onEvent?: EventSink | undefined
  /** A transaction was committed: what could not start before it may start now. */
  readonly onAcknowledged: () => void
  /** Other members have stored offsets of these since. */
  readonly onOverwritten: (partitions: readonly TopicPartition[]) => void
  /** No other transaction would fare better. */
  readonly onFatal: (error: Error) => void
}

/** `again`: the next cut is another one, so that it need not wait. */
type Sent = 'committed' | 'again' | 'failed'

export class CutCommitter implements Committer {
  readonly #options: CutCommitterOptions
  #inFlight: Promise<Sent> | undefined
  #inFlightSince: number | undefined
  #timer: Timer | undefined
  #earliestAt = 0
  #failuresInARow = 0
  /** Since the last transaction that was committed. */
  #outage: { readonly since: number; failures: number; fencesInARow: number } | undefined
  #flushes = 0
  #opening: Promise<void> | undefined
  #isClosed = false

  constructor(options: CutCommitterOptions) {
    this.#options = options
  }

  get transactionSince(): number | undefined {
    return this.#inFlightSince
  }

  request(): void {
    if (this.#isClosed || this.#inFlight !== undefined || this.#flushes > 0) return
    const { clock, manager } = this.#options
    const isUrgent = this.#failuresInARow === 0 && manager.permit.isCommitUrgent
    if (this.#timer !== undefined && !isUrgent) return
    const now = clock.now()
    const waitMs = isUrgent ? 0 : this.#earliestAt - now
    if (waitMs > 0) {
      this.#timer = clock.setTimer(waitMs, () => {
        this.#timer = undefined
        this.request()
      })
      return
    }
    const cut = manager.nextCut(now)
    if (cut === undefined) return
    this.#timer?.cancel()
    this.#timer = undefined
    void this.#send(cut)
  }

  async flush(partitions: readonly TopicPartition[], timeoutMs: number): Promise<boolean> {
    const limit = new TimeLimit(this.#options.clock, timeoutMs)
    this.#flushes += 1
    try {
      return await this.#flushWithin(limit, partitions)
    } finally {
      limit.cancel()
      this.#flushes -= 1
      this.request()
    }
  }

  /**
   * A transaction that an earlier process of this name has left open ends with it, and where the partitions begin is not told before. Not sooner: a second process
   * under the same name, to which the group gives nothing, would end those of the first.
   */
  onAssigning(): void {
    if (this.#isClosed) return
    this.#open().catch((thrown: unknown) => {
      // Whoever closes knows already.
      if (!this.#isClosed) this.#end(toError(thrown))
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#timer = undefined
    await this.#options.producer.close(CLOSE_MS)
  }

  async #flushWithin(limit: TimeLimit, partitions: readonly TopicPartition[]): Promise<boolean> {
    const { clock, manager } = this.#options
    for (;;) {
      while (this.#inFlight !== undefined) if (!(await limit.allows(this.#inFlight))) return false
      const cut = manager.cuts?.build(clock.now(), partitions)
      if (cut === undefined) return manager.cuts?.has(partitions) !== true
      if (this.#isClosed) return false
      const sending = this.#send(cut)
      if (!(await limit.allows(sending))) return false
      const isFailed = (await sending) === 'failed'
      if (isFailed && !(await limit.sleep(this.#earliestAt - clock.now()))) return false
    }
  }

  #open(): Promise<void> {
    this.#opening ??= this.#options.producer.open()
    return this.#opening
  }

  #send(cut: BuiltCut): Promise<Sent> {
    this.#inFlightSince = this.#options.clock.now()
    this.#inFlight = this.#transact(cut)
      .catch((thrown: unknown): Sent => {
        // Whoever closes knows already.
        if (!this.#isClosed) this.#end(toError(thrown))
        return 'failed'
      })
      .finally(() => {
        this.#inFlight = undefined
        this.#inFlightSince = undefined
        this.request()
      })
    return this.#inFlight
  }

  async #transact(cut: BuiltCut): Promise<Sent> {
    const { producer, clock, onOverwritten, manager } = this.#options
    const startedAt = clock.now()
    await this.#open()
    const outcome = await producer.transact(cut)
    if (outcome.kind === 'aborted') {
      const isOther = manager.cuts?.onAborted(cut, outcome, clock.now()) === true
      const sent = this.#onFailed(outcome.error, isOther, startedAt)
      this.#countFences(outcome)
      return sent
    }
    const settled = outcome.kind === 'committed' ? 'committed' : await this.#settle(outcome.error)
    if (settled === 'committed') return this.#onCommitted(cut, startedAt)
    if (settled === 'overwritten') onOverwritten(manager.present(cut.offsets))
    this.#earliestAt = clock.now() + FIRST_RETRY_MS
    return 'failed'
  }

  /** Nobody has answered the commit. Nothing is sent before what is stored has told. */
  #settle(error: PyrallelError): Promise<SettledCut> {
    this.#countFailure(error, this.#options.clock.now())
    return this.#options.producer.settle()
  }

  #onCommitted(cut: BuiltCut, startedAt: number): Sent {
    const { manager, clock, minIntervalMs, onEvent, onAcknowledged } = this.#options
    const now = clock.now()
    manager.onCommitted(cut.offsets, startedAt)
    manager.cuts?.onCommitted(cut)
    onEvent?.({ kind: 'commit.done', partitions: cut.offsets.length, tookMs: now - startedAt })
    this.#failuresInARow = 0
    this.#earliestAt = startedAt + minIntervalMs
    const outage = this.#outage
    this.#outage = undefined
    if (outage !== undefined) {
      const { failures, since } = outage
      onEvent?.({ kind: 'commit.recovered', failures, outageMs: now - since })
    }
    onAcknowledged()
    return 'committed'
  }

  #onFailed(error: PyrallelError, isOther: boolean, startedAt: number): Sent {
    const { clock } = this.#options
    this.#countFailure(error, startedAt)
    if (isOther) {
      this.#earliestAt = clock.now()
      return 'again'
    }
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failuresInARow, 20), LONGEST_RETRY_MS)
    this.#failuresInARow += 1
    this.#earliestAt = clock.now() + delayMs
    return 'failed'
  }

  #countFailure(error: PyrallelError, since: number): void {
    this.#options.onEvent?.({ kind: 'commit.failed', error, willRetry: error.code !== 'PYR_NOT_OWNED' })
    this.#outage ??= { since, failures: 0, fencesInARow: 0 }
    this.#outage.failures += 1
  }

  #countFences({ blame, error }: AbortedCut): void {
    if (this.#outage === undefined) return
    this.#outage.fencesInARow = blame.kind === 'fenced' ? this.#outage.fencesInARow + 1 : 0
    if (this.#outage.fencesInARow >= MOST_FENCES) this.#end(error)
  }

  #end(error: Error): void {
    this.#isClosed = true
    this.#options.onFatal(error)
  }
}
