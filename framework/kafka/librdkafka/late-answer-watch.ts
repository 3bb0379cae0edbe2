/**
 * Decides, after an answer of the group that came too late, when it is asked what this member has, and whether the member leaves and joins again. Knows neither
 * librdkafka nor a timer.
 *
 *     resting --late--> watching --agrees twice--> resting
 *                       watching --differs in the same way for STEADY_MS--> resting, and the member joins again
 */

/** Between two looks at the group. Milliseconds. */
export const LOOK_EVERY_MS = 8_000
/** The longest heartbeat interval that brokers allow as they come is 15 s: within one, an answer on its way has arrived. Milliseconds. */
export const STEADY_MS = 2 * LOOK_EVERY_MS
/** A member that has joined again goes on looking, and does not leave a second time before. Milliseconds. */
export const REJOIN_PAUSE_MS = 300_000
/** One could be told before the broker has read a heartbeat that it was sent while it stood still. */
const ENOUGH_AGREEMENTS = 2

/** What a look has found. */
export type Finding =
  | { readonly kind: 'agrees' }
  /** `how` is the same text as long as the difference is the same. */
  | { readonly kind: 'differs'; readonly how: string }
  /** What the member holds was changing, or nobody has answered: it says nothing. */
  | { readonly kind: 'unknown' }

export type Advice =
  | { readonly kind: 'rest' }
  | { readonly kind: 'look-again' }
  | { readonly kind: 'rejoin' }
  /** It would join again, and has done so not long ago. `isNew`: it was not said of this difference yet. */
  | { readonly kind: 'wait'; readonly delayMs: number; readonly isNew: boolean }

export class LateAnswerWatch {
  /** `undefined` while it rests. */
  #nextLookMs: number | undefined
  #agreements = 0
  #difference: { readonly how: string; readonly sinceMs: number; isTold: boolean } | undefined
  #rejoinedMs: number | undefined

  /** When the group is asked next; `undefined` while nothing is to be asked. Milliseconds since the Unix epoch. */
  get nextLookMs(): number | undefined {
    return this.#nextLookMs
  }

  /** What was seen before says nothing of what this answer has told. */
  onLateAnswer(nowMs: number): void {
    this.#forget()
    this.#nextLookMs ??= nowMs + LOOK_EVERY_MS
  }

  onLook(finding: Finding, nowMs: number): Advice {
    if (this.#nextLookMs === undefined) return { kind: 'rest' }
    this.#nextLookMs = nowMs + LOOK_EVERY_MS
    if (finding.kind === 'unknown') this.#forget()
    if (finding.kind === 'agrees') return this.#onAgrees()
    if (finding.kind === 'differs') return this.#onDiffers(finding.how, nowMs)
    return { kind: 'look-again' }
  }

  /** Until another answer comes too late. */
  rest(): void {
    this.#forget()
    this.#nextLookMs = undefined
  }

  #onAgrees(): Advice {
    this.#difference = undefined
    this.#agreements += 1
    if (this.#agreements < ENOUGH_AGREEMENTS) return { kind: 'look-again' }
    this.rest()
    return { kind: 'rest' }
  }

  #onDiffers(how: string, nowMs: number): Advice {
    this.#agreements = 0
    if (this.#difference?.how !== how) this.#difference = { how, sinceMs: nowMs, isTold: false }
    if (nowMs - this.#difference.sinceMs < STEADY_MS) return { kind: 'look-again' }
    const delayMs = this.#rejoinedMs === undefined ? 0 : this.#rejoinedMs + REJOIN_PAUSE_MS - nowMs
    if (delayMs > 0) {
      const isNew = !this.#difference.isTold
      this.#difference.isTold = true
      return { kind: 'wait', delayMs, isNew }
    }
    this.#rejoinedMs = nowMs
    this.rest()
    return { kind: 'rejoin' }
  }

  #forget(): void {
    this.#agreements = 0
    this.#difference = undefined
  }
}
