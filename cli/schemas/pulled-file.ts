/** The file that holds a pulled schema: its text, and what is read back of it. Pure and deterministic: no dates, no addresses. */
import { createHash } from 'node:crypto'
import { PyrallelError } from '../../framework/model/errors.ts'
import { harmless, harmlessJson } from '../../framework/model/plain-text.ts'
import type { SubjectVersion } from '../../framework/registry/schema-registry.ts'
import { quoted } from '../codegen/render/source-text.ts'
import { avroTypes, type WrittenTypes } from './avro-types.ts'
import { jsonSchemaTypes } from './json-schema-types.ts'
import { readAvro } from './read-avro.ts'
import { constantName, pascal } from './type-text.ts'

/** Counts changes of what is written, not releases. */
const FORMAT = 1

export const registryFolder = 'generated/registry'

/** The beginning of a file: which schema it holds. */
export interface PulledFacts {
  readonly subject: string
  readonly version: number
}

/** Relative to the project. A subject may hold what a file's name may not, and dots that would lead out of the folder. */
export function pulledPath(subject: string): string {
  const name = encodeURIComponent(subject)
    .replace(/^\.+/, (dots) => '%2E'.repeat(dots.length))
    .replaceAll('*', '%2A')
  return `${registryFolder}/${name}.ts`
}

/** @throws PyrallelError PYR_SCHEMA_REFUSED for what cannot be written as types, or must not be read without its rules */
export function pulledFile(schema: SubjectVersion): string {
  const { subject, version, id, guid, format, text, references } = schema
  refuseRules(schema)
  const { root, declarations } = typesOf(schema)
  const lines = [
    `// Made by \`pyrallel schemas pull\` (format ${FORMAT}). Do not edit: pull again.`,
    `// Subject ${harmlessJson(JSON.stringify(subject))}, version ${version}`,
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

/** `undefined` for a file that was not made here. */
export function pulledFacts(content: string): PulledFacts | undefined {
  const [, name = '', version] = /^\/\/ Subject (".*"), version (\d{1,10})\r?$/m.exec(content.slice(0, 10_000)) ?? []
  try {
    const subject: unknown = JSON.parse(name)
    return typeof subject === 'string' ? { subject, version: Number(version) } : undefined
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

/** @throws PyrallelError PYR_SCHEMA_REFUSED for what cannot be written as types */
export function typesOf({ format, text, references, subject }: SubjectVersion): WrittenTypes {
  if (format === 'avro') {
    const schema = readAvro(
      text,
      references.map((reference) => reference.text),
      subject,
    )
    return avroTypes(schema, pascal(subject))
  }
  if (format === 'json-schema') return jsonSchemaTypes(text, references, subject, pascal(subject))
  throw new PyrallelError(
    'PYR_SCHEMA_REFUSED',
    `The schema of ${harmless(subject)} is one of Protobuf: those of Avro and JSON Schema can be pulled. Read its topic with a decoder of your own.`,
  )
}

function refuseRules({ subject, rules }: SubjectVersion): void {
  if (rules.length === 0) return
  throw new PyrallelError(
    'PYR_SCHEMA_REFUSED',
    `The schema of ${harmless(subject)} has rules (${rules.join(', ')}): values may be encrypted, or of another version, and only Confluent's own deserializer runs rules. Read its topic with that one.`,
  )
}
