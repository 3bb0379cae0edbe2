/** Watches handlers from within: when each attempt really starts and ends, and what it publishes. Changes nothing that they do. */
import type { HandlerContext, HandlerDefinition, HandlerRecord } from '../../../framework/api/handler.ts'
import { WatchedContext } from '../../../framework/execution-plane/attempt/watched-context.ts'
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
  const watched = (context: HandlerContext, record: HandlerRecord<unknown> | undefined) =>
    new WatchedContext(context, (to) => {
      if (record !== undefined) observer.onPublish(handlerId, record, typeof to === 'string' ? to : to.name)
    })
  const definition: HandlerDefinition<unknown> = {
    ...handler.definition,
    run(record, context) {
      const end = (hasSucceeded: boolean) => observer.onEnd(handlerId, record, hasSucceeded)
      observer.onStart(handlerId, record)
      let result: unknown
      try {
        result = run(record, watched(context, record))
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
    return runBatch(batch, watched(context, first))
  }
  return { ...handler, definition: { ...definition, runBatch: probedBatch } }
}

function isThenable(value: unknown): boolean {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function'
}
