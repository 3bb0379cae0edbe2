/** Reads values from syntax without running it: literals, `const` references, members of constant objects, calls of Pyrallel's own functions. */
import {
  type CallExpression,
  type Expression,
  type Identifier,
  Node,
  type ObjectLiteralExpression,
  type ts,
} from 'ts-morph'

/** Follows parentheses, `as`, `satisfies` and `!` to the expression that is meant. */
function unwrap(node: Expression): Expression {
  let current = node
  while (
    Node.isParenthesizedExpression(current) ||
    Node.isAsExpression(current) ||
    Node.isSatisfiesExpression(current) ||
    Node.isTypeAssertion(current) ||
    Node.isNonNullExpression(current)
  ) {
    current = current.getExpression()
  }
  return current
}

/** The expression that a chain of `const` references ends at; `undefined` where it cannot be followed without running code. */
export function resolve(expression: Expression, seen: ReadonlySet<Node> = new Set()): Expression | undefined {
  const node = unwrap(expression)
  // A chain of constants that leads back to itself (`const a = b; const b = a`) ends nowhere.
  if (seen.has(node)) return undefined
  const chain = new Set(seen).add(node)
  if (Node.isIdentifier(node)) {
    const initializer = constInitializer(node)
    return initializer === undefined ? undefined : resolve(initializer, chain)
  }
  if (Node.isPropertyAccessExpression(node)) {
    const value = memberValue(node.getExpression(), node.getName(), chain)
    if (value !== undefined) return resolve(value, chain)
    const viaNamespace = constInitializer(node.getNameNode())
    return viaNamespace === undefined ? undefined : resolve(viaNamespace, chain)
  }
  if (Node.isElementAccessExpression(node)) {
    const argument = node.getArgumentExpression()
    const name = argument === undefined ? undefined : readString(argument, chain)
    const value = name === undefined ? undefined : memberValue(node.getExpression(), name, chain)
    return value === undefined ? undefined : resolve(value, chain)
  }
  return node
}

function memberValue(object: Expression, name: string, seen: ReadonlySet<Node>): Expression | undefined {
  const owner = resolve(object, seen)
  return owner !== undefined && Node.isObjectLiteralExpression(owner) ? property(owner, name, seen)?.value : undefined
}

/** A text that is known without running code. */
export function readString(expression: Expression, seen?: ReadonlySet<Node>): string | undefined {
  const node = resolve(expression, seen)
  if (node === undefined) return undefined
  if (Node.isStringLiteral(node) || Node.isNoSubstitutionTemplateLiteral(node)) return node.getLiteralValue()
  return undefined
}

/**
 * The value of a property: the last one wins, spreads of constant objects included.
 * `opaque` is a spread that cannot be read and that comes later, so that it may hide another value.
 */
export function property(
  object: ObjectLiteralExpression,
  name: string,
  seen?: ReadonlySet<Node>,
): { readonly value?: Expression; readonly opaque?: Node } | undefined {
  for (const member of object.getProperties().toReversed()) {
    if (Node.isSpreadAssignment(member)) {
      const spread = resolve(member.getExpression(), seen)
      if (spread === undefined || !Node.isObjectLiteralExpression(spread)) return { opaque: member }
      const found = property(spread, name, seen)
      if (found !== undefined) return found
    } else if (Node.isShorthandPropertyAssignment(member)) {
      if (member.getName() === name) return { value: member.getNameNode() }
    } else if (Node.isPropertyAssignment(member)) {
      const named = member.getNameNode()
      if (Node.isComputedPropertyName(named)) {
        const computed = readString(named.getExpression(), seen)
        if (computed === undefined) return { opaque: member }
        if (computed === name) return initializerOf(member.getInitializer())
      } else if (plainName(named) === name) return initializerOf(member.getInitializer())
    } else if (member.getName() === name) return { opaque: member }
  }
  return undefined
}

function initializerOf(initializer: Expression | undefined): { readonly value: Expression } | undefined {
  return initializer === undefined ? undefined : { value: initializer }
}

export function plainName(name: Node): string {
  return Node.isStringLiteral(name) || Node.isNoSubstitutionTemplateLiteral(name)
    ? name.getLiteralValue()
    : name.getText()
}

