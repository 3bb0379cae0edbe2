/** Makes values that satisfy a schema, from a seeded source: the same seed gives the same values. Pure. */

import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { PyrallelError } from '../../framework/model/errors.ts'
import { ownProperty } from '../../framework/model/own-property.ts'
import { exactSchema } from '../../framework/validation/exact-schema.ts'
import { fakePattern } from './fake-pattern.ts'

/** The parts of JSON Schema that the generator derives and that people write. */
interface Node {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
  readonly allOf?: readonly Node[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly patternProperties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node | boolean
  readonly items?: Node | readonly Node[]
  readonly prefixItems?: readonly Node[]
  readonly minItems?: number
  readonly maxItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly multipleOf?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Node>>
}

/** Some constraints work against each other (a pattern and a length); another try mostly helps. */
const TRIES = 50
/** Recursive types end here: optional parts are left out, lists are empty. */
const DEEP = 4

/** @throws PyrallelError PYR_SCHEMA when no value is found that the schema allows */
export function fakeValue(schema: TSchema, random: () => number, topic: string): unknown {
  const exact = exactSchema(schema)
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const value = new Faker(random).value(schema as Node, 0)
    if (Value.Check(exact, value)) return value
  }
  throw new PyrallelError(
    'PYR_SCHEMA',
    `No value could be made up that satisfies the schema of ${topic}. Write one: pyrallel send ${topic} '{...}'`,
  )
}

class Faker {
  readonly #random: () => number
  /** By name, of all the recursive types that were met. */
  readonly #definitions = new Map<string, Node>()

  constructor(random: () => number) {
    this.#random = random
  }

