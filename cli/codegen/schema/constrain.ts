/** Adds a constraint to a schema: to the part that it fits, and beside what is said already. Pure. */
import { type ConstraintOwner, clashOf } from './doc-tags.ts'
import type { SchemaNode, SchemaOptions } from './schema-node.ts'

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
    const members = constrained.map((each, index) => ('clash' in each ? node.members[index] : each))
    return { ...node, members: members.filter((each) => each !== undefined) }
  }
  if (node.kind !== owner && !(owner === 'array' && node.kind === 'tuple')) return { clash: undefined }
  const before = node.options?.[tag]
  const both = before === undefined ? value : stricter(tag, before, value)
  if (both === undefined) return { clash: `@${tag} ${before} and @${tag} ${value}` }
  const options: SchemaOptions = { ...node.options, [tag]: both }
  const clash = clashOf(options)
  return clash === undefined ? { ...node, options } : { clash }
}

/** `undefined` where one keyword cannot say both. */
function stricter(tag: string, a: string | number, b: string | number): string | number | undefined {
  if (a === b) return a
  if (typeof a !== 'number' || typeof b !== 'number') return undefined
  if (tag === 'multipleOf') return a % b === 0 ? a : b % a === 0 ? b : undefined
  return /^(min|exclusiveMin)/.test(tag) ? Math.max(a, b) : Math.min(a, b)
}
