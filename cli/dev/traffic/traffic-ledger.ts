/** Accounts for every record of the generated traffic: sent, and settled by each handler that reads it, or lost. Sends nothing. */
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import { LatencyHistogram } from './latency-histogram.ts'

interface Pending {
  readonly sentAt: number
  /** Handlers that have not settled it yet. */
  readonly waitingFor: Set<string>
  /** Of those, the ones that have parked it. */
  readonly parkedBy: Set<string>
}

export interface TrafficTotals {
  readonly sent: number
  /** Settled by every handler that reads them. */
  readonly done: number
  /** Nobody reads their topic, so nothing became of them. */
  readonly unread: number
  readonly lost: number
  readonly refused: number
  readonly retries: number
  /** Out of attempts and kept: neither settled nor lost. */
  readonly parked: number
  readonly deadLetters: number
  readonly dropped: number
  readonly filtered: number
  /** From the first record sent to the last one settled. */
  readonly tookMs: number
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
}

type RecordEvent = Extract<
  RuntimeEvent,
  { readonly kind: 'record.done' | 'record.retry' | 'record.parked' | 'record.dead' }
>

export class TrafficLedger {
  readonly #pending = new Map<number, Pending>()
  readonly #latency = new LatencyHistogram()
  readonly #now: () => number
  readonly #onProgress = new Set<() => void>()
  #sent = 0
  #done = 0
  #unread = 0
  #refused = 0
  #retries = 0
  #deadLetters = 0
  #dropped = 0
  #filtered = 0
  /** The first that was sent, and the last that was settled. */
  readonly #times: { firstAt?: number; lastAt: number } = { lastAt: 0 }
  /** No handler but those that have parked them is to settle them. */
  readonly #parked = new Set<number>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** @param sentAt when it was meant to be sent: a producer that falls behind must not make latencies look better */
  sent(id: number, handlers: readonly string[], sentAt: number): void {
    this.#sent++
    this.#times.firstAt ??= sentAt
    if (handlers.length === 0) this.#unread++
    else this.#pending.set(id, { sentAt, waitingFor: new Set(handlers), parkedBy: new Set() })
  }

  /** The handler is gone, or reads something else: it will settle nothing of what was sent. */
  forget(handlerId: string): void {
    for (const [id, pending] of this.#pending) {
      if (!pending.waitingFor.delete(handlerId)) continue
      this.#countParked(id, pending)
      if (pending.waitingFor.size > 0) continue
      this.#pending.delete(id)
      this.#done++
    }
    this.#progress()
  }

  /** The broker did not take it. */
  refused(id: number): void {
    this.#refused++
    this.#pending.delete(id)
    this.#progress()
  }

  /** Done as it arrived, by the handler's `accept`. */
  leftOut(id: number, handlerId: string): void {
    const pending = this.#pending.get(id)
    if (pending?.waitingFor.delete(handlerId) !== true) return
    this.#filtered++
    this.#settled(id, pending)
  }

  onEvent(id: number, event: RecordEvent): void {
    if (event.kind === 'record.retry') {
      this.#retries++
      return
    }
    const pending = this.#pending.get(id)
    if (event.kind === 'record.parked') {
      if (pending?.waitingFor.has(event.handlerId) !== true) return
      pending.parkedBy.add(event.handlerId)
      this.#countParked(id, pending)
      this.#progress()
      return
    }
    if (pending?.waitingFor.delete(event.handlerId) !== true) return
    if (event.kind === 'record.dead') {
      if (event.deadLetterTopic === null) this.#dropped++
      else this.#deadLetters++
    } else if (event.filtered) this.#filtered++
    this.#settled(id, pending)
  }

  #settled(id: number, pending: Pending): void {
    this.#times.lastAt = this.#now()
    this.#latency.record(this.#times.lastAt - pending.sentAt)
    this.#countParked(id, pending)
    if (pending.waitingFor.size === 0) {
      this.#pending.delete(id)
      this.#done++
    }
    this.#progress()
  }

  #countParked(id: number, { waitingFor, parkedBy }: Pending): void {
    const left = [...waitingFor]
    if (left.length > 0 && left.every((handlerId) => parkedBy.has(handlerId))) this.#parked.add(id)
    else this.#parked.delete(id)
  }

  /** Sent, and neither settled nor parked. */
  get outstanding(): number {
    return this.#pending.size - this.#parked.size
  }

  /** Settles at the next change of `outstanding`; never, when none comes. */
  nextProgress(): Promise<void> {
    return new Promise((resolve) => {
      this.#onProgress.add(resolve)
    })
  }

  totals(): TrafficTotals {
    return {
      sent: this.#sent,
      done: this.#done,
      unread: this.#unread,
      lost: this.outstanding,
      refused: this.#refused,
      retries: this.#retries,
      parked: this.#parked.size,
      deadLetters: this.#deadLetters,
      dropped: this.#dropped,
      filtered: this.#filtered,
      tookMs: Math.max(0, this.#times.lastAt - (this.#times.firstAt ?? this.#times.lastAt)),
      p50Ms: this.#latency.percentile(0.5),
      p99Ms: this.#latency.percentile(0.99),
    }
  }

  #progress(): void {
    const waiting = [...this.#onProgress]
    this.#onProgress.clear()
    for (const resolve of waiting) resolve()
  }
}
