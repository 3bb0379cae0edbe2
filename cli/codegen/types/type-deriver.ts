/** The contract between the parts that derive schemas: where in a type we are, and what a part may ask of the whole. */
import type { ts } from 'ts-morph'
import type { Refusal } from '../schema/refusals.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import type { DocComment } from './type-docs.ts'
import type { TypeWorld } from './type-names.ts'
import type { Written } from './written-syntax.ts'

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
  readonly written: Written | undefined
  /** Of a property, or an optional element: JSON leaves out what is undefined. */
  readonly mayBeUndefined: boolean
  /** Of an optional property, an index signature or an array: nothing may be there. */
  readonly mayBeNever: boolean
}

/** What of a comment counts: constraints, the description, or both. */
export type Said = 'all' | 'description' | 'constraints'

export interface TypeDeriver {
  readonly world: TypeWorld
  /** Total: what is refused is reported, and `unknown` stands in for it, so that all mistakes of a type are found. */
  derive(type: ts.Type, at: At): SchemaNode
  /** Reports, and gives what stands in. */
  refused(at: At, refusal: Refusal): SchemaNode
  /** Adds what the comments of the names say that the type is written with. */
  withNames(node: SchemaNode, type: ts.Type, at: At): SchemaNode
  /** Where it cannot be followed how the type is written: refused, if a name in it constrains. */
  refuseLost(at: At, type?: ts.Type): void
  /** Adds what comments say. Constraints go to the members of a union that they fit. */
  withTags(node: SchemaNode, comments: readonly DocComment[], at: At, what: Said): SchemaNode
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
