/** Remembers the keys of one partition whose records were given up one after the other, and for how long the next ones are not worth trying. */
import type { PoisonSettings } from '../../model/settings.ts'
import type { HandlerFailure } from '../../model/work.ts'

interface Breaker {
  readonly id: number
  givenUp: number
  openUntil: number
}

/** The oldest are forgotten beyond either: a failure of all keys must not take all memory, and a key may be as large as a record. */
const MAX_KEYS = 10_000
const MAX_BYTES = 1_048_576

/**
 * closed --`threshold` records given up in a row--> open --`cooldownMs`--> half open --success--> closed
 *                                                    ^                        |
 *                                                    +-----given up----------+
 */
/** Ids are unique in the process: whoever closes one names it by that, and never means another assignment's. */
let lastId = 0

/** A breaker that is open. */
export interface OpenKey {
  readonly id: number
  readonly key: Buffer
  readonly givenUp: number
  readonly until: number
}

export class KeyBreakers {
  readonly #breakers = new Map<string, Breaker>()
  /** Of all names. */
  #bytes = 0

  /** Whether a record of this key should not run now. */
  isOpen(key: Buffer | null, now: number): boolean {
    return key !== null && this.#breakers.size > 0 && (this.#breakers.get(nameOf(key))?.openUntil ?? 0) > now
  }

  /** @returns whether the breaker is open from now on */
  onGivenUp(key: Buffer | null, { threshold, cooldownMs }: PoisonSettings, now: number): boolean {
    if (key === null) return false
    const name = nameOf(key)
    const breaker = this.#breakers.get(name) ?? newBreaker()
    breaker.givenUp += 1
    // Set anew, so that the map is in the order of the last failure.
    this.#forget(name)
    this.#breakers.set(name, breaker)
    this.#bytes += name.length
    for (const oldest of this.#breakers.keys()) {
      // The newest stays, however large: its record was in memory, too.
      if ((this.#breakers.size <= MAX_KEYS && this.#bytes <= MAX_BYTES) || oldest === name) break
      this.#forget(oldest)
    }
    if (breaker.givenUp < threshold) return false
    breaker.openUntil = now + cooldownMs
    return true
  }

  /** @returns whether this has closed a breaker that was open */
  onSucceeded(key: Buffer | null): boolean {
    if (key === null || this.#breakers.size === 0) return false
    const name = nameOf(key)
    const wasOpen = (this.#breakers.get(name)?.openUntil ?? 0) > 0
    this.#forget(name)
    return wasOpen
  }

  /** The open breaker of this key. */
  find(key: Buffer | null, now: number): OpenKey | undefined {
    if (key === null || this.#breakers.size === 0) return undefined
    const breaker = this.#breakers.get(nameOf(key))
    return breaker === undefined || breaker.openUntil <= now ? undefined : shown(nameOf(key), breaker)
  }

  /** Those that are open, the last one to fail first. */
  list(now: number, most: number): readonly OpenKey[] {
    const open = [...this.#breakers].filter(([, { openUntil }]) => openUntil > now)
    return open
      .slice(-most)
      .reverse()
      .map(([name, breaker]) => shown(name, breaker))
  }

  /** @returns the key whose breaker this has closed; undefined when there is no such one that is open */
  close(id: number, now: number): Buffer | undefined {
    for (const [name, breaker] of this.#breakers) {
      if (breaker.id !== id || breaker.openUntil <= now) continue
      this.#forget(name)
      return Buffer.from(name, 'latin1')
    }
    return undefined
  }

  #forget(name: string): void {
    if (this.#breakers.delete(name)) this.#bytes -= name.length
  }

  /** Keys with an open breaker: how many, and at most `most` of them, those that failed last. */
  open(now: number, most: number): { readonly count: number; readonly keys: readonly Buffer[] } {
    let count = 0
    const names: string[] = []
    for (const [name, { openUntil }] of this.#breakers) {
      if (openUntil <= now) continue
      count += 1
      names.push(name)
      if (names.length > most) names.shift()
    }
    return { count, keys: names.map((name) => Buffer.from(name, 'latin1')) }
  }
}

function newBreaker(): Breaker {
  lastId += 1
  return { id: lastId, givenUp: 0, openUntil: 0 }
}

function shown(name: string, { id, givenUp, openUntil }: Breaker): OpenKey {
  return { id, givenUp, until: openUntil, key: Buffer.from(name, 'latin1') }
}

/** `DeadLetter` is a decision about one record, and a value that cannot be read is a fault of one: neither says anything about the next. */
export function saysSomethingOfKey({ reason }: HandlerFailure): boolean {
  return reason !== 'dead-letter' && reason !== 'undecodable' && reason !== 'invalid'
}

/** Keys are compared by their bytes: a character for each. */
function nameOf(key: Buffer): string {
  return key.toString('latin1')
}

export function poisonedFailure(threshold: number): HandlerFailure {
  return {
    reason: 'poisoned',
    name: 'PoisonedKey',
    message: `not run: ${threshold} or more records of its key in a row were given up`,
    retryable: false,
  }
}
