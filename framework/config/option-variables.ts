/** Each option of the config as an environment variable: its name comes from its path, its value is read by its kind. Reads no environment itself, and of files only those that hold secrets. */
import { type TObject, type TSchema, Type } from 'typebox'
import { PyrallelError } from '../model/errors.ts'
import { suggestion } from './nearest-name.ts'
import { readSecretFile } from './secret-file.ts'

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

/**
 * What the environment says of each option; an empty variable says nothing. A value that cannot be read as the option's kind is kept as it
 * is, so that the check of all options refuses it in the same words.
 * @throws PyrallelError PYR_CONFIG_INVALID for a variable that begins like those of a section, but belongs to no option
 */
export function readVariables(
  schema: TObject,
  env: Environment,
): readonly (OptionVariable & { readonly value: unknown })[] {
  const known = optionVariables(schema)
  refuseUnknown(schema, env, known)
  return known.flatMap((each) => {
    const ofFile = fromFile(each, env)
    if (ofFile !== undefined) return [ofFile]
    const text = env[each.variable]
    return text === undefined || text === '' ? [] : [{ ...each, value: readAs(text, each.schema) }]
  })
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
  const sections = Object.entries(schema.properties).flatMap(([key, property]) =>
    Type.IsObject(property) ? [`${variableOf(key)}_`] : [],
  )
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
    if (!Number.isNaN(number)) return number
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
