/** What a simulated handler gets as its context: the same, but that the topics which it publishes to are noted. */
import type { ContextPublish, HandlerContext, Services } from '../../api/handler.ts'
import type { Logger } from '../../model/logger.ts'
import type { NamedTopic } from './known-formats.ts'

export class NotingContext implements HandlerContext {
  readonly #context: HandlerContext
  readonly #note: (topic: NamedTopic) => void

  constructor(context: HandlerContext, note: (topic: NamedTopic) => void) {
    this.#context = context
    this.#note = note
  }

  get log(): Logger {
    return this.#context.log
  }

  get signal(): AbortSignal {
    return this.#context.signal
  }

  get deadline(): number {
    return this.#context.deadline
  }

  get services(): Services {
    return this.#context.services
  }

  /** The context's own promise: it is the one that is followed when the handler does not await it. */
  get publish(): ContextPublish {
    const { publish } = this.#context
    return (to, value, options) => {
      if (typeof to !== 'string') this.#note(to)
      return publish(to, value, options)
    }
  }
}
