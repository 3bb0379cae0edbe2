/** Keeps its own books of what an engine was given and what it says, and knows from the plans what it may say. Asks the engine nothing. */
import type { CompletionEvent, HandlerFailure, Outcome, WorkItem } from '../../framework/model/work.ts'
import { isFatal } from './obedient-handlers.ts'
import { Violation } from './oracle.ts'
import { isOfAll, isWholeOf, outputFault } from './output-books.ts'
import { asksForSignal, isLeftOut, nameOf, type Plan, planOf, type Told } from './plan.ts'

/** Counted over all schedules, so that a run can show that it met what it is about. */
export const met = {
  succeeded: 0,
  filtered: 0,
  failed: 0,
  partial: 0,
  'timed-out': 0,
  interrupted: 0,
  recalled: 0,
  told: 0,
  logged: 0,
  kept: 0,
  ofAll: 0,
}

const STRAY = ' (the handler does not await what threw this)'

interface Part {
  readonly told: Told
  readonly attempt: number
  readonly plan: Plan
}

export interface Rules {
  /** Handlers may take their thread with them, and time is the machine's: a healthy attempt may be cut short, or be late. */
  readonly hasThreads: boolean
  /** The group is one of exactly once: nothing is told before its outcome, and all of it with that. */
  readonly isKept: boolean
}

export class EngineBooks {
  readonly #rules: Rules
  readonly #open = new Map<number, WorkItem>()
  readonly #aborted = new Set<number>()
  /** Were asked back, and had not told that they run. */
  readonly #recalled = new Set<number>()
  /** Starts that handlers told, and have not been settled by a success, by record and attempt. */
  readonly #told = new Map<string, number>()
  /** Items that were submitted with this record and attempt. */
  readonly #given = new Map<string, number>()
  readonly #offsets = new Map<number, number>()
  #isSubmitting = false

  constructor(rules: Rules) {
    this.#rules = rules
  }

  get open(): number {
    return this.#open.size
  }

  submit(item: WorkItem, hand: () => void): void {
    this.#open.set(item.id, item)
    for (const [index, { told, attempt }] of partsOf(item).entries()) {
      const name = nameOf(told, attempt)
      this.#given.set(name, (this.#given.get(name) ?? 0) + 1)
      this.#offsets.set(told.uid, item.records[index]?.offset ?? -1)
    }
    this.#isSubmitting = true
    hand()
    this.#isSubmitting = false
  }

