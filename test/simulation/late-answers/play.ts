/** One member whose group moves partitions, and whose answers may be lost: what it looks at, and when it joins again, beside books of what is so. */
import {
  type Finding,
  LateAnswerWatch,
  LOOK_EVERY_MS,
  REJOIN_PAUSE_MS,
  STEADY_MS,
} from '../../../framework/kafka/librdkafka/late-answer-watch.ts'
import { differenceOf } from '../../../framework/kafka/librdkafka/own-assignment.ts'
import type { TopicPartition } from '../../../framework/model/record.ts'
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'

const PARTITIONS = [0, 1, 2, 3]
const STEPS = 60
const OWN = 'me'

/** What schedules have met, over all of them. */
export const lateAnswersSeen = { rejoins: 0, waits: 0, rests: 0, kept: 0, unread: 0, empty: 0, unknown: 0 }

class Broken extends Error {}

/** @throws Error when an invariant does not hold */
export function playLateAnswers(seed: number): void {
  new Game(seed).play()
}

/** Undefined when all of them hold; else the first that does not. */
export function runLateAnswers(from: number, count: number): string | undefined {
  for (let seed = from; seed < from + count; seed++) {
    try {
      playLateAnswers(seed)
    } catch (error) {
      return `seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
    }
  }
  return undefined
}

class Game {
  readonly #random: () => number
  readonly #watch = new LateAnswerWatch()
  #nowMs = 1_000_000
  readonly #held = new Set([0])
  readonly #assigned = new Set([0])
  readonly #target = new Set([0])
  /** Since the last answer that came too late: the difference that a look has met, '' for none, `unknown`. */
  #looks: { readonly atMs: number; readonly seen: string }[] = []
  #lateMs: number | undefined
  #rejoinedMs = Number.NEGATIVE_INFINITY
  #toldWait: string | undefined

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  play(): void {
    // A group that changes seldom lets a difference stand.
    const calm = this.#random()
    for (let step = 0; step < STEPS; step++) {
      const dice = this.#random()
      if (dice < 0.15 * calm) this.#move()
      else if (dice < 0.2 * calm) this.#late()
      else if (dice < 0.25 * calm) this.#hear()
      else if (dice < 0.3) this.#pass(this.#random() * LOOK_EVERY_MS)
      else this.#look()
    }
  }

  /** The group gives or takes one, and the member hears of it or not. */
  #move(): void {
    const partition = this.#pick(PARTITIONS)
    const isHeard = this.#random() < 0.5
    if (this.#target.has(partition)) {
      this.#target.delete(partition)
      if (isHeard) for (const books of [this.#held, this.#assigned]) books.delete(partition)
    } else {
      for (const books of [this.#target, this.#assigned]) books.add(partition)
      if (isHeard) this.#held.add(partition)
    }
    // That it was late may be noticed later, or it is on its way.
    if (!isHeard && this.#random() < 0.6) this.#late()
  }

  #late(): void {
    this.#watch.onLateAnswer(this.#nowMs)
    this.#lateMs = this.#nowMs
    this.#looks = []
    this.#toldWait = undefined
    const { nextLookMs } = this.#watch
    expect(nextLookMs !== undefined && nextLookMs <= this.#nowMs + LOOK_EVERY_MS, 'a late answer is not looked into')
  }

  #pass(ms: number): void {
    this.#nowMs = Math.min(this.#nowMs + ms, this.#watch.nextLookMs ?? Number.POSITIVE_INFINITY)
  }

  #look(): void {
    const at = this.#watch.nextLookMs
    if (at === undefined) {
      this.#pass(LOOK_EVERY_MS)
      return
    }
    // A timer may come late.
    this.#nowMs = Math.max(this.#nowMs, at) + (this.#random() < 0.2 ? this.#random() * 500 : 0)
    const isAnswered = this.#random() > 0.05
    const how = differenceOf(places(this.#held), this.#described(), OWN)
    if (isAnswered) this.#judgeDifference(how)
    const seen = isAnswered ? (how ?? '') : 'unknown'
    this.#looks.push({ atMs: this.#nowMs, seen })
    if (!isAnswered) lateAnswersSeen.unknown += 1
    const finding: Finding = isAnswered
      ? how === undefined
        ? { kind: 'agrees' }
        : { kind: 'differs', how }
      : { kind: 'unknown' }
    this.#judge(this.#watch.onLook(finding, this.#nowMs))
  }

  #described() {
    const others = PARTITIONS.filter((each) => !this.#assigned.has(each))
    const other = { clientId: OWN, assigned: places(others), target: places(others) }
    return [other, { clientId: OWN, assigned: places(this.#assigned), target: places(this.#target) }]
  }

  /** What is compared is what is so, but for a member that holds nothing beside one that has nothing. */
  #judgeDifference(how: string | undefined): void {
    const kept = [...this.#held].some((each) => !this.#target.has(each))
    const unread = [...this.#assigned].some((each) => !this.#held.has(each))
    if (kept) lateAnswersSeen.kept += 1
    if (unread) lateAnswersSeen.unread += 1
    if (this.#held.size === 0) lateAnswersSeen.empty += 1
    const cannotTell = this.#held.size === 0 && this.#assigned.size === PARTITIONS.length
    if (!cannotTell) expect((how !== undefined) === (kept || unread), `a difference is told wrongly: ${how}`)
  }

  #judge(advice: ReturnType<LateAnswerWatch['onLook']>): void {
    const last = this.#looks.at(-1)?.seen ?? ''
    const firstOther = this.#looks.findLastIndex(({ seen }) => seen !== last)
    const same = this.#looks.slice(firstOther + 1)
    const lastedMs = this.#nowMs - (same[0]?.atMs ?? this.#nowMs)
    const isSteady = last !== '' && last !== 'unknown' && lastedMs >= STEADY_MS
    const isPauseOver = this.#nowMs - this.#rejoinedMs >= REJOIN_PAUSE_MS
    expect((advice.kind === 'rejoin') === (isSteady && isPauseOver), `it joins again at the wrong time: ${advice.kind}`)
    expect((advice.kind === 'wait') === (isSteady && !isPauseOver), `it waits at the wrong time: ${advice.kind}`)
    expect((advice.kind === 'rest') === (last === '' && same.length >= 2), `it rests at the wrong time: ${advice.kind}`)
    if (advice.kind === 'wait') {
      lateAnswersSeen.waits += 1
      expect(advice.isNew === (this.#toldWait !== last), 'a wait is told again, or never')
      expect(this.#nowMs + advice.delayMs === this.#rejoinedMs + REJOIN_PAUSE_MS, 'a wait is told wrongly')
      this.#toldWait = last
    } else if (last !== this.#toldWait) this.#toldWait = undefined
    if (advice.kind === 'rest') lateAnswersSeen.rests += 1
    if (advice.kind === 'rejoin') this.#rejoin()
    const isOver = advice.kind === 'rest' || advice.kind === 'rejoin'
    if (isOver) this.#looks = []
    const next = this.#watch.nextLookMs
    expect(next === (isOver ? undefined : this.#nowMs + LOOK_EVERY_MS), `the next look is at the wrong time: ${next}`)
  }

  #rejoin(): void {
    lateAnswersSeen.rejoins += 1
    expect(this.#lateMs !== undefined && this.#nowMs - this.#lateMs >= STEADY_MS, 'it has joined again too soon')
    this.#rejoinedMs = this.#nowMs
    this.#hear()
  }

  #hear(): void {
    for (const books of [this.#held, this.#assigned]) {
      books.clear()
      for (const each of this.#target) books.add(each)
    }
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T
  }
}

function places(numbers: Iterable<number>): readonly TopicPartition[] {
  return [...numbers].map((partition) => ({ topic: 'orders', partition }))
}

function expect(isSo: boolean, what: string): void {
  if (!isSo) throw new Broken(what)
}
