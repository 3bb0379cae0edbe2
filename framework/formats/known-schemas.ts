/** Keeps the schemas that values were written with, and asks for those that are not here: each one once, and never a value's turn long. */
import type { Clock } from '../time/clock.ts'
import type { NamedText } from './named-text.ts'
import { refText, type SchemaRef } from './value-frame.ts'

/** A schema as it goes to threads. Plain data. */
export interface WriterSchema {
  readonly format: 'avro' | 'protobuf' | 'json-schema'
  readonly text: string
  /** Those that it names, and what it calls them: what is named stands before what names it. */
  readonly references: readonly NamedText[]
}

/** What is known of a schema. Plain data. */
export type SchemaAnswer =
  | { readonly kind: 'found'; readonly schema: WriterSchema }
  /** It cannot be used, and asking again would change nothing. `name` tells such dead letters apart. */
  | { readonly kind: 'refused'; readonly name: string; readonly why: string }
  /** Nobody knows yet. `isShut`: the registry has answered, and refuses who asks. */
  | { readonly kind: 'unanswered'; readonly why: string; readonly isShut?: true }

/** Never rejects. */
export type AskSchema = (ref: SchemaRef) => Promise<SchemaAnswer>

const MOST_KEPT = 1_000
/** What was not answered is not asked for again before that, however many values want it. Milliseconds. */
const PACE_MS = 250
/** The same where the registry refuses this process: each question may count towards a lock-out. Milliseconds. */
const SHUT_PACE_MS = 5_000
/** A refused schema may be there by now: it is asked for again after so long. Milliseconds. */
const REFUSED_MS = 30_000

interface Known {
  readonly answer: SchemaAnswer
  /** Asked again from then on. Milliseconds since the Unix epoch. */
  readonly askAgainAt: number
}

export class KnownSchemas {
  readonly #ask: AskSchema
  readonly #clock: Clock
  /** The one that was used last stands last. */
  readonly #known = new Map<string, Known>()
  readonly #asked = new Map<string, Promise<SchemaAnswer>>()

  constructor(ask: AskSchema, clock: Clock) {
    this.#ask = ask
    this.#clock = clock
  }

  /** What is known at this moment. What is not is asked for, so that a later call finds it. */
  find(ref: SchemaRef): SchemaAnswer {
    const key = refText(ref)
    const known = this.#current(key)
    if (known !== undefined) return known
    void this.#begin(key, ref)
    const before = this.#known.get(key)?.answer
    return before?.kind === 'unanswered'
      ? before
      : { kind: 'unanswered', why: `the schema with ${key} is being asked for` }
  }

  /** The same for who can wait. */
  async answer(ref: SchemaRef): Promise<SchemaAnswer> {
    const key = refText(ref)
    return this.#current(key) ?? this.#begin(key, ref)
  }

  #current(key: string): SchemaAnswer | undefined {
    const known = this.#known.get(key)
    if (known === undefined || this.#clock.now() >= known.askAgainAt) return undefined
    return known.answer
  }

  #begin(key: string, ref: SchemaRef): Promise<SchemaAnswer> {
    const begun = this.#asked.get(key)
    if (begun !== undefined) return begun
    const asked = this.#ask(ref).then((answer) => {
      this.#asked.delete(key)
      this.#keep(key, answer)
      return answer
    })
    this.#asked.set(key, asked)
    return asked
  }

  #keep(key: string, answer: SchemaAnswer): void {
    this.#known.delete(key)
    this.#known.set(key, { answer, askAgainAt: this.#clock.now() + pauseAfter(answer) })
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MOST_KEPT) break
      this.#known.delete(oldest)
    }
  }
}

/** Milliseconds. */
function pauseAfter(answer: SchemaAnswer): number {
  switch (answer.kind) {
    case 'found':
      return Number.POSITIVE_INFINITY
    case 'refused':
      return REFUSED_MS
    case 'unanswered':
      return answer.isShut === true ? SHUT_PACE_MS : PACE_MS
  }
}
