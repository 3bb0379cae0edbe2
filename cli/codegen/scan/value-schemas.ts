/** Says what the values of a topic must be: by a schema that the user wrote, or by the type of the topic or the handler. */
import { type CallExpression, type Expression, Node, type ObjectLiteralExpression, type SourceFile } from 'ts-morph'
import type { PulledSchema } from '../../../framework/api/format.ts'
import { keyFormatFault, subjectFault } from '../../../framework/api/subject-rule.ts'
import type { SchemaDeriver } from '../types/derive-schema.ts'
import { readSchemaExpression } from '../types/read-schema-expression.ts'
import { property, pyrallelFunction, readString, resolve } from '../types/static-reader.ts'
import { formatOptionFault, framings, subjectRules } from './format-options.ts'
import { pulledSchemaFault, textAt } from './pulled-schema.ts'
import type { Report } from './reporter.ts'
import type { FormatSchema, PulledConstant, ValueSchema } from './scan-result.ts'
import type { RefuseName, TypeReach } from './type-reach.ts'
import { writtenValueType } from './value-type.ts'

/** As `ValueSchema`, but with a key that is named when everything has been derived. */
export type RawSchema =
  | { readonly kind: 'derived'; readonly key: string }
  | Exclude<ValueSchema, { readonly kind: 'derived' }>

export interface DeclaredTopic {
  readonly name: string
  readonly call: CallExpression
}

export class ValueSchemas {
  readonly #deriver: SchemaDeriver
  readonly #known = new Map<Node, RawSchema>()

  readonly #reach: TypeReach
  readonly #refuseSchema: RefuseName
  readonly #report: Report
  readonly #warn: Report
  readonly #importable: (source: SourceFile) => string | undefined

  /** @param importable the path of a file, relative to the project; undefined where generated files must not import it */
  constructor(
    deriver: SchemaDeriver,
    reach: TypeReach,
    refuseSchema: RefuseName,
    { report, warn }: { readonly report: Report; readonly warn: Report },
    importable: (source: SourceFile) => string | undefined,
  ) {
    this.#deriver = deriver
    this.#reach = reach
    this.#refuseSchema = refuseSchema
    this.#report = report
    this.#warn = warn
    this.#importable = importable
  }

  /** Of `topic('name', options)`. */
  ofTopic({ call, name }: DeclaredTopic): RawSchema {
    return this.#of(call, call.getArguments()[1], name)
  }

  /** Of its keys; `undefined` where they are text. */
  ofKeys({ call, name }: DeclaredTopic): FormatSchema | undefined {
    const format = formatOf(call.getArguments()[1], 'keyFormat')
    return format === undefined ? undefined : this.#pulled(format, name, 'key')
  }

  /** Of `handler(topic, [options], run)`: its own where the topic is only a name, or where it has a `schema`. */
  ofHandler(call: CallExpression, topic: string): RawSchema {
    const [first, second, third] = call.getArguments()
    const options = third === undefined ? undefined : second
    const declared = Node.isExpression(first) ? (declaredTopic(first) ?? matchedTopics(first)) : undefined
    if (declared === undefined) return this.#of(call, options, topic)
    const schema = explicitSchema(options)?.schema ?? this.ofTopic({ ...declared, name: topic })
    // A pattern has no type of its own unless it says so; the handler may.
    return schema.kind === 'none' && !('name' in declared) ? this.#of(call, options, topic) : schema
  }

  /** Of one of `handler([orders, 'payments'], ...)`: of what is only a name, nothing is known. */
  ofListed(topic: Expression): RawSchema {
    const declared = declaredTopic(topic)
    return declared === undefined ? { kind: 'none' } : this.ofTopic(declared)
  }

