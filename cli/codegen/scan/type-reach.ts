/**
 * Finds what a type is made of, through the project's own declarations: which files must be open before it can be derived, and which names lead
 * nowhere. The compiler is silent about both: `interface Order extends Base` has its own properties only where `Base` cannot be found.
 */
import { ts } from 'ts-morph'
import { nearestName } from '../../../framework/config/nearest-name.ts'
import * as refuse from '../schema/refusals.ts'
import { importAround, specifierOf } from '../types/import-syntax.ts'
import { strayComments } from '../types/stray-comments.ts'
import type { Place } from '../types/type-deriver.ts'
import type { Lead, Wanted } from './project-files.ts'

export interface Leads {
  /** @param name what is imported, where that is one name */
  leadOf(specifier: ts.StringLiteralLike, name?: string): Lead
  /** Of the user's project: what it declares is followed. */
  isOwn(file: ts.SourceFile): boolean
}

export type RefuseName = (place: Place, refusal: refuse.Refusal) => void

/**
 * How much must be known. `type`: every name. `value`: what is imported, as the language's own values are not open here. `body`: nothing, as a
 * function may use much that has no say in what it returns. `import`: nothing needs to be open, but what is imported must be there.
 */
type Mode = 'type' | 'value' | 'body' | 'import'

export class TypeReach {
  readonly #checker: ts.TypeChecker
  readonly #leads: Leads
  readonly #refuseType: RefuseName
  readonly #files = new Set<string>()
  readonly #names = new Set<string>()
  /** Of one question. */
  #seen = new Set<ts.Node>()
  #isComplete = true
  #refuse: RefuseName

  /** @param refuseType tells what a type lacks */
  constructor(checker: ts.TypeChecker, leads: Leads, refuseType: RefuseName) {
    this.#checker = checker
    this.#leads = leads
    this.#refuseType = refuseType
    this.#refuse = refuseType
  }

  get wanted(): Wanted {
    return { files: this.#files, names: this.#names }
  }

  /** @returns false where something is missing that the type is made of: then that has been told, or is wanted */
  isWithin(type: ts.TypeNode): boolean {
    this.#refuseStray(type)
    return this.#ask(type, 'type')
  }

  #refuseStray(written: ts.Node): void {
    for (const { tag, text, file, position } of strayComments(written)) {
      const start = position + text.indexOf(`@${tag}`)
      this.#refuseType({ file, start, end: start + tag.length + 1 }, refuse.strayComment(tag))
    }
  }

  /** @returns false where an import that an expression is made of leads nowhere: then that has been told */
  isImported(expression: ts.Node, refuseName: RefuseName): boolean {
    return this.#ask(expression, 'import', refuseName)
  }

