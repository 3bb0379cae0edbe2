/**
 * The ids that published values and keys name: each is that of the registry that its schema was pulled from. Another registry has other schemas under the same ids, and
 * whoever reads what is written so reads nonsense. Looked at before a handler starts; nothing is asked for each record.
 */
import type { Format, PulledSchema } from '../api/format.ts'
import { PyrallelError, toError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { ownProperty } from '../model/own-property.ts'
import { joinFormats, type TopicFormats } from '../publishing/topic-formats.ts'
import { isSameSchema } from '../registry/same-schema.ts'
import type { RegisteredSchema, SchemaRegistry } from '../registry/schema-registry.ts'
import type { Clock } from '../time/clock.ts'
import { settlesWithin } from '../time/wait.ts'
import type { ResolvedHandler } from './runtime.ts'

/** A registry that hangs keeps nobody from starting for longer. Milliseconds. */
const LIMIT_MS = 5_000

export interface IdCheck {
  /** Called when there is something to ask. `undefined` where none is configured. */
  readonly registry: () => Pick<SchemaRegistry, 'url' | 'byId'> | undefined
  readonly log: Logger
  readonly clock: Clock
}

interface WrittenId {
  readonly file: string
  readonly topic: string
  readonly part: 'values' | 'keys'
  readonly schema: PulledSchema<unknown>
}

/**
 * @param handlers whose topics are looked at, as far as the generator could read what they publish to
 * @throws PyrallelError PYR_SCHEMA_REFUSED when the registry has another schema under an id, or none. While it does not answer, a line of the log says so
 */
export async function refuseForeignIds(
  handlers: readonly ResolvedHandler[],
  { registry, log, clock }: IdCheck,
): Promise<void> {
  const written = handlers.flatMap(idsOf)
  const asked = written.length === 0 ? undefined : registry()
  if (asked === undefined) return
  const answers = new Map<number, Promise<RegisteredSchema | undefined>>()
  const answerFor = (id: number) => {
    const answer = answers.get(id) ?? known(asked.byId(id))
    answers.set(id, answer)
    return answer
  }
  let why: string | undefined
  const look = async (each: WrittenId) => {
    const found = await answerFor(each.schema.id).catch((thrown: unknown) => {
      why ??= toError(thrown).message
      return null
    })
    if (found === undefined || (found !== null && !isSameSchema(found, each.schema)))
      throw refusal(each, asked.url, found)
  }
  if (!(await settlesWithin(clock, Promise.all(written.map(look)), LIMIT_MS))) why ??= 'no answer in 5 s'
  if (why !== undefined) log.warn({ why }, 'the registry has not said whether the ids that are published are its own')
}

function idsOf({ file, route, definition, publishes = [], topicFormats = {} }: ResolvedHandler): readonly WrittenId[] {
  return publishes.flatMap((topic) => {
    const read: TopicFormats | undefined = route.topic === topic ? definition.topic : undefined
    const { format, keyFormat } = joinFormats(read, ownProperty(topicFormats, topic)) ?? {}
    return [
      ...(hasId(format) ? [{ file, topic, part: 'values' as const, schema: format.schema }] : []),
      ...(hasId(keyFormat) ? [{ file, topic, part: 'keys' as const, schema: keyFormat.schema }] : []),
    ]
  })
}

function hasId(format: Format<unknown> | undefined): format is Format<unknown> {
  return format !== undefined && (format.framing ?? 'id') === 'id'
}

async function known(asked: Promise<RegisteredSchema>): Promise<RegisteredSchema | undefined> {
  return asked.catch((thrown: unknown) => {
    if (thrown instanceof PyrallelError && thrown.code === 'PYR_SCHEMA_UNKNOWN') return undefined
    throw thrown
  })
}

function refusal({ file, topic, part, schema }: WrittenId, url: string, found: unknown): PyrallelError {
  const { id, subject } = schema
  const facts = `${file} publishes ${part} of ${topic} with id ${id}, that of ${subject} where it was pulled, and ${url} has ${found === undefined ? 'no' : 'another'} schema under that id`
  const next = `Whoever reads them would read nonsense. Pull it from this registry: pyrallel schemas pull ${subject}.`
  return new PyrallelError('PYR_SCHEMA_REFUSED', `${facts}. ${next}`)
}
