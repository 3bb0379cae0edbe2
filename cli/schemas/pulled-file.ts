/** The file that holds a pulled schema: its text, and what is read back of it. Pure and deterministic: no dates, no addresses. */
import { createHash } from 'node:crypto'
import { PyrallelError } from '../../framework/model/errors.ts'
import { harmless, harmlessJson } from '../../framework/model/plain-text.ts'
import type { SubjectVersion } from '../../framework/registry/schema-registry.ts'
import { quoted } from '../codegen/render/source-text.ts'
import { registryFolder } from '../folders/registry-folder.ts'
import { avroTypes, type WrittenTypes } from './avro-types.ts'
import { jsonSchemaTypes } from './json-schema-types.ts'
import { protobufMessage } from './protobuf-message.ts'
import { protobufTypes } from './protobuf-types.ts'
import { readAvro } from './read-avro.ts'
import { constantName, pascal } from './type-text.ts'

/** Counts changes of what is written, not releases. */
const FORMAT = 1

/** The beginning of a file: which schema it holds. */
export interface PulledFacts {
  readonly subject: string
  readonly version: number
  /** Of Protobuf: which of its messages the values are. */
  readonly message?: string
}

/** Relative to the project. A subject may hold what a file's name may not, and dots that would lead out of the folder. */
export function pulledPath(subject: string): string {
  const name = encodeURIComponent(subject)
    .replace(/^\.+/, (dots) => '%2E'.repeat(dots.length))
    .replaceAll('*', '%2A')
  return `${registryFolder}/${name}.ts`
}

/**
 * Of Protobuf: wait for `loadProtobuf` first.
 * @param wanted full name of the message that the values are; without it, the first
 * @throws PyrallelError PYR_SCHEMA_REFUSED for what cannot be written as types, or must not be read without its rules; PYR_USAGE for a message that it does not have
 */
export function pulledFile(schema: SubjectVersion, wanted?: string): string {
  const { subject, version, id, guid, format, text, references } = schema
  refuseRules(schema)
  const message = messageName(schema, wanted)
  const { root, declarations } = typesOf(schema, message)
  const lines = [
    `// Made by \`pyrallel schemas pull\` (format ${FORMAT}). Do not edit: pull again.`,
    `// Subject ${harmlessJson(JSON.stringify(subject))}, version ${version}${message === undefined ? '' : `, message ${message}`}`,
    "import type { PulledSchema } from 'pyrallel'",
    '',
    ...declarations,
    `export const ${constantName(subject)}: PulledSchema<${root}> = {`,
    "  kind: 'pyrallel.schema',",
    `  format: ${quoted(format)},`,
    `  subject: ${quoted(subject)},`,
    `  id: ${id},`,
    `  guid: ${guid === null ? 'null' : quoted(guid)},`,
    `  fingerprint: ${quoted(fingerprint(schema))},`,
    `  text: ${quoted(text)},`,
    ...(message === undefined ? [] : [`  message: ${quoted(message)},`]),
    ...(references.length === 0
      ? []
      : [
          '  references: [',
          ...references.flatMap((reference) => [
            '    {',
            `      name: ${quoted(reference.name)},`,
            `      subject: ${quoted(reference.subject)},`,
            `      version: ${reference.version},`,
            `      text: ${quoted(reference.text)},`,
            '    },',
          ]),
          '  ],',
        ]),
    '}',
    '',
  ]
  return lines.join('\n')
}

const factsLine = /^\/\/ Subject (".*"), version (\d{1,10})(?:, message ([\w.]+))?\r?$/m

/** `undefined` for a file that was not made here. */
export function pulledFacts(content: string): PulledFacts | undefined {
  const [, name = '', version, message] = factsLine.exec(content.slice(0, 10_000)) ?? []
  try {
    const subject: unknown = JSON.parse(name)
    if (typeof subject !== 'string') return undefined
    return { subject, version: Number(version), ...(message !== undefined && { message }) }
  } catch {
    return undefined
  }
}

/** SHA-256 of the text and of those that it names. */
function fingerprint({ text, references }: SubjectVersion): string {
  const hash = createHash('sha256').update(text)
  for (const reference of references) hash.update(reference.text)
  return hash.digest('hex')
}

/** Which message of a Protobuf schema the values are; `undefined` for other formats, whose values are what their schema says. */
export function messageName(schema: SubjectVersion, wanted?: string): string | undefined {
  if (schema.format === 'protobuf') return protobufMessage(schema, wanted).typeName
  if (wanted === undefined) return undefined
  const facts = `The schema of ${harmless(schema.subject)} is one of ${formatNames[schema.format]}`
  throw new PyrallelError('PYR_USAGE', `${facts}: --message is for those of Protobuf, which have several.`)
}

const formatNames = { avro: 'Avro', protobuf: 'Protobuf', 'json-schema': 'JSON Schema' } as const

/** @throws PyrallelError PYR_SCHEMA_REFUSED for what cannot be written as types */
export function typesOf(schema: SubjectVersion, message?: string): WrittenTypes {
  const { format, text, references, subject } = schema
  switch (format) {
    case 'avro': {
      const texts = references.map((reference) => reference.text)
      return avroTypes(readAvro(text, texts, subject), pascal(subject))
    }
    case 'json-schema':
      return jsonSchemaTypes(text, references, subject, pascal(subject))
    case 'protobuf':
      return protobufTypes(protobufMessage(schema, message), constantName(subject))
  }
}

function refuseRules({ subject, rules }: SubjectVersion): void {
  if (rules.length === 0) return
  throw new PyrallelError(
    'PYR_SCHEMA_REFUSED',
    `The schema of ${harmless(subject)} has rules (${rules.join(', ')}): values may be encrypted, or of another version, and only Confluent's own deserializer runs rules. Read its topic with that one: topic(name, { values: 'bytes' }).`,
  )
}
