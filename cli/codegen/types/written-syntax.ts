/** A type as it is written, with what its type parameters stand for; and what of that can be seen without the compiler. Pure. */
import { ts } from 'ts-morph'
import { unwrapType } from './type-docs.ts'

/** A type as it is written somewhere, and what the type parameters in it stand for. */
export interface Written {
  readonly node: ts.TypeNode
  readonly bindings: Bindings
}

/** By the symbol of a type parameter. A `Step` is what the parameter of a mapped type stands for at one property. */
export type Bindings = ReadonlyMap<ts.Symbol, Written | Step | Inferred>

/** What `infer` takes out of a type, in a way that is not followed. */
export interface Inferred {
  readonly from: Written
}

/** From a type to a part of it: a property or an element by name, or what an index signature or an array has behind every name. */
export type Step = string | typeof anyName
export const anyName = Symbol('any name')

/** A property as it is written. Without `symbol`, what is said of it is met by following `written`. */
export interface WrittenProperty {
  readonly symbol: ts.Symbol | undefined
  readonly written: Written | undefined
}

export interface Followed {
  /** The names and properties on the way, the outermost first. What their comments say holds for the type. */
  readonly said: readonly ts.Symbol[]
  /** What stands behind the last of them: no name of a type alias. `undefined` where it cannot be followed. */
  readonly written: Written | undefined
}

/** One of the types that a written union names. */
export interface WrittenMember {
  readonly written: Written
  /** False behind a conditional type, which may have left it out. */
  readonly isSure: boolean
}

export const unbound: Bindings = new Map()

/** `Order` of `shop.Order`. */
export function lastName(name: ts.EntityName): ts.Identifier {
  return ts.isQualifiedName(name) ? name.right : name
}

/** Names nest no deeper than that; types that grow with every level have no end. */
export const MAX_NAMES = 64

/** `Page<Sku>`, `types.Page<Sku>`, `import('./types.ts').Page<Sku>`, and the same behind `extends`. */
export function referenceIn(
  node: ts.Node,
): { readonly name: ts.Node; readonly args: readonly ts.TypeNode[] } | undefined {
  if (ts.isTypeReferenceNode(node)) return { name: node.typeName, args: node.typeArguments ?? [] }
  if (ts.isExpressionWithTypeArguments(node)) return { name: node.expression, args: node.typeArguments ?? [] }
  if (!ts.isImportTypeNode(node) || node.qualifier === undefined) return undefined
  return { name: node.qualifier, args: node.typeArguments ?? [] }
}

export function isScalar(node: ts.TypeNode): boolean {
  if (ts.isUnionTypeNode(node)) return node.types.every((each) => isScalar(unwrapType(each)))
  const { StringKeyword, NumberKeyword, BooleanKeyword, UndefinedKeyword } = ts.SyntaxKind
  return (
    ts.isLiteralTypeNode(node) || [StringKeyword, NumberKeyword, BooleanKeyword, UndefinedKeyword].includes(node.kind)
  )
}

export function asWritten(bound: Written | Step | Inferred | undefined): Written | undefined {
  return typeof bound === 'object' && 'node' in bound ? bound : undefined
}

export function bind(
  parameters: ts.NodeArray<ts.TypeParameterDeclaration> | undefined,
  args: readonly ts.TypeNode[],
  outer: Bindings,
): Bindings {
  const bindings = new Map<ts.Symbol, Written>()
  for (const [index, parameter] of (parameters ?? []).entries()) {
    const symbol = (parameter as { readonly symbol?: ts.Symbol }).symbol
    const arg = args[index]
    if (symbol === undefined) continue
    if (arg !== undefined) bindings.set(symbol, { node: arg, bindings: outer })
    else if (parameter.default !== undefined) bindings.set(symbol, { node: parameter.default, bindings })
  }
  return bindings
}
