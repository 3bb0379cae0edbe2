/** Says what is wrong with the options of `avro`, `jsonSchema` and `protobuf`, as they are written. */
import { Node, type ObjectLiteralExpression } from 'ts-morph'
import { suggestion } from '../../../framework/config/nearest-name.ts'
import type { ErrorCode } from '../../../framework/model/errors.ts'
import { plainName, property, readString, resolve } from '../types/static-reader.ts'

export const subjectRules = ['topic', 'record', 'topic-record'] as const
export const framings = ['id', 'guid', 'header'] as const

export interface FormatOptionFault {
  readonly place: Node
  readonly code: ErrorCode
  readonly message: string
  readonly fix: string
}

/**
 * The first of them. What cannot be read without running code is no matter of this file.
 * @param schema the pulled constant
 */
export function formatOptionFault(
  written: Node | undefined,
  schema: ObjectLiteralExpression,
): FormatOptionFault | undefined {
  const options = Node.isExpression(written) ? resolve(written) : undefined
  if (options === undefined || !Node.isObjectLiteralExpression(options)) return undefined
  return (
    unknownName(options) ??
    unknownValue(options, 'framing', framings, 'The framing') ??
    unknownValue(options, 'subjects', subjectRules, 'The rule `subjects`') ??
    missingGuid(options, schema)
  )
}

/** An option that is passed over is taken for its default: of `tombstone: true`, every tombstone would be a dead letter. */
function unknownName(options: ObjectLiteralExpression): FormatOptionFault | undefined {
  const known = ['framing', 'subjects', 'tombstones']
  for (const member of options.getProperties()) {
    if (Node.isSpreadAssignment(member) || Node.isComputedPropertyName(member.getNameNode())) continue
    const place = member.getNameNode()
    const name = plainName(place)
    if (known.includes(name)) continue
    const fix = `${suggestion(name, known).trim()} Correct the name, or remove the option.`
    return { place, code: 'PYR_HANDLER_OPTION', message: `A format has no option \`${name}\`.`, fix }
  }
  return undefined
}

function unknownValue(
  options: ObjectLiteralExpression,
  name: string,
  values: readonly string[],
  what: string,
): FormatOptionFault | undefined {
  const place = property(options, name)?.value
  const text = place === undefined ? undefined : readString(place)
  if (place === undefined || text === undefined || values.includes(text)) return undefined
  const fix = `Write one of ${values.map((value) => `'${value}'`).join(', ')}.`
  return { place, code: 'PYR_HANDLER_OPTION', message: `${what} is '${text}', which does not exist.`, fix }
}

function missingGuid(options: ObjectLiteralExpression, schema: ObjectLiteralExpression): FormatOptionFault | undefined {
  const place = property(options, 'framing')?.value
  const framing = place === undefined ? undefined : readString(place)
  const guid = property(schema, 'guid')?.value
  if (place === undefined || framing === undefined || framing === 'id') return undefined
  if (guid === undefined || !Node.isNullLiteral(resolve(guid))) return undefined
  const message = `The framing '${framing}' writes the GUID of the schema, and the registry that it was pulled from gives none.`
  return { place, code: 'PYR_HANDLER_OPTION', message, fix: 'Leave `framing` out, and ids are written.' }
}
