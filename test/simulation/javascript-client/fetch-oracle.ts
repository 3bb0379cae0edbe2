/** Keeps its own books of what was handed out in each assignment, and says what must never happen. It never asks the code under test. */
import type { FetchEvent, FetchRequest } from '../../../framework/kafka/javascript/fetch-steps.ts'
import { Violation } from '../oracle.ts'
import type { ModelLog, ModelRecord } from './model-log.ts'

/** Counted over all schedules, so that a run can show that it met what it is about. */
export const fetchSeen = {
  records: 0,
  oversized: 0,
  outOfRange: 0,
  truncated: 0,
  corrupt: 0,
  refused: 0,
  failed: 0,
  movedLeaders: 0,
  lateAnswers: 0,
  namedReplicas: 0,
  ofReplicas: 0,
  refusedByReplicas: 0,
  frozen: 0,
}

/** One partition in one assignment. */
export class FetchBooks {
  readonly log: ModelLog
  isPaused = false
  readonly #handedOut = new Set<number>()
  /** The last offset that was handed out, as long as nothing may turn it back. */
  #last: number | undefined
  /** From here on nothing of the log may be missing in the end. `undefined`: not known yet. */
  #from: number | undefined
  /** A record of this assignment has told the epoch, so that a cut is noticed. */
  #knowsEpoch = false
  #cuts = 0
  /** The log was cut while its epoch was not known, and may have grown again: nobody can notice. */
  #isUnjudged = false

  constructor(log: ModelLog, position: number | undefined) {
    this.log = log
    this.#from = position
  }

  handOut({ key, offset, uid }: ModelRecord): void {
    fetchSeen.records += 1
    if (this.isPaused) throw new Violation('PAUSED', `${key}@${offset} is handed out while its partition is paused`)
    if (this.#handedOut.has(uid)) throw new Violation('TWICE', `${key}@${offset} is handed out twice`)
    if (this.#last !== undefined && offset <= this.#last) {
      throw new Violation('ORDER', `${key}@${offset} is handed out after ${this.#last}`)
    }
    if (this.#from !== undefined && offset < this.#from) {
      throw new Violation('BEFORE', `${key}@${offset} is handed out, which lies before ${this.#from}`)
    }
    this.#handedOut.add(uid)
    this.#last = offset
    this.#knowsEpoch = true
  }

  told(event: FetchEvent): void {
    if (event.kind === 'truncated') {
      fetchSeen.truncated += 1
      // After a second cut the event may tell of the first one.
      if (this.#cuts === 1) this.#checkTurn(event.position)
      this.#last = undefined
      this.#from = Math.min(this.#from ?? 0, event.position)
    } else if (event.kind === 'out-of-range') {
      fetchSeen.outOfRange += 1
      this.#knowsEpoch = false
      this.#last = undefined
      if (event.position < event.from) this.#from = Math.min(this.#from ?? 0, event.position)
    } else if (event.kind === 'corrupt') fetchSeen.corrupt += 1
    else fetchSeen.refused += 1
  }

  /** A position inside after all, as for an epoch that a leader does not know: it is not sent any more. */
  boundsTold(): void {
    this.#knowsEpoch = false
  }

  cut(from: number): void {
    this.#cuts += 1
    if (this.#knowsEpoch) this.#from = Math.min(this.#from ?? 0, from)
    else this.#isUnjudged = true
  }

  /** What is still to come of the log must not lie before the place where it goes on. */
  #checkTurn(position: number): void {
    const first = Math.max(this.#from ?? 0, (this.#last ?? -1) + 1)
    const skipped = this.log.visible.find(
      ({ offset, uid }) => offset >= first && offset < position && !this.#handedOut.has(uid),
    )
    if (skipped !== undefined) {
      throw new Violation(
        'SKIPPED',
        `${skipped.key}@${skipped.offset} lies before ${position}, where a cut log goes on`,
      )
    }
  }

  get missing(): readonly ModelRecord[] {
    if (this.#isUnjudged) return []
    const from = this.#from ?? 0
    return this.log.visible.filter(({ offset, uid }) => offset >= from && !this.#handedOut.has(uid))
  }
}

/** @param isAskable whether a partition may be asked for now */
export function checkRequest(request: FetchRequest, isAskable: (key: string) => boolean, minShareBytes: number): void {
  for (const { topicId, partition, currentLeaderEpoch, partitionMaxBytes } of request.partitions) {
    const key = `${topicId}/${partition}`
    if (!isAskable(key)) throw new Violation('UNASKED', `${key} is fetched, which is paused or not assigned`)
    if (currentLeaderEpoch < 0) throw new Violation('EPOCH', `${key} is fetched without its leader's epoch`)
    if (partitionMaxBytes < minShareBytes)
      throw new Violation('SHARE', `${key} may bring ${partitionMaxBytes} bytes only`)
  }
  const keys = new Set(request.partitions.map(({ topicId, partition }) => `${topicId}/${partition}`))
  if (keys.size < request.partitions.length) throw new Violation('UNASKED', 'a partition stands twice in a request')
}
