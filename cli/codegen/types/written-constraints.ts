/** Finds the names in a written type whose comments constrain, so that none is lost in silence. Reads syntax and symbols; decides nothing. */
import { ts } from 'ts-morph'
import { readDocTags } from '../schema/doc-tags.ts'
import type { StaticTypes } from './static-types.ts'
import { commentsOf, unwrapType } from './type-docs.ts'
import {
  asWritten,
  type Bindings,
  bind,
  type Followed,
  lastName,
  MAX_NAMES,
  referenceIn,
  unbound,
  type Written,
  type WrittenProperty,
} from './written-syntax.ts'

/** What is asked of whoever follows names. */
export interface NameFollower {
  follow(written: Written | undefined): Followed
  target(name: ts.Node): ts.Symbol | undefined
  isOfLibrary(symbol: ts.Symbol): boolean
  bodyOf(alias: ts.Symbol, written: Written | undefined): Written | undefined
  indexed(node: ts.IndexedAccessTypeNode, bindings: Bindings): WrittenProperty | undefined
  schemaBehind(written: Written | undefined): ts.Node | undefined
}

export class WrittenConstraints {
  readonly #types: NameFollower
  readonly #statics: StaticTypes
  readonly #constrained = new Map<ts.Symbol, boolean>()
  #nesting = 0

  constructor(types: NameFollower, statics: StaticTypes) {
    this.#types = types
    this.#statics = statics
  }

  /** Whether the comment of a type or property says anything of its values. */
  constrains(symbol: ts.Symbol): boolean {
    const known = this.#constrained.get(symbol)
    if (known !== undefined) return known
    const found = commentsOf(symbol).some(({ text }) => Object.keys(readDocTags(text).constraints).length > 0)
    this.#constrained.set(symbol, found)
    return found
  }

