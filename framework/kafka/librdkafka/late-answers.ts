/**
 * Cures what librdkafka 2.15 and 2.16 do not: an answer of the group that comes later than the heartbeat interval is dropped, and never asked for again. Then the
 * group is asked what this member has; where that stays another than what it holds, the member leaves and joins again.
 */
import type { Logger } from '../../model/logger.ts'
import { partitionId, type TopicPartition } from '../../model/record.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import { faultCodes } from '../faults/codes.ts'
import type { NativeConsumer } from './binding.ts'
import { nativeError } from './errors.ts'
import { LateAnswerWatch } from './late-answer-watch.ts'
import { isLateAnswer } from './log.ts'
import { type DescribedMember, differenceOf } from './own-assignment.ts'

/** How much of a difference a log line has: there may be thousands of partitions. */
const MAX_TEXT = 1_000

/** How a group is asked for its members. */
export interface GroupBooks {
  readonly clientId: string
  /** Rejects with what the broker, or librdkafka, says. */
  members(): Promise<readonly DescribedMember[]>
}

export interface LateAnswersHost {
  readonly native: Pick<NativeConsumer, 'on'>
  readonly log: Logger
  readonly clock: Clock
  /** Left out for a static member: what it leaves behind waits for its name, so it is only told. */
  readonly books?: GroupBooks | undefined
  /** What the group has given this member, as far as it has heard; `undefined` while that changes. */
  granted(): readonly TopicPartition[] | undefined
  /** Leaves the group in order, and joins it again. */
  rejoin(): Promise<void>
}

export class LateAnswers {
  readonly #host: LateAnswersHost
  readonly #watch = new LateAnswerWatch()
  #timer: Timer | undefined
  #looking: Promise<void> = Promise.resolve()
  #isLooking = false
  #isStopped = false
  #isRefusalTold = false

  constructor(host: LateAnswersHost) {
    this.#host = host
    host.native.on('event.log', (entry) => {
      if (isLateAnswer(entry)) this.#onLateAnswer(entry.message)
    })
  }

  /** Settles when no question is open any more. */
  get answered(): Promise<void> {
    return this.#looking
  }

  stop(): void {
    this.#isStopped = true
    this.#watch.rest()
    this.#timer?.cancel()
  }

  #onLateAnswer(why: string): void {
    if (this.#isStopped) return
    const { log, clock, books } = this.#host
    if (books === undefined) {
      log.warn(
        { why },
        'the group has answered a heartbeat too late: if a partition stands from now on, start this member again',
      )
      return
    }
    log.warn({ why }, 'the group has answered a heartbeat too late: it is asked what this member has')
    this.#watch.onLateAnswer(clock.now())
    this.#lookLater(books)
  }

  #lookLater(books: GroupBooks): void {
    this.#timer?.cancel()
    const { nextLookMs } = this.#watch
    if (nextLookMs === undefined || this.#isLooking) return
    this.#timer = this.#host.clock.setTimer(Math.max(0, nextLookMs - this.#host.clock.now()), () => {
      this.#isLooking = true
      this.#looking = this.#look(books).finally(() => {
        this.#isLooking = false
        this.#lookLater(books)
      })
    })
  }

  async #look(books: GroupBooks): Promise<void> {
    const before = this.#host.granted()
    const members = before === undefined ? undefined : await this.#ask(books)
    const after = this.#host.granted()
    if (this.#isStopped) return
    if (before === undefined || members === undefined || after === undefined || !isSame(before, after)) {
      this.#watch.onLook({ kind: 'unknown' }, this.#host.clock.now())
      return
    }
    await this.#judge(differenceOf(after, members, books.clientId))
  }

  /** @returns `undefined` where nobody has answered */
  async #ask(books: GroupBooks): Promise<readonly DescribedMember[] | undefined> {
    const { log } = this.#host
    try {
      return await books.members()
    } catch (thrown) {
      const { message, code } = nativeError(thrown)
      log.debug({ code, why: message }, 'the group has not said what this member has')
      if (!isRefusal(code)) return undefined
      this.#watch.rest()
      if (this.#isRefusalTold || this.#isStopped) return undefined
      this.#isRefusalTold = true
      log.warn(
        { code, why: message },
        'the group does not say what this member has: if a partition stands after an answer that came too late, start this member again',
      )
      return undefined
    }
  }

  async #judge(how: string | undefined): Promise<void> {
    const { log, clock } = this.#host
    const advice = this.#watch.onLook(how === undefined ? { kind: 'agrees' } : { kind: 'differs', how }, clock.now())
    const why = how?.slice(0, MAX_TEXT)
    if (advice.kind === 'wait' && advice.isNew) {
      const facts = { why, delayMs: advice.delayMs }
      log.warn(facts, 'this member and its group do not agree again; it joins again later, if that stays so')
    }
    if (advice.kind !== 'rejoin') return
    log.warn({ why }, 'this member and its group do not agree: it leaves the group and joins again')
    const startedMs = clock.now()
    await this.#host.rejoin()
    if (!this.#isStopped)
      log.info({ tookMs: clock.now() - startedMs }, 'this member has left its group, and joins it again')
  }
}

/** To ask again would bring the same. */
function isRefusal(code: number): boolean {
  return (
    code === faultCodes.GROUP_AUTHORIZATION_FAILED ||
    code === faultCodes.TOPIC_AUTHORIZATION_FAILED ||
    code === faultCodes.CLUSTER_AUTHORIZATION_FAILED ||
    code === faultCodes.UNSUPPORTED_VERSION ||
    code === faultCodes.UNSUPPORTED_FEATURE
  )
}

function isSame(one: readonly TopicPartition[], other: readonly TopicPartition[]): boolean {
  const ids = new Set(one.map(partitionId))
  return one.length === other.length && other.every((each) => ids.has(partitionId(each)))
}
