/** Pairs each commit with the coordinator's answer. librdkafka says "queued" at once, and the truth later, through `offset_commit_cb`. */
import { PyrallelError } from '../model/errors.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { CommitRequest } from './kafka-client.ts'
import type { NativeError, NativePartition } from './librdkafka-binding.ts'

interface PendingCommit {
  readonly commits: readonly CommitRequest[]
  readonly timer: Timer
  readonly settle: (error: NativeError | PyrallelError | undefined) => void
}

export class PendingCommits {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #pending: PendingCommit[] = []

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** Settles with the answer, or rejects after the time-out. The rejection is a `NativeError`, or a `PyrallelError` of our own. */
  wait(commits: readonly CommitRequest[]): Promise<void> {
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

  /** Takes back the commit that was added last: it could not be queued. */
  withdraw(error: NativeError): void {
    this.#pending.pop()?.settle(error)
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
