/** Compares the files of pulled schemas with what their registry has now. Writes nothing. */
import { checkFit } from '../../framework/formats/protobuf/protobuf-fit.ts'
import { loadCodec } from '../../framework/formats/value-codec.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import type { SchemaRegistry, SubjectVersion } from '../../framework/registry/schema-registry.ts'
import { unreadable } from './avro-reading.ts'
import { protobufMessage, protobufMessages } from './protobuf-message.ts'
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
      const { version = 0, message } = pulledFacts(content) ?? {}
      const [pulled, latest] = await Promise.all([
        known(registry.version(subject, version)),
        known(registry.latest(subject)),
      ])
      if (pulled !== undefined) await loadCodec(pulled)
      const judged = judge({ subject, content, message, pulled, latest })
      return { subject, version, latest: latest?.version ?? null, ...judged }
    }),
  )
}

interface Compared {
  readonly subject: string
  readonly content: string
  /** Of Protobuf: which message the values are, by the file. */
  readonly message: string | undefined
  readonly pulled: SubjectVersion | undefined
  readonly latest: SubjectVersion | undefined
}

function judge(compared: Compared): Pick<CheckedSchema, 'state' | 'reasons'> {
  const { subject, content, message, pulled, latest } = compared
  if (pulled === undefined || latest === undefined) return { state: 'gone', reasons: [] }
  if (pulledAgain({ ...pulled, subject }, message) !== content) return { state: 'changed', reasons: [] }
  if (latest.version === pulled.version) return { state: 'current', reasons: [] }
  const reasons = whyUnread(pulled, latest, message)
  return { state: reasons.length === 0 ? 'compatible' : 'incompatible', reasons: reasons.slice(0, MAX_REASONS) }
}

/** `undefined` where the file names a message that its schema does not have. */
function pulledAgain(schema: SubjectVersion, message: string | undefined): string | undefined {
  try {
    return pulledFile(schema, message)
  } catch (thrown) {
    if (thrown instanceof PyrallelError && thrown.code === 'PYR_USAGE') return undefined
    throw thrown
  }
}

/** The registry answers by the level that it was given, which is none by default: the schemas themselves are compared. */
function whyUnread(pulled: SubjectVersion, latest: SubjectVersion, message: string | undefined): readonly string[] {
  if (latest.format !== pulled.format) return [`it is ${latest.format} now, and not ${pulled.format}`]
  if (latest.rules.length > 0) return [`it has rules now: ${latest.rules.join(', ')}`]
  if (latest.format === 'protobuf') return protobufReasons(pulled, latest, message)
  if (latest.format === 'json-schema') {
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

/** As values are judged when they are read. */
function protobufReasons(
  pulled: SubjectVersion,
  latest: SubjectVersion,
  message: string | undefined,
): readonly string[] {
  const own = protobufMessage(pulled, message)
  const written = protobufMessages(latest).find(({ typeName }) => typeName === own.typeName)
  if (written === undefined) return [`it has no message ${own.typeName} any more`]
  try {
    checkFit(written, own)
    return []
  } catch (thrown) {
    return [toError(thrown).message]
  }
}
