/**
 * Decides when to commit: one commit at a time, no more often than the interval, again with growing delays when it fails, and again what the group has
 * already when there was nothing else for a while, because an acknowledged commit is what a member knows of itself.
 */
import type { KafkaClient } from '../../kafka/kafka-client.ts'
import { PyrallelError, toError } from '../../model/errors.ts'
import type { EventSink } from '../../model/events.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import type { CommitSnapshot } from '../partition/commit-budget.ts'
import type { WorkManager } from '../work-manager.ts'
import { CommitPlan, type Refusal } from './commit-plan.ts'
import type { Committer } from './committer.ts'
import { TimeLimit } from './time-limit.ts'

export const FIRST_RETRY_MS = 100
export const LONGEST_RETRY_MS = 10_000

export interface OffsetCommitterOptions {
  readonly client: Pick<KafkaClient, 'commit'>
  readonly manager: Pick<
    WorkManager,
    | 'collectCommits'
    | 'collectRenewal'
    | 'onCommitted'
    | 'onCommitRefused'
    | 'onMetadataTooLarge'
    | 'permit'
    | 'present'
  >
  readonly clock: Clock
  readonly minIntervalMs: number
  /** How long an answer is waited for until the next commit is sent. It still counts when it comes later. Milliseconds. */
  readonly patienceMs: number
  readonly onEvent?: EventSink | undefined
  /** A commit was acknowledged: what could not start before it may start now. */
  readonly onAcknowledged?: (() => void) | undefined
}

/** `hopeless`: the same commit cannot succeed later either. */
type CommitResult = 'done' | 'partly' | 'failed' | 'hopeless'

export class OffsetCommitter implements Committer {
  readonly #options: OffsetCommitterOptions
  readonly #plan: CommitPlan
  #inFlight: Promise<CommitResult> | undefined
  #timer: Timer | undefined
  #earliestAt = 0
  #failuresInARow = 0
  /** Since the last round in which nothing failed. */
  #outage: { readonly since: number; failures: number } | undefined
  /** Flushes that are going on: they go before everything else, or a busy group would keep them waiting until their time is over. */
  #flushes = 0
  #isClosed = false

  constructor(options: OffsetCommitterOptions) {
    this.#options = options
    this.#plan = new CommitPlan(options.manager)
  }

