/** When a value of a union stands as it is, and when it says which branch it is. The same rule makes the types that are pulled. */
import { shapeOf } from './avro-logical.ts'
import type { AvroType } from './avro-schema.ts'

export type Shape = 'null' | 'boolean' | 'number' | 'bigint' | 'string' | 'object'

/** What `typeof` says of a value of this type. `undefined` for a union, which has no shape of its own. */
export function typeShape(type: AvroType): Shape | undefined {
  if ('logical' in type && type.logical !== undefined) return shapeOf(type.logical)
  switch (type.kind) {
    case 'null':
    case 'boolean':
    case 'string':
      return type.kind
    case 'int':
    case 'float':
    case 'double':
      return 'number'
    case 'long':
      return 'bigint'
    case 'enum':
      return 'string'
    case 'union':
      return undefined
    default:
      return 'object'
  }
}

/**
 * `["null", "Order"]` and `["string", "long"]` are plain: `typeof` tells the branches apart. `["Card", "Invoice"]` is not: its values are
 * `{ 'shop.Card': ... }`, with the name of the branch as Avro has it; `null` stands as it is everywhere.
 */
export function isWrapped(branches: readonly AvroType[]): boolean {
  const shapes = branches.map(typeShape)
  return new Set(shapes).size < shapes.length
}