  abort(shouldAbort: (item: WorkItem) => boolean): void {
    for (const item of this.#open.values()) if (shouldAbort(item)) this.#aborted.add(item.id)
  }

  recall(shouldRecall: (item: WorkItem) => boolean): void {
    for (const item of this.#open.values()) if (shouldRecall(item) && !this.#hasTold(item)) this.#recalled.add(item.id)
  }

  #hasTold(item: WorkItem): boolean {
    return partsOf(item).some(({ told, attempt }) => {
      const name = nameOf(told, attempt)
      return (this.#told.get(name) ?? 0) >= (this.#given.get(name) ?? 0)
    })
  }

  /** A handler says that it runs. */
  started(uid: number, attempt: number): void {
    met.told += 1
    const name = nameOf({ seed: 0, uid }, attempt)
    // What a thread says may have been on its way.
    const isLate = (item: WorkItem): boolean =>
      this.#recalled.has(item.id) && partsOf(item).some(({ told }) => told.uid === uid)
    if (!this.#rules.hasThreads && [...this.#open.values()].some(isLate))
      throw new Violation('RECALLED', `${name} runs, and was taken back before it had begun`)
    const count = (this.#told.get(name) ?? 0) + 1
    this.#told.set(name, count)
    const given = this.#given.get(name) ?? 0
    if (count > given)
      throw new Violation('UNASKED', `${name} runs for the ${count}. time, and was submitted ${given} times`)
  }

  /** A line of a handler of single records: it carries the offset of the record that the handler was called with. */
  logged(uid: number, offset: unknown): void {
    met.logged += 1
    if (offset !== this.#offsets.get(uid))
      throw new Violation('CONTEXT', `record ${uid} at ${this.#offsets.get(uid)} logs for offset ${offset}`)
  }

  complete({ workId, outcome, durationMs }: CompletionEvent): void {
    if (this.#isSubmitting) throw new Violation('INSIDE', `item ${workId} is completed inside submit()`)
    if (!(durationMs >= 0)) throw new Violation('DURATION', `item ${workId} took ${durationMs} ms`)
    const item = this.#open.get(workId)
    if (item === undefined) throw new Violation('TWICE', `item ${workId} is completed, and is not in flight`)
    this.#open.delete(workId)
    // None of these handlers has a format, so `mayEnd` refuses that.
    if (outcome.kind !== 'not-ready') met[outcome.kind] += 1
    const parts = partsOf(item)
    if (outcome.kind === 'recalled') {
      this.#takeBack(item, parts)
      return
    }
    if (!this.#mayEnd(item, parts, outcome)) {
      const plans = parts.map(({ plan, told }) => (isLeftOut(told) ? 'filtered' : plan.ending)).join(', ')
      throw new Violation('OUTCOME', `item ${workId}, planned as ${plans}, ends as ${JSON.stringify(outcome)}`)
    }
    if (this.#rules.isKept) {
      const fault = outputFault(parts, outcome)
      if (fault !== undefined) throw new Violation('OUTPUTS', `item ${workId} ${fault}`)
      if ('outputs' in outcome) met.kept += 1
    } else if ('outputs' in outcome)
      throw new Violation('OUTPUTS', `item ${workId} of a group that keeps none has some`)
    for (const [index, part] of parts.entries()) if (isDone(outcome, index)) this.#succeed(part)
  }

  #takeBack(item: WorkItem, parts: readonly Part[]): void {
    if (!this.#recalled.delete(item.id))
      throw new Violation('UNASKED', `item ${item.id} comes back, and was not asked for`)
    for (const { told, attempt } of parts) {
      const name = nameOf(told, attempt)
      const given = (this.#given.get(name) ?? 0) - 1
      this.#given.set(name, given)
      if ((this.#told.get(name) ?? 0) > given) throw new Violation('BEGAN', `${name} comes back, and has run`)
    }
  }

  #succeed({ told, attempt, plan }: Part): void {
    if (isLeftOut(told)) met.filtered += 1
    const name = nameOf(told, attempt)
    if (!plan.isTold || isLeftOut(told) || this.#rules.isKept) return
    if ((this.#told.get(name) ?? 0) === 0) throw new Violation('NEVER-RAN', `${name} is done, and did not run`)
  }

  #mayEnd(item: WorkItem, parts: readonly Part[], outcome: Outcome): boolean {
    const seen = parts.filter(({ told }) => !isLeftOut(told))
    // It has asked for its signal, and returns long after it. On a thread, the signal may have come too late.
    const returnsAborted = !this.#rules.hasThreads && this.#aborted.has(item.id) && isDone(outcome, 0)
    if (returnsAborted && seen.some(({ told, plan }) => asksForSignal(told, plan))) return false
    // Time may pass within a turn.
    const isSlow = ({ plan }: Part): boolean => plan.turns > 0 || ['hang', 'deaf', 'stray'].includes(plan.ending)
    switch (outcome.kind) {
      case 'timed-out':
        return this.#rules.hasThreads || seen.some(isSlow)
      case 'not-ready':
        return false
      case 'interrupted':
        return this.#rules.hasThreads || this.#aborted.has(item.id)
      case 'failed':
        if (this.#mayFailForAll(parts) && seen.some((part) => isWholeOf(part, outcome.failure))) {
          met.ofAll += 1
          return true
        }
        return seen.some((part) => hasFailedAs(part, outcome.failure, parts.length > 1))
      case 'succeeded':
        return (seen.length === 0) === (outcome.filtered === true) && seen.every(({ plan }) => mayReturn(plan))
      case 'partial':
        if (outcome.pause !== undefined) return seen.length > 0 && isPauseOf(seen, parts, outcome, outcome.pause)
        if (this.#mayFailForAll(parts) && outcome.failures.size > 0) return false
        return parts.every((part, index) => isRightAt(part, outcome, index))
    }
  }

  #mayFailForAll(parts: readonly Part[]): boolean {
    return this.#rules.isKept && parts.length > 1 && isOfAll(parts)
  }
}

type Partial = Extract<Outcome, { readonly kind: 'partial' }>

function isRightAt(part: Part, outcome: Partial, index: number): boolean {
  const failure = outcome.failures.get(index)
  const isFiltered = outcome.filtered?.has(index) === true
  if (isLeftOut(part.told)) return isFiltered && failure === undefined
  if (isFiltered) return false
  return failure === undefined ? mayReturn(part.plan) : hasFailedAs(part, failure, false)
}

/** One of those that the handler saw has thrown it, and all of them have failed with it. */
function isPauseOf(seen: readonly Part[], parts: readonly Part[], outcome: Partial, pause: HandlerFailure): boolean {
  const isWhole = parts.every(({ told }, index) =>
    isLeftOut(told) ? outcome.filtered?.has(index) === true : outcome.failures.get(index)?.message === pause.message,
  )
  return isWhole && seen.some((part) => part.plan.ending === 'pause' && hasFailedAs(part, pause, true))
}

function mayReturn({ ending }: Plan): boolean {
  return ending === 'return' || ending === 'deaf'
}

/** @param isWhole the failure is that of a whole batch */
function hasFailedAs({ told, attempt, plan }: Part, failure: HandlerFailure, isWhole: boolean): boolean {
  const message = plan.ending === 'stray' ? `${nameOf(told, attempt)}${STRAY}` : nameOf(told, attempt)
  if (plan.ending === 'return' || failure.message !== message || (isWhole && !isFatal(plan))) return false
  const isGivenUp = plan.ending === 'giveUp'
  if (failure.reason !== (isGivenUp ? 'dead-letter' : 'handler') || failure.retryable === isGivenUp) return false
  return failure.retryAfterMs === (plan.ending === 'retryAfter' || plan.ending === 'pause' ? 300 : undefined)
}

function isDone(outcome: Outcome, index: number): boolean {
  if (outcome.kind === 'partial') return !outcome.failures.has(index)
  return outcome.kind === 'succeeded'
}

function partsOf({ records, attempts }: WorkItem): readonly Part[] {
  return records.map(({ value }, index) => {
    const told = JSON.parse(String(value)) as Told
    const attempt = attempts[index] ?? 0
    return { told, attempt, plan: planOf(told, attempt) }
  })
}
