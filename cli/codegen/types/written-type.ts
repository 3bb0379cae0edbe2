/**
 * Follows how a type is written: through names, type arguments, mapped types and indexed access. The compiler forgets that a text was
 * written as `Sku`, and with it what the comment of `Sku` says. Reads syntax and symbols; decides nothing.
 */
import { ts } from 'ts-morph'
import type { StaticTypes } from './static-types.ts'
import { unwrapType, writtenMember } from './type-docs.ts'
import { WrittenConditionals } from './written-conditionals.ts'
import { type NameFollower, WrittenConstraints } from './written-constraints.ts'
import {
  anyName,
  asWritten,
  type Bindings,
  bind,
  type Followed,
  lastName,
  MAX_NAMES,
  referenceIn,
  type Step,
  unbound,
  type Written,
  type WrittenMember,
  type WrittenProperty,
} from './written-syntax.ts'

/** Deeper than conditional types that people write for values. */
const MAX_UNSURE = 8

export class WrittenTypes implements NameFollower {
  readonly #checker: ts.TypeChecker
  readonly #isLibrary: (file: ts.SourceFile) => boolean
  readonly #conditionals: WrittenConditionals
  /** How many conditional types deep `membersOf` is, of which it is not known what they come to. */
  #unsure = 0
  /** Which names constrain, and where they stand. */
  readonly constraints: WrittenConstraints
  readonly #statics: StaticTypes

  constructor(checker: ts.TypeChecker, isLibrary: (file: ts.SourceFile) => boolean, statics: StaticTypes) {
    this.#checker = checker
    this.#statics = statics
    this.#isLibrary = isLibrary
    this.#conditionals = new WrittenConditionals(checker, this)
    this.constraints = new WrittenConstraints(this, statics)
  }

  /** As it stands in the file, outside of any declaration with type parameters. */
  at(node: ts.TypeNode | undefined): Written | undefined {
    return node === undefined ? undefined : { node, bindings: unbound }
  }

  /** What stands behind the `=` of the alias that `written` names, or else behind the `=` of `alias`. */
  bodyOf(alias: ts.Symbol, written: Written | undefined): Written | undefined {
    const declaration = alias.declarations?.find(ts.isTypeAliasDeclaration)
    if (declaration === undefined) return undefined
    const reference = written === undefined ? undefined : referenceIn(unwrapType(written.node))
    const isIt = reference !== undefined && this.target(reference.name) === alias
    const bindings =
      written !== undefined && isIt ? bind(declaration.typeParameters, reference.args, written.bindings) : unbound
    return { node: declaration.type, bindings }
  }

  /** Follows names as far as possible, and not into `until`: a type that keeps its name says the rest where it is defined. */
  follow(written: Written | undefined, until?: ts.Symbol): Followed {
    const said: ts.Symbol[] = []
    let at = written
    for (let names = 0; at !== undefined && names < MAX_NAMES; names++) {
      const node = unwrapType(at.node)
      if (ts.isIndexedAccessTypeNode(node)) {
        const found: WrittenProperty | undefined = this.indexed(node, at.bindings)
        if (found?.symbol !== undefined) said.push(found.symbol)
        at = found?.written
        continue
      }
      const declared = ts.isTypeQueryNode(node) ? declaredType(this.target(lastName(node.exprName))) : undefined
      if (declared !== undefined) {
        at = { node: declared, bindings: unbound }
        continue
      }
      const reference = referenceIn(node)
      if (reference === undefined || this.#statics.isStatic(reference.name)) {
        return { said, written: { node, bindings: at.bindings } }
      }
      const symbol = this.target(reference.name)
      if (symbol === undefined) return { said, written: { node, bindings: at.bindings } }
      if ((symbol.flags & ts.SymbolFlags.TypeParameter) !== 0) {
        const bound = at.bindings.get(symbol)
        at = asWritten(bound)
        continue
      }
      if ((symbol.flags & ts.SymbolFlags.TypeAlias) === 0 || symbol === until) {
        return { said, written: { node, bindings: at.bindings } }
      }
      const body = this.bodyOf(symbol, at)
      // The checker's stand-in for a name that it cannot find has no declaration.
      if (body === undefined) return { said, written: { node, bindings: at.bindings } }
      if (!this.isOfLibrary(symbol)) said.push(symbol)
      at = body
    }
    return { said, written: undefined }
  }

