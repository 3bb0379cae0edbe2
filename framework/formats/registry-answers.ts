/** Says what a registry's answer means for a value: it can be read, it never can, or nobody knows yet. */
import { PyrallelError, toError } from '../model/errors.ts'
import type { RegisteredSchema, SchemaRegistry } from '../registry/schema-registry.ts'
import type { Clock } from '../time/clock.ts'
import type { AskSchema, SchemaAnswer } from './known-schemas.ts'
import { namedText } from './named-text.ts'
import { refText } from './value-frame.ts'

/** A follower of a registry may not have heard of a schema yet that a leader has given out. Milliseconds. */
const UNKNOWN_MS = 30_000
/** Ids that were made up by bytes that are none: only so many are remembered. */
const MOST_UNKNOWN = 1_000

/** What dead letters are told apart by. */
export const UNKNOWN_SCHEMA = 'UnknownSchema'
export const SCHEMA_WITH_RULES = 'SchemaWithRules'
export const SCHEMA_MISMATCH = 'SchemaMismatch'

export function askRegistry(registry: SchemaRegistry, clock: Clock): AskSchema {
  /** Since when a schema is not there; the latest to come stands last. Milliseconds since the Unix epoch. */
  const unknownSince = new Map<string, number>()
  return async (ref) => {
    const key = refText(ref)
    try {
      const schema = 'id' in ref ? await registry.byId(ref.id) : await registry.byGuid(ref.guid)
      unknownSince.delete(key)
      return answerOf(schema, key)
    } catch (thrown) {
      const error = toError(thrown)
      const code = error instanceof PyrallelError ? error.code : undefined
      if (code === 'PYR_SCHEMA_REFUSED') return { kind: 'refused', name: SCHEMA_MISMATCH, why: error.message }
      if (code === 'PYR_REGISTRY_REFUSED') return { kind: 'unanswered', why: error.message, isShut: true }
      if (code !== 'PYR_SCHEMA_UNKNOWN') return { kind: 'unanswered', why: error.message }
      return unknown(error.message, sinceOf(unknownSince, key, clock.now()), clock.now())
    }
  }
}

function sinceOf(unknownSince: Map<string, number>, key: string, now: number): number {
  const since = unknownSince.get(key) ?? now
  unknownSince.set(key, since)
  for (const oldest of unknownSince.keys()) {
    if (unknownSince.size <= MOST_UNKNOWN) break
    unknownSince.delete(oldest)
  }
  return since
}

function unknown(message: string, since: number, now: number): SchemaAnswer {
  if (now - since >= UNKNOWN_MS) return { kind: 'refused', name: UNKNOWN_SCHEMA, why: message }
  return { kind: 'unanswered', why: `${message} It is asked again for ${UNKNOWN_MS / 1_000} s.` }
}

/** What rules have made of a value (encrypted fields, another version) is not what its schema says. */
function answerOf({ format, text, references, rules }: RegisteredSchema, key: string): SchemaAnswer {
  if (rules.length > 0) {
    const why = `the schema with ${key} has rules (${rules.join(', ')}), which are not applied here: fields may be encrypted, or of another version`
    return { kind: 'refused', name: SCHEMA_WITH_RULES, why }
  }
  return { kind: 'found', schema: { format, text, references: references.map(namedText) } }
}
