/** Schemas of writers in a thread: the main thread alone has a registry, and is asked by message, once for each schema. */
import { KnownSchemas, type SchemaAnswer } from '../../../formats/known-schemas.ts'
import type { Clock } from '../../../time/clock.ts'
import type { FromThread, SchemaReply } from './thread-messages.ts'

export class ThreadSchemas {
  readonly known: KnownSchemas
  readonly #unanswered = new Map<number, (answer: SchemaAnswer) => void>()
  #lastId = 0

  constructor(post: (message: FromThread) => void, clock: Clock) {
    this.known = new KnownSchemas(
      (ref) =>
        new Promise((resolve) => {
          this.#lastId += 1
          this.#unanswered.set(this.#lastId, resolve)
          post({ kind: 'pyrallel.schema', id: this.#lastId, ref })
        }),
      clock,
    )
  }

  settle({ id, answer }: SchemaReply): void {
    this.#unanswered.get(id)?.(answer)
    this.#unanswered.delete(id)
  }
}
