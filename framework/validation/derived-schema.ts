/** Puts the schemas that were derived from topics' types to the topics, where the user wrote none. Checks nothing. */
import type { TSchema } from 'typebox'
import type { HandlerDefinition } from '../api/handler.ts'
import type { TopicDefinition } from '../api/topic.ts'

/**
 * A schema that the user wrote says more than a type can.
 * @param derivedOf of each topic that the handler reads
 */
export function withSchemas(
  definition: HandlerDefinition<unknown>,
  derivedOf: (topic: string) => TSchema | undefined,
): HandlerDefinition<unknown> {
  const { topic, topics } = definition
  const own = schemaPut(topic, derivedOf)
  if (topics === undefined) return own === topic ? definition : { ...definition, topic: own }
  return { ...definition, topic: own, topics: topics.map((each) => schemaPut(each, derivedOf)) }
}

function schemaPut(
  topic: TopicDefinition<unknown>,
  derivedOf: (topic: string) => TSchema | undefined,
): TopicDefinition<unknown> {
  const schema = topic.schema ?? derivedOf(topic.name)
  return schema === topic.schema || schema === undefined ? topic : { ...topic, schema }
}
