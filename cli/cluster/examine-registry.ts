/** What `pyrallel doctor` says of the schema registry: whether it answers, and whether the ids that are published mean the schemas that were pulled. Changes nothing. */
import type { PulledSchema } from '../../framework/api/format.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import { harmless } from '../../framework/model/plain-text.ts'
import { plural } from '../../framework/model/plural.ts'
import type { TopicFormats } from '../../framework/publishing/topic-formats.ts'
import { isSameSchema } from '../../framework/registry/same-schema.ts'
import type { SchemaRegistry } from '../../framework/registry/schema-registry.ts'
import type { Finding } from './diagnose.ts'

type Pulled = PulledSchema<unknown>

/** Each schema once, in the order of the topics. Empty where no topic has a format. */
export function pulledSchemas(topics: readonly TopicFormats[]): readonly Pulled[] {
  const formats = topics.flatMap(({ format, keyFormat }) => [format, keyFormat]).filter(isThere)
  return [...new Map(formats.map(({ schema }) => [`${schema.id} ${schema.subject}`, schema])).values()]
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined
}

/** For a config that names none. */
export const noRegistry: Finding = {
  what: 'schema registry',
  state: 'skipped',
  detail: 'registry.url is missing: `pyrallel dev` has a registry of its own, and `start` needs a real one',
  next: 'Set registry.url, or PYRALLEL_REGISTRY_URL.',
}

/** One finding where all is well, or where nothing can be asked; else one for each schema. */
export async function examineRegistry(
  registry: SchemaRegistry,
  schemas: readonly Pulled[],
): Promise<readonly Finding[]> {
  const what = 'schema registry'
  const judged = await Promise.all(
    schemas.map(async (schema) => ({ schema, answer: await registry.byId(schema.id).catch(toError) })),
  )
  const fault = judged.map(({ answer }) => answer).find((answer) => answer instanceof Error && !isUnknown(answer))
  if (fault instanceof Error) {
    const code = fault instanceof PyrallelError ? fault.code : 'PYR_REGISTRY'
    return [{ what, state: 'ill', detail: fault.message, next: `pyrallel docs ${code}` }]
  }
  const ill = judged.flatMap(({ schema, answer }): readonly Finding[] => {
    const name = `schema ${harmless(schema.subject)}`
    const next = `Pull it from this registry: pyrallel schemas pull ${harmless(schema.subject)}. Or correct registry.url.`
    if (answer instanceof Error) {
      const detail = `${registry.url} has no schema with id ${schema.id}: what is published could be read by nobody`
      return [{ what: name, state: 'ill', detail, next }]
    }
    if (isSameSchema(schema, answer)) return []
    const detail = `id ${schema.id} is another schema at ${registry.url} than the one that was pulled: what is published would be read by it`
    return [{ what: name, state: 'ill', detail, next }]
  })
  if (ill.length > 0) return ill
  const has = `has ${plural(schemas.length, 'schema')} of the topics, under the ids that are published`
  return [{ what, state: 'well', detail: `${registry.url} answers, and ${has}` }]
}

function isUnknown(answer: Error): boolean {
  return answer instanceof PyrallelError && answer.code === 'PYR_SCHEMA_UNKNOWN'
}
