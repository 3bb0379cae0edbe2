/** Knows `Static<typeof Order>` of TypeBox: its schema says more than its type, so the schema is read, where it is written. */
import { Node, ts } from 'ts-morph'
import { expressionNode, says } from '../schema/expression-node.ts'
import { patternsOf } from '../schema/schema-expression.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import { importAround, specifierOf } from './import-syntax.ts'
import { isTypeBox, readSchemaExpression } from './read-schema-expression.ts'

export interface ReadSchema {
  /** `undefined`: it cannot be read, or says what a derived schema cannot. */
  readonly node: SchemaNode | undefined
  readonly patterns: readonly string[]
}

/** They differ for schemas with a codec, which are not read. */
const statics: ReadonlySet<string> = new Set(['Static', 'StaticDecode', 'StaticEncode', 'StaticParse'])

/** From a node of the compiler to that of ts-morph. */
export type NodeOf = (node: ts.Node) => Node | undefined

export class StaticTypes {
  readonly #checker: ts.TypeChecker
  readonly #nodeOf: NodeOf
  readonly #read = new Map<ts.Node, ReadSchema>()

  constructor(checker: ts.TypeChecker, nodeOf: NodeOf) {
    this.#checker = checker
    this.#nodeOf = nodeOf
  }

  /** Whether a name means TypeBox's `Static`: imported as such, or a member of all of it. */
  isStatic(name: ts.Node): boolean {
    if (ts.isIdentifier(name)) return statics.has(this.#importedAs(name) ?? '')
    return ts.isQualifiedName(name) && statics.has(name.right.text) && this.#importedAs(name.left) === '*'
  }

  /** @param value the name behind `typeof` */
  schemaOf(value: ts.Node): ReadSchema {
    const known = this.#read.get(value)
    if (known !== undefined) return known
    const wrapped = this.#nodeOf(value)
    const expression = wrapped === undefined || !Node.isExpression(wrapped) ? undefined : readSchemaExpression(wrapped)
    const read = {
      node: expressionNode(expression),
      patterns: expression === undefined ? [] : patternsOf(expression),
    }
    this.#read.set(value, read)
    return read
  }

  /** Whether something would be lost where only the type of its values is known. */
  constrains(value: ts.Node): boolean {
    const { node } = this.schemaOf(value)
    return node === undefined || says(node)
  }

  #importedAs(name: ts.Node): string | undefined {
    let symbol = this.#checker.getSymbolAtLocation(name)
    while (symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0) {
      const [declaration] = symbol.declarations ?? []
      const around = declaration === undefined ? undefined : importAround(declaration)
      const specifier = around === undefined ? undefined : specifierOf(around)
      if (declaration !== undefined && specifier !== undefined && isTypeBox(specifier.text)) return nameIn(declaration)
      symbol = this.#checker.getImmediateAliasedSymbol(symbol)
    }
    return undefined
  }
}

/** `Static` of `import { Static as Of }`; `*` for all of a module. */
function nameIn(declaration: ts.Node): string {
  if (ts.isImportSpecifier(declaration) || ts.isExportSpecifier(declaration)) {
    return (declaration.propertyName ?? declaration.name).text
  }
  return '*'
}
