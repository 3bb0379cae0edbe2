/** Reads what a JSDoc comment says about values: a description, and constraints. Pure; knows no compiler. */

import { nearestName } from '../../../framework/config/nearest-name.ts'
import { ownProperty } from '../../../framework/model/own-property.ts'
import { contradictionsIn } from './contradictions.ts'
import { reachOf } from './pattern-lengths.ts'
import { patternRisk } from './pattern-risk.ts'
import type { SchemaOptions } from './schema-node.ts'

export type ConstraintOwner = 'string' | 'number' | 'array'

/** The tags that become keywords of the schema, and what they can be said of. */
export const constraintTags: Readonly<Record<string, ConstraintOwner>> = {
  minimum: 'number',
  maximum: 'number',
  exclusiveMinimum: 'number',
  exclusiveMaximum: 'number',
  multipleOf: 'number',
  minLength: 'string',
  maxLength: 'string',
  pattern: 'string',
  format: 'string',
  minItems: 'array',
  maxItems: 'array',
}

/** The formats that TypeBox checks. Any other one it would let pass unseen. */
export const formats: readonly string[] = [
  'date-time',
  'date',
  'time',
  'duration',
  'email',
  'idn-email',
  'hostname',
  'idn-hostname',
  'ipv4',
  'ipv6',
  'uri',
  'uri-reference',
  'uri-template',
  'iri',
  'iri-reference',
  'url',
  'uuid',
  'regex',
  'json-pointer',
  'json-pointer-uri-fragment',
  'relative-json-pointer',
]

export interface DocTags {
  readonly description?: string
  readonly constraints: SchemaOptions
  readonly mistakes: readonly TagMistake[]
  /** Of patterns: nothing is wrong with what they accept. */
  readonly warnings: readonly TagMistake[]
}

export interface TagMistake {
  /** Where the tag begins, in the comment. */
  readonly start: number
  readonly end: number
  readonly message: string
  readonly fix: string
}

/** Reads a comment, from `/**` to its end. */
export function readDocTags(comment: string): DocTags {
  const description: string[] = []
  const constraints: Record<string, string | number> = {}
  const mistakes: TagMistake[] = []
  const warnings: TagMistake[] = []
  const places = new Map<string, Pick<TagMistake, 'start' | 'end'>>()
  let isDescription = true
  for (const { text, start } of commentLines(comment)) {
    const tags = tagsOf(text)
    const before = text.slice(0, tags[0]?.start ?? text.length).trim()
    if (isDescription && before !== '') description.push(before)
    for (const tag of tags) {
      isDescription = tag.name === 'description'
      if (isDescription && tag.value !== '') description.push(tag.value)
      const read = readTag(tag.name, tag.value)
      if (read === undefined) continue
      const place = { start: start + tag.start, end: start + tag.end }
      if (!('value' in read)) mistakes.push({ ...read, ...place })
      else if (ownProperty(constraints, tag.name) !== undefined) mistakes.push({ ...saidTwice(tag.name), ...place })
      else {
        constraints[tag.name] = read.value
        places.set(tag.name, place)
        const warning = tag.name === 'pattern' ? patternWarning(tag.value) : undefined
        if (warning !== undefined) warnings.push({ ...warning, ...place })
      }
    }
  }
  for (const tags of contradictionsIn(constraints)) {
    const [last = '', ...others] = tags.toReversed()
    const place = places.get(last)
    if (place === undefined) continue
    const said = [last, ...others].map((tag) => `@${tag} is ${constraints[tag]}`)
    const fix =
      last.startsWith('max') || last.startsWith('exclusiveMax')
        ? `Raise @${last}, or lower @${others[0]}.`
        : 'Change one of them.'
    const message = `${said.slice(0, -1).join(', ')}, and ${said.at(-1)}: no value satisfies ${tags.length === 2 ? 'both' : 'all'}.`
    mistakes.push({ message, fix, ...place })
  }
  const text = description.join(' ')
  return { ...(text === '' ? {} : { description: text }), constraints, mistakes, warnings }
}

/** Two of these constraints that no value satisfies; `undefined` when there are none. */
export function clashOf(constraints: SchemaOptions): string | undefined {
  return contradictionsIn(constraints)[0]
    ?.map((tag) => `@${tag} ${constraints[tag]}`)
    .join(' and ')
}

/** The first would be lost. */
function saidTwice(tag: string): Pick<TagMistake, 'message' | 'fix'> {
  return { message: `@${tag} is said twice in one comment.`, fix: 'Leave one of them out, or make one of both.' }
}

interface Tag {
  readonly name: string
  readonly value: string
  readonly start: number
  readonly end: number
}

/** The lines between the marks of a comment, without the star in front, and where each begins. */
function commentLines(comment: string): readonly { readonly text: string; readonly start: number }[] {
  const end = comment.lastIndexOf('*/')
  const lines: { text: string; start: number }[] = []
  let start = 3
  for (const line of comment.slice(3, end < 3 ? undefined : end).split('\n')) {
    const star = /^\s*\*(?!\/)/.exec(line)
    const skipped = lines.length > 0 && star !== null ? star[0].length : 0
    lines.push({ text: line.slice(skipped).replace(/\r$/, ''), start: start + skipped })
    start += line.length + 1
  }
  return lines
}

