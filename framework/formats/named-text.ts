/** The text of a schema, and how another one names it. Plain data. */

export interface NamedText {
  /** As the schema that refers to it says: an Avro full name, the path of a `.proto` file, or a URI of JSON Schema. */
  readonly name: string
  readonly text: string
}

/** Without what else is known of it, as it goes to threads. */
export function namedText({ name, text }: NamedText): NamedText {
  return { name, text }
}
