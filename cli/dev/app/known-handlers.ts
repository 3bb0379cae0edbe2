/** Tells which handlers are the same as before: such a handler stays the same object. */
import { pathToFileURL } from 'node:url'
import type { ResolvedConfig } from '../../../framework/config/config.ts'
import { ownProperty } from '../../../framework/model/own-property.ts'
import { resolveHandlers } from '../../../framework/runtime/resolve-handlers.ts'
import type { RegisteredHandler, ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import type { BundleDone } from '../../bundle/bundle-app.ts'
import { isCompiled } from '../../folders/package-root.ts'
import { outputOf } from './dev-bundle.ts'

interface KnownHandler {
  /** Its code, its options and the schemas that it uses. */
  readonly madeOf: string
  readonly handler: ResolvedHandler
}

export class KnownHandlers {
  /** By handler id and topic. */
  #known: ReadonlyMap<string, KnownHandler> = new Map()

  /** @param publishes the topics of each handler, by its id */
  resolve(
    registered: readonly RegisteredHandler[],
    bundle: BundleDone,
    config: ResolvedConfig,
    publishes: ReadonlyMap<string, readonly string[]>,
  ): readonly ResolvedHandler[] {
    const made = registered.map((entry) => withBundledThread(entry, bundle))
    const known = new Map<string, KnownHandler>()
    for (const handler of resolveHandlers(made, config)) {
      const { handlerId, topic: reads } = handler.route
      const key = `${handlerId} ${reads}`
      const { topicSchemas, topicFormats, ...rest } = handler
      // Of the schemas and formats of all topics, those that it publishes to: another topic's is nothing to it.
      const written = (publishes.get(handlerId) ?? []).map((topic) =>
        [topicSchemas, topicFormats].map((table) => ownProperty<unknown>(table, topic) ?? null),
      )
      const madeOf = JSON.stringify([outputOf(bundle, handler.file), rest, written])
      const before = this.#known.get(key)
      known.set(key, before?.madeOf === madeOf ? before : { madeOf, handler })
    }
    this.#known = known
    return [...known.values()].map(({ handler }) => handler)
  }
}

/** generated/routes.ts names the thread's entry relative to itself, which is somewhere else once it is bundled. */
function withBundledThread(entry: RegisteredHandler, bundle: BundleDone): RegisteredHandler {
  if (entry.entry === undefined) return entry
  const path = new URL(entry.entry).pathname
  const file = `generated${decodeURIComponent(path.slice(path.lastIndexOf('/workers/')))}`
  const { href } = pathToFileURL(outputOf(bundle, file))
  // The command's own sources are TypeScript: a thread reads such only when its entry's name says so.
  return { ...entry, entry: isCompiled ? href : `${href}?from-sources.ts` }
}
