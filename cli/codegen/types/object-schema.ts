/** Derives the schema of an object type, with what it extends or is intersected with; and says which object types are no data. */
import { ts } from 'ts-morph'
import * as refuse from '../schema/refusals.ts'
import type { ObjectNode, PropertyNode, SchemaNode } from '../schema/schema-node.ts'
import { templatePattern } from '../schema/template-pattern.ts'
import { type At, inside, type Place, type TypeDeriver } from './type-deriver.ts'
import { commentsOf, writtenType } from './type-docs.ts'
import type { TypeWorld } from './type-names.ts'
import type { WrittenProperty } from './written-syntax.ts'

/** Names that TypeScript's `[name: number]` stands for. */
const NUMERIC_NAME = '^-?(?:0|[1-9]\\d*)(?:\\.\\d+)?$'

/** `undefined` for an object that carries nothing but data. */
export function objectRefusal(type: ts.ObjectType, world: TypeWorld, path: string): refuse.Refusal | undefined {
  const symbol = type.getSymbol()
  const shown = () => world.checker.typeToString(type)
  if (type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0) return refuse.functionType(path)
  if (symbol !== undefined && (symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) !== 0) {
    const isLibrary = symbol.declarations?.some((declaration) => world.isLibrary(declaration.getSourceFile())) === true
    if (isLibrary || isBytes(symbol, type)) return refuse.builtIn(path, symbol.name, shown())
    if ((symbol.flags & ts.SymbolFlags.Class) !== 0) return refuse.classInstance(path, shown())
  }
  const isEmpty = type.getProperties().length === 0 && world.checker.getIndexInfosOfType(type).length === 0
  return isEmpty ? refuse.emptyObject(path, shown()) : undefined
}

function isBytes(symbol: ts.Symbol, type: ts.Type): boolean {
  return symbol.name === 'Buffer' && type.getProperty('byteLength') !== undefined
}

export function deriveObject(deriver: TypeDeriver, type: ts.ObjectType | ts.IntersectionType, at: At): SchemaNode {
  const properties = inOrder(type.getProperties(), deriver.world).map((symbol) => property(deriver, type, symbol, at))
  const indexes = indexSignatures(deriver, type, at)
  refuseClashes(deriver, type, at)
  return { kind: 'object', properties: properties.flatMap((each) => each ?? []), ...indexes }
}

/** As they are declared. The compiler's own order depends, for mapped types, on what else it has read. */
function inOrder(symbols: readonly ts.Symbol[], world: TypeWorld): readonly ts.Symbol[] {
  const placed = symbols.map((symbol) => {
    const declaration = symbol.declarations?.[0]
    const file = declaration === undefined ? '' : world.pathOf(declaration.getSourceFile())
    return { symbol, file, position: declaration?.pos ?? 0 }
  })
  placed.sort((a, b) => {
    if (a.file !== b.file) return a.file < b.file ? -1 : 1
    return a.position - b.position || (a.symbol.name < b.symbol.name ? -1 : 1)
  })
  return placed.map(({ symbol }) => symbol)
}

function property(deriver: TypeDeriver, owner: ts.Type, symbol: ts.Symbol, at: At): PropertyNode | undefined {
  const { world } = deriver
  const { name } = symbol
  const isOptional = (symbol.flags & ts.SymbolFlags.Optional) !== 0
  const type = world.checker.getTypeOfSymbol(symbol)
  const place = placeOf(symbol, world) ?? at.place
  const found = world.written.propertiesOf(at.written, name)
  const [written, ...others] = found.length > 0 ? found : [declaredProperty(owner, symbol, type, world)]
  const here = inside(at, step(name), {
    place,
    written: written?.written,
    mayBeUndefined: true,
    mayBeNever: isOptional,
  })
  const refusal = name.startsWith('__@')
    ? refuse.symbolName(here.path)
    : name === '__proto__'
      ? refuse.protoName(here.path)
      : undefined
  if (refusal !== undefined) {
    deriver.refused(here, refusal)
    return undefined
  }
  const lost = found.length > 0 ? undefined : lostBy(symbol, at, world)
  if (lost !== undefined) {
    deriver.refused({ ...here, place: at.place }, refuse.lost(here.path, lost.name))
    return undefined
  }
  const mayBeMissing = isOptional || mayBeUndefined(type)
  let node = deriver.derive(type, here)
  // An intersection may say something of a property in each of its parts.
  for (const other of others) node = deriver.withNames(node, type, { ...here, written: other.written })
  return {
    name,
    value: deriver.withTags(node, commentsOf(symbol), here, written?.symbol === undefined ? 'description' : 'all'),
    isOptional: mayBeMissing,
  }
}

