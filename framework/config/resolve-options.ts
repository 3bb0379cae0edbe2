/** Checks an object of options against its schema and puts the defaults in place. Knows no particular option. */

import { type TObject, type TProperties, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { durationMs } from '../model/duration.ts'
import { type ErrorCode, PyrallelError } from '../model/errors.ts'
import { isJson } from '../model/is-json.ts'
import { isSecretName } from '../model/secret-names.ts'
import { nearestName } from './nearest-name.ts'
import { type DurationSchema, kindOf, type OptionDoc, type ResolvedOptions, show } from './option-schema.ts'

/**
 * The resolved options. All mistakes are found in one go.
 * @param place where the options were written, for messages: `pyrallel.config.ts`; or a function that tells it of each option
 * @throws PyrallelError with `code`: each line names the place, the option, the value seen and what to write
 */
export function resolveOptions<P extends TProperties>(
  schema: TObject<P>,
  input: unknown,
  place: string | ((option: string) => string),
  code: ErrorCode,
): ResolvedOptions<P> {
  const { resolved, mistakes } = readOptions(schema, input, typeof place === 'string' ? () => place : place)
  if (mistakes.length > 0) throw new PyrallelError(code, mistakes.map(({ text }) => text).join('\n'))
  return resolved
}

export interface OptionMistake {
  /** `limits.maxRecords`; a section, when it is none; empty for the whole. */
  readonly option: string
  readonly text: string
}

/** The same without an end at mistakes, for whoever has more to look at: what `mistakes` names is not to be relied on in `resolved`. */
export function readOptions<P extends TProperties>(
  schema: TObject<P>,
  input: unknown,
  placeOf: (option: string) => string,
): { readonly resolved: ResolvedOptions<P>; readonly mistakes: readonly OptionMistake[] } {
  const mistakes: OptionMistake[] = []
  const resolved = resolveObject(schema, input, { placeOf, path: '', mistakes })
  // The cast states what resolveObject builds from the same schema: a type cannot be computed by a loop.
  return { resolved: resolved as ResolvedOptions<P>, mistakes }
}

interface Position {
  readonly placeOf: (option: string) => string
  /** `limits.`, or empty at the top. */
  readonly path: string
  readonly mistakes: OptionMistake[]
}

function resolveObject(schema: TObject, input: unknown, at: Position): Record<string, unknown> {
  const known = Object.keys(schema.properties)
  if (input !== undefined && (typeof input !== 'object' || input === null || Array.isArray(input))) {
    const subject = at.path === '' ? 'the value' : `option ${at.path.slice(0, -1)}`
    const option = at.path.slice(0, -1)
    const text = `${at.placeOf(option)}: ${subject} is ${show(input, at.path)}, but must be an object with: ${known.join(', ')}.`
    at.mistakes.push({ option, text })
    return {}
  }
  const given = (input ?? {}) as Readonly<Record<string, unknown>>
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue
    at.mistakes.push({ option: `${at.path}${key}`, text: unknownOption(key, known, given[key], at) })
  }
  const resolved: Record<string, unknown> = {}
  for (const [key, property] of Object.entries(schema.properties)) {
    if (Type.IsObject(property)) {
      resolved[key] = resolveObject(property, given[key], { ...at, path: `${at.path}${key}.` })
    } else {
      resolveOne(key, property, given[key], resolved, at)
    }
  }
  return resolved
}

function resolveOne(
  key: string,
  schema: TSchema,
  given: unknown,
  resolved: Record<string, unknown>,
  at: Position,
): void {
  const described = schema as TSchema &
    Partial<DurationSchema> & { readonly default?: unknown; readonly doc?: OptionDoc }
  const value = given === undefined ? described.default : given
  const name = `${at.path}${key}`
  if (described.duration !== undefined && value === undefined && Type.IsOptional(schema)) {
    resolved[`${key}Ms`] = undefined
    return
  }
  if (described.duration !== undefined) {
    resolved[`${key}Ms`] = resolveDuration(value, described.duration, name, described.doc, at)
    return
  }
  if (value === undefined) {
    if (!Type.IsOptional(schema)) {
      const text = `${at.placeOf(name)}: option ${name} is missing. Write ${described.doc?.range ?? 'a value'}.`
      at.mistakes.push({ option: name, text })
    }
    resolved[key] = undefined
    return
  }
  if (!Value.Check(schema, value)) {
    const shown = Type.IsRecord(schema) ? shownOfRecord(value, name) : show(value, name)
    at.mistakes.push({ option: name, text: wrongValue(name, shown, described.doc, at) })
  }
  resolved[key] = value
}

function resolveDuration(
  value: unknown,
  limits: DurationSchema['duration'],
  name: string,
  doc: OptionDoc | undefined,
  at: Position,
): number {
  try {
    const ms = durationMs(value, name)
    if (ms >= limits.minMs && ms <= limits.maxMs) return ms
  } catch {
    // Said below, in the same words as every other wrong value.
  }
  at.mistakes.push({
    option: name,
    text: `${wrongValue(name, show(value, name), doc, at)} Write milliseconds as a number, or a text such as '250ms', '30s', '5m'.`,
  })
  return limits.minMs
}

function wrongValue(name: string, shown: string, doc: OptionDoc | undefined, at: Position): string {
  return `${at.placeOf(name)}: option ${name} is ${shown}, but must be ${doc?.range ?? 'of another kind'}.`
}

/** Of what should be an object of settings and is none, nobody can tell which part of it is a password: its kind is all that is shown. */
function shownOfRecord(value: unknown, name: string): string {
  if (typeof value === 'string') return isJson(value) ? 'a text' : 'a text that is not JSON'
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isRecord ? show(value, name) : kindOf(value)
}

function unknownOption(key: string, known: readonly string[], value: unknown, at: Position): string {
  const nearest = nearestName(key, known)
  const next = nearest === undefined ? `Options here: ${known.join(', ')}.` : `Did you mean ${at.path}${nearest}?`
  return `${at.placeOf(`${at.path}${key}`)}: there is no option ${at.path}${key} (its value is ${shownOfUnknown(value, key, at.path)}). ${next}`
}

/** A name that is not known may be that of a secret, misspelt: what could be one is named by its kind only. */
function shownOfUnknown(value: unknown, key: string, path: string): string {
  if (isSecretName(key) || isSecretName(path)) return '(hidden)'
  return kindOf(value)
}