  #of(call: CallExpression, options: Node | undefined, name: string): RawSchema {
    const known = this.#known.get(call)
    if (known !== undefined) return known
    const schema = this.#read(call, options, name)
    this.#known.set(call, schema)
    return schema
  }

  #read(call: CallExpression, options: Node | undefined, name: string): RawSchema {
    // Options of a handler have no format.
    if (['topic', 'topicsMatching'].includes(pyrallelFunction(call) ?? '')) this.#tellHidden(options)
    const format = formatOf(options, 'format')
    if (format !== undefined) return this.#besideSchema(format, options, name)
    if (optionAt(options, 'values') === 'bytes') return { kind: 'none' }
    const explicit = explicitSchema(options)
    if (explicit?.schema.kind === 'explicit' && explicit.schema.expression === undefined && options !== undefined) {
      // Only running the code could tell it; but not where an import leads nowhere.
      this.#reach.isImported(options.compilerNode, this.#refuseSchema)
    }
    const written = writtenValueType(call)
    if (explicit !== undefined && (explicit.isCertain || written === undefined)) return explicit.schema
    if (written === undefined || !this.#reach.isWithin(written.compilerNode)) return { kind: 'none' }
    return { kind: 'derived', key: this.#deriver.root(written.compilerNode, name) }
  }

  /** The code would run with it, while generated files, and who publishes by the mere name of the topic, know nothing of it. */
  #tellHidden(options: Node | undefined): void {
    for (const { option, place, isThere } of hiddenFormats(options)) {
      const tell = isThere ? this.#report : this.#warn
      tell(
        place,
        'PYR_HANDLER_STATIC',
        `The option \`${option}\` of the topic ${isThere ? 'is' : 'may be'} computed at run time here, but it must be readable without running code: \`send\`, and \`publish\` by the name of the topic, write JSON and text else.`,
        `Write \`${option}\` below it, in so many words: \`${option}: avro(...)\` with the constant that \`pyrallel schemas pull\` has written.${isThere ? '' : ' Where there is none, leave it as it is.'}`,
      )
    }
  }

  #besideSchema(format: WrittenFormat, options: Node | undefined, topic: string): RawSchema {
    if (explicitSchema(options)?.isCertain === true) {
      this.#report(
        format.place,
        'PYR_TOPIC_TYPE',
        'The topic has a schema and a format. The registry has the schema of a format: with two, nobody knows which is true.',
        'Remove `schema`.',
      )
    }
    return this.#pulled(format, topic, 'value')
  }

  /** The constant is a file's, which `schemas pull` has written: it is read where it stands. */
  #pulled({ place, value }: WrittenFormat, topic: string, part: 'value' | 'key'): FormatSchema {
    const called = Node.isCallExpression(value) ? formats.get(pyrallelFunction(value) ?? '') : undefined
    const [argument, written] = called !== undefined && Node.isCallExpression(value) ? value.getArguments() : []
    const constant = Node.isExpression(argument) ? resolve(argument) : undefined
    if (called !== undefined && constant !== undefined && Node.isObjectLiteralExpression(constant)) {
      this.#refuseSchemaOf(constant, called, place, part)
      const fault = formatFaultOf(topic, part, constant, written)
      if (fault !== undefined) this.#report(place, 'PYR_TOPIC_TYPE', ...fault)
      const unread = unreadOption(written)
      if (unread !== undefined) {
        const message =
          'The options of the format are computed at run time, but they must be readable without running code.'
        this.#report(unread, 'PYR_HANDLER_STATIC', message, 'Write `framing`, `subjects` and `tombstones` as literals.')
      }
      const wrong = unread === undefined ? formatOptionFault(written, constant) : undefined
      if (wrong !== undefined) this.#report(wrong.place, wrong.code, wrong.message, wrong.fix)
      return pulledBy(constant, called, written, this.#constant(constant, place, part))
    }
    const [option, example] = part === 'key' ? ['keyFormat', 'ordersKey'] : ['format', 'ordersValue']
    this.#report(
      place,
      'PYR_HANDLER_STATIC',
      'The format is computed at run time, but it must be readable without running code.',
      `Write \`${option}: avro(${example})\`, \`jsonSchema(${example})\` or \`protobuf(${example})\`, with the constant that \`pyrallel schemas pull\` has written to generated/registry.`,
    )
    return { kind: 'pulled', format: 'avro', framing: 'id', subject: null, fingerprint: null }
  }

  #refuseSchemaOf(
    schema: ObjectLiteralExpression,
    called: PulledSchema<unknown>['format'],
    place: Node,
    part: 'value' | 'key',
  ): void {
    const fault = pulledSchemaFault(schema, called)
    if (fault === undefined) return
    const file = this.#importable(schema.getSourceFile())
    const at =
      file === undefined ? '' : ` (${file}:${(property(schema, 'text')?.value ?? schema).getStartLineNumber()})`
    this.#report(place, 'PYR_SCHEMA_REFUSED', `The ${part}s of the topic ${fault.what}${at}.`, fault.next)
  }

  #constant(schema: ObjectLiteralExpression, place: Node, part: 'value' | 'key'): PulledConstant | undefined {
    const declaration = schema.getFirstAncestor(Node.isVariableDeclaration)
    const statement = declaration?.getVariableStatement()
    const file = this.#importable(schema.getSourceFile())
    const isItself = declaration?.getInitializer()?.getStart() === schema.getStart()
    if (isItself && statement?.hasExportKeyword() === true && file !== undefined) {
      return { file, name: declaration?.getName() ?? '' }
    }
    this.#report(
      place,
      'PYR_HANDLER_STATIC',
      `The schema of the ${part}s is no exported constant of a file without a handler, and generated files import it.`,
      'Import the constant that `pyrallel schemas pull` has written to generated/registry, or export yours from a file of its own.',
    )
    return undefined
  }
}