  /** `Order` of `Static<typeof Order>`. Takes what is followed. */
  schemaBehind(written: Written | undefined): ts.Node | undefined {
    const reference = written === undefined ? undefined : referenceIn(written.node)
    const [arg] = reference?.args ?? []
    if (written === undefined || reference === undefined || arg === undefined) return undefined
    if (!this.#statics.isStatic(reference.name)) return undefined
    const value = this.follow({ node: arg, bindings: written.bindings }).written?.node
    if (value === undefined) return undefined
    if (ts.isTypeQueryNode(value)) return lastName(value.exprName)
    const name = ts.isImportTypeNode(value) && value.isTypeOf ? value.qualifier : undefined
    return name === undefined ? undefined : lastName(name)
  }

  /** The members of a union, those of unions and conditional types in it among them. A type that is no union is its own only member. */
  membersOf(written: Written, isSure = true): readonly WrittenMember[] {
    const { said, written: inner } = this.follow(written)
    if (inner === undefined || said.some((symbol) => this.constraints.constrains(symbol))) return [{ written, isSure }]
    const { node, bindings } = inner
    const members = (nodes: readonly ts.TypeNode[], areSure: boolean) =>
      nodes.flatMap((each) => this.membersOf({ node: each, bindings }, areSure))
    if (ts.isUnionTypeNode(node)) return members(node.types, isSure)
    if (ts.isConditionalTypeNode(node)) {
      // Types that compute (those of TypeBox and Zod do) lead from one to the next, in ever more ways.
      if (this.#unsure >= MAX_UNSURE) return [{ written, isSure: false }]
      this.#unsure++
      const members = this.#conditionals
        .branchesOf(node, bindings)
        .flatMap((branch) => this.membersOf(branch.written, isSure && branch.isSure))
      this.#unsure--
      return members
    }
    // `T & {}`, which `NonNullable<T>` stands for.
    if (ts.isIntersectionTypeNode(node)) {
      const some = node.types.filter((each) => !(ts.isTypeLiteralNode(each) && each.members.length === 0))
      if (some.length === 1) return members(some, isSure)
    }
    return [{ written, isSure }]
  }

  /** The members of a union that is written here; none for a type by name, and for what is no union. */
  splitOf(written: Written): readonly WrittenMember[] {
    if (referenceIn(written.node) !== undefined) return []
    const members = this.membersOf(written)
    return members.length === 1 && members[0]?.written === written ? [] : members
  }

  /** `X` of `{ [K in keyof X]: ... }`, which is `X` itself where that is a text, say. */
  mappedFrom(written: Written | undefined): Written | undefined {
    const names = this.#mappedNames(written)
    if (names === undefined || !ts.isTypeOperatorNode(names.node)) return undefined
    return names.node.operator === ts.SyntaxKind.KeyOfKeyword ? { ...names, node: names.node.type } : undefined
  }

  /** The one member of a written union that is neither null nor undefined. Follows no name. */
  soleMember(written: Written | undefined): Written | undefined {
    let at = written
    for (let names = 0; at !== undefined && names < MAX_NAMES; names++) {
      const node = writtenMember(at.node)
      if (node === undefined) return undefined
      const reference = referenceIn(node)
      const symbol = reference === undefined ? undefined : this.target(reference.name)
      const isParameter = symbol !== undefined && (symbol.flags & ts.SymbolFlags.TypeParameter) !== 0
      if (!isParameter) return { node, bindings: at.bindings }
      at = asWritten(at.bindings.get(symbol))
    }
    return undefined
  }

  /** How the elements of an array are written: `Sku` of `Sku[]` and `Array<Sku>`. Takes what is followed. */
  elementOf(written: Written | undefined): Written | undefined {
    if (written === undefined) return undefined
    const { node, bindings } = written
    if (ts.isMappedTypeNode(node)) return this.#mapped(node, bindings, anyName)[0]?.written
    if (ts.isArrayTypeNode(node)) return { node: node.elementType, bindings }
    const [element] = this.#isArray(node) ? (referenceIn(node)?.args ?? []) : []
    return element === undefined ? undefined : { node: element, bindings }
  }

  /** How the elements of a tuple are written, with `...` and `?` taken off; `undefined` for what is no written tuple. */
  tupleElements(written: Written | undefined): readonly (Written | undefined)[] | undefined {
    if (written === undefined) return undefined
    const { node: whole, bindings } = written
    if (ts.isMappedTypeNode(whole)) {
      const source = this.tupleElements(this.follow(this.mappedFrom(written)).written)
      return source?.map((_, index) => this.#mapped(whole, bindings, String(index))[0]?.written)
    }
    if (!ts.isTupleTypeNode(whole)) return undefined
    return whole.elements.map((element) => {
      let node: ts.TypeNode = ts.isNamedTupleMember(element) ? element.type : element
      const isRest = ts.isRestTypeNode(node) || (ts.isNamedTupleMember(element) && element.dotDotDotToken !== undefined)
      if (ts.isRestTypeNode(node) || ts.isOptionalTypeNode(node)) node = node.type
      return isRest ? this.elementOf(this.follow({ node, bindings }).written) : { node, bindings }
    })
  }

  /** How the members of an intersection are written; `undefined` for what is none. */
  intersected(written: Written | undefined): readonly Written[] | undefined {
    if (written === undefined || !ts.isIntersectionTypeNode(written.node)) return undefined
    return written.node.types.map((node) => ({ node, bindings: written.bindings }))
  }

  /** A property as it is written, once for each part of an intersection that has it; none where that cannot be followed. */
  propertiesOf(owner: Written | undefined, name: string): readonly WrittenProperty[] {
    return this.#parts(owner, name)
  }

  /** Whether it is written with these properties, and no others as far as that can be seen. */
  hasProperties(owner: Written, names: readonly string[]): boolean {
    const isExact =
      !ts.isTypeLiteralNode(owner.node) || owner.node.members.filter(ts.isPropertySignature).length === names.length
    return isExact && names.every((name) => this.#parts(owner, name).length > 0)
  }

  /** How the values of an index signature are written. */
  indexOf(owner: Written | undefined): readonly WrittenProperty[] {
    return this.#parts(owner, anyName)
  }

  /** How names are written: `Sku` of `Record<Sku, Order>`, of `Partial<Record<Sku, Order>>`, and of `{ [sku: Sku]: Order }`. */
  namesOf(owner: Written | undefined): Written | undefined {
    const source = this.mappedFrom(owner)
    return source === undefined ? (this.#mappedNames(owner) ?? this.#indexNames(owner)) : this.namesOf(source)
  }

  /** `undefined` for what is made of type parameters. */
  typeOf({ node }: Written): ts.Type | undefined {
    return this.#isOpen(node) ? undefined : this.#checker.getTypeFromTypeNode(node)
  }

  #mappedNames(owner: Written | undefined): Written | undefined {
    const { written } = this.follow(owner)
    if (written === undefined || !ts.isMappedTypeNode(written.node)) return undefined
    const { constraint } = written.node.typeParameter
    return constraint === undefined ? undefined : { node: constraint, bindings: written.bindings }
  }

  #indexNames(owner: Written | undefined): Written | undefined {
    const { written } = this.follow(owner)
    if (written === undefined) return undefined
    const { node, bindings } = written
    const members = ts.isTypeLiteralNode(node) ? node.members : this.#declaredMembers(node)
    const own = members.filter(ts.isIndexSignatureDeclaration)
    const [only, ...others] = own.length > 0 ? own : this.#inheritedIndexes(node)
    const type = others.length > 0 ? undefined : only?.parameters[0]?.type
    return type === undefined ? undefined : { node: type, bindings }
  }

  /** Those of what an interface extends, and of the members of an intersection. */
  #inheritedIndexes(node: ts.Node): readonly ts.IndexSignatureDeclaration[] {
    const type = ts.isTypeNode(node) ? this.typeOf({ node, bindings: new Map() }) : undefined
    const found = type === undefined ? [] : this.#checker.getIndexInfosOfType(type)
    return found.flatMap(({ declaration }) => declaration ?? [])
  }

  #declaredMembers(node: ts.Node): readonly ts.Node[] {
    const reference = referenceIn(node as ts.TypeNode)
    const declarations = reference === undefined ? [] : (this.target(reference.name)?.declarations ?? [])
    return declarations.filter(isObjectDeclaration).flatMap(({ members }) => [...members])
  }

  #parts(owner: Written | undefined, step: Step): readonly WrittenProperty[] {
    const { written } = this.follow(owner)
    if (written === undefined) return []
    const { node, bindings } = written
    if (ts.isIntersectionTypeNode(node)) {
      return node.types.flatMap((each) => this.#parts({ node: each, bindings }, step))
    }
    if (ts.isTypeLiteralNode(node)) return this.#member(node.members, bindings, step)
    if (ts.isConditionalTypeNode(node)) {
      const members = this.membersOf(written).map((each) => this.follow(each.written).written)
      const known = members.filter((each) => each !== undefined && !ts.isConditionalTypeNode(each.node))
      const [only, ...others] = known.flatMap((each) => this.#parts(each, step))
      return only === undefined || others.length > 0 ? [] : [only]
    }
    if (ts.isMappedTypeNode(node)) return this.#mapped(node, bindings, step)
    if (ts.isArrayTypeNode(node) || this.#isArray(node)) {
      return step === anyName ? [{ symbol: undefined, written: this.elementOf(written) }] : []
    }
    if (ts.isTupleTypeNode(node)) {
      const element = step === anyName ? undefined : this.tupleElements(written)?.[Number(step)]
      return element === undefined ? [] : [{ symbol: undefined, written: element }]
    }
    const reference = referenceIn(node)
    const symbol = reference === undefined ? undefined : this.target(reference.name)
    const declarations = symbol?.declarations?.filter(isObjectDeclaration) ?? []
    const own = declarations.map((declaration) => ({
      declaration,
      bindings: bind(declaration.typeParameters, reference?.args ?? [], bindings),
    }))
    const found = own.flatMap((each) => this.#member(each.declaration.members, each.bindings, step))
    if (found.length > 0) return found
    return own.flatMap(({ declaration, bindings: inner }) =>
      (declaration.heritageClauses ?? []).flatMap(({ types }) =>
        types.flatMap((each) => this.#parts({ node: each, bindings: inner }, step)),
      ),
    )
  }

  #member(
    members: ts.NodeArray<ts.TypeElement | ts.ClassElement>,
    bindings: Bindings,
    step: Step,
  ): readonly WrittenProperty[] {
    const found: WrittenProperty[] = []
    for (const member of members.flatMap(propertiesIn)) {
      if (step === anyName) {
        if (ts.isIndexSignatureDeclaration(member))
          found.push({ symbol: undefined, written: { node: member.type, bindings } })
      } else if (isProperty(member) && this.#nameOf(member) === step) {
        const symbol = this.#checker.getSymbolAtLocation(member.name)
        found.push({ symbol, written: member.type === undefined ? undefined : { node: member.type, bindings } })
      }
    }
    return found
  }

  #mapped(node: ts.MappedTypeNode, bindings: Bindings, step: Step): readonly WrittenProperty[] {
    const parameter = this.#checker.getSymbolAtLocation(node.typeParameter.name)
    const { constraint } = node.typeParameter
    if (node.type === undefined || parameter === undefined || node.nameType !== undefined) return []
    if (constraint === undefined || !this.#names({ node: constraint, bindings }, step)) return []
    return [{ symbol: undefined, written: { node: node.type, bindings: new Map([...bindings, [parameter, step]]) } }]
  }

  /** Whether a type of names has this one. What cannot be followed may have it. */
  #names(written: Written, step: Step): boolean {
    const followed = this.follow(written).written
    if (followed === undefined) return true
    const { node, bindings } = followed
    const has = (part: ts.TypeNode): boolean => this.#names({ node: part, bindings }, step)
    if (ts.isUnionTypeNode(node)) return node.types.some(has)
    if (ts.isTypeOperatorNode(node) && node.operator === ts.SyntaxKind.KeyOfKeyword) {
      return this.#parts({ node: node.type, bindings }, step).length > 0
    }
    if (ts.isLiteralTypeNode(node)) return step !== anyName && this.#stepOf(node, bindings) === step
    // `Exclude` and `Extract`, which `Omit` is made of.
    if (ts.isConditionalTypeNode(node)) {
      const isNever = ({ kind }: ts.TypeNode) => kind === ts.SyntaxKind.NeverKeyword
      if (isNever(node.trueType)) return has(node.falseType) && !has(node.extendsType)
      if (isNever(node.falseType)) return has(node.trueType) && has(node.extendsType)
    }
    return node.kind !== ts.SyntaxKind.NeverKeyword
  }

  /** `Order['sku']`, `Skus[number]`, and `T[K]` of a mapped type. */
  indexed(node: ts.IndexedAccessTypeNode, bindings: Bindings): WrittenProperty | undefined {
    const owner = { node: node.objectType, bindings }
    const step = this.#stepOf(unwrapType(node.indexType), bindings)
    const found = step === undefined ? [] : this.#parts(owner, step)
    return found.length === 1 ? found[0] : undefined
  }

  #stepOf(node: ts.TypeNode, bindings: Bindings): Step | undefined {
    if (node.kind === ts.SyntaxKind.NumberKeyword || node.kind === ts.SyntaxKind.StringKeyword) return anyName
    if (ts.isLiteralTypeNode(node) && (ts.isStringLiteral(node.literal) || ts.isNumericLiteral(node.literal))) {
      return node.literal.text
    }
    const reference = referenceIn(node)
    const symbol = reference === undefined ? undefined : this.target(reference.name)
    const bound = symbol === undefined ? undefined : bindings.get(symbol)
    if (typeof bound !== 'object') return bound
    return 'from' in bound ? undefined : this.#stepOf(unwrapType(bound.node), bound.bindings)
  }

  #nameOf({ name }: PropertySyntax): string | undefined {
    if (ts.isIdentifier(name) || ts.isStringLiteral(name) || ts.isNumericLiteral(name)) return name.text
    return undefined
  }

