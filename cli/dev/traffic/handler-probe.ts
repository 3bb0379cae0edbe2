/** Watches handlers from within: when each attempt really starts and ends, and what it publishes. Changes nothing that they do. */
import type {
  HandlerContext,
  HandlerDefinition,
  HandlerRecord,
  Publish,
  Services,
} from '../../../framework/api/handler.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import type { ResolvedHandler } from '../../../framework/runtime/runtime.ts'

export interface ProbeObserver {
  onStart(handlerId: string, record: HandlerRecord<unknown>): void
  onEnd(handlerId: string, record: HandlerRecord<unknown>, hasSucceeded: boolean): void
  /** Before it is published. */
  onPublish(handlerId: string, record: HandlerRecord<unknown>, topic: string): void
}

/** The same handler, seen by `observer`. */
export function probed(handler: ResolvedHandler, observer: ProbeObserver): ResolvedHandler {
  const { handlerId } = handler.route
  const { run } = handler.definition
  const definition: HandlerDefinition<unknown> = {
    ...handler.definition,
    run(record, context) {
      const end = (hasSucceeded: boolean) => observer.onEnd(handlerId, record, hasSucceeded)
      // The context's own promise: it is the one that is followed when the handler does not await it.
      const publish: Publish = (to, value, options) => {
        observer.onPublish(handlerId, record, typeof to === 'string' ? to : to.name)
        return context.publish(to, value, options)
      }
      observer.onStart(handlerId, record)
      let result: unknown
      try {
        result = run(record, new ProbedContext(context, publish))
      } catch (thrown) {
        end(false)
        throw thrown
      }
      if (!isThenable(result)) {
        end(true)
        return result
      }
      return Promise.resolve(result).then(
        () => end(true),
        (thrown: unknown) => {
          end(false)
          throw thrown
        },
      )
    },
  }
  const { runBatch } = handler.definition
  if (runBatch === undefined) return { ...handler, definition }
  // Starts and ends of records in a batch are not watched: those of one key run together, in the order in which they stand there.
  const probedBatch: typeof runBatch = (batch, context) => {
    const [first] = batch
    const publish: Publish = (to, value, options) => {
      if (first !== undefined) observer.onPublish(handlerId, first, typeof to === 'string' ? to : to.name)
      return context.publish(to, value, options)
    }
    return runBatch(batch, new ProbedContext(context, publish))
  }
  return { ...handler, definition: { ...definition, runBatch: probedBatch } }
}

function isThenable(value: unknown): boolean {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function'
}

/** Hands on to the real context; its log and signal are made on first use, so they are not asked for here. */
class ProbedContext implements HandlerContext {
  readonly publish: Publish
  readonly #context: HandlerContext

  constructor(context: HandlerContext, publish: Publish) {
    this.#context = context
    this.publish = publish
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
}
