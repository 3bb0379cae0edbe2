/** Finds constraints that no value satisfies together. Says only what is certain: a value may still be hard to find. Pure. */
import { DecimalStep } from '../../../framework/validation/decimal-step.ts'
import { reachOf } from './pattern-lengths.ts'
import type { SchemaOptions } from './schema-node.ts'

/** A lower bound, and an upper one of the same thing. */
const bounds = [
  ['minimum', 'maximum'],
  ['minimum', 'exclusiveMaximum'],
  ['exclusiveMinimum', 'maximum'],
  ['exclusiveMinimum', 'exclusiveMaximum'],
  ['minLength', 'maxLength'],
  ['minItems', 'maxItems'],
] as const

/** By format: characters that each of its texts has, and how many a text has. */
const formats: Readonly<Record<string, readonly [has: string, least: number, most: number]>> = {
  date: ['-', 10, 10],
  time: [':', 8, Number.POSITIVE_INFINITY],
  'date-time': ['-:', 19, Number.POSITIVE_INFINITY],
  duration: ['P', 2, Number.POSITIVE_INFINITY],
  email: ['@', 3, Number.POSITIVE_INFINITY],
  'idn-email': ['@', 3, Number.POSITIVE_INFINITY],
  ipv4: ['.', 7, 15],
  ipv6: [':', 2, 45],
  uri: [':', 2, Number.POSITIVE_INFINITY],
  iri: [':', 2, Number.POSITIVE_INFINITY],
  url: [':', 2, Number.POSITIVE_INFINITY],
  uuid: ['-', 36, 36],
  'json-pointer-uri-fragment': ['#', 1, Number.POSITIVE_INFINITY],
}

/** The names of constraints that exclude every value, the one to be changed last. */
export function contradictionsIn(constraints: SchemaOptions): readonly (readonly string[])[] {
  const apart = bounds.filter(([lower, upper]) => excludesAll(lower, constraints[lower], upper, constraints[upper]))
  if (apart.length > 0) return apart
  return [...withoutMultiple(constraints), ...withoutText(constraints)]
}

/** Equal bounds leave one value, unless one of them is exclusive. */
function excludesAll(lower: string, from: unknown, upper: string, to: unknown): boolean {
  if (typeof from !== 'number' || typeof to !== 'number') return false
  return from > to || (from === to && (lower.startsWith('exclusive') || upper.startsWith('exclusive')))
}

/** A range between two multiples that lie next to each other. */
function withoutMultiple(constraints: SchemaOptions): readonly (readonly string[])[] {
  const { multipleOf: step } = constraints
  const [lower, from] = strictest(constraints, ['minimum', 'exclusiveMinimum'], Math.max)
  const [upper, to] = strictest(constraints, ['maximum', 'exclusiveMaximum'], Math.min)
  if (typeof step !== 'number' || from === undefined || to === undefined) return []
  if (to - from >= 2 * step) return []
  const steps = new DecimalStep(step)
  // Through text: a sum of steps is not a multiple of them.
  const near = [-1, 0, 1, 2, 3].map((more) => Number(((Math.floor(from / step) + more) * step).toPrecision(15)))
  const isWithin = (value: number) =>
    (lower === 'minimum' ? value >= from : value > from) && (upper === 'maximum' ? value <= to : value < to)
  return near.some((value) => steps.divides(value) && isWithin(value)) ? [] : [[lower, upper, 'multipleOf']]
}

/** The later of two equal ones, which is exclusive. */
function strictest(
  constraints: SchemaOptions,
  names: readonly [string, string],
  pick: (a: number, b: number) => number,
): readonly [name: string, bound: number | undefined] {
  const [inclusive, exclusive] = names
  const [a, b] = [constraints[inclusive], constraints[exclusive]]
  if (typeof b === 'number' && (typeof a !== 'number' || pick(a, b) === b)) return [exclusive, b]
  return [inclusive, typeof a === 'number' ? a : undefined]
}

function withoutText({ minLength, maxLength, pattern, format }: SchemaOptions): readonly (readonly string[])[] {
  const reach = typeof pattern === 'string' ? reachOf(pattern) : undefined
  const [has, least, most] = (typeof format === 'string' ? formats[format] : undefined) ?? ['', 0, Infinity]
  const found: (readonly string[])[] = []
  if (typeof minLength === 'number') {
    if (reach !== undefined && reach.most < minLength) found.push(['pattern', 'minLength'])
    if (most < minLength) found.push(['format', 'minLength'])
  }
  if (typeof maxLength === 'number') {
    if (reach !== undefined && reach.least > maxLength && isPlain(pattern)) found.push(['pattern', 'maxLength'])
    if (least > maxLength) found.push(['format', 'maxLength'])
  }
  if (reach !== undefined) {
    const isTooLong = reach.least > most && isPlain(pattern)
    if (isTooLong || reach.most < least || [...has].some((each) => !reach.mayHave(each))) {
      found.push(['format', 'pattern'])
    }
  }
  return found
}

/** Lengths are counted in what people see as one character, of which others may have several. */
function isPlain(pattern: unknown): boolean {
  return typeof pattern === 'string' && /^[ -~]*$/.test(pattern) && !/\\[^d.\\/^$|?*+()[\]{}-]|\[\^|\./.test(pattern)
}
