/** Decides when to commit: one commit at a time, no more often than the interval, again with growing delays when it fails. */
import type { KafkaClient } from '../kafka/kafka-client.ts'
import { type ErrorCode, PyrallelError, toError } from '../model/errors.ts'
import type { EventSink } from '../model/events.ts'
import type { TopicPartition } from '../model/record.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { CommitSnapshot } from './partition-state.ts'
import type { WorkManager } from './work-manager.ts'

const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 10_000
/**
 * Metadata in one request, in UTF-16 units of at most 3 bytes. The coordinator stores a request as one batch, which `max.message.bytes` of
 * its own topic limits (1 MB by default), so many partitions with long metadata go in several requests.
 */
const MAX_METADATA_PER_REQUEST = 160_000

export interface OffsetCommitterOptions {
  readonly client: Pick<KafkaClient, 'commit'>
  readonly manager: Pick<WorkManager, 'collectCommits' | 'onCommitted' | 'onMetadataTooLarge'>
  readonly clock: Clock
  readonly minIntervalMs: number
  readonly onEvent?: EventSink | undefined
}

/** `hopeless`: the same commit cannot succeed later either. */
type CommitResult = 'done' | 'failed' | 'hopeless'

export class OffsetCommitter {
  readonly #options: OffsetCommitterOptions
  #inFlight: Promise<CommitResult> | undefined
  #timer: Timer | undefined
  #earliestAt = 0
  #failuresInARow = 0
  /** Flushes that are going on: they go before everything else, or a busy group would keep them waiting until their time is over. */
  #flushes = 0
  #isClosed = false

  constructor(options: OffsetCommitterOptions) {
    this.#options = options
  }

  /** Something may have become committable. Commits now, or as soon as the interval and the commit in flight allow. Cheap. */
  request(): void {
    if (this.#isClosed || this.#inFlight !== undefined || this.#timer !== undefined || this.#flushes > 0) return
    const { clock, manager } = this.#options
    const waitMs = this.#earliestAt - clock.now()
    if (waitMs > 0) {
      this.#timer = clock.setTimer(waitMs, () => {
        this.#timer = undefined
        this.request()
      })
      return
    }
    const commits = manager.collectCommits()
    if (commits.length > 0) void this.#send(commits)
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
      const sending = this.#send(commits)
      if (!(await limit.allows(sending))) return false
      const result = await sending
      if (result !== 'failed') return result === 'done'
      if (!(await limit.sleep(this.#earliestAt - clock.now()))) return false
    }
  }

  #send(commits: readonly CommitSnapshot[]): Promise<CommitResult> {
    this.#inFlight = this.#sendInParts(commits).finally(() => {
      this.#inFlight = undefined
      this.request()
    })
    return this.#inFlight
  }

  async #sendInParts(commits: readonly CommitSnapshot[]): Promise<CommitResult> {
    const { client, clock, manager, minIntervalMs, onEvent } = this.#options
    const startedAt = clock.now()
    const failures: Failure[] = []
    let acknowledged = 0
    // A part that is refused for good, as of a topic that may not be read any more, does not keep the others from being sent. Where the
    // coordinator does not answer, the others would only wait for their own time-outs.
    for (const part of inParts(commits)) {
      try {
        await client.commit(part)
      } catch (thrown) {
        const error = toError(thrown)
        failures.push({ part, error })
        if (isHopeless(error) || isTooLarge(error)) continue
        break
      }
      manager.onCommitted(part)
      acknowledged += part.length
    }
    const now = clock.now()
    if (acknowledged > 0) onEvent?.({ kind: 'commit.done', partitions: acknowledged, tookMs: now - startedAt })
    if (failures.length > 0) return this.#onFailed(failures)
    this.#failuresInARow = 0
    this.#earliestAt = startedAt + minIntervalMs
    return 'done'
  }

  // Nothing is lost by a failed commit: what it carried is collected again. So no failure ends the consumer here; if the member was
  // expelled, the rebalance tells.
  #onFailed(failures: readonly Failure[]): CommitResult {
    const { clock, manager, onEvent } = this.#options
    for (const { part, error } of failures) {
      if (isTooLarge(error)) manager.onMetadataTooLarge(part)
      onEvent?.({ kind: 'commit.failed', error, willRetry: !hasCode(error, 'PYR_NOT_OWNED') })
    }
    // Half of it may be taken at once. Where there was none, something else is wrong, and there is no hurry.
    const canShrink = failures.every(
      ({ part, error }) => isTooLarge(error) && part.some(({ metadata }) => metadata !== ''),
    )
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failuresInARow, 20), LONGEST_RETRY_MS)
    this.#failuresInARow += 1
    this.#earliestAt = clock.now() + (canShrink ? 0 : delayMs)
    // As long as one of them may succeed, it is worth trying again.
    return failures.every(({ error }) => isHopeless(error)) ? 'hopeless' : 'failed'
  }
}

interface Failure {
  readonly part: readonly CommitSnapshot[]
  readonly error: Error
}

function hasCode(error: Error, code: ErrorCode): boolean {
  return error instanceof PyrallelError && error.code === code
}

function isTooLarge(error: Error): boolean {
  return hasCode(error, 'PYR_METADATA_TOO_LARGE')
}

function isHopeless(error: Error): boolean {
  return error instanceof PyrallelError && !error.retriable && !isTooLarge(error)
}

/** A stretch of time that several waits share. Leaves no timer behind once it is cancelled. */
class TimeLimit {
  readonly #clock: Clock
  readonly #over: Promise<false>
  #timer: Timer | undefined
  #sleep: Timer | undefined

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock
    this.#over = new Promise((resolve) => {
      this.#timer = clock.setTimer(limitMs, () => resolve(false))
    })
  }

  /** @returns false when the time is over before the promise has settled */
  allows(promise: Promise<unknown>): Promise<boolean> {
    return Promise.race([promise.then(() => true), this.#over])
  }

  /** @returns false when the time is over first */
  sleep(delayMs: number): Promise<boolean> {
    return this.allows(
      new Promise<void>((resolve) => {
        this.#sleep = this.#clock.setTimer(Math.max(0, delayMs), resolve)
      }),
    )
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#sleep?.cancel()
  }
}

function* inParts(commits: readonly CommitSnapshot[]): Generator<readonly CommitSnapshot[]> {
  let part: CommitSnapshot[] = []
  let length = 0
  for (const commit of commits) {
    if (part.length > 0 && length + commit.metadata.length > MAX_METADATA_PER_REQUEST) {
      yield part
      part = []
      length = 0
    }
    part.push(commit)
    length += commit.metadata.length
  }
  if (part.length > 0) yield part
}
