/** One attempt: a handler called once, with one record or one batch. The same for every engine; knows neither threads nor deadlines' timers. */
import type { BatchFunction, ContextPublish, HandlerContext, OutputOptions, Services } from '../../api/handler.ts'
import { UnreadyValue } from '../../formats/format-decoder.ts'
import { bug, PyrallelError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import { type KafkaRecord, placeId, recordPlace } from '../../model/record.ts'
import type { HandlerFailure, Outcome, WorkItem } from '../../model/work.ts'
import { DeadlineEntry } from '../../time/deadline-queue.ts'
import { GuardedSpan } from '../../tracing/attempt-tracer.ts'
import { AttemptContext } from './attempt-context.ts'
import { AttemptLog } from './attempt-log.ts'
import { AttemptPublishes } from './attempt-publishes.ts'
import type { Attributable } from './attribution.ts'
import { DecodedRecord } from './decoded-record.ts'
import { HandlerBatch, refuseReport } from './handler-batch.ts'
import { failureOf } from './handler-failure.ts'
import { failed, filtered, interrupted, notReady, outcomeOfThrow, strayed, succeeded } from './outcomes.ts'
import type { PreparedHandler } from './prepared-handler.ts'
import { type Checked, checkRecord } from './record-check.ts'
import { applyRetryRules } from './retry-rules.ts'

/** Whoever runs it. */
export interface AttemptOwner {
  /** Called once, always later than `start`, unless `start` has returned the outcome itself. */
  onOver(attempt: Attempt, outcome: Outcome): void
  /** What it has left behind has failed, so it has failed, too: it ends as if its time were over. */
  onStray(attempt: Attempt): void
}

/**
 * waiting --start--> running --the handler and its publishes settle--> over
 *
 * Whoever runs it keeps the deadline: it calls `abort` and decides what becomes of an attempt that does not end.
 */
export class Attempt extends DeadlineEntry implements Attributable {
  readonly item: WorkItem
  readonly record: KafkaRecord
  readonly number: number
  readonly #handler: PreparedHandler
  readonly #owner: AttemptOwner
  #startedAt: number | undefined
  #controller: AbortController | undefined
  #abortReason: DOMException | undefined
  #publishes: AttemptPublishes | undefined
  #log: AttemptLog | undefined
  #span: GuardedSpan | undefined
  #batch: HandlerBatch | undefined
  #isOver = false
  #stray: Outcome | undefined

  constructor(handler: PreparedHandler, item: WorkItem, owner: AttemptOwner) {
    super()
    const { records, attempts } = item
    const record = records[0]
    const number = attempts[0]
    const isBatch = handler.setup.definition.runBatch !== undefined
    if (
      record === undefined ||
      number === undefined ||
      records.length !== attempts.length ||
      (records.length > 1 && !isBatch)
    ) {
      const facts = `work item ${item.id} has ${records.length} records and ${attempts.length} attempts`
      throw bug('Attempt', `${facts}, and its handler takes ${isBatch ? 'batches' : 'one of each'}`)
    }
    this.item = item
    this.record = record
    this.number = number
    this.#handler = handler
    this.#owner = owner
  }

  /** From its start until `now`; 0 for one that was never started. Milliseconds. */
  durationMs(now: number): number {
    return now - (this.#startedAt ?? now)
  }

  /** When the attempt's time is over. Milliseconds since the Unix epoch. */
  get deadline(): number {
    return (this.#startedAt ?? Number.POSITIVE_INFINITY) + this.#handler.setup.timeoutMs
  }

  /**
   * Runs the handler. Returns the outcome when there is nothing to wait for, which is the case for every synchronous handler. Total: what throws
   * before the handler is called, or after it has returned, fails the attempt. In the engine's turn, it would end the process at every start.
   */
  start(now: number): Outcome | undefined {
    this.#startedAt = now
    const { trace } = this.#handler.setup
    if (trace === undefined) return this.#run()
    this.#span = new GuardedSpan(trace, this.item, (thrown) =>
      this.logFault('error', { failure: failureOf(thrown) }, 'tracing has failed; the attempt goes on without it'),
    )
    const outcome = this.#span.run(() => this.#run())
    if (outcome !== undefined) this.#span.end(outcome)
    return outcome
  }

  #run(): Outcome | undefined {
    try {
      const outcome = this.#tryToRun()
      this.#isOver = outcome !== undefined
      return outcome
    } catch (thrown) {
      this.#isOver = true
      return failed(failureOf(thrown))
    }
  }

  #tryToRun(): Outcome | undefined {
    if (this.#abortReason !== undefined) return interrupted(this.#abortReason.message)
    const { runBatch } = this.#handler.setup.definition
    return runBatch === undefined ? this.#runOne() : this.#runBatch(runBatch)
  }

  #runOne(): Outcome | undefined {
    const checked = this.#check(this.record, this.number)
    if (checked instanceof DecodedRecord) return this.#call(this.#handler.setup.definition.run, checked)
    if (checked instanceof UnreadyValue) return notReady([checked])
    return checked === 'filtered' ? filtered : failed(checked)
  }

  #check(raw: KafkaRecord, number: number): Checked {
    try {
      return checkRecord(this.#handler, raw, number)
    } catch (thrown) {
      return this.#failureBy(thrown, number)
    }
  }

  #runBatch(run: BatchFunction<unknown>): Outcome | undefined {
    const { records, attempts } = this.item
    const numberOf = (index: number) => attempts[index] ?? 1
    const checked = records.map((raw, index) => this.#check(raw, numberOf(index)))
    // None of them runs: those behind one in its key must not run before it.
    if (checked.some((each) => each instanceof UnreadyValue)) return notReady(checked)
    this.#batch = new HandlerBatch(
      checked.flatMap((each) => (each instanceof UnreadyValue ? [] : [each])),
      (error, index) => this.#failureBy(error, numberOf(index)),
      ({ offset }, error) => this.#refuse('batch.fail()', this.#lateFailure(offset, error)),
    )
    return this.#batch.size === 0 ? this.#batch.outcome() : this.#call(run, this.#batch)
  }

  #call<Work>(run: (work: Work, context: HandlerContext) => unknown, work: Work): Outcome | undefined {
    try {
      const context = new AttemptContext(this)
      const { attribution } = this.#handler.setup
      const returned = attribution?.hasBegun ? attribution.run(this, () => run(work, context)) : run(work, context)
      if ((typeof returned === 'object' && returned !== null) || typeof returned === 'function') {
        this.#follow(returned)
        return undefined
      }
    } catch (thrown) {
      return this.#afterPublishes(this.#failedBy(thrown))
    }
    return this.#afterPublishes(succeeded)
  }

  /** It is answered for, and its handler still runs: what it traces ends here, and nothing that it does counts any more. */
  giveUp(outcome: Outcome): void {
    this.#isOver = true
    this.#batch?.close()
    this.#span?.end(outcome)
  }

  #lateFailure(offset: number, error: unknown): object {
    const { name, message, stack } = failureOf(error)
    const record = recordPlace({ topic: this.record.topic, partition: this.record.partition, offset })
    return { record, errorName: name, errorMessage: message, stack }
  }

  /** What a handler left behind comes too late: told with its record, as nobody may look at what it throws there. */
  #refuse(verb: string, facts: object): PyrallelError {
    this.logFault(
      'error',
      { verb, ...facts },
      'a handler went on after the end of its attempt; what it did there does not count',
    )
    const message = `${verb} was called after the end of its attempt. Await what calls it before the handler returns.`
    return new PyrallelError('PYR_ATTEMPT_OVER', message)
  }

  /** It has failed by what it has left behind. */
  get stray(): Outcome | undefined {
    return this.#stray?.kind === 'failed' ? this.#stray : undefined
  }

  strayed(thrown: unknown): void {
    if (this.#isOver) {
      this.logFault(
        'error',
        { failure: failureOf(thrown) },
        'what a handler left behind has failed; its attempt is over',
      )
      return
    }
    this.#stray ??= strayed(this.#failedBy(thrown))
    this.#owner.onStray(this)
  }

  get startedAt(): number {
    return this.#startedAt ?? Number.POSITIVE_INFINITY
  }

  get place(): object {
    return {
      handler: this.#handler.setup.handlerId,
      record: recordPlace(this.record),
      recordCount: this.item.records.length,
    }
  }

  get isAborted(): boolean {
    return this.#abortReason !== undefined
  }

  /** Fires the signal. An attempt that was not started yet will not be: it is interrupted as soon as its turn comes. */
  abort(reason: DOMException): void {
    this.#abortReason ??= reason
    this.#controller?.abort(this.#abortReason)
  }

  /** Made on first use: most handlers never look at it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#isOver) this.#abortReason ??= new DOMException('the attempt is over', 'AbortError')
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  /** Whether it has asked for its log: then lines of it may be on their way. */
  get hasLogged(): boolean {
    return this.#log !== undefined
  }

  get log(): Logger {
    return this.#ownLog.ofHandler
  }

  get #ownLog(): AttemptLog {
    this.#log ??= new AttemptLog(this.#handler, this.item)
    return this.#log
  }

  /** Of a handler that was given up before. */
  logSettled(now: number): void {
    this.#ownLog.info({ afterMs: this.durationMs(now) }, 'an abandoned handler has settled')
  }

  logFault(level: 'warn' | 'error', facts: object, sentence: string): void {
    this.#ownLog.fault(level, facts, sentence)
  }

  get services(): Services {
    return this.#handler.services
  }

  /** A function that stands alone, so that a handler may take it out of its context. */
  get publish(): ContextPublish {
    this.#publishes ??= new AttemptPublishes(this.#handler.setup, this.item)
    const publishes = this.#publishes
    return (to, value, options) => {
      if (!this.#isOver) return publishes.publish(to, value, options, () => this.#ownerOf(options))
      const refused = Promise.reject(this.#refuse('publish()', { target: typeof to === 'string' ? to : to.name }))
      // It was told: nobody needs to look after it.
      refused.catch(() => {})
      return refused
    }
  }

  /** What is published without a name belongs to the call: of one record, that is the same. */
  #ownerOf(options: OutputOptions<unknown> | undefined): number | undefined {
    const of = options?.of
    if (of === undefined) return undefined
    const isOwn = placeId(of) === placeId(this.record)
    const index = this.#batch === undefined ? (isOwn ? 0 : undefined) : this.#batch.indexOf(of)
    if (index !== undefined) return this.item.records.length > 1 ? index : undefined
    const message =
      'publish() names in `of` a record that this call was not given. Name one of its own, or leave it out.'
    throw new PyrallelError('PYR_OUTPUT_OWNER', message)
  }

  /** Waits for a promise or any other thenable; an object that is neither is just a result that nobody reads. */
  #follow(returned: object): void {
    // The intrinsic `then`: it never calls back at once, never twice, and cannot have been replaced by the handler's libraries.
    Promise.prototype.then.call(
      Promise.resolve(returned),
      (result: unknown) => this.#end(this.#returned(result)),
      (thrown: unknown) => this.#end(this.#failedBy(thrown)),
    )
  }

  /**
   * It has returned. After its signal has fired, that means "done" only of a handler that never asked for the signal: `if (signal.aborted) return`
   * looks the same from here as a handler that was through, and a commit must not pass what was left undone.
   */
  #returned(result: unknown): Outcome {
    const hasAsked = this.#controller !== undefined
    if (hasAsked && this.#abortReason !== undefined) return interrupted(this.#abortReason.message)
    if (this.#batch === undefined || typeof result !== 'object' || result === null) return succeeded
    try {
      refuseReport(result)
      return succeeded
    } catch (thrown) {
      return this.#failedBy(thrown)
    }
  }

  /** What a throw means, the handler's own retry rules included. */
  #failedBy(thrown: unknown, number = this.number): Outcome {
    const { retry } = this.#handler.setup.definition.options
    return applyRetryRules(outcomeOfThrow(thrown, this.isAborted), thrown, number, retry, (rule, failure) =>
      this.logFault('error', { rule, failure }, 'a retry rule failed; the attempt counts as one without it'),
    )
  }

  /** The same of one record of a batch. */
  #failureBy(thrown: unknown, number: number): HandlerFailure {
    const outcome = this.#failedBy(thrown, number)
    return 'failure' in outcome ? outcome.failure : failureOf(thrown)
  }

  #end(outcome: Outcome): void {
    const final = this.#afterPublishes(outcome)
    if (final !== undefined) this.#over(final)
  }

  #over(outcome: Outcome): void {
    this.#isOver = true
    const final = this.#stray ?? outcome
    this.#span?.end(final)
    const { attribution } = this.#handler.setup
    if (!attribution?.hasBegun) this.#owner.onOver(this, final)
    // A publish that was not awaited may have ended it, and that is the handler's own.
    else attribution.outside(() => this.#owner.onOver(this, final))
  }

  #afterPublishes(ending: Outcome): Outcome | undefined {
    this.#batch?.close()
    const outcome = this.#batch?.outcomeOf(ending) ?? ending
    const publishes = this.#publishes
    if (publishes === undefined) return outcome
    // The record is not done before its publishes are: committed earlier, a crash would lose what was to be published.
    if (publishes.tracker.isIdle) return this.#withPublishes(publishes, outcome)
    publishes.tracker.whenIdle(() => this.#over(this.#withPublishes(publishes, outcome)))
    return undefined
  }

  #withPublishes(publishes: AttemptPublishes, outcome: Outcome): Outcome {
    const isGood = hasReturned(outcome)
    const failures = publishes.tracker.takeFailures()
    for (const error of isGood ? failures.slice(1) : failures) {
      const sentence = 'a publish failed that nobody awaited, and its attempt had its outcome already'
      this.logFault('error', { failure: failureOf(error) }, sentence)
    }
    return publishes.into(isGood && failures.length > 0 ? this.#failedBy(failures[0]) : outcome)
  }
}

/** The handler: it did not throw, and was not cut short. */
function hasReturned(outcome: Outcome): boolean {
  return outcome.kind === 'succeeded' || (outcome.kind === 'partial' && outcome.pause === undefined)
}
