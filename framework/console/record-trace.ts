/** One record that is followed: its steps, with their times. Knows no others. */
import type { KafkaRecord } from '../model/record.ts'
import type { CompletionEvent, Epoch, HandlerFailure } from '../model/work.ts'
import type { BytesView } from './protocol.ts'
import type { LiveRow, LiveStatus } from './protocol-live.ts'
import type { Timeline, TimelineAttempt } from './protocol-records.ts'

const MOST_ATTEMPTS = 10
const MOST_PUBLISHED = 20

export interface RecordTraceStart {
  readonly group: string
  readonly handlerId: string
  readonly epoch: Epoch
  readonly record: KafkaRecord
  /** As it is shown when somebody asks. */
  readonly key: () => BytesView | null
  /** Ids of the filters that it is shown by. */
  readonly shownBy: readonly string[]
  readonly now: number
}

interface Ended {
  readonly outcome: NonNullable<TimelineAttempt['outcome']>
  readonly error: string | null
}

export class RecordTrace {
  readonly group: string
  readonly handlerId: string
  readonly epoch: Epoch
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly shownBy: readonly string[]
  readonly #key: () => BytesView | null
  readonly #valueBytes: number | null
  readonly #writtenAt: number | null
  readonly #fetchedAt: number
  readonly #attempts: TimelineAttempt[] = []
  #durationMs: number | null = null
  #status: LiveStatus = 'queued'
  #times: Pick<Timeline, 'doneAt' | 'committedAt' | 'leftAt'> = { doneAt: null, committedAt: null, leftAt: null }

  constructor({ group, handlerId, epoch, record, key, shownBy, now }: RecordTraceStart) {
    this.group = group
    this.handlerId = handlerId
    this.epoch = epoch
    this.topic = record.topic
    this.partition = record.partition
    this.offset = record.offset
    this.shownBy = shownBy
    this.#key = key
    this.#valueBytes = record.value?.length ?? null
    this.#writtenAt = record.timestamp < 0 ? null : record.timestamp
    this.#fetchedAt = now
  }

  get status(): LiveStatus {
    return this.#status
  }

  start(attempt: number, now: number): void {
    this.#status = 'running'
    this.#attempts.push({ attempt, startedAt: now, endedAt: null, outcome: null, error: null, published: [] })
    if (this.#attempts.length > MOST_ATTEMPTS) this.#attempts.shift()
  }

  /** @param index which one of the item it is */
  finish({ outcome, durationMs }: CompletionEvent, index: number, isDone: boolean, now: number): void {
    const running = this.#attempts.pop()
    if (outcome.kind === 'recalled') {
      // It had not begun: no attempt.
      this.#status = 'queued'
      return
    }
    if (outcome.kind === 'not-ready') {
      this.#status = 'waiting'
      return
    }
    const ended = endOf(outcome, index)
    if (running !== undefined) this.#attempts.push({ ...running, endedAt: now, ...ended })
    this.#durationMs = durationMs
    // That it is parked has been told by now.
    if (!isDone) this.#status = this.#status === 'parked' ? 'parked' : 'waiting'
    else if (ended.outcome === 'filtered') this.end('filtered', now)
    else this.end(ended.outcome === 'succeeded' ? 'done' : 'dead', now)
  }

  /** It is out of attempts, and is kept. */
  park(): void {
    this.#status = 'parked'
  }

  end(status: 'done' | 'filtered' | 'dead', now: number): void {
    this.#status = status
    this.#times = { ...this.#times, doneAt: this.#times.doneAt ?? now }
  }

  /** What the attempt that runs has published. */
  publish(topic: string, now: number): void {
    const last = this.#attempts.pop()
    if (last === undefined) return
    const published = last.published.length < MOST_PUBLISHED ? [...last.published, { at: now, topic }] : last.published
    this.#attempts.push({ ...last, published })
  }

  commit(now: number): void {
    if (this.#times.doneAt !== null && this.#times.committedAt === null)
      this.#times = { ...this.#times, committedAt: now }
  }

  /** Its assignment has ended. @returns whether that concerns it */
  leave(now: number): boolean {
    if (this.#times.doneAt !== null || this.#times.leftAt !== null) return false
    this.#status = 'left'
    this.#times = { ...this.#times, leftAt: now }
    return true
  }

  timeline(): Timeline {
    return {
      writtenAt: this.#writtenAt,
      fetchedAt: this.#fetchedAt,
      attempts: [...this.#attempts],
      ...this.#times,
    }
  }

  row(): LiveRow {
    const { group, handlerId, epoch, topic, partition, offset, status } = this
    const last = this.#attempts.at(-1)
    return {
      group,
      handlerId,
      place: { topic, partition, offset },
      epoch,
      key: this.#key(),
      valueBytes: this.#valueBytes,
      status,
      attempt: last?.attempt ?? 0,
      fetchedAt: this.#fetchedAt,
      durationMs: this.#durationMs,
      error: this.#attempts.findLast(({ error }) => error !== null)?.error ?? null,
    }
  }
}

function endOf(
  outcome: Exclude<CompletionEvent['outcome'], { readonly kind: 'recalled' | 'not-ready' }>,
  index: number,
): Ended {
  const failed = (kind: Ended['outcome'], failure: HandlerFailure): Ended => ({ outcome: kind, error: failure.name })
  switch (outcome.kind) {
    case 'succeeded':
      return { outcome: outcome.filtered === true ? 'filtered' : 'succeeded', error: null }
    case 'partial': {
      const failure = outcome.failures.get(index)
      if (failure !== undefined) return failed('failed', failure)
      return { outcome: outcome.filtered?.has(index) === true ? 'filtered' : 'succeeded', error: null }
    }
    default:
      return failed(outcome.kind, outcome.failure)
  }
}
