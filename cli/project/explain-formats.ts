/** What the values and keys of topics are written in, in words and as data. Pure. */
import type { Format } from '../../framework/api/format.ts'
import { harmless } from '../../framework/model/plain-text.ts'
import type { TopicFormats } from '../../framework/publishing/topic-formats.ts'

export interface ExplainedFormats {
  readonly topic: string
  /** `bytes`: nothing reads or writes them; `null`: JSON. */
  readonly values: ExplainedFormat | 'bytes' | null
  /** `null`: text. */
  readonly keys: ExplainedFormat | null
}

export interface ExplainedFormat {
  readonly format: 'avro' | 'protobuf' | 'json-schema'
  readonly subject: string
  readonly id: number
  readonly guid: string | null
  /** Of Protobuf, where the constant names it; else `null`. */
  readonly message: string | null
  /** How what is published names its schema. */
  readonly framing: 'id' | 'guid' | 'header'
}

type NamedFormats = TopicFormats & { readonly name: string }

/** Of topics that have any, sorted by their names. */
export function explainFormats(topics: readonly NamedFormats[]): readonly ExplainedFormats[] {
  return topics
    .filter(({ format, keyFormat, values }) => format !== undefined || keyFormat !== undefined || values !== undefined)
    .map(({ name, format, keyFormat, values }) => ({
      topic: name,
      values: format === undefined ? (values ?? null) : explained(format),
      keys: keyFormat === undefined ? null : explained(keyFormat),
    }))
    .sort((a, b) => (a.topic < b.topic ? -1 : 1))
}

/** `values in Avro: orders-value, id 7; keys in Avro: orders-key, id 9`. */
export function formatsText({ values, keys }: Pick<ExplainedFormats, 'values' | 'keys'>): string {
  const said = [
    ...(values === null ? [] : [values === 'bytes' ? 'values are bytes' : `values in ${formatText(values)}`]),
    ...(keys === null ? [] : [`keys in ${formatText(keys)}`]),
  ]
  return said.join('; ')
}

function explained({ schema, framing = 'id' }: Format<unknown>): ExplainedFormat {
  const { format, subject, id, guid, message = null } = schema
  return { format, subject, id, guid, message, framing }
}

const names = { avro: 'Avro', protobuf: 'Protobuf', 'json-schema': 'JSON with a schema' } as const
const framings = { id: '', guid: ', published with its GUID', header: ', published with its GUID in a header' } as const

function formatText({ format, subject, id, message, framing }: ExplainedFormat): string {
  const of = message === null ? '' : `, message ${harmless(message)}`
  return `${names[format]}: ${harmless(subject)}, id ${id}${of}${framings[framing]}`
}
