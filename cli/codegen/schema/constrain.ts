/** Adds a constraint to a schema: to the part that it fits, and beside what is said already. Pure. */
import { ownProperty } from '../../../framework/model/own-property.ts'
import { DecimalStep } from '../../../framework/validation/decimal-step.ts'
import { contradictionsIn } from './contradictions.ts'
import { type ConstraintOwner, clashOf, constraintTags } from './doc-tags.ts'
import type { SchemaNode, SchemaOptions, TupleNode } from './schema-node.ts'

/** `clash`: the constraints that exclude each other; `undefined` where the constraint fits nowhere. */
export type Clash = { readonly clash: string | undefined }

/** Constraints add up: what a property says of itself does not take away what its type says. */
export function constrain(
  node: SchemaNode,
  owner: ConstraintOwner,
  tag: string,
  value: string | number,
): SchemaNode | Clash {
  if (node.kind === 'union') {
    const constrained = node.members.map((member) => constrain(member, owner, tag, value))
    const clashing = constrained.find((each) => 'clash' in each && each.clash !== undefined)
    if (clashing !== undefined) return clashing
    if (constrained.every((each) => 'clash' in each)) return { clash: undefined }
    const excluded = literalsOf(node.members).find((literal) => !allows(tag, value, literal))
    if (excluded !== undefined) return { clash: `@${tag} ${value} and the value ${JSON.stringify(excluded)}` }
    const members = constrained.map((each, index) => ('clash' in each ? node.members[index] : each))
    return { ...node, members: members.filter((each) => each !== undefined) }
  }
  if (owner === 'array' && node.kind === 'tuple') return constrainTuple(node, tag, Number(value))
  if (node.kind !== owner) return { clash: undefined }
  return added(node, tag, value)
}

/** Beside what is said of it already. */
function added(node: SchemaNode, tag: string, value: string | number): SchemaNode | Clash {
  const before = node.options?.[tag]
  const both = before === undefined ? value : stricter(tag, before, value)
  if (both === undefined) return { clash: `@${tag} ${before} and @${tag} ${value}` }
  const options: SchemaOptions = { ...node.options, [tag]: both }
  const clash = clashOf(options)
  return clash === undefined ? { ...node, options } : { clash }
}

/** The elements of a tuple count already. What says no more than they do would take their own count away. */
function constrainTuple(node: TupleNode, tag: string, count: number): SchemaNode | Clash {
  const most = node.rest === undefined ? node.items.length : Number.POSITIVE_INFINITY
  const isImplied = tag === 'minItems' ? count <= node.required : count >= most
  if (isImplied) return node
  const isPossible = tag === 'minItems' ? count <= most : count >= node.required
  if (!isPossible) return { clash: `@${tag} ${count} and a tuple of ${elementsText(node.required, most)}` }
  return added(node, tag, count)
}

function elementsText(least: number, most: number): string {
  if (least === most) return `${least} elements`
  return most === Number.POSITIVE_INFINITY ? `${least} elements and more` : `${least} to ${most} elements`
}

/** The values that a union names. */
function literalsOf(nodes: readonly SchemaNode[]): readonly (string | number | boolean)[] {
  return nodes.flatMap((node) => (node.kind === 'enum' ? node.values : []))
}

/** A format is not looked at. */
function allows(tag: string, bound: string | number, value: string | number | boolean): boolean {
  const owner = ownProperty(constraintTags, tag)
  if (tag === 'pattern') return typeof value !== 'string' || new RegExp(String(bound), 'u').test(value)
  if (owner === 'string' && typeof value === 'string') {
    return contradictionsIn({ minLength: value.length, maxLength: value.length, [tag]: bound }).length === 0
  }
  if (owner !== 'number' || typeof value !== 'number') return true
  return contradictionsIn({ minimum: value, maximum: value, [tag]: bound }).length === 0
}

/** `undefined` where one keyword cannot say both. */
function stricter(tag: string, a: string | number, b: string | number): string | number | undefined {
  if (a === b) return a
  if (typeof a !== 'number' || typeof b !== 'number') return undefined
  if (tag === 'multipleOf') return new DecimalStep(b).divides(a) ? a : new DecimalStep(a).divides(b) ? b : undefined
  return /^(min|exclusiveMin)/.test(tag) ? Math.max(a, b) : Math.min(a, b)
}
