/** The contract between the parts that derive schemas: where in a type we are, and what a part may ask of the whole. */
import type { ts } from 'ts-morph'
import type { Refusal } from './refusals.ts'
import type { SchemaNode } from './schema-node.ts'
import type { DocComment } from './type-docs.ts'
import type { TypeWorld } from './type-names.ts'

/** A stretch of a source file. */
export interface Place {
  readonly file: ts.SourceFile
  readonly start: number
  readonly end: number
}

/** Where in a type we are. */
export interface At {
  /** In a file of the user's. */
  readonly place: Place
  /** `Order.items[].price`, for messages. */
  readonly path: string
  readonly depth: number
  /** How the type is written here, where that is known: it keeps names that the compiler forgets. */
  readonly written: ts.TypeNode | undefined
  /** Of a property, or an optional element: JSON leaves out what is undefined. */
  readonly mayBeUndefined: boolean
  /** Of an optional property, an index signature or an array: nothing may be there. */
  readonly mayBeNever: boolean
}

export interface TypeDeriver {
  readonly world: TypeWorld
  /** Total: what is refused is reported, and `unknown` stands in for it, so that all mistakes of a type are found. */
  derive(type: ts.Type, at: At): SchemaNode
  /** Reports, and gives what stands in. */
  refused(at: At, refusal: Refusal): SchemaNode
  /** Adds what comments say. Constraints go to the members of a union that they fit. */
  withTags(node: SchemaNode, comments: readonly DocComment[], at: At, what: 'all' | 'description'): SchemaNode
}

/** One level further in. Nothing of how the outer type is written holds there. */
export function inside(at: At, step: string, over: Partial<At> = {}): At {
  const path = at.path.endsWith('`') ? `${at.path.slice(0, -1)}${step}\`` : `${at.path}${step}`
  return {
    place: at.place,
    path,
    depth: at.depth + 1,
    written: undefined,
    mayBeUndefined: false,
    mayBeNever: false,
    ...over,
  }
}