  /** Something may have become committable. Commits now, or as soon as the interval and the commit in flight allow. Cheap. */
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
    this.#plan.begin(manager.collectCommits(), now, false)
    // Also where all that has changed waits by itself, because its commits are refused.
    if (this.#plan.isEmpty) this.#plan.begin(manager.collectRenewal(now), now, false)
    if (this.#plan.isEmpty) return
    this.#timer?.cancel()
    this.#timer = undefined
    void this.#send()
  }

  /**
   * Commits what these partitions have now, after the commit in flight, and again as long as it fails. For a revoke and for the end.
   * @returns false when that did not succeed within `timeoutMs`; a commit may still arrive
   */
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

  /** Commits nothing more. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #flushWithin(limit: TimeLimit, partitions: readonly TopicPartition[]): Promise<boolean> {
    const { clock, manager } = this.#options
    for (;;) {
      // Looked at again each time: of several flushes that wait, the first one to go on has its own commit in flight by then.
      while (this.#inFlight !== undefined) if (!(await limit.allows(this.#inFlight))) return false
      const commits = manager.collectCommits(partitions)
      if (commits.length === 0) return true
      this.#plan.begin(commits, clock.now(), true)
      const sending = this.#send()
      if (!(await limit.allows(sending))) return false
      const result = await sending
      if (result === 'done' || result === 'hopeless') return result === 'done'
      const waitMs = result === 'partly' ? FIRST_RETRY_MS : this.#earliestAt - clock.now()
      if (!(await limit.sleep(waitMs))) return false
    }
  }

  #send(): Promise<CommitResult> {
    this.#inFlight = this.#sendPlanned().finally(() => {
      this.#inFlight = undefined
      this.request()
    })
    return this.#inFlight
  }

  async #sendPlanned(): Promise<CommitResult> {
    const { clock, minIntervalMs, onEvent } = this.#options
    const plan = this.#plan
    const startedAt = clock.now()
    const failures: Error[] = []
    let acknowledged = 0
    for (let request = plan.next(); request !== undefined; request = plan.next()) {
      const error = await this.#ask(request)
      if (error === undefined) {
        plan.acknowledged(request)
        acknowledged += request.length
        continue
      }
      failures.push(error)
      onEvent?.({ kind: 'commit.failed', error, willRetry: refusalOf(error) !== 'gone' })
      plan.refused(request, refusalOf(error), clock.now())
    }
    const now = clock.now()
    if (acknowledged > 0) onEvent?.({ kind: 'commit.done', partitions: acknowledged, tookMs: now - startedAt })
    if (failures.length > 0) return this.#onFailed(failures, acknowledged > 0, startedAt)
    this.#failuresInARow = 0
    this.#earliestAt = startedAt + minIntervalMs
    this.#onRecovered(now)
    return 'done'
  }

  /** @returns why it was not acknowledged */
  async #ask(request: readonly CommitSnapshot[]): Promise<Error | undefined> {
    const { client, clock, manager, patienceMs, onAcknowledged } = this.#options
    const sentAt = clock.now()
    const answer = client.commit(request).then(() => {
      manager.onCommitted(request, sentAt)
      onAcknowledged?.()
      return undefined
    }, toError)
    const patience = new TimeLimit(clock, patienceMs)
    try {
      if (await patience.allows(answer)) return await answer
    } finally {
      patience.cancel()
    }
    const facts = `The group coordinator has not answered a commit within ${Math.round(patienceMs)} ms; the next one is sent.`
    return new PyrallelError('PYR_COMMIT_FAILED', facts, { retriable: true })
  }

  // Nothing is lost by a failed commit: what it carried is collected again. So no failure ends the consumer here; if the member was
  // expelled, the rebalance tells.
  #onFailed(failures: readonly Error[], isPartly: boolean, startedAt: number): CommitResult {
    const { clock, minIntervalMs } = this.#options
    const others = failures.filter((error) => refusalOf(error) !== 'gone')
    this.#outage ??= others.length === 0 ? undefined : { since: startedAt, failures: 0 }
    if (this.#outage !== undefined) this.#outage.failures += others.length
    // What was refused for reasons of its own waits by itself, in the plan.
    const isOfOne = failures.every((error) => refusalOf(error) !== 'everybody')
    if (isPartly && isOfOne) {
      this.#failuresInARow = 0
      this.#earliestAt = startedAt + minIntervalMs
    } else {
      const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failuresInARow, 20), LONGEST_RETRY_MS)
      this.#failuresInARow += 1
      this.#earliestAt = clock.now() + delayMs
    }
    // As long as one of them may succeed, it is worth trying again.
    if (failures.every(isHopeless)) return 'hopeless'
    return isPartly && isOfOne ? 'partly' : 'failed'
  }

  #onRecovered(now: number): void {
    const outage = this.#outage
    if (outage === undefined || this.#plan.waiting > 0) return
    this.#outage = undefined
    const { failures, since } = outage
    this.#options.onEvent?.({ kind: 'commit.recovered', failures, outageMs: now - since })
  }
}

function refusalOf(error: Error): Refusal {
  if (!(error instanceof PyrallelError) || error.retriable) return 'everybody'
  switch (error.code) {
    case 'PYR_NOT_OWNED':
      return 'gone'
    case 'PYR_METADATA_TOO_LARGE':
      return 'metadata'
    case 'PYR_COMMIT_TOO_LARGE':
      return 'too-large'
    case 'PYR_COMMIT_REFUSED':
      return 'partition'
    default:
      return 'everybody'
  }
}

function isHopeless(error: Error): boolean {
  return error instanceof PyrallelError && !error.retriable && !/TOO_LARGE$/.test(error.code)
}
