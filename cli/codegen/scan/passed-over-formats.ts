/** Finds handlers that only name a topic whose values or keys have a format: by the name alone they would read them as what they are not. Pure. */
import type { FormatSchema, ScannedHandler } from './scan-result.ts'
import type { TopicConflict, TopicDeclaration } from './scan-topics.ts'

export interface NamedTopic<Place> {
  readonly topic: ScannedHandler['topic']
  readonly place: Place
}

/** @param named what handlers read by a name, and by no declaration */
export function passedOverFormats<Place>(
  named: readonly NamedTopic<Place>[],
  declared: readonly TopicDeclaration<Place>[],
): readonly TopicConflict<Place>[] {
  return named.flatMap(({ topic, place }) => {
    const own = declared.filter(({ name }) => name === topic)
    const values = own.find(({ schema }) => schema.kind === 'pulled' && !isPlainJson(schema))
    if (values !== undefined) {
      const facts = `The values of '${topic}' have a format (${values.at}), and a handler that only names the topic reads JSON`
      const fix = "Import the topic and give it to the handler, or declare one with `values: 'bytes'`."
      return { place, message: `${facts}: each record would be a dead letter.`, fix }
    }
    const keys = own.find(({ keySchema }) => keySchema !== undefined)
    if (keys === undefined) return []
    const facts = `The keys of '${topic}' have a format (${keys.at}), and a handler that only names the topic reads text`
    return {
      place,
      message: `${facts}: \`record.key\` would be the bytes as characters.`,
      fix: 'Import the topic and give it to the handler.',
    }
  })
}

/** The values stand there bare, and a header names their schema: the type checks them as well. */
function isPlainJson({ format, framing }: FormatSchema): boolean {
  return format === 'json-schema' && framing === 'header'
}