/** One line may hold several tags. A pattern takes the rest of its line, whatever is in it. */
function tagsOf(line: string): readonly Tag[] {
  const tags: Tag[] = []
  const begin = /(?<=^|\s)@([A-Za-z]+)/g
  for (let match = begin.exec(line); match !== null; match = begin.exec(line)) {
    const name = match[1] ?? ''
    const after = begin.lastIndex
    const next = name === 'pattern' ? -1 : line.slice(after).search(/\s@[A-Za-z]/)
    const end = next < 0 ? line.length : after + next
    const value = line.slice(after, end).trim()
    tags.push({ name, value, start: match.index, end: after + line.slice(after, end).trimEnd().length })
    begin.lastIndex = end
  }
  return tags
}

type Read = { readonly value: string | number } | { readonly message: string; readonly fix: string } | undefined

/** `undefined` for a tag that says nothing about values. */
function readTag(name: string, value: string): Read {
  const owner = ownProperty(constraintTags, name)
  if (owner === undefined) return misspelled(name)
  if (name === 'format') return readFormat(value)
  if (name === 'pattern') return readPattern(value)
  const number = Number(value)
  if (value === '' || !Number.isFinite(number)) {
    return { message: `@${name} is followed by '${value}', which is no number.`, fix: `Write @${name} 1, say.` }
  }
  if (isRounded(value, number)) {
    return {
      message: `@${name} is ${value}, which is no number in JavaScript: the nearest one is ${BigInt(number)}.`,
      fix: 'Write a number of at most 15 digits, or a text: the values themselves are rounded just as much.',
    }
  }
  if (owner !== 'number' && (!Number.isInteger(number) || number < 0)) {
    return { message: `@${name} is ${number}, but it counts something.`, fix: 'Write a whole number, 0 or above.' }
  }
  if (name === 'multipleOf' && number <= 0) {
    return { message: `@multipleOf is ${number}.`, fix: 'Write a number above 0.' }
  }
  return { value: number }
}

/** Above 2^53 there is not a number for each whole one. */
function isRounded(text: string, number: number): boolean {
  return /^-?\d+$/.test(text) && BigInt(text) !== BigInt(number)
}

function readFormat(value: string): Read {
  if (formats.includes(value)) return { value }
  const near = nearestName(value, formats)
  return {
    message: `There is no format '${value}' that values can be checked for.`,
    fix: `${near === undefined ? '' : `Did you mean '${near}'? `}The formats are ${formats.join(', ')}; anything else can be said by @pattern.`,
  }
}

/** What is to be said of a pattern that goes back and forth; undefined of most. */
export function patternWarning(pattern: string): { readonly message: string; readonly fix: string } | undefined {
  const risk = patternRisk(pattern)
  if (risk === undefined) return undefined
  const ways =
    risk === 'exponential'
      ? 'a repetition inside of another one shares its characters, so the time doubles with every few characters'
      : 'repetitions one behind the other share their characters, so the time grows with a power of the length'
  return {
    message: `The pattern '${pattern}' can take very long on a text that does not match it: ${ways}.`,
    fix: 'Let each character belong to one repetition only, as [a-z]+(-[a-z]+)* does. A @maxLength bounds it: the length is looked at first.',
  }
}

function readPattern(value: string): Read {
  try {
    new RegExp(value, 'u')
  } catch (error) {
    return {
      message: `The @pattern '${value}' is no regular expression: ${error instanceof Error ? error.message : ''}.`,
      fix: 'Write it as between the slashes of a regular expression with the flag `u`.',
    }
  }
  if (value === '') {
    return { message: '@pattern is followed by nothing.', fix: 'Write the expression behind it: @pattern ^[A-Z]{3}$' }
  }
  const inSlashes = /^\/(.+)\/([a-z]*)$/.exec(value)
  if (inSlashes !== null) {
    return {
      message: `The @pattern '${value}' is written with its slashes, which would be characters of the text.`,
      fix: `Write what stands between them: @pattern ${inSlashes[1]}${inSlashes[2] === '' ? '' : ' (there are no flags but `u`)'}. A slash of the text itself is \\/.`,
    }
  }
  if (reachOf(value).canMatch) return { value }
  return {
    message: `The @pattern '${value}' matches no text: something would have to stand before its start or behind its end.`,
    fix: 'Write ^ first and $ last, without quotes around them, or leave them out.',
  }
}

/** Constraints of other tools, which values are not checked for here. */
const unknownConstraints = ['uniqueItems', 'minProperties', 'maxProperties', 'asType']

/** What other libraries call ours. */
const otherNames: Readonly<Record<string, string>> = {
  min: 'minimum',
  max: 'maximum',
  regex: 'pattern',
  regexp: 'pattern',
}

/** A tag that nobody knows is none of our business, unless it is nearly one of ours: then a constraint would be lost in silence. */
function misspelled(name: string): Read {
  if (unknownConstraints.includes(name)) {
    return { message: `There is no constraint @${name}.`, fix: 'Leave it out, and look in the handler.' }
  }
  const near = ownProperty(otherNames, name) ?? nearestName(name, Object.keys(constraintTags))
  if (near === undefined) return undefined
  return { message: `There is no constraint @${name}.`, fix: `Did you mean @${near}?` }
}
