/** Why values that were written with one schema cannot be read with another, which a handler has. */
import { checkFit } from '../../framework/formats/protobuf/protobuf-fit.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import type { SubjectVersion } from '../../framework/registry/schema-registry.ts'
import { unreadable } from './avro-reading.ts'
import { protobufMessage, protobufMessages } from './protobuf-message.ts'
import { typesOf } from './pulled-file.ts'
import { readAvro } from './read-avro.ts'

export const MAX_REASONS = 5

/** The registry answers by the level that it was given, which is none by default: the schemas themselves are compared. */
export function whyUnread(
  pulled: SubjectVersion,
  latest: SubjectVersion,
  message: string | undefined,
): readonly string[] {
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

/** `undefined` where the registry does not have it. */
export async function ifKnown<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((thrown: unknown) => {
    if (thrown instanceof PyrallelError && thrown.code === 'PYR_SCHEMA_UNKNOWN') return undefined
    throw thrown
  })
}
