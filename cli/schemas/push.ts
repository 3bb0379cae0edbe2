/** Asks a registry what would become of what the project's own types say of its topics. Registers nothing. */
import type { TopicDefinition } from '../../framework/api/topic.ts'
import { suggestion } from '../../framework/config/nearest-name.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import { harmless } from '../../framework/model/plain-text.ts'
import { isPatternText } from '../../framework/model/topic-pattern.ts'
import type { NewSchema, SchemaRegistry } from '../../framework/registry/schema-registry.ts'

/** `current`: the registry has it. `new`: it has no such subject. `next`: it would take it as the next version. `incompatible`: it would not. */
export type PushState = 'current' | 'new' | 'next' | 'incompatible'

export interface PlannedSchema {
  readonly topic: string
  readonly subject: string
  readonly schema: NewSchema
  readonly state: PushState
  /** Which version of the subject it is; `null` where it is none yet. */
  readonly version: number | null
  /** What the registry says against it. */
  readonly reasons: readonly string[]
}

/**
 * Asks, and registers nothing.
 * @param names of topics; none: all whose values have a type, and no format of a registry already
 * @throws PyrallelError PYR_USAGE for a topic that is none of them; and as the registry does
 */
export async function planPush(
  registry: SchemaRegistry,
  topics: readonly TopicDefinition<unknown>[],
  names: readonly string[],
): Promise<readonly PlannedSchema[]> {
  const own = new Map(topics.flatMap(ownSchema))
  const wanted = names.length > 0 ? [...new Set(names)].sort() : [...own.keys()].sort()
  return Promise.all(
    wanted.map(async (topic) => {
      const schema = own.get(topic) ?? refuse(topic, topics, [...own.keys()])
      const subject = `${topic}-value`
      return { topic, subject, schema, ...(await stateOf(registry, subject, schema)) }
    }),
  )
}

function ownSchema({ name, schema, format }: TopicDefinition<unknown>): readonly (readonly [string, NewSchema])[] {
  if (schema === undefined || format !== undefined || isPatternText(name)) return []
  return [[name, { format: 'json-schema', text: JSON.stringify(schema) }]]
}

async function stateOf(
  registry: SchemaRegistry,
  subject: string,
  schema: NewSchema,
): Promise<Pick<PlannedSchema, 'state' | 'version' | 'reasons'>> {
  const version = await registry.versionOf(subject, schema)
  if (version !== undefined) return { state: 'current', version, reasons: [] }
  const reasons = await registry.objections(subject, schema)
  if (reasons === undefined) return { state: 'new', version: null, reasons: [] }
  return { state: reasons.length === 0 ? 'next' : 'incompatible', version: null, reasons }
}

function refuse(topic: string, topics: readonly TopicDefinition<unknown>[], known: readonly string[]): never {
  const named = topics.find(({ name }) => name === topic)
  const what =
    named?.format !== undefined
      ? `The schema of ${harmless(topic)} is from the registry already: ${named.format.schema.subject}.`
      : named !== undefined
        ? `Nothing is known of the values of ${harmless(topic)}: give its topic a type, topic<Order>('${harmless(topic)}'), and run pyrallel generate.`
        : `No handler reads a topic ${harmless(topic)}, and none declares it.${suggestion(topic, known)}`
  throw new PyrallelError('PYR_USAGE', what)
}
