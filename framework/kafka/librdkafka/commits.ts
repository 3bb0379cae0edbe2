/** Sends commits, and pairs each with the coordinator's answer. librdkafka says "queued" at once, and the truth later, through `offset_commit_cb`. */
import { PyrallelError } from '../../model/errors.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import { settlesWithin } from '../../time/wait.ts'
import { faultCodes } from '../faults/codes.ts'
import type { CommitRequest } from '../kafka-client.ts'
import type { NativeConsumer, NativeError, NativePartition } from './binding.ts'
import { nativeError } from './errors.ts'
import { toNativeOffset } from './records.ts'

/** How long the first positions of a topic may take to be committed: revokes wait meanwhile. */
const PIN_LIMIT_MS = 5_000
/** Positions without metadata in one request, which the coordinator stores as one batch of limited size. */
const PINNED_AT_ONCE = 1_000

interface PendingCommit {
  readonly commits: readonly CommitRequest[]
  readonly timer: Timer
  readonly settle: (error: NativeError | PyrallelError | undefined) => void
}

export class PendingCommits {
  readonly #native: Pick<NativeConsumer, 'commit'>
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #pending: PendingCommit[] = []

  constructor(native: Pick<NativeConsumer, 'commit'>, clock: Clock, timeoutMs: number) {
    this.#native = native
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** Settles with the answer, or rejects after the time-out. The rejection is a `NativeError`, or a `PyrallelError` of our own. */
  async send(commits: readonly CommitRequest[]): Promise<void> {
    const answer = this.#wait(commits)
    try {
      this.#native.commit(commits.map(toNativeOffset))
    } catch (thrown) {
      this.#pending.pop()?.settle(nativeError(thrown))
    }
    await answer
  }

  /** The first positions of a topic, whoever owns its partitions. Several requests where one would be too large: what the last of them lacks then begins at its first record. */
  async pin(commits: readonly CommitRequest[]): Promise<void> {
    const until = this.#clock.now() + PIN_LIMIT_MS
    for (let from = 0; from < commits.length; from += PINNED_AT_ONCE) {
      const stored = this.send(commits.slice(from, from + PINNED_AT_ONCE))
      // It has a time-out of its own, which may come later.
      stored.catch(() => {})
      if (!(await settlesWithin(this.#clock, stored, Math.max(0, until - this.#clock.now())))) {
        throw nativeError({ message: `not answered within ${PIN_LIMIT_MS} ms`, code: faultCodes.TIMED_OUT })
      }
    }
  }

  #wait(commits: readonly CommitRequest[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(this.#timeoutMs, () => {
        // It stays in the list: its answer may come yet, and must not be taken for that of a later commit of the same offsets.
        reject(
          new PyrallelError(
            'PYR_COMMIT_FAILED',
            `The group coordinator has not answered a commit within ${this.#timeoutMs} ms.`,
            { retriable: true },
          ),
        )
      })
      const settle = (error: NativeError | PyrallelError | undefined) => {
        timer.cancel()
        if (error === undefined) resolve()
        else reject(error)
      }
      this.#pending.push({ commits, timer, settle })
    })
  }

  /** Answers come in the order of the calls, except where librdkafka retried one; so the first that matches is meant. */
  onAnswer(error: NativeError | undefined, partitions: readonly NativePartition[]): void {
    const index = this.#pending.findIndex((each) => matches(each.commits, partitions))
    if (index === -1) return
    const [answered] = this.#pending.splice(index, 1)
    answered?.settle(error)
  }

  /** Also of those that were given up. */
  get hasUnanswered(): boolean {
    return this.#pending.length > 0
  }

  failAll(error: PyrallelError): void {
    for (const each of this.#pending.splice(0)) each.settle(error)
  }
}

function matches(commits: readonly CommitRequest[], answer: readonly NativePartition[]): boolean {
  if (commits.length !== answer.length) return false
  return commits.every((commit) =>
    answer.some(
      (each) => each.partition === commit.partition && each.offset === commit.position && each.topic === commit.topic,
    ),
  )
}
