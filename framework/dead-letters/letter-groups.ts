/** Dead letters by what is the same about them: their error. Pure. */
import type { DeadLetter } from './dead-letter.ts'

/** Failures of one kind: how many, and since when. */
export interface LetterGroup {
  readonly count: number
  readonly handler: string | null
  readonly error: string
  readonly fingerprint: string | null
  /** Milliseconds since the Unix epoch. */
  readonly first: number
  readonly last: number
}

/** Counts kinds of failures; there are few, however many records there are. */
export class LetterGroups {
  readonly #groups = new Map<string, LetterGroup>()

  add(letter: DeadLetter): void {
    const error = errorText(letter)
    const kind = letter.fingerprint ?? `${letter.handler}\n${error}`
    const { timestamp } = letter.record
    const known = this.#groups.get(kind)
    this.#groups.set(kind, {
      count: (known?.count ?? 0) + 1,
      handler: letter.handler,
      error,
      fingerprint: letter.fingerprint,
      first: Math.min(known?.first ?? timestamp, timestamp),
      last: Math.max(known?.last ?? timestamp, timestamp),
    })
  }

  /** The most frequent first. */
  all(): readonly LetterGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count || a.first - b.first)
  }
}

/** `TypeError: x is not a function` */
export function errorText({ errorName, errorMessage }: DeadLetter): string {
  const parts = [errorName, errorMessage].filter((part) => part !== null && part !== '')
  return parts.length === 0 ? 'no reason given' : parts.join(': ')
}