  #ask(node: ts.Node, mode: Mode, refuseName = this.#refuseType): boolean {
    this.#seen = new Set()
    this.#isComplete = true
    this.#refuse = refuseName
    this.#visit(node, mode)
    return this.#isComplete
  }

  #visit(node: ts.Node, mode: Mode): void {
    if (ts.isIdentifier(node)) this.#name(node, mode)
    else if (ts.isQualifiedName(node) || ts.isPropertyAccessExpression(node)) this.#member(node, mode)
    else {
      if (ts.isTypeReferenceNode(node)) this.#visit(node.typeName, mode)
      else if (ts.isTypeQueryNode(node)) this.#visit(node.exprName, mode)
      else if (ts.isImportTypeNode(node)) this.#importType(node, mode)
      else if (isJsDocType(node)) this.#missing(node, refuse.jsDocType(node.getText()))
      else if (ts.isExportSpecifier(node)) this.#visit(node.propertyName ?? node.name, mode)
      const inner = ts.isFunctionLike(node) ? modeWithin(node, mode) : mode
      ts.forEachChild(node, (child) => {
        if (isReference(child, node)) this.#visit(child, inner)
      })
    }
  }

  #name(node: ts.Identifier, mode: Mode): void {
    const symbol = ts.isShorthandPropertyAssignment(node.parent)
      ? this.#checker.getShorthandAssignmentValueSymbol(node.parent)
      : this.#checker.getSymbolAtLocation(node)
    if (symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0) this.#alias(symbol, node, mode)
    else if (isKnown(symbol)) this.#declarations(symbol, mode)
    else if (mode === 'type') this.#undeclared(node, node.text)
  }

  /** `shop.Order`, where `shop` is a namespace; of any other value, its parts are no matter. */
  #member(node: ts.QualifiedName | ts.PropertyAccessExpression, mode: Mode): void {
    const [owner, name] = ts.isQualifiedName(node) ? [node.left, node.right] : [node.expression, node.name]
    const isThere = this.#isWhole(() => this.#visit(owner, mode))
    if (!isThere || !isNamespace(owner, this.#checker)) return
    const symbol = this.#target(this.#checker.getSymbolAtLocation(name))
    if (isKnown(symbol)) this.#declarations(symbol, mode)
    else if (mode === 'type') this.#undeclared(node, node.getText())
  }

  #importType(node: ts.ImportTypeNode, mode: Mode): void {
    const specifier = specifierOf(node)
    if (specifier === undefined || !this.#follows(specifier, mode)) return
    const symbol = node.qualifier === undefined ? undefined : this.#checker.getSymbolAtLocation(node.qualifier)
    const target = this.#target(symbol)
    if (isKnown(target)) this.#declarations(target, mode)
    else if (node.qualifier !== undefined && mode !== 'body') this.#notExported(specifier, node.qualifier)
  }

  /** Through imports and re-exports, one at a time. */
  #alias(symbol: ts.Symbol, name: ts.Node, mode: Mode): void {
    let at = symbol
    let place = name
    while ((at.flags & ts.SymbolFlags.Alias) !== 0) {
      const [declaration] = at.declarations ?? []
      const around = declaration === undefined ? undefined : importAround(declaration)
      const specifier = around === undefined ? undefined : specifierOf(around)
      if (declaration !== undefined && specifier !== undefined) {
        if (!this.#leads.isOwn(declaration.getSourceFile())) return
        if (!this.#follows(specifier, mode, importedName(declaration).getText())) return
        if (this.#leads.leadOf(specifier).kind === 'outside') return
        place = declaration
      }
      const next = this.#checker.getImmediateAliasedSymbol(at)
      if (!isKnown(next)) {
        if (specifier !== undefined && mode !== 'body') this.#notExported(specifier, importedName(place))
        return
      }
      at = next
    }
    this.#declarations(at, mode)
  }

  /** @returns whether the module is there, and open. @param name what is imported, where that is one name */
  #follows(specifier: ts.StringLiteralLike, mode: Mode, name?: string): boolean {
    const lead = this.#leads.leadOf(specifier, name)
    switch (lead.kind) {
      case 'open':
      case 'outside':
        return true
      case 'closed':
        if (mode === 'import') return false
        this.#files.add(lead.path)
        this.#isComplete = false
        return false
      case 'nowhere':
        // `declare module 'virtual:order'`
        if (isKnown(this.#checker.getSymbolAtLocation(specifier))) return true
        // Code without types is no matter to a value.
        if (mode === 'body' || (mode === 'import' && lead.untyped !== undefined)) return false
        this.#names.add(specifier.text)
        this.#missing(specifier, refuse.leadsNowhere(specifier.text, lead.untyped))
        return false
    }
  }

  /** It may come through an `export *` that leads nowhere, or to a file that is not open. */
  #notExported(specifier: ts.StringLiteralLike, name: ts.Node): void {
    const module = this.#checker.getSymbolAtLocation(specifier)
    if (module !== undefined && !this.#isWhole(() => this.#stars(module))) return
    const known = module === undefined ? [] : this.#checker.getExportsOfModule(module).map((each) => each.name)
    const text = name.getText()
    this.#missing(name, refuse.notExported(text, specifier.text, nearestName(text, known)))
  }

  #stars(module: ts.Symbol): void {
    for (const file of module.declarations ?? []) {
      if (!ts.isSourceFile(file) || this.#seen.has(file) || !this.#leads.isOwn(file)) continue
      this.#seen.add(file)
      for (const statement of file.statements) {
        if (!ts.isExportDeclaration(statement) || statement.exportClause !== undefined) continue
        const specifier = specifierOf(statement)
        if (specifier === undefined || !this.#follows(specifier, 'type')) continue
        const inner = this.#checker.getSymbolAtLocation(specifier)
        if (inner !== undefined) this.#stars(inner)
      }
    }
  }

  #undeclared(node: ts.Node, name: string): void {
    // Told by what it is, with what to write instead. An interface that extends it is no type of a value either.
    if (refuse.isBuiltIn(name) && !isExtended(node)) return
    this.#names.add(name.split('.')[0] ?? name)
    this.#missing(
      node,
      refuse.isBuiltIn(name) ? refuse.builtIn('What this extends', name, name) : refuse.undeclared(name),
    )
  }

  /** Whether nothing was missing in this part. */
  #isWhole(look: () => void): boolean {
    const before = this.#isComplete
    this.#isComplete = true
    look()
    const isWhole = this.#isComplete
    this.#isComplete &&= before
    return isWhole
  }

  #missing(node: ts.Node, refusal: refuse.Refusal): void {
    this.#isComplete = false
    this.#refuse({ file: node.getSourceFile(), start: node.getStart(), end: node.getEnd() }, refusal)
  }

  #declarations(symbol: ts.Symbol, mode: Mode): void {
    for (const declaration of symbol.declarations ?? []) {
      if (this.#seen.has(declaration) || !this.#leads.isOwn(declaration.getSourceFile())) continue
      this.#seen.add(declaration)
      const ofValue: Mode = mode === 'type' ? 'value' : mode
      if (ts.isTypeAliasDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)) {
        if (mode === 'type') this.#refuseStray(declaration)
        ts.forEachChild(declaration, (child) => {
          if (child !== declaration.name) this.#visit(child, mode)
        })
      } else if (ts.isVariableDeclaration(declaration)) {
        if (declaration.type !== undefined) this.#visit(declaration.type, mode)
        else if (declaration.initializer !== undefined) this.#visit(declaration.initializer, ofValue)
      } else if (ts.isFunctionDeclaration(declaration)) {
        if (declaration.type !== undefined) this.#visit(declaration.type, mode)
        else if (declaration.body !== undefined) this.#visit(declaration.body, 'body')
      } else if (ts.isExportAssignment(declaration)) this.#visit(declaration.expression, ofValue)
    }
  }

  #target(symbol: ts.Symbol | undefined): ts.Symbol | undefined {
    if (symbol === undefined || (symbol.flags & ts.SymbolFlags.Alias) === 0) return symbol
    return this.#checker.getAliasedSymbol(symbol)
  }
}

