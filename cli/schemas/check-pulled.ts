/** Compares the files of pulled schemas with what their registry has now. Writes nothing. */
import { PyrallelError } from '../../framework/model/errors.ts'
import type { SchemaRegistry, SubjectVersion } from '../../framework/registry/schema-registry.ts'
import { unreadable } from './avro-reading.ts'
import { pulledText } from './pull.ts'
import { pulledFacts, pulledFile, typesOf } from './pulled-file.ts'
import { readAvro } from './read-avro.ts'

/** `changed`: the file is not what a pull of its version writes. `gone`: the registry has not got the version, or the subject. */
export type CheckState = 'current' | 'compatible' | 'incompatible' | 'changed' | 'gone'

export interface CheckedSchema {
  readonly subject: string
  /** That of the file. */
  readonly version: number
  /** Of the registry; `null` where it has none. */
  readonly latest: number | null
  readonly state: CheckState
  /** Why values of the latest version cannot be read: at most five. */
  readonly reasons: readonly string[]
}

const MAX_REASONS = 5

/** @throws PyrallelError as the registry does, but for what it does not have */
export function checkPulled(
  registry: SchemaRegistry,
  root: string,
  subjects: readonly string[],
): Promise<readonly CheckedSchema[]> {
  return Promise.all(
    subjects.map(async (subject) => {
      const content = pulledText(root, subject) ?? ''
      const version = pulledFacts(content)?.version ?? 0
      const [pulled, latest] = await Promise.all([
        known(registry.version(subject, version)),
        known(registry.latest(subject)),
      ])
      return { subject, version, latest: latest?.version ?? null, ...judge({ subject, content, pulled, latest }) }
    }),
  )
}

interface Compared {
  readonly subject: string
  readonly content: string
  readonly pulled: SubjectVersion | undefined
  readonly latest: SubjectVersion | undefined
}

function judge({ subject, content, pulled, latest }: Compared): Pick<CheckedSchema, 'state' | 'reasons'> {
  if (pulled === undefined || latest === undefined) return { state: 'gone', reasons: [] }
  if (pulledFile({ ...pulled, subject }) !== content) return { state: 'changed', reasons: [] }
  if (latest.version === pulled.version) return { state: 'current', reasons: [] }
  const reasons = whyUnread(pulled, latest)
  return { state: reasons.length === 0 ? 'compatible' : 'incompatible', reasons: reasons.slice(0, MAX_REASONS) }
}

/** The registry answers by the level that it was given, which is none by default: the schemas themselves are compared. */
function whyUnread(pulled: SubjectVersion, latest: SubjectVersion): readonly string[] {
  if (latest.format !== pulled.format) return [`it is ${latest.format} now, and not ${pulled.format}`]
  if (latest.rules.length > 0) return [`it has rules now: ${latest.rules.join(', ')}`]
  if (latest.format !== 'avro') {
    // There are no rules by which every value of one is one of the other: the compiler judges, and the generator.
    const [was, is] = [pulled, latest].map((schema) => JSON.stringify(typesOf({ ...schema, subject: pulled.subject })))
    return was === is ? [] : ['its types are others now: pull it, compile, and generate']
  }
  const [reader, writer] = [pulled, latest].map(({ text, references, subject }) => {
    return readAvro(
      text,
      references.map((reference) => reference.text),
      subject,
    )
  })
  return reader === undefined || writer === undefined ? [] : unreadable(reader, writer)
}

async function known<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((thrown: unknown) => {
    if (thrown instanceof PyrallelError && thrown.code === 'PYR_SCHEMA_UNKNOWN') return undefined
    throw thrown
  })
}
