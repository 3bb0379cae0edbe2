/** Finds in a Protobuf schema the message that the values of a topic are. Pure. */
import type { DescMessage } from '@bufbuild/protobuf'
import { suggestion } from '../../framework/config/nearest-name.ts'
import { allMessages, readProtoSchema } from '../../framework/formats/protobuf/proto-schema.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import { harmless } from '../../framework/model/plain-text.ts'
import type { SubjectVersion } from '../../framework/registry/schema-registry.ts'

type ProtobufText = Pick<SubjectVersion, 'subject' | 'text' | 'references'>

/**
 * Wait for `loadProtobuf` first.
 * @param name its full name, `shop.Order`; without one, the first of the file
 * @throws PyrallelError PYR_SCHEMA_REFUSED when the text cannot be read, PYR_USAGE when it has no such message
 */
export function protobufMessage(schema: ProtobufText, name?: string): DescMessage {
  const messages = protobufMessages(schema)
  const found = name === undefined ? messages[0] : messages.find(({ typeName }) => typeName === name)
  if (found !== undefined) return found
  const subject = harmless(schema.subject)
  const names = messages.map(({ typeName }) => typeName)
  if (name === undefined || names.length === 0) {
    const facts = `The schema of ${subject} defines no message, so no value can be one`
    throw new PyrallelError('PYR_SCHEMA_REFUSED', `${facts}. Pull the subject that the producers of the topic write.`)
  }
  const facts = `The schema of ${subject} has no message ${harmless(name)}.${suggestion(name, names)}`
  throw new PyrallelError('PYR_USAGE', `${facts} Name one: pyrallel schemas pull ${subject} --message <name>.`)
}

/** Those at the top of the file first. @throws PyrallelError PYR_SCHEMA_REFUSED */
export function protobufMessages({ subject, text, references }: ProtobufText): readonly DescMessage[] {
  try {
    const file = readProtoSchema(text, references)
    return [...file.messages, ...allMessages(file).filter(({ parent }) => parent !== undefined)]
  } catch (thrown) {
    const cause = toError(thrown)
    const facts = `The schema of ${harmless(subject)} cannot be used: ${cause.message}`
    throw new PyrallelError('PYR_SCHEMA_REFUSED', `${facts}.`, { cause })
  }
}