interface WrittenFormat {
  readonly place: Node
  readonly value: Expression | undefined
}

/** Whether what a handler reads is told by a text, and declared nowhere. */
export function isOnlyName(topic: Node): boolean {
  return Node.isExpression(topic) && declaredTopic(topic) === undefined && matchedTopics(topic) === undefined
}

/** What a topic says of its format; `undefined` where it says nothing. */
function formatOf(options: Node | undefined, option: 'format' | 'keyFormat'): WrittenFormat | undefined {
  const object = Node.isExpression(options) ? resolve(options) : undefined
  if (object === undefined || !Node.isObjectLiteralExpression(object)) return undefined
  const found = property(object, option)
  // What a spread hides has been told.
  return found?.value === undefined ? undefined : { place: found.value, value: resolve(found.value) }
}

interface HiddenFormat {
  readonly option: 'format' | 'keyFormat'
  readonly place: Node
  /** Its type says so. Otherwise nothing is known of that. */
  readonly isThere: boolean
}

/** What stands in a spread, or in options, that cannot be read without running code. */
function hiddenFormats(options: Node | undefined): readonly HiddenFormat[] {
  if (!Node.isExpression(options)) return []
  const object = resolve(options)
  return (['format', 'keyFormat'] as const).flatMap((option) => {
    const isLiteral = Node.isObjectLiteralExpression(object)
    const place = isLiteral ? property(object, option)?.opaque : options
    if (place === undefined || (isLiteral && property(object, option)?.value !== undefined)) return []
    const holder = Node.isSpreadAssignment(place) ? place.getExpression() : place
    // A getter or a method of this name.
    if (isLiteral && !Node.isSpreadAssignment(place)) return [{ option, place, isThere: !hasComputedName(place) }]
    const type = holder.getType()
    if (type.isAny() || type.isUnknown()) return [{ option, place, isThere: false }]
    const kinds = type.isUnion() ? type.getUnionTypes() : [type]
    return kinds.some((each) => each.getProperty(option) !== undefined) ? [{ option, place, isThere: true }] : []
  })
}

function hasComputedName(member: Node): boolean {
  return Node.isPropertyAssignment(member) && Node.isComputedPropertyName(member.getNameNode())
}

/** By the functions that make a format of a constant. */
const formats: ReadonlyMap<string, PulledSchema<unknown>['format']> = new Map([
  ['avro', 'avro'],
  ['jsonSchema', 'json-schema'],
  ['protobuf', 'protobuf'],
])

/** Message and next step. */
function formatFaultOf(
  topic: string,
  part: 'value' | 'key',
  schema: ObjectLiteralExpression,
  options: Node | undefined,
): readonly [message: string, fix: string] | undefined {
  const [subject, text] = [textAt(schema, 'subject'), textAt(schema, 'text')]
  if (subject === undefined || text === undefined) return undefined
  const subjects = subjectRules.find((each) => each === optionAt(options, 'subjects'))
  const message = textAt(schema, 'message')
  const of = { subject, text, ...(message !== undefined && { message }) }
  const rule = { schema: of, ...(subjects !== undefined && { subjects }) }
  const fault =
    part === 'key' ? keyFormatFault(topic, { ...rule, tombstones: hasTombstones(options) }) : subjectFault(topic, rule)
  return fault === undefined ? undefined : [fault.what, fault.next]
}

