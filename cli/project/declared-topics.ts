/** The topics that a project's handlers read and declare, with what is known of their values. */
import type { TopicDefinition } from '../../framework/api/topic.ts'
import { ownProperty } from '../../framework/model/own-property.ts'
import { loadRoutes } from './project.ts'

/** Empty outside a project, or before the first `generate`. */
export async function declaredTopics(root: string): Promise<readonly TopicDefinition<unknown>[]> {
  const routes = (await loadRoutes(root)) ?? []
  const derived = routes[0]?.topicSchemas ?? {}
  const declared = new Set(routes.map(({ handler }) => handler))
  const topics = [...declared].flatMap(({ topic, topics = [topic] }): readonly TopicDefinition<unknown>[] => topics)
  const read = topics.map((topic) => {
    const schema = topic.schema ?? ownProperty(derived, topic.name)
    return schema === undefined ? topic : { ...topic, schema }
  })
  const others = Object.entries(derived).filter(([name]) => !read.some((topic) => topic.name === name))
  return [...read, ...others.map(([name, schema]) => ({ kind: 'pyrallel.topic', name, schema }) as const)]
}
