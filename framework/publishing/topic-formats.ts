/** What topics are written in where that is not JSON and text, and what of it counts where several say something. Writes nothing. */
import type { Format } from '../api/format.ts'
import type { TopicDefinition } from '../api/topic.ts'

/** What the values and the keys of a topic are written in, where that is not JSON and text. */
export interface TopicFormats {
  readonly format?: Format<unknown>
  readonly values?: 'bytes'
  readonly keyFormat?: Format<unknown>
}

/** A topic that is published to: its name, and what its records are written in. */
export type NamedTopic = Pick<TopicDefinition<never, string, unknown>, 'name'> & TopicFormats

/** By the names of topics, as the generator has read them. */
export type FormatTable = Readonly<Record<string, TopicFormats>>

/** What is known of a topic: by whoever reads it, and by the project. */
export type FormatsOf = (topic: string) => TopicFormats | undefined

/** Of each part, what is known, or else what more says. Nothing is made where one of the two says nothing: it is asked for every record that is published. */
export function joinFormats(known: TopicFormats | undefined, more: TopicFormats | undefined): TopicFormats | undefined {
  if (more === undefined || !saysFormats(more)) return known
  if (known === undefined) return more
  return { ...formatsIn(more), ...formatsIn(known) }
}

function saysFormats({ format, keyFormat, values }: TopicFormats): boolean {
  return format !== undefined || keyFormat !== undefined || values !== undefined
}

/** Of a topic's definition, this alone. */
function formatsIn({ format, values, keyFormat }: TopicFormats): TopicFormats {
  return {
    ...(format !== undefined && { format }),
    ...(values !== undefined && { values }),
    ...(keyFormat !== undefined && { keyFormat }),
  }
}
