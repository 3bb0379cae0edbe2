/**
 * A schema as it is checked. TypeBox takes two things otherwise than JSON Schema has them: a multiple of 0.01 by the remainder of a binary division,
 * and an inherited `valueOf` for a property that is there. These are checked here; all else is left to TypeBox. And it looks at properties in the
 * order in which they are written: `{ inner: Node; kind: 'a' } | { inner: Node; kind: 'b' }` is told apart only after all that is inside, which has
 * been checked twice then, and what is inside of that four times. Here, what leads back to its own type comes last.
 */
import type { TSchema } from 'typebox'
import { DecimalStep } from './decimal-step.ts'
import { hasReferences } from './schema-references.ts'

interface Refinement {
  readonly check: (value: unknown) => boolean
  readonly error: () => string
}

/** What stands behind these is a value, whatever its properties are called. */
const ofValues: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples'])
/** What stands behind these is a schema for each name. */
const byName: ReadonlySet<string> = new Set(['properties', 'patternProperties', '$defs', 'definitions'])
/** TypeBox looks for these among own properties. */
const lookedUpAsOwn: ReadonlySet<string> = new Set(['__proto__', 'constructor'])

/** A schema is made exact once, however many values are checked. */
const made = new WeakMap<TSchema, TSchema>()

/** The schema itself where nothing has to be checked otherwise: most cost nothing more. */
export function exactSchema(schema: TSchema): TSchema {
  const known = made.get(schema)
  if (known !== undefined) return known
  const exact = new ExactCopy().of(schema) as TSchema
  made.set(schema, exact)
  return exact
}

class ExactCopy {
  /** One part of a schema may stand in many places. */
  readonly #known = new Map<object, unknown>()

  of(node: unknown): unknown {
    if (typeof node !== 'object' || node === null || node instanceof RegExp) return node
    if (this.#known.has(node)) return this.#known.get(node)
    const exact = Array.isArray(node) ? this.#list(node) : this.#schema(node)
    this.#known.set(node, exact)
    return exact
  }

  #list(nodes: readonly unknown[]): readonly unknown[] {
    const exact = nodes.map((each) => this.of(each))
    return exact.every((each, index) => each === nodes[index]) ? nodes : exact
  }

  #schema(schema: object): object {
    const changed: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(schema)) {
      if (ofValues.has(key) || key.startsWith('~')) continue
      const exact = byName.has(key) ? this.#each(value, key === 'properties') : this.of(value)
      if (exact !== value) changed[key] = exact
    }
    const refinements = [...multiples(schema), ...ownNames(schema)]
    if (refinements.length > 0) changed['~refine'] = [...refinementsOf(schema), ...refinements]
    return replaced(schema, changed)
  }

  #each(schemas: unknown, areProperties: boolean): unknown {
    if (typeof schemas !== 'object' || schemas === null) return schemas
    const changed: Record<string, unknown> = {}
    for (const [name, schema] of Object.entries(schemas)) {
      const exact = this.of(schema)
      const own = areProperties && isInherited(name) ? { anyOf: [exact, inherited] } : exact
      if (own !== schema) changed[name] = own
    }
    const exact = replaced(schemas, changed)
    return areProperties ? withReferencesLast(exact) : exact
  }
}

function withReferencesLast(properties: object): object {
  const names = Object.keys(properties)
  const late = names.filter((name) => hasReferences(Reflect.get(properties, name)))
  if (late.every((name, index) => name === names[names.length - late.length + index])) return properties
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(properties))
  const ofLate = descriptors.filter(([name]) => late.includes(name))
  const others = descriptors.filter(([name]) => !late.includes(name))
  const prototype = Object.getPrototypeOf(properties) as object | null
  return Object.create(prototype, Object.fromEntries([...others, ...ofLate])) as object
}

/** With all that TypeBox hides in it. */
function replaced(object: object, changed: Readonly<Record<string, unknown>>): object {
  const names = Object.keys(changed)
  if (names.length === 0) return object
  const descriptors: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(object)
  for (const name of names) {
    descriptors[name] = { value: changed[name], enumerable: true, writable: true, configurable: true }
  }
  // The refinement that takes its place says the same in the same words.
  if ('~refine' in changed && typeof Reflect.get(object, 'multipleOf') === 'number') delete descriptors.multipleOf
  return Object.create(Object.getPrototypeOf(object) as object | null, descriptors)
}

function refinementsOf(schema: object): readonly unknown[] {
  const found: unknown = Reflect.get(schema, '~refine')
  return Array.isArray(found) ? found : []
}

function multiples(schema: object): readonly Refinement[] {
  const step: unknown = Reflect.get(schema, 'multipleOf')
  if (typeof step !== 'number' || !(step > 0) || !Number.isFinite(step)) return []
  const steps = new DecimalStep(step)
  const check = (value: unknown) => typeof value !== 'number' || steps.divides(value)
  return [{ check, error: () => `must be multiple of ${step}` }]
}

/** Of names that must be there. */
function ownNames(schema: object): readonly Refinement[] {
  const required: unknown = Reflect.get(schema, 'required')
  const names = Array.isArray(required) ? required.filter((name) => typeof name === 'string' && isInherited(name)) : []
  return names.map((name: string) => ({
    check: (value) => typeof value !== 'object' || value === null || Array.isArray(value) || Object.hasOwn(value, name),
    error: () => `must have required properties ${name}`,
  }))
}

function isInherited(name: string): boolean {
  return name in Object.prototype && !lookedUpAsOwn.has(name)
}

/** Passes what every object inherits: functions, which no JSON holds. */
const inherited = {
  '~refine': [{ check: (value: unknown) => typeof value === 'function', error: () => 'must be left out' }],
}