/** What of the options of a format is not written in so many words. */
function unreadOption(options: Node | undefined): Node | undefined {
  if (!Node.isExpression(options)) return undefined
  const object = resolve(options)
  if (!Node.isObjectLiteralExpression(object)) return options
  for (const name of ['framing', 'subjects', 'tombstones']) {
    const found = property(object, name)
    if (found === undefined) continue
    const { value, opaque } = found
    if (value === undefined || opaque !== undefined) return opaque ?? options
    const literal = resolve(value)
    const isRead = name === 'tombstones' ? isBoolean(literal) : readString(value) !== undefined
    if (!isRead) return value
  }
  return undefined
}

function isBoolean(value: Expression | undefined): boolean {
  return Node.isTrueLiteral(value) || Node.isFalseLiteral(value)
}

/** Whether a topic is declared with `values: 'bytes'`. */
export function areBytes({ call }: DeclaredTopic): boolean {
  return optionAt(call.getArguments()[1], 'values') === 'bytes'
}

function hasTombstones(options: Node | undefined): boolean {
  const object = Node.isExpression(options) ? resolve(options) : undefined
  const value = Node.isObjectLiteralExpression(object) ? property(object, 'tombstones')?.value : undefined
  return value !== undefined && Node.isTrueLiteral(resolve(value))
}

function optionAt(options: Node | undefined, name: string): string | undefined {
  const object = Node.isExpression(options) ? resolve(options) : undefined
  return Node.isObjectLiteralExpression(object) ? textAt(object, name) : undefined
}

function pulledBy(
  schema: ObjectLiteralExpression,
  format: PulledSchema<unknown>['format'],
  options: Node | undefined,
  constant: PulledConstant | undefined,
): FormatSchema {
  const [subject = null, fingerprint = null] = ['subject', 'fingerprint'].map((name) => textAt(schema, name))
  const framing = framings.find((each) => each === optionAt(options, 'framing')) ?? 'id'
  const subjects = subjectRules.find((each) => each === optionAt(options, 'subjects'))
  const [text, message] = ['text', 'message'].map((name) => textAt(schema, name))
  const isProtobuf = format === 'protobuf' && text !== undefined && message !== undefined
  return {
    kind: 'pulled',
    format,
    framing,
    subject,
    fingerprint,
    ...(subjects !== undefined && { subjects }),
    ...(hasTombstones(options) && { tombstones: true as const }),
    ...(isProtobuf && { protobuf: { text, message } }),
    ...(constant !== undefined && { constant }),
  }
}

interface Explicit {
  readonly schema: RawSchema
  /** False where a spread may hold a schema, or not. */
  readonly isCertain: boolean
}

function explicitSchema(options: Node | undefined): Explicit | undefined {
  if (!Node.isExpression(options)) return undefined
  const object = resolve(options)
  const unknown: Explicit = { schema: { kind: 'explicit', expression: undefined }, isCertain: false }
  if (object === undefined || !Node.isObjectLiteralExpression(object)) return unknown
  const found = property(object, 'schema')
  if (found === undefined) return undefined
  if (found.value === undefined) return unknown
  return { schema: { kind: 'explicit', expression: readSchemaExpression(found.value) }, isCertain: true }
}

/** The `topic('name')` that an expression stands for; `undefined` for anything else. */
export function declaredTopic(expression: Expression): DeclaredTopic | undefined {
  const call = resolve(expression)
  if (!Node.isCallExpression(call) || pyrallelFunction(call) !== 'topic') return undefined
  const [first] = call.getArguments()
  const name = Node.isExpression(first) ? readString(first) : undefined
  return name === undefined ? undefined : { name, call }
}

/** The `topicsMatching(/.../)` that an expression stands for; `undefined` for anything else. */
export function matchedTopics(
  expression: Expression,
): { readonly call: CallExpression; readonly pattern: string | undefined } | undefined {
  const call = resolve(expression)
  if (!Node.isCallExpression(call) || pyrallelFunction(call) !== 'topicsMatching') return undefined
  const [first] = call.getArguments()
  const literal = Node.isExpression(first) ? resolve(first) : undefined
  return { call, pattern: Node.isRegularExpressionLiteral(literal) ? literal.getText() : undefined }
}