/** What says something of a property that is not found where its owner is written. */
function lostBy(symbol: ts.Symbol, { written }: At, world: TypeWorld): ts.Symbol | undefined {
  const { constraints } = world.written
  const schema = constraints.schemaIn(written)
  if (schema !== undefined) return schema
  const [declaration] = symbol.declarations ?? []
  // Renamed by `as`: the compiler has forgotten what it was made from.
  if (declaration === undefined) return written === undefined ? undefined : constraints.constraintWithin(written)
  // Of a value, whose parts may be declared or made with types by name.
  if (ts.isShorthandPropertyAssignment(declaration)) {
    return constraints.constraintInValue(world.checker.getShorthandAssignmentValueSymbol(declaration))
  }
  const isOfValue = ts.isPropertyAssignment(declaration) || ts.isParameter(declaration)
  return isOfValue ? constraints.constraintInValue(symbol) : undefined
}

/** As its declaration has it, where it is not known how its owner is written. */
function declaredProperty(owner: ts.Type, symbol: ts.Symbol, type: ts.Type, world: TypeWorld): WrittenProperty {
  const node = writtenType(symbol)
  const isMapped = ((owner as ts.ObjectType).objectFlags & ts.ObjectFlags.Mapped) !== 0
  // A mapped type keeps the comments of the properties that it is made from, but may give them other types.
  const keepsType = !isMapped || node === undefined || isWritten(type, node, world.checker)
  return { symbol: keepsType ? symbol : undefined, written: world.written.at(node) }
}

function isWritten(type: ts.Type, written: ts.TypeNode, checker: ts.TypeChecker): boolean {
  const declared = checker.getTypeFromTypeNode(written)
  return checker.getNonNullableType(type) === checker.getNonNullableType(declared)
}

/** JSON has no undefined: a property that may be undefined is one that may be missing. `unknown` must be there, as TypeScript asks. */
function mayBeUndefined(type: ts.Type): boolean {
  const nothing = ts.TypeFlags.Undefined | ts.TypeFlags.Void
  if ((type.flags & nothing) !== 0) return true
  const isUnion = (type.flags & ts.TypeFlags.Union) !== 0
  return isUnion && (type as ts.UnionType).types.some(({ flags }) => (flags & nothing) !== 0)
}

/** `.name`, `."a name"`, or `[symbol]`: the compiler's name for a property named by a symbol is `__@name@12`. */
function step(name: string): string {
  const symbol = /^__@(.+)@\d+$/.exec(name)
  if (symbol !== null) return `[${symbol[1]}]`
  return `.${/^[\w$]+$/.test(name) ? name : JSON.stringify(name)}`
}

/** The property's type as it is written, in a file that the user can change. */
function placeOf(symbol: ts.Symbol, world: TypeWorld): Place | undefined {
  const declaration = symbol.declarations?.[0]
  if (declaration === undefined || !world.isOwn(declaration.getSourceFile())) return undefined
  const node = writtenType(symbol) ?? declaration
  return { file: declaration.getSourceFile(), start: node.getStart(), end: node.getEnd() }
}