  #isArray(node: ts.TypeNode): boolean {
    const reference = referenceIn(node)
    return reference !== undefined && ts.isIdentifier(reference.name) && /^(Readonly)?Array$/.test(reference.name.text)
  }

  isOfLibrary(symbol: ts.Symbol): boolean {
    return symbol.declarations?.every((declaration) => this.#isLibrary(declaration.getSourceFile())) === true
  }

  #isOpen(node: ts.Node): boolean {
    if (ts.isInferTypeNode(node)) return true
    const reference = ts.isTypeNode(node) ? referenceIn(node) : undefined
    const symbol = reference === undefined ? undefined : this.target(reference.name)
    if (symbol !== undefined && (symbol.flags & ts.SymbolFlags.TypeParameter) !== 0) return true
    return ts.forEachChild(node, (child) => this.#isOpen(child) || undefined) === true
  }

  /** What a name stands for, behind imports. */
  target(name: ts.Node): ts.Symbol | undefined {
    const symbol = this.#checker.getSymbolAtLocation(name)
    if (symbol === undefined) return undefined
    return (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : this.#checker.getAliasedSymbol(symbol)
  }
}

/** Of a class, the properties may be picked. */
function isObjectDeclaration(node: ts.Node): node is ts.InterfaceDeclaration | ts.ClassDeclaration {
  return ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)
}

type PropertySyntax = ts.PropertySignature | ts.PropertyDeclaration | ts.ParameterDeclaration

function isProperty(node: ts.Node): node is PropertySyntax {
  return ts.isPropertySignature(node) || ts.isPropertyDeclaration(node) || ts.isParameter(node)
}

/** `constructor(readonly id: Sku)` declares a property. */
function propertiesIn(member: ts.TypeElement | ts.ClassElement): readonly ts.Node[] {
  if (!ts.isConstructorDeclaration(member)) return [member]
  return member.parameters.filter((each) => ts.isParameterPropertyDeclaration(each, member))
}

/** As a value is declared: `Order` of `const order: Order`. */
function declaredType(value: ts.Symbol | undefined): ts.TypeNode | undefined {
  const declaration = value?.valueDeclaration
  return declaration !== undefined && ts.isVariableDeclaration(declaration) ? declaration.type : undefined
}
