/** What the handler gets to see of its attempt: no more than its type says. */
import type { ContextPublish, HandlerContext, Services } from '../../api/handler.ts'
import type { Logger } from '../../model/logger.ts'

export class AttemptContext implements HandlerContext {
  readonly #attempt: HandlerContext

  constructor(attempt: HandlerContext) {
    this.#attempt = attempt
  }

  get log(): Logger {
    return this.#attempt.log
  }

  get signal(): AbortSignal {
    return this.#attempt.signal
  }

  get deadline(): number {
    return this.#attempt.deadline
  }

  get publish(): ContextPublish {
    return this.#attempt.publish
  }

  get services(): Services {
    return this.#attempt.services
  }
}
