/** A handler's context that somebody watches: the same to the handler, and each publish is told of before it begins. */
import type { ContextPublish, HandlerContext } from '../../api/handler.ts'
import type { NamedTopic } from '../../publishing/topic-formats.ts'
import { AttemptContext } from './attempt-context.ts'

export class WatchedContext extends AttemptContext {
  readonly #publish: ContextPublish

  /** @param onPublish with a topic, or the mere name of one; what it throws, the handler's call throws, and nothing is published */
  constructor(context: HandlerContext, onPublish: (to: NamedTopic | string) => void) {
    super(context)
    // The context's own promise: it is the one that is followed when the handler does not await it.
    this.#publish = (to, value, options) => {
      onPublish(to)
      return context.publish(to, value, options)
    }
  }

  override get publish(): ContextPublish {
    return this.#publish
  }
}
