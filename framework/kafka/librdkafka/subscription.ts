/** What a member reads: how it joins its group, leaves it in order, and joins it again. */
import { toError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import type { Clock } from '../../time/clock.ts'
import { sleep } from '../../time/wait.ts'
import type { NativeConsumer } from './binding.ts'
import { nativeError } from './errors.ts'
import { type GroupBooks, LateAnswers } from './late-answers.ts'
import type { Membership } from './membership.ts'

/** How long `leave` waits for the group to begin taking the partitions back. */
const LEAVE_MS = 10_000
/** Between two looks at whether it has begun. */
const LOOK_MS = 5
/** A coordinator answers for any name. */
const NO_TOPIC = '__consumer_offsets'

export interface SubscriptionOptions {
  readonly native: NativeConsumer
  readonly membership: Membership
  readonly log: Logger
  readonly clock: Clock
  readonly books?: GroupBooks | undefined
  /** The consumer is of no use any more; the next poll says so. */
  fail(error: Error): void
}

export class Subscription {
  readonly #options: SubscriptionOptions
  readonly #lateAnswers: LateAnswers
  #topics: readonly string[] | undefined
  #rejoiningSince: number | undefined
  #isStopped = false

  constructor(options: SubscriptionOptions) {
    this.#options = options
    const { membership } = options
    const granted = () => (this.#rejoiningSince === undefined ? membership.granted : undefined)
    this.#lateAnswers = new LateAnswers({ ...options, granted, rejoin: () => this.#rejoin() })
  }

  /** Any topic that the coordinator can be asked about; `undefined` before there is a subscription. */
  get topic(): string | undefined {
    return this.#topics === undefined ? undefined : (this.#topics[0] ?? NO_TOPIC)
  }

  /** Milliseconds since the Unix epoch. */
  get rejoiningSince(): number | undefined {
    return this.#rejoiningSince
  }

  /** Settles when no question about the group is open any more. */
  get answered(): Promise<void> {
    return this.#lateAnswers.answered
  }

  change(topics: readonly string[]): void {
    this.#topics = topics
    // While it leaves, a subscription would take the place of the unsubscribing. It gets this one when it joins again.
    if (this.#rejoiningSince === undefined) this.#subscribe()
  }

  /** From now on it does not join again by itself. */
  stop(): void {
    this.#isStopped = true
    this.#lateAnswers.stop()
  }

  /** Gives everything back in order. A commit can still be made meanwhile; during a disconnect it would throw. */
  async leave(): Promise<void> {
    const { native, membership, log } = this.#options
    try {
      native.unsubscribe()
      while (membership.isActive) {
        if (!(await this.#until(() => !membership.isActive || membership.hasUnanswered))) {
          log.warn({ waitedMs: LEAVE_MS }, 'the group has not taken the partitions back')
          break
        }
        await membership.answered
      }
    } catch (thrown) {
      log.warn({ errorMessage: nativeError(thrown).message }, 'the consumer could not leave its group')
    }
  }

  async #rejoin(): Promise<void> {
    this.#rejoiningSince = this.#options.clock.now()
    try {
      await this.leave()
      if (!this.#isStopped) this.#subscribe()
    } catch (thrown) {
      this.#options.fail(toError(thrown))
    } finally {
      this.#rejoiningSince = undefined
    }
  }

  #subscribe(): void {
    const topics = this.#topics ?? []
    // librdkafka refuses to subscribe to nothing.
    if (topics.length > 0) this.#options.native.subscribe([...topics])
  }

  /** Looks again and again, because the callbacks that change the answer come while the caller polls. */
  async #until(isTrue: () => boolean): Promise<boolean> {
    for (let waited = 0; waited < LEAVE_MS; waited += LOOK_MS) {
      if (isTrue()) return true
      await sleep(this.#options.clock, LOOK_MS)
    }
    return isTrue()
  }
}
