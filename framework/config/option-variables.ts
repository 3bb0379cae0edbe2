/** Each option of the config as an environment variable: its name comes from its path, its value is read by its kind. Reads no environment itself, and of files only those that hold secrets. */
import { type TObject, type TSchema, Type } from 'typebox'
import { PyrallelError } from '../model/errors.ts'
import { withoutLineEnd } from '../model/written-text.ts'
import { suggestion } from './nearest-name.ts'
import { readSecretFile } from './secret-file.ts'
import { type PassedOver, serviceOf } from './service-variables.ts'

const prefix = 'PYRALLEL_'

/** The environment, as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface OptionVariable {
  /** `PYRALLEL_LIMITS_MAX_RECORDS` */
  readonly variable: string
  /** `limits.maxRecords` */
  readonly option: string
  readonly schema: TSchema
}

/** `limits.maxRecords` is `PYRALLEL_LIMITS_MAX_RECORDS`. */
export function variableOf(option: string): string {
  return (
    prefix +
    option
      .replaceAll('.', '_')
      .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
      .toUpperCase()
  )
}

export function optionVariables(schema: TObject, path = ''): readonly OptionVariable[] {
  return Object.entries(schema.properties).flatMap(([key, property]) => {
    const option = `${path}${key}`
    if (Type.IsObject(property)) return optionVariables(property, `${option}.`)
    return [{ variable: variableOf(option), option, schema: property }]
  })
}

export interface ReadVariables {
  readonly values: readonly (OptionVariable & { readonly value: unknown })[]
  /** By Service, sorted. */
  readonly passedOver: readonly PassedOver[]
}

/**
 * What the environment says of each option; an empty variable says nothing, and the end of a line behind a value is none of it. A value that
 * cannot be read as the option's kind is kept as it is, so that the check of all options refuses it in the same words.
 * @throws PyrallelError PYR_CONFIG_INVALID for a variable that begins like those of a section, but belongs to no option
 */
export function readVariables(schema: TObject, env: Environment): ReadVariables {
  const known = optionVariables(schema)
  const services = ofServices(sectionsOf(schema), env, known)
  const own = withoutLineEnds(env, new Set(services.flatMap(({ variables }) => variables)))
  refuseUnknown(schema, own, known)
  const values = known.flatMap((each) => {
    const ofFile = fromFile(each, own)
    if (ofFile !== undefined) return [ofFile]
    const text = own[each.variable]
    return text === undefined || text === '' ? [] : [{ ...each, value: readAs(text, each.schema) }]
  })
  return { values, passedOver: services }
}

function withoutLineEnds(env: Environment, passedOver: ReadonlySet<string>): Environment {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined || !name.startsWith(prefix) || passedOver.has(name) ? [] : [[name, withoutLineEnd(value)]],
    ),
  )
}

function ofServices(
  sections: readonly string[],
  env: Environment,
  known: readonly OptionVariable[],
): readonly PassedOver[] {
  const found = new Map<string, string[]>()
  for (const [name, value = ''] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!sections.some((section) => name.startsWith(section))) continue
    const service = serviceOf(
      name,
      value,
      known.some(({ variable }) => variable === name),
    )
    if (service !== undefined) found.set(service, [...(found.get(service) ?? []), name])
  }
  return [...found].map(([service, variables]) => ({ service, variables }))
}

/** `PYRALLEL_LIMITS_` */
function sectionsOf(schema: TObject): readonly string[] {
  return Object.entries(schema.properties).flatMap(([key, property]) =>
    Type.IsObject(property) ? [`${variableOf(key)}_`] : [],
  )
}

/** A secret may stand in a file, as containers mount it. */
function fromFile(
  option: OptionVariable,
  env: Environment,
): (OptionVariable & { readonly value: unknown }) | undefined {
  const variable = fileVariable(option)
  const path = variable === undefined ? undefined : env[variable]
  if (variable === undefined || path === undefined || path === '') return undefined
  const text = env[option.variable]
  if (text !== undefined && text !== '') {
    throw new PyrallelError('PYR_CONFIG_INVALID', `${option.variable} and ${variable} are both set. Unset one of them.`)
  }
  return { ...option, variable, value: readSecretFile(variable, path) }
}

/** Of secrets only: a file can be named in its place. */
function fileVariable({ variable, schema }: OptionVariable): string | undefined {
  return (schema as { readonly secret?: boolean }).secret === true ? `${variable}_FILE` : undefined
}

function refuseUnknown(schema: TObject, env: Environment, known: readonly OptionVariable[]): void {
  const names = known.flatMap((each) => [each.variable, fileVariable(each) ?? each.variable])
  const sections = sectionsOf(schema)
  const mistakes = Object.keys(env)
    .filter((name) => !names.includes(name) && sections.some((section) => name.startsWith(section)))
    .sort()
    .map((name) => `The environment variable ${name} belongs to no option.${suggestion(name, ofSection(name, names))}`)
  if (mistakes.length > 0) throw new PyrallelError('PYR_CONFIG_INVALID', mistakes.join('\n'))
}

/** Those of the same section: the whole list would be too long to read. */
function ofSection(name: string, names: readonly string[]): readonly string[] {
  const [, section = ''] = name.slice(prefix.length - 1).split('_')
  return names.filter((each) => each.startsWith(`${prefix}${section}_`))
}

/** Numbers, booleans, lists with commas and JSON objects where the option takes such; else the text. */
function readAs(text: string, schema: TSchema): unknown {
  const variants: readonly TSchema[] = Type.IsUnion(schema) ? schema.anyOf : [schema]
  if (variants.some((each) => Type.IsNumber(each) || Type.IsInteger(each)) && text.trim() !== '') {
    const number = Number(text)
    // `Infinity` is a number to JavaScript, and none that anybody may write.
    if (Number.isFinite(number)) return number
  }
  if (variants.some(Type.IsBoolean)) {
    if (text === 'true') return true
    if (text === 'false') return false
  }
  if (variants.some(Type.IsArray)) {
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  }
  if (variants.some(Type.IsRecord)) return parsed(text)
  return text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