/** The type of a function is refused as such; what it returns may be asked for. */
function modeWithin(node: ts.SignatureDeclaration, mode: Mode): Mode {
  const isExpression = ts.isArrowFunction(node) || ts.isFunctionExpression(node)
  if (mode === 'import') return mode
  return isExpression || mode === 'body' ? 'body' : 'value'
}

/** `Sku?` and `?Sku`: the compiler reads them as one with null, and tells that they are no TypeScript. */
function isJsDocType({ kind }: ts.Node): boolean {
  return kind >= ts.SyntaxKind.FirstJSDocNode && kind <= ts.SyntaxKind.LastJSDocNode
}

/** The checker's stand-in for what it cannot find has no declaration. */
function isKnown(symbol: ts.Symbol | undefined): symbol is ts.Symbol {
  return symbol !== undefined && (symbol.declarations ?? []).length > 0
}

/** Whether a child is no name that its parent gives, but one that it uses. */
function isReference(child: ts.Node, parent: ts.Node): boolean {
  if (ts.isTypeReferenceNode(parent)) return child !== parent.typeName
  if (ts.isTypeQueryNode(parent)) return child !== parent.exprName
  if (ts.isImportTypeNode(parent)) return child !== parent.qualifier
  if (ts.isBindingElement(parent) && child === parent.propertyName) return false
  if (ts.isTypePredicateNode(parent) && child === parent.parameterName) return false
  const { name } = parent as ts.NamedDeclaration
  return child !== name || !ts.isIdentifier(child) || ts.isShorthandPropertyAssignment(parent)
}

/** `z` of `z.Order`, and `shop.types` of `shop.types.Order`. */
function isNamespace(node: ts.Node, checker: ts.TypeChecker): boolean {
  if (ts.isQualifiedName(node) || ts.isIdentifier(node)) {
    const symbol = checker.getSymbolAtLocation(node)
    if (symbol === undefined) return false
    const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0
    const target = isAlias ? checker.getAliasedSymbol(symbol) : symbol
    return !isKnown(target) || (target.flags & ts.SymbolFlags.Namespace) !== 0
  }
  return false
}

/** `Order` of `import { Order as Bought }`. */
function importedName(node: ts.Node): ts.Node {
  if (ts.isImportSpecifier(node) || ts.isExportSpecifier(node)) return node.propertyName ?? node.name
  return node
}

function isExtended(node: ts.Node): boolean {
  return ts.isExpressionWithTypeArguments(node.parent)
}
