/** Derives the schema of a tuple: fixed items, optional ones behind them, and one `...` at the end. */
import { ts } from 'ts-morph'
import { tupleRest } from '../schema/refusals.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import { type At, inside, type TypeDeriver } from './type-deriver.ts'

export function deriveTuple(deriver: TypeDeriver, type: ts.TupleTypeReference, at: At): SchemaNode {
  const types = deriver.world.checker.getTypeArguments(type)
  const written = deriver.world.written.tupleElements(at.written)
  const items: SchemaNode[] = []
  let more: SchemaNode | undefined
  for (const [index, flags] of type.target.elementFlags.entries()) {
    const element = types[index]
    if (element === undefined) continue
    const isVariadic = (flags & ts.ElementFlags.Variadic) !== 0
    if (more !== undefined || isVariadic) return deriver.refused(at, tupleRest(at.path))
    const isOptional = (flags & ts.ElementFlags.Optional) !== 0
    const node = deriver.derive(
      element,
      inside(at, `[${index}]`, { written: written?.[index], mayBeUndefined: isOptional }),
    )
    if ((flags & ts.ElementFlags.Rest) === 0) items.push(node)
    else more = node
  }
  return { kind: 'tuple', items, required: type.target.minLength, ...(more === undefined ? {} : { rest: more }) }
}