/** The initializer of the `const` that an identifier names, through imports and re-exports. */
function constInitializer(identifier: Identifier): Expression | undefined {
  const symbol = identifier.getSymbol()
  const target = symbol?.getAliasedSymbol() ?? symbol
  for (const declaration of target?.getDeclarations() ?? []) {
    if (Node.isVariableDeclaration(declaration)) {
      const isConst = declaration.getVariableStatement()?.getDeclarationKind() === 'const'
      return isConst ? declaration.getInitializer() : undefined
    }
    if (Node.isExportAssignment(declaration)) return declaration.getExpression()
    if (Node.isShorthandPropertyAssignment(declaration)) {
      const value = declaration.getValueSymbol()?.getDeclarations().find(Node.isVariableDeclaration)
      return value?.getVariableStatement()?.getDeclarationKind() === 'const' ? value.getInitializer() : undefined
    }
  }
  return undefined
}

/** The name under which `pyrallel` exports what is called: `handler`, `topic`; `undefined` when it is not Pyrallel's. */
export function pyrallelFunction(call: CallExpression): string | undefined {
  const callee = unwrap(call.getExpression())
  if (Node.isPropertyAccessExpression(callee)) {
    const owner = callee.getExpression()
    const isNamespace = Node.isIdentifier(owner) && pyrallelName(owner) === '*'
    return isNamespace ? callee.getName() : undefined
  }
  return Node.isIdentifier(callee) ? pyrallelName(callee) : undefined
}

/**
 * What identifiers mean by their own file alone: declared there, or imported from `pyrallel` itself. A file that changes has other nodes, so this
 * stays true; it would else be a quarter of what a save costs.
 */
const meantByOwnFile = new WeakMap<ts.Node, { readonly name: string | undefined }>()

function pyrallelName(identifier: Identifier): string | undefined {
  const known = meantByOwnFile.get(identifier.compilerNode)
  if (known !== undefined) return known.name
  const symbol = identifier.getSymbol()
  const direct = symbol
    ?.getDeclarations()
    .map(importOf)
    .find((found) => found !== undefined && isPyrallel(found.specifier ?? ''))
  if (direct !== undefined || symbol?.isAlias() === false) {
    meantByOwnFile.set(identifier.compilerNode, { name: direct?.name })
    return direct?.name
  }
  return importedFrom(identifier, isPyrallel)
}

/** `handler(...)` or `batchHandler(...)`: what a file below handlers/ exports. */
export function isHandlerCall(call: CallExpression): boolean {
  const name = pyrallelFunction(call)
  return name === 'handler' || name === 'batchHandler'
}

/** The name that an identifier imports from a module, `*` for all of it, through re-exports of the user's own files. */
export function importedFrom(identifier: Identifier, isModule: (specifier: string) => boolean): string | undefined {
  let symbol = identifier.getSymbol()
  while (symbol !== undefined) {
    for (const declaration of symbol.getDeclarations()) {
      const { specifier, name } = importOf(declaration) ?? {}
      if (specifier !== undefined && isModule(specifier)) return name
    }
    symbol = symbol.isAlias() ? symbol.getImmediatelyAliasedSymbol() : undefined
  }
  return undefined
}

function importOf(declaration: Node): { readonly specifier: string | undefined; readonly name: string } | undefined {
  if (Node.isImportSpecifier(declaration)) {
    return { specifier: declaration.getImportDeclaration().getModuleSpecifierValue(), name: declaration.getName() }
  }
  if (Node.isExportSpecifier(declaration)) {
    return { specifier: declaration.getExportDeclaration().getModuleSpecifierValue(), name: declaration.getName() }
  }
  const statement = declaration.getFirstAncestor(Node.isImportDeclaration)
  if (Node.isNamespaceImport(declaration)) return { specifier: statement?.getModuleSpecifierValue(), name: '*' }
  if (Node.isImportClause(declaration)) return { specifier: statement?.getModuleSpecifierValue(), name: 'default' }
  return undefined
}

function isPyrallel(specifier: string): boolean {
  return specifier === 'pyrallel'
}
