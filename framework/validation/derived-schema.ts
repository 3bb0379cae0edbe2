/** Puts the schema that was derived from a topic's type to the topic, where the user wrote none. Checks nothing. */
import type { TSchema } from 'typebox'
import type { HandlerDefinition } from '../api/handler.ts'

/** A schema that the user wrote says more than a type can. */
export function withSchema(
  definition: HandlerDefinition<unknown>,
  derived: TSchema | undefined,
): HandlerDefinition<unknown> {
  if (derived === undefined || definition.topic.schema !== undefined) return definition
  return { ...definition, topic: { ...definition.topic, schema: derived } }
}
