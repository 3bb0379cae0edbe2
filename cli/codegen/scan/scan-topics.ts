/** Puts together what the project says about each topic. Pure; a place is whatever the caller uses for one. */
import type { FormatSchema, ScannedHandler, ScannedTopic, ValueSchema } from './scan-result.ts'

export interface TopicDeclaration<Place> {
  readonly name: string
  readonly place: Place
  /** The place as it is told: `topics.ts:3`. */
  readonly at: string
  readonly schema: ValueSchema
  readonly areBytes: boolean
  /** Of its keys; undefined where they are text. */
  readonly keySchema: FormatSchema | undefined
}

export interface TopicConflict<Place> {
  readonly place: Place
  readonly message: string
  readonly fix: string
}

/**
 * A topic has one type: that of its `topic()`, or, where it is only named, that of the handlers that read it, when they agree. `declared` in
 * the order of files and lines: of two declarations that differ, the later one is told.
 */
export function scanTopics<Place>(
  declared: readonly TopicDeclaration<Place>[],
  handlers: readonly ScannedHandler[],
): { readonly topics: readonly ScannedTopic[]; readonly conflicts: readonly TopicConflict<Place>[] } {
  const topics = new Map<string, ValueSchema>()
  const keys = new Map<string, { readonly schema: FormatSchema | undefined; readonly at: string }>()
  /** Where the schema of a topic is from. */
  const places = new Map<string, string>()
  const conflicts: TopicConflict<Place>[] = []
  for (const { name, place, at, schema, keySchema } of declared) {
    const knownKeys = keys.get(name)
    if (knownKeys === undefined) keys.set(name, { schema: keySchema, at })
    else if (!isSame(knownKeys.schema, keySchema)) {
      conflicts.push({
        place,
        message: `The topic '${name}' is declared before (${knownKeys.at}), with other keys. Whoever publishes and whoever reads must agree on them.`,
        fix: 'Declare the topic once and import it, or give both the same `keyFormat`.',
      })
    }
    const known = topics.get(name)
    if (known === undefined || known.kind === 'none') {
      topics.set(name, schema)
      places.set(name, at)
    } else if (schema.kind !== 'none' && !isSame(known, schema)) {
      const what = known.kind === 'pulled' && schema.kind === 'pulled' ? 'format' : 'type'
      conflicts.push({
        place,
        message: `The topic '${name}' is declared before (${places.get(name)}), with another ${what}. A topic has one: whoever publishes and whoever reads must agree on it.`,
        fix: 'Declare the topic once and import it. A handler that needs less of the value still gets all of it.',
      })
    }
  }
  for (const [name, schema] of readTopics(handlers)) if (!topics.has(name)) topics.set(name, schema)
  for (const name of handlers.flatMap(({ publishes }) => publishes)) {
    if (!topics.has(name)) topics.set(name, { kind: 'none' })
  }
  const bytes = new Set(declared.filter(({ areBytes }) => areBytes).map(({ name }) => name))
  const sorted = [...topics].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    topics: sorted.map(([name, schema]) => scanned(name, schema, bytes.has(name), keys.get(name)?.schema)),
    conflicts,
  }
}

/** What handlers say of the topics that they read. Where they differ, each checks what it reads, and nothing can be said of the topic. */
function readTopics(handlers: readonly ScannedHandler[]): ReadonlyMap<string, ValueSchema> {
  const read = new Map<string, ValueSchema>()
  for (const { topic, schema } of handlers) {
    const known = read.get(topic)
    if (known === undefined) read.set(topic, schema)
    else if (!isSame(known, schema)) read.set(topic, { kind: 'none' })
  }
  return read
}

function scanned(
  name: string,
  schema: ValueSchema,
  areBytes: boolean,
  keySchema: FormatSchema | undefined,
): ScannedTopic {
  return { name, schema, ...(areBytes && { areBytes: true as const }), ...(keySchema !== undefined && { keySchema }) }
}

/** Which constant has the schema is no matter: two may have the same. */
function isSame(a: ValueSchema | undefined, b: ValueSchema | undefined): boolean {
  return JSON.stringify(withoutConstant(a)) === JSON.stringify(withoutConstant(b))
}

function withoutConstant(schema: ValueSchema | undefined): object | undefined {
  return schema?.kind === 'pulled' ? { ...schema, constant: undefined } : schema
}
