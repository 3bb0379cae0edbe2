/** Reads what a registry answers. Believes nothing that is not what its interface says. Pure. */
import { PyrallelError } from '../model/errors.ts'
import { told } from './registry-faults.ts'
import type { SchemaFormat } from './schema-registry.ts'

export interface AnsweredReference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

/** As the registry says it: what it names is named only. */
export interface AnsweredSchema {
  readonly format: SchemaFormat
  readonly text: string
  readonly guid: string | null
  readonly references: readonly AnsweredReference[]
  readonly rules: readonly string[]
}

export interface AnsweredVersion extends AnsweredSchema {
  readonly subject: string
  readonly version: number
  readonly id: number
}

const formats: Readonly<Record<string, SchemaFormat>> = { AVRO: 'avro', PROTOBUF: 'protobuf', JSON: 'json-schema' }
/** Registries give ids and versions from 1 on, as signed numbers of 32 bits. */
const MAX_NUMBER = 2 ** 31 - 1
const guidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Subject, version, and schema that are not there. */
const unknownCodes: readonly unknown[] = [40_401, 40_402, 40_403]

/** The code with which a registry says that it has no such thing; `undefined` where somebody else answers, or it does not know the question. */
export function unknownCode(text: string): number | undefined {
  try {
    const answer: unknown = JSON.parse(text)
    const code = isObject(answer) ? answer.error_code : undefined
    return unknownCodes.includes(code) ? (code as number) : undefined
  } catch {
    return undefined
  }
}

/** @throws PyrallelError PYR_REGISTRY when it is none, as do those below; PYR_SCHEMA_REFUSED when it is one of another kind than the three */
export function readSchema(answer: unknown, where: string): AnsweredSchema {
  if (!isObject(answer) || typeof answer.schema !== 'string') throw noAnswer(where, 'a schema')
  const { schema: text, schemaType: type = 'AVRO', references, guid, ruleSet } = answer
  const format = typeof type === 'string' && Object.hasOwn(formats, type) ? formats[type] : undefined
  if (format === undefined) {
    const facts = `A schema in ${where} is one of ${told(String(type))}`
    throw new PyrallelError('PYR_SCHEMA_REFUSED', `${facts}. There are Avro, Protobuf and JSON Schema.`)
  }
  const named = typeof guid === 'string' ? guid.toLowerCase() : ''
  return {
    format,
    text,
    guid: guidForm.test(named) ? named : null,
    references: list(references).map((each) => readReference(each, where)),
    rules: readRules(ruleSet),
  }
}

export function readVersion(answer: unknown, where: string): AnsweredVersion {
  const schema = readSchema(answer, where)
  const { subject, version, id } = answer as Readonly<Record<string, unknown>>
  if (typeof subject !== 'string' || !isNumber(version) || !isNumber(id))
    throw noAnswer(where, 'a version of a subject')
  return { ...schema, subject, version, id }
}

export function readSubjects(answer: unknown, where: string): readonly string[] {
  if (!Array.isArray(answer)) throw noAnswer(where, 'a list of subjects')
  return answer.filter((each) => typeof each === 'string')
}

export function readPlace(answer: unknown, where: string): number {
  const version = isObject(answer) ? answer.version : undefined
  if (!isNumber(version)) throw noAnswer(where, 'a version of a subject')
  return version
}

export function readId(answer: unknown, where: string): number {
  const id = isObject(answer) ? answer.id : undefined
  if (!isNumber(id)) throw noAnswer(where, 'the id of a schema')
  return id
}

/** Older registries say only that it is not compatible. */
export function readObjections(answer: unknown, where: string): readonly string[] {
  const { is_compatible: isCompatible, messages } = isObject(answer) ? answer : {}
  if (typeof isCompatible !== 'boolean') throw noAnswer(where, 'about compatibility')
  if (isCompatible) return []
  const said = list(messages).flatMap((message) => (typeof message === 'string' ? [told(message)] : []))
  return said.length === 0 ? ['it is not compatible with the latest version'] : said
}

/** What a registry says against what it was given; empty where it says nothing. */
export function readMessage(text: string): string {
  try {
    const answer: unknown = JSON.parse(text)
    return isObject(answer) && typeof answer.message === 'string' ? told(answer.message) : ''
  } catch {
    return ''
  }
}

function readReference(reference: unknown, where: string): AnsweredReference {
  const { name, subject, version } = isObject(reference) ? reference : {}
  if (typeof name !== 'string' || typeof subject !== 'string' || !isNumber(version)) {
    throw noAnswer(where, 'a schema that names another')
  }
  return { name, subject, version }
}

/** `migrationRules`, `domainRules`, `encodingRules`, and what may come: all that is a list of rules. */
function readRules(ruleSet: unknown): readonly string[] {
  if (!isObject(ruleSet)) return []
  return Object.values(ruleSet)
    .flatMap(list)
    .flatMap((rule) => {
      const { name, disabled } = isObject(rule) ? rule : {}
      return disabled === true ? [] : [typeof name === 'string' ? told(name) : 'without a name']
    })
}

function noAnswer(where: string, what: string): PyrallelError {
  return new PyrallelError('PYR_REGISTRY', `The answer of ${where} is not ${what}. Look at registry.url.`)
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNumber(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_NUMBER
}