  value(node: Node, depth: number): unknown {
    for (const [name, definition] of Object.entries(node.$defs ?? {})) this.#definitions.set(name, definition)
    if ('const' in node) return node.const
    if (node.enum !== undefined) return this.#pick(node.enum)
    if (node.$ref !== undefined)
      return this.value(this.#definitions.get(node.$ref.split('/').at(-1) ?? '') ?? {}, depth + 1)
    const choices = node.anyOf ?? node.oneOf
    if (choices !== undefined) return this.value(this.#choice(choices, depth), depth + 1)
    if (node.allOf !== undefined) return Object.assign({}, ...node.allOf.map((each) => this.value(each, depth)))
    const type = typeof node.type === 'object' ? this.#pick(node.type) : node.type
    switch (type) {
      case 'object':
        return this.#object(node, depth)
      case 'array':
        return this.#array(node, depth)
      case 'string':
        return this.#string(node)
      case 'integer':
      case 'number':
        return this.#number(node, type === 'integer')
      case 'boolean':
        return this.#random() < 0.5
      default:
        return null
    }
  }

  /** Deep down, one that does not go on: else a tree might never end. */
  #choice(choices: readonly Node[], depth: number): Node {
    const leaves =
      depth < DEEP
        ? []
        : choices.filter(({ type, $ref }) => type !== 'object' && type !== 'array' && $ref === undefined)
    return this.#pick(leaves.length > 0 ? leaves : choices) ?? {}
  }

  #object(node: Node, depth: number): object {
    const required = new Set(node.required ?? [])
    const entries = Object.entries(node.properties ?? {})
      .filter(([name]) => required.has(name) || (depth < DEEP && this.#random() < 0.7))
      .map(([name, property]) => [name, this.#named(name, property, depth + 1)] as const)
    const [pattern, ofPattern] = Object.entries(node.patternProperties ?? {})[0] ?? []
    if (pattern !== undefined && ofPattern !== undefined && depth < DEEP) {
      const names = Array.from({ length: 1 + this.#below(3) }, () => this.#keyOf(pattern))
      entries.push(...names.map((name) => [name, this.value(ofPattern, depth + 1)] as const))
    }
    return Object.fromEntries(entries)
  }

  #keyOf(pattern: string): string {
    return pattern === '^.*$' || pattern === '^(.*)$' ? this.#word() : fakePattern(pattern, this.#random)
  }

  /** A text without rules looks like what it is called: a `customerId` is `customer-17`. */
  #named(name: string, node: Node, depth: number): unknown {
    const isFree = node.type === 'string' && node.pattern === undefined && node.format === undefined
    if (!isFree || node.enum !== undefined || 'const' in node) return this.value(node, depth)
    const stem = name.replace(/_?[iI]ds?$/, '').toLowerCase()
    const text = /id$/i.test(name) ? `${stem === '' ? 'id' : stem}-${1 + this.#below(50)}` : likely(name, this.#word())
    return fit(text, node)
  }

  #array(node: Node, depth: number): readonly unknown[] {
    const heads = node.prefixItems ?? (Array.isArray(node.items) ? (node.items as readonly Node[]) : [])
    const first = heads.map((each) => this.value(each, depth + 1))
    const rest = Array.isArray(node.items) ? undefined : (node.items as Node | undefined)
    if (rest === undefined) return first
    const least = Math.max(0, (node.minItems ?? 0) - first.length)
    const most = Math.max(
      least,
      Math.min((node.maxItems ?? Number.POSITIVE_INFINITY) - first.length, depth < DEEP ? 3 : 0),
    )
    const count = least + this.#below(most - least + 1)
    return [...first, ...Array.from({ length: count }, () => this.value(rest, depth + 1))]
  }

  #string(node: Node): string {
    if (node.pattern !== undefined) return fakePattern(node.pattern, this.#random)
    const format = node.format === undefined ? undefined : ownProperty(formats, node.format)
    return format === undefined ? fit(this.#word(), node) : format((limit) => this.#below(limit))
  }

  #number(node: Node, isInteger: boolean): number {
    const step = node.multipleOf ?? (isInteger ? 1 : 0.01)
    const low = node.minimum ?? (node.exclusiveMinimum === undefined ? undefined : node.exclusiveMinimum + step)
    const high = node.maximum ?? (node.exclusiveMaximum === undefined ? undefined : node.exclusiveMaximum - step)
    const from = low ?? (high === undefined || high > 0 ? 0 : high - 1_000)
    const to = high ?? Math.max(1_000, from + 1_000)
    const steps = Math.floor((to - from) / step)
    const start = node.multipleOf === undefined && !isInteger ? from : Math.ceil(from / step) * step
    // Through text, so that 0.1 + 0.2 is 0.3: a sum of steps is not a multiple of them.
    return Number((start + this.#below(Math.max(1, steps + 1)) * step).toFixed(placesOf(step)))
  }

  #word(): string {
    return this.#pick(words) ?? ''
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.#below(from.length)]
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}

/** Of a step's own text, at most what `toFixed` takes: 8 of 1e-8. */
function placesOf(step: number): number {
  const [mantissa = '', exponent = '0'] = String(step).split('e')
  const fraction = mantissa.split('.')[1] ?? ''
  return Math.min(100, Math.max(6, fraction.length - Number(exponent)))
}

const words = [
  'amber',
  'birch',
  'cobalt',
  'delta',
  'ember',
  'fjord',
  'grove',
  'harbor',
  'indigo',
  'juniper',
  'linden',
  'maple',
]

function likely(name: string, word: string): string {
  if (/e-?mail/i.test(name)) return `${word}@example.com`
  return /url|uri|link/i.test(name) ? `https://example.com/${word}` : word
}

function fit(text: string, { minLength = 0, maxLength = Number.POSITIVE_INFINITY }: Node): string {
  return text.padEnd(minLength, 'x').slice(0, maxLength)
}

const two = (number: number) => String(number).padStart(2, '0')
const hex = (below: (limit: number) => number, length: number) =>
  Array.from({ length }, () => below(16).toString(16)).join('')
const date = (below: (limit: number) => number) => `2026-${two(1 + below(12))}-${two(1 + below(28))}`
const time = (below: (limit: number) => number) => `${two(below(24))}:${two(below(60))}:${two(below(60))}Z`

const formats: Readonly<Record<string, (below: (limit: number) => number) => string>> = {
  date,
  time,
  'date-time': (below) => `${date(below)}T${time(below)}`,
  email: (below) => `${words[below(words.length)]}@example.com`,
  uuid: (below) => `${hex(below, 8)}-${hex(below, 4)}-4${hex(below, 3)}-a${hex(below, 3)}-${hex(below, 12)}`,
  uri: (below) => `https://example.com/${words[below(words.length)]}`,
  url: (below) => `https://example.com/${words[below(words.length)]}`,
  hostname: (below) => `${words[below(words.length)]}.example.com`,
  ipv4: (below) => `192.0.2.${below(256)}`,
  ipv6: (below) => `2001:db8::${hex(below, 4)}`,
}