  /** The first name in it that constrains. What the properties of an interface are written with is followed by themselves. */
  constraintIn(
    { node, bindings }: Written,
    seen = new Set<ts.Node>(),
    depth: 'shallow' | 'with interfaces' = 'shallow',
  ): ts.Symbol | undefined {
    if (ts.isIndexedAccessTypeNode(node)) {
      const part = this.#nesting < MAX_NAMES ? this.#types.indexed(node, bindings) : undefined
      if (part?.symbol !== undefined && this.constrains(part.symbol)) return part.symbol
      if (part?.written !== undefined) {
        // The same place may be met again with other arguments, and so with another answer; in types without an end, for ever.
        this.#nesting++
        const found = this.constraintIn(part.written, seen, depth)
        this.#nesting--
        return found
      }
    }
    if (seen.has(node)) return undefined
    seen.add(node)
    if (ts.isTypeQueryNode(node)) return this.constraintInValue(this.#types.target(lastName(node.exprName)), seen)
    const reference = referenceIn(node)
    const symbol = reference === undefined ? undefined : this.#types.target(reference.name)
    const schema = this.#types.schemaBehind({ node, bindings })
    if (schema !== undefined) return this.#statics.constrains(schema) ? symbol : undefined
    if (symbol !== undefined && (symbol.flags & ts.SymbolFlags.TypeParameter) !== 0) {
      const bound = bindings.get(symbol)
      if (typeof bound === 'object' && 'from' in bound) return this.constraintIn(bound.from, seen, 'with interfaces')
      return typeof bound === 'object' ? this.constraintIn(bound, seen, depth) : undefined
    }
    if (symbol !== undefined && (symbol.flags & ts.SymbolFlags.TypeAlias) !== 0 && !this.#types.isOfLibrary(symbol)) {
      if (this.constrains(symbol)) return symbol
      const body = this.#types.bodyOf(symbol, { node, bindings })
      const found = body === undefined ? undefined : this.constraintIn(body, seen, depth)
      if (found !== undefined) return found
    }
    const within = (child: ts.Node): ts.Symbol | undefined => {
      if (ts.isTypeNode(child)) return this.constraintIn({ node: child, bindings }, seen, depth)
      if (!ts.isTypeElement(child)) return undefined
      const own = (child as { readonly symbol?: ts.Symbol }).symbol
      if (own !== undefined && this.constrains(own)) return own
      return ts.forEachChild(child, (part) => (ts.isTypeNode(part) ? within(part) : undefined))
    }
    const found = ts.forEachChild(node, within)
    if (found !== undefined || depth === 'shallow') return found
    for (const declaration of symbol?.declarations?.filter(ts.isInterfaceDeclaration) ?? []) {
      if (seen.has(declaration)) continue
      seen.add(declaration)
      const inner = ts.forEachChild(declaration, within)
      if (inner !== undefined) return inner
    }
    return undefined
  }

  /** In the types that a value is declared with, or made with: of a function, those of its parameters and all that it does. */
  constraintInValue(value: ts.Symbol | undefined, seen = new Set<ts.Node>()): ts.Symbol | undefined {
    const within = (node: ts.Node): ts.Symbol | undefined => {
      if (ts.isTypeNode(node)) return this.constraintIn({ node, bindings: unbound }, seen, 'with interfaces')
      const { symbol } = node as { readonly symbol?: ts.Symbol }
      if (ts.isParameter(node) && symbol !== undefined && this.constrains(symbol)) return symbol
      return ts.forEachChild(node, within)
    }
    for (const declaration of value?.declarations ?? []) {
      const found = ts.isSourceFile(declaration) || seen.has(declaration) ? undefined : within(declaration)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The same, and in the interfaces that it names. */
  constraintWithin(written: Written): ts.Symbol | undefined {
    return this.constraintIn(written, new Set(), 'with interfaces')
  }

  /** The `Static<typeof Order>` that an object type takes properties from, where the schema says more of these than their types do. */
  schemaIn(written: Written | undefined, seen = new Set<ts.Node>()): ts.Symbol | undefined {
    const followed = this.#types.follow(written).written
    if (followed === undefined || seen.has(followed.node)) return undefined
    seen.add(followed.node)
    const { node, bindings } = followed
    const reference = referenceIn(node)
    const symbol = reference === undefined ? undefined : this.#types.target(reference.name)
    const schema = this.#types.schemaBehind(followed)
    if (schema !== undefined) return this.#statics.constrains(schema) ? symbol : undefined
    const parts = partsOf(node).map((each) => ({ node: each, bindings }))
    for (const declaration of symbol?.declarations?.filter(ts.isInterfaceDeclaration) ?? []) {
      const inner = bind(declaration.typeParameters, reference?.args ?? [], bindings)
      const bases = declaration.heritageClauses?.flatMap(({ types }) => types) ?? []
      parts.push(...bases.map((each) => ({ node: each, bindings: inner })))
    }
    for (const part of parts) {
      const found = this.schemaIn(part, seen)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The written arguments of a type by name, where one of them constrains: two types that the compiler takes for one. */
  argumentsOf(written: Written | undefined): readonly Written[] {
    const reference = written === undefined ? undefined : referenceIn(unwrapType(written.node))
    if (written === undefined || reference === undefined) return []
    const args = reference.args.map((node) => ({ node, bindings: written.bindings }))
    return args.some((each) => this.constraintIn(each) !== undefined) ? args : []
  }

  /** The same for two types that are written the same, seen through type parameters. */
  textOf({ node, bindings }: Written, depth = 0): string {
    const reference = referenceIn(node)
    const symbol = reference === undefined ? undefined : this.#types.target(reference.name)
    const bound = symbol === undefined ? undefined : asWritten(bindings.get(symbol))
    if (bound !== undefined && depth < MAX_NAMES) return this.textOf(bound, depth + 1)
    const parts: string[] = []
    ts.forEachChild(node, (child) => {
      parts.push(ts.isTypeNode(child) ? this.textOf({ node: child, bindings }, depth + 1) : child.getText())
    })
    return parts.length === 0 ? node.getText() : `${ts.SyntaxKind[node.kind]}(${parts.join(',')})`
  }
}

/** What a type is made of that is written without a name; of a mapped type, its names and its values. */
function partsOf(node: ts.TypeNode): readonly ts.TypeNode[] {
  if (ts.isMappedTypeNode(node)) return [node.typeParameter.constraint, node.type].filter((each) => each !== undefined)
  const isMade =
    ts.isIntersectionTypeNode(node) ||
    ts.isConditionalTypeNode(node) ||
    ts.isTypeOperatorNode(node) ||
    ts.isIndexedAccessTypeNode(node)
  const parts: ts.TypeNode[] = []
  if (isMade) ts.forEachChild(node, (child) => void (ts.isTypeNode(child) && parts.push(child)))
  return parts
}
