/** Puts together what the project says about each topic. Pure; a place is whatever the caller uses for one. */
import type { FormatSchema, ScannedHandler, ScannedTopic, ValueSchema } from './scan-result.ts'

export interface TopicDeclaration<Place> {
  readonly name: string
  readonly place: Place
  readonly schema: ValueSchema
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
  const keys = new Map<string, FormatSchema | undefined>()
  const conflicts: TopicConflict<Place>[] = []
  for (const { name, place, schema, keySchema } of declared) {
    if (!keys.has(name)) keys.set(name, keySchema)
    else if (!isSame(keys.get(name), keySchema)) {
      conflicts.push({
        place,
        message: `The topic '${name}' is declared before, with other keys. Whoever publishes and whoever reads must agree on them.`,
        fix: 'Declare the topic once and import it, or give both the same `keyFormat`.',
      })
    }
    const known = topics.get(name)
    if (known === undefined || known.kind === 'none') topics.set(name, schema)
    else if (schema.kind !== 'none' && !isSame(known, schema)) {
      conflicts.push({
        place,
        message: `The topic '${name}' is declared before, with another type. A topic has one: whoever publishes and whoever reads must agree on it.`,
        fix: 'Declare the topic once and import it. A handler that needs less of the value still gets all of it.',
      })
    }
  }
  for (const [name, schema] of readTopics(handlers)) if (!topics.has(name)) topics.set(name, schema)
  for (const name of handlers.flatMap(({ publishes }) => publishes)) {
    if (!topics.has(name)) topics.set(name, { kind: 'none' })
  }
  const sorted = [...topics].sort(([a], [b]) => (a < b ? -1 : 1))
  return { topics: sorted.map(([name, schema]) => scanned(name, schema, keys.get(name))), conflicts }
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

function scanned(name: string, schema: ValueSchema, keySchema: FormatSchema | undefined): ScannedTopic {
  return keySchema === undefined ? { name, schema } : { name, schema, keySchema }
}

function isSame(a: ValueSchema | undefined, b: ValueSchema | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
