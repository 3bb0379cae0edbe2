/** Says which subject the schema of a topic has, by the rules of Confluent's serializers (`subject.name.strategy`). Pure. */
import type { FormatOptions, PulledSchema } from './format.ts'

/** Each a sentence. */
export interface SubjectFault {
  readonly what: string
  readonly next: string
}

/** What is wrong with a format for the keys of a topic; `undefined` where nothing is. */
export function keyFormatFault(
  topic: string,
  format: SubjectRule & Pick<FormatOptions, 'tombstones'>,
): SubjectFault | undefined {
  if (format.tombstones !== true) return subjectFault(topic, format, 'key')
  return {
    what: `The keys of ${topic} have tombstones, and only values have these: a record without a key has null in any case.`,
    next: 'Leave tombstones out.',
  }
}

/** What is wrong with a format for a topic; `undefined` where nothing is. */
export function subjectFault(
  topic: string,
  { schema, subjects }: SubjectRule,
  part: 'value' | 'key' = 'value',
): SubjectFault | undefined {
  if (subjects === undefined) return undefined
  const record = subjects === 'topic' ? '' : recordName(schema)
  if (record === undefined) {
    const what = `The schema of ${schema.subject} has no name, and subjects: '${subjects}' asks for one.`
    return { what, next: "Take subjects: 'topic', or give the schema a name (a title, in JSON Schema)." }
  }
  const wanted = { topic: `${topic}-${part}`, record, 'topic-record': `${topic}-${record}` }[subjects]
  // A context of the registry stands in front: `:.eu:orders-value`.
  if (schema.subject.replace(/^:\.[^:]*:/, '') === wanted) return undefined
  const facts = `The ${part}s of ${topic} have the schema of ${wanted} by subjects: '${subjects}'`
  return {
    what: `${facts}, and this is the one of ${schema.subject}.`,
    next: 'Give the topic the schema of its own, or correct the rule.',
  }
}

export interface SubjectRule {
  readonly schema: Pick<PulledSchema<unknown>, 'subject' | 'text' | 'message'>
  readonly subjects?: FormatOptions['subjects']
}

/** The full name of an Avro type or of a message of Protobuf, or the title of a JSON Schema. */
function recordName({ text, message }: SubjectRule['schema']): string | undefined {
  if (message !== undefined) return message
  let schema: unknown
  try {
    schema = JSON.parse(text)
  } catch {
    return undefined
  }
  const { name, namespace, title } = (schema ?? {}) as { readonly [key in 'name' | 'namespace' | 'title']?: unknown }
  if (typeof name !== 'string') return typeof title === 'string' ? title : undefined
  return name.includes('.') || typeof namespace !== 'string' || namespace === '' ? name : `${namespace}.${name}`
}