function indexSignatures(deriver: TypeDeriver, type: ts.Type, at: At): Pick<ObjectNode, 'patterns' | 'others'> {
  const { checker } = deriver.world
  const patterns: { readonly pattern: string; readonly value: SchemaNode }[] = []
  let others: SchemaNode | undefined
  for (const { keyType, type: valueType, declaration } of checker.getIndexInfosOfType(type)) {
    const shown = checker.typeToString(keyType)
    const pattern = namePattern(keyType)
    if (pattern === undefined) {
      deriver.refused(at, refuse.indexName(at.path, shown))
      continue
    }
    const [found, ...more] = deriver.world.written.indexOf(at.written)
    // Several index signatures, or an intersection of them: which of them is meant is not known.
    const written = more.length === 0 ? found?.written : undefined
    if (more.length > 0) deriver.refuseLost(at)
    const here = inside(at, `[${shown}]`, { written, mayBeUndefined: true, mayBeNever: true })
    const value = deriver.derive(valueType, here)
    const named = pattern === null ? constrainedNames(deriver, keyType, declaration, at) : undefined
    if (named !== undefined) {
      patterns.push({ pattern: named, value })
      others = { kind: 'never' }
    } else if (pattern === null) others = value
    else patterns.push({ pattern, value })
  }
  patterns.sort((a, b) => (a.pattern < b.pattern ? -1 : 1))
  return { patterns, ...(others === undefined ? {} : { others }) }
}

/** The pattern of `Sku`, in `Record<Sku, Order>` and in `{ [sku: Sku]: Order }`, which may be inherited. */
function constrainedNames(
  deriver: TypeDeriver,
  keyType: ts.Type,
  declaration: ts.IndexSignatureDeclaration | undefined,
  at: At,
): string | undefined {
  const { written } = deriver.world
  const names = written.namesOf(at.written) ?? written.at(declaration?.parameters[0]?.type)
  if (names === undefined || written.constraints.constraintIn(names) === undefined) return undefined
  const node = deriver.derive(keyType, inside(at, '[name]', { written: names }))
  const { description: _, pattern, ...others } = node.kind === 'string' ? (node.options ?? {}) : {}
  if (typeof pattern === 'string' && Object.keys(others).length === 0) return pattern
  deriver.refused(at, refuse.nameConstraint(at.path))
  return undefined
}

/** `null` for every name; `undefined` for names that JSON does not have. */
function namePattern(key: ts.Type): string | null | undefined {
  // `string & { readonly __brand: 'OrderId' }`: in JSON, it is the text.
  if ((key.flags & ts.TypeFlags.Intersection) !== 0) {
    const primitives = (key as ts.IntersectionType).types.filter(({ flags }) => (flags & ts.TypeFlags.Object) === 0)
    const [primitive] = primitives
    return primitives.length === 1 && primitive !== undefined ? namePattern(primitive) : undefined
  }
  if ((key.flags & ts.TypeFlags.String) !== 0) return null
  if ((key.flags & ts.TypeFlags.Number) !== 0) return NUMERIC_NAME
  if ((key.flags & ts.TypeFlags.TemplateLiteral) === 0) return undefined
  const { texts, types } = key as ts.TemplateLiteralType
  const isText = types.every(({ flags }) => (flags & ts.TypeFlags.String) !== 0)
  const isTextOrNumber = types.every(({ flags }) => (flags & (ts.TypeFlags.String | ts.TypeFlags.Number)) !== 0)
  if (!isText && !isTextOrNumber) return undefined
  return templatePattern(
    texts,
    types.map(({ flags }) => ((flags & ts.TypeFlags.String) === 0 ? 'number' : 'string')),
  )
}

/** An intersection may ask for a property that its own index signature forbids. TypeScript lets it be declared; nothing satisfies it. */
function refuseClashes(deriver: TypeDeriver, type: ts.Type, at: At): void {
  const { checker } = deriver.world
  if ((type.flags & ts.TypeFlags.Intersection) === 0) return
  const index = checker.getIndexInfosOfType(type).find(({ keyType }) => (keyType.flags & ts.TypeFlags.String) !== 0)
  if (index === undefined) return
  for (const symbol of type.getProperties()) {
    const own = checker.getTypeOfSymbol(symbol)
    if (checker.isTypeAssignableTo(own, index.type)) continue
    const place = placeOf(symbol, deriver.world) ?? at.place
    const here = inside(at, step(symbol.name), { place })
    deriver.refused(here, refuse.clashing(here.path, checker.typeToString(own)))
  }
}
