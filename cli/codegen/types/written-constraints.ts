/** Finds the names in a written type whose comments constrain, so that none is lost in silence. Reads syntax and symbols; decides nothing. */
import { ts } from 'ts-morph'
import { readDocTags } from '../schema/doc-tags.ts'
import { commentsOf, unwrapType } from './type-docs.ts'
import {
  asWritten,
  type Bindings,
  MAX_NAMES,
  referenceIn,
  type Written,
  type WrittenProperty,
} from './written-syntax.ts'

/** What is asked of whoever follows names. */
export interface NameFollower {
  target(name: ts.Node): ts.Symbol | undefined
  isOfLibrary(symbol: ts.Symbol): boolean
  bodyOf(alias: ts.Symbol, written: Written | undefined): Written | undefined
  indexed(node: ts.IndexedAccessTypeNode, bindings: Bindings): WrittenProperty | undefined
}

export class WrittenConstraints {
  readonly #types: NameFollower
  readonly #constrained = new Map<ts.Symbol, boolean>()
  #nesting = 0

  constructor(types: NameFollower) {
    this.#types = types
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
    const reference = referenceIn(node)
    const symbol = reference === undefined ? undefined : this.#types.target(reference.name)
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
