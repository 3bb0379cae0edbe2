/** Decides when to commit: one commit at a time, no more often than the interval, again with growing delays when it fails. */
import type { KafkaClient } from '../kafka/kafka-client.ts'
import { PyrallelError, toError } from '../model/errors.ts'
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

export class OffsetCommitter {
  readonly #options: OffsetCommitterOptions
  #inFlight: Promise<void> | undefined
  #timer: Timer | undefined
  #earliestAt = 0
  #failuresInARow = 0
  #isClosed = false

  constructor(options: OffsetCommitterOptions) {
    this.#options = options
  }

  /** Something may have become committable. Commits now, or as soon as the interval and the commit in flight allow. Cheap. */
  request(): void {
    if (this.#isClosed || this.#inFlight !== undefined || this.#timer !== undefined) return
    const { clock } = this.#options
    const waitMs = this.#earliestAt - clock.now()
    if (waitMs <= 0) {
      this.#commit()
      return
    }
    this.#timer = clock.setTimer(waitMs, () => {
      this.#timer = undefined
      this.#commit()
    })
  }

  /**
   * Commits what these partitions have now, after the commit in flight. For a revoke and for the end.
   * @returns false when that did not succeed within `timeoutMs`; the commit may still arrive
   */
  async flush(partitions: readonly TopicPartition[], timeoutMs: number): Promise<boolean> {
    const { clock } = this.#options
    let timer: Timer | undefined
    const timedOut = new Promise<false>((resolve) => {
      timer = clock.setTimer(timeoutMs, () => resolve(false))
    })
    const committed = this.#flushNow(partitions)
    const isDone = await Promise.race([committed, timedOut])
    timer?.cancel()
    return isDone
  }

  /** Commits nothing more. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #flushNow(partitions: readonly TopicPartition[]): Promise<boolean> {
    while (this.#inFlight !== undefined) await this.#inFlight
    // Another flush may have been waiting too: whoever comes first commits, the other waits for it.
    for (let tries = 0; tries < 3; tries += 1) {
      const commits = this.#options.manager.collectCommits(partitions)
      if (commits.length === 0) return true
      const before = this.#failuresInARow
      await this.#send(commits)
      if (this.#failuresInARow === 0) return true
      if (this.#failuresInARow === before) return false
    }
    return false
  }

  #commit(): void {
    const commits = this.#options.manager.collectCommits()
    if (commits.length > 0) void this.#send(commits)
  }

  #send(commits: readonly CommitSnapshot[]): Promise<void> {
    this.#inFlight = this.#sendInParts(commits).finally(() => {
      this.#inFlight = undefined
      this.request()
    })
    return this.#inFlight
  }

  async #sendInParts(commits: readonly CommitSnapshot[]): Promise<void> {
    const { client, clock, manager, minIntervalMs, onEvent } = this.#options
    const startedAt = clock.now()
    for (const part of inParts(commits)) {
      try {
        await client.commit(part)
      } catch (thrown) {
        this.#onFailed(part, toError(thrown))
        return
      }
      manager.onCommitted(part)
    }
    const now = clock.now()
    this.#failuresInARow = 0
    this.#earliestAt = startedAt + minIntervalMs
    onEvent?.({ kind: 'commit.done', partitions: commits.length, tookMs: now - startedAt })
  }

  // Nothing is lost by a failed commit: what it carried is collected again. So no failure ends the consumer here; if the member was
  // expelled, the rebalance tells.
  #onFailed(commits: readonly CommitSnapshot[], error: Error): void {
    const { clock, manager, onEvent } = this.#options
    const code = error instanceof PyrallelError ? error.code : undefined
    if (code === 'PYR_METADATA_TOO_LARGE') manager.onMetadataTooLarge(commits)
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failuresInARow, 20), LONGEST_RETRY_MS)
    this.#failuresInARow += 1
    this.#earliestAt = clock.now() + (code === 'PYR_METADATA_TOO_LARGE' ? 0 : delayMs)
    onEvent?.({ kind: 'commit.failed', error, willRetry: code !== 'PYR_NOT_OWNED' })
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
