/** What has happened in one simulated run: for the user's check, and to be read when that fails. Judges nothing. */
import type { HandlerRecord } from '../../api/handler.ts'
import { recordPlace } from '../../model/record.ts'

export interface SimulatedAttempt {
  /** The handler's id. */
  readonly handler: string
  /** Numbered from 1 in the order of their starts. */
  readonly process: number
  /** `orders.created[0]@4`. */
  readonly place: string
  /** A text, or what the topic's `keyFormat` says. */
  readonly key: unknown
  readonly value: unknown
  /** Which try it is. The same again, where another process goes on with what was committed before it. */
  readonly attempt: number
  /** Since the start of the run. Milliseconds. */
  readonly startedAt: number
  /** `cut`: its process was killed while it ran. Of a batch, the same for all its records. */
  readonly end: 'returned' | 'threw' | 'cut'
}

export interface HistoryLine {
  readonly atMs: number
  /** From 1 on. */
  readonly process: number
  readonly text: string
}

interface OpenAttempt extends Omit<SimulatedAttempt, 'end'> {
  end: SimulatedAttempt['end']
}

/** Attempts of one call of a handler. */
export interface OpenCall {
  readonly handlerId: string
  readonly attempts: readonly OpenAttempt[]
  readonly startedAt: number
}

export class History {
  readonly lines: HistoryLine[] = []
  readonly attempts: SimulatedAttempt[] = []
  readonly #now: () => number

  /** @param now milliseconds since the start of the run */
  constructor(now: () => number) {
    this.#now = now
  }

  get now(): number {
    return this.#now()
  }

  note(process: number, text: string): void {
    this.lines.push({ atMs: this.#now(), process, text })
  }

  begin(process: number, handlerId: string, records: readonly HandlerRecord<unknown>[]): OpenCall {
    const startedAt = this.#now()
    const attempts = records.map((record): OpenAttempt => {
      const { key, value, attempt } = record
      return { handler: handlerId, process, place: recordPlace(record), key, value, attempt, startedAt, end: 'cut' }
    })
    this.attempts.push(...attempts)
    const [{ attempt } = { attempt: 1 }] = attempts
    const times = attempt === 1 ? '' : `, attempt ${attempt}`
    this.note(process, `${handlerId} begins with ${attempts.map(({ place }) => place).join(', ')}${times}`)
    return { handlerId, attempts, startedAt }
  }

  end(process: number, { handlerId, attempts }: OpenCall, end: 'returned' | 'threw', thrown?: unknown): void {
    for (const each of attempts) each.end = end
    const why = end === 'threw' ? `: ${thrown instanceof Error ? thrown.message : String(thrown)}` : ''
    this.note(
      process,
      `${handlerId} has ${end === 'threw' ? 'thrown' : 'returned'}, with ${attempts.map(({ place }) => place).join(', ')}${why}`,
    )
  }
}
