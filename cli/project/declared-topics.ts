/** The topics that a project's handlers read, publish to and declare, with what is known of their keys and values. */
import type { TSchema } from 'typebox'
import type { TopicDefinition } from '../../framework/api/topic.ts'
import { ownProperty } from '../../framework/model/own-property.ts'
import type { TopicFormats } from '../../framework/publishing/topic-formats.ts'
import type { RegisteredHandler, ResolvedHandler } from '../../framework/runtime/runtime.ts'
import { loadRoutes } from './project.ts'

/** What the generator has read of all topics. */
type TopicTables = Pick<RegisteredHandler, 'topicSchemas' | 'topicFormats'>

/** Empty outside a project, or before the first `generate`. */
export async function declaredTopics(root: string): Promise<readonly TopicDefinition<unknown>[]> {
  const routes = (await loadRoutes(root)) ?? []
  const declared = new Set(routes.map(({ handler }) => handler))
  const topics = [...declared].flatMap(({ topic, topics = [topic] }): readonly TopicDefinition<unknown>[] => topics)
  return withDeclared(topics, routes[0])
}

/** The same of handlers that are loaded. */
export function topicsOf(handlers: readonly ResolvedHandler[]): readonly TopicDefinition<unknown>[] {
  return withDeclared(
    handlers.map(({ definition }) => definition.topic),
    newestTables(handlers),
  )
}

/** A handler that has not changed keeps the tables that it came with; of what it publishes to, they are as new as any. */
function newestTables(handlers: readonly ResolvedHandler[]): TopicTables {
  const tables = { topicSchemas: new Map<string, TSchema>(), topicFormats: new Map<string, TopicFormats>() }
  for (const { topicSchemas = {}, topicFormats = {}, publishes = [] } of handlers) {
    for (const [name, schema] of Object.entries(topicSchemas)) {
      if (publishes.includes(name) || !tables.topicSchemas.has(name)) tables.topicSchemas.set(name, schema)
    }
    for (const [name, formats] of Object.entries(topicFormats)) {
      if (publishes.includes(name) || !tables.topicFormats.has(name)) tables.topicFormats.set(name, formats)
    }
  }
  return {
    topicSchemas: Object.fromEntries(tables.topicSchemas),
    topicFormats: Object.fromEntries(tables.topicFormats),
  }
}

/** Each once. Several handlers may read one topic, and not each of them says all of it. */
function withDeclared(
  read: readonly TopicDefinition<unknown>[],
  { topicSchemas = {}, topicFormats = {} }: TopicTables = {},
): readonly TopicDefinition<unknown>[] {
  const known = new Map<string, TopicDefinition<unknown>>()
  for (const topic of read) known.set(topic.name, { ...topic, ...known.get(topic.name) })
  for (const name of [...Object.keys(topicFormats), ...Object.keys(topicSchemas)]) {
    if (!known.has(name)) known.set(name, { kind: 'pyrallel.topic', name })
  }
  return [...known.values()].map((topic) => {
    const schema = topic.schema ?? ownProperty(topicSchemas, topic.name)
    const more = ownProperty(topicFormats, topic.name)
    // Which type its keys have is known to whoever declares it, and not here.
    return { ...more, ...topic, ...(schema !== undefined && { schema }) } as TopicDefinition<unknown>
  })
}
