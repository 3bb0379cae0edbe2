/** Derives schemas from TypeScript types: an allow-list over the compiler's checker. What is not on it is refused, with the place and a fix. */
import { isDeepStrictEqual } from 'node:util'
import { ts } from 'ts-morph'
import type { RawDefinition } from '../schema/name-schemas.ts'
import * as refuse from '../schema/refusals.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import { type Placeholder, templatePattern } from '../schema/template-pattern.ts'
import { Comments, type RefuseType, type WarnOfType } from './comments.ts'
import { Definitions } from './definitions.ts'
import { deriveObject, objectRefusal } from './object-schema.ts'
import { deriveTuple } from './tuple-schema.ts'
import type { At, Said, TypeDeriver } from './type-deriver.ts'
import { inside } from './type-deriver.ts'
import { aliasOf, commentsOf, type DocComment } from './type-docs.ts'
import { identifierOf, type TypeName, type TypeWorld, typeName } from './type-names.ts'
import { isBoolean, isSameBut, literalNodes, literalOf, NULLISH, unionOf } from './union-schema.ts'
import { isOf } from './written-shape.ts'
import type { Written, WrittenMember } from './written-syntax.ts'

/** Deeper than any type that people write. */
const MAX_DEPTH = 64

export class SchemaDeriver implements TypeDeriver {
  readonly world: TypeWorld
  readonly #comments: Comments
  readonly #defined = new Definitions()

  constructor(world: TypeWorld, refuseType: RefuseType, warnOfType: WarnOfType) {
    this.world = world
    this.#comments = new Comments(world, this.#defined, refuseType, warnOfType)
  }

  get definitions(): readonly RawDefinition[] {
    return this.#defined.all
  }

  /** @returns the key of the definition for a type that is written in a topic(); `name` is for one that is written without a name */
  root(written: ts.TypeNode, name: string): string {
    const file = written.getSourceFile()
    const place = { file, start: written.getStart(), end: written.getEnd() }
    const type = this.world.checker.getTypeFromTypeNode(written)
    const path = `\`${typeName(type, this.world)?.baseName ?? written.getText()}\``
    const at = {
      place,
      path,
      depth: 0,
      written: this.world.written.at(written),
      mayBeUndefined: false,
      mayBeNever: false,
    }
    const node = this.derive(type, at)
    if (node.kind === 'reference' && node.options === undefined) return node.name
    const alias = aliasOf(written, this.world.checker)
    const baseName = identifierOf(alias === undefined || this.#isTool(alias) ? name : alias.name, 'Value')
    return this.#defined.addAnonymous({ baseName, file: this.world.pathOf(file), position: place.start, node })
  }

  /** `infer` of `z.infer<typeof Order>`: a library's way to say a type, and not what the type is called. */
  #isTool({ declarations = [] }: ts.Symbol): boolean {
    return declarations.some(
      (each) =>
        ts.isTypeAliasDeclaration(each) && each.typeParameters !== undefined && !this.world.isOwn(each.getSourceFile()),
    )
  }

  derive(compiled: ts.Type, at: At): SchemaNode {
    if (at.depth > MAX_DEPTH) return this.refused(at, refuse.endless(at.path))
    const type = this.#asWritten(compiled, at)
    const name = typeName(type, this.world)
    const { said, written } = this.world.written.follow(at.written, name === undefined ? undefined : type.aliasSymbol)
    if (name === undefined && written === undefined) this.refuseLost(at, type)
    const here = { ...at, written }
    const schema = this.world.written.schemaBehind(written)
    if (schema !== undefined) return this.#schema(schema, here, said)
    const split = name === undefined || written === undefined ? [] : this.world.written.splitOf(written)
    if (split.length > 0 && (type.flags & ts.TypeFlags.Object) !== 0) {
      return this.#withSaid(this.#member(type, inside(here, ''), split), type, at, said)
    }
    const isComposed = (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.UnionOrIntersection)) !== 0
    const node = isComposed && !isBoolean(type) ? this.#shared(type, here) : this.#structure(type, here)
    return this.#withSaid(node, type, at, said)
  }

  refused(at: At, refusal: refuse.Refusal): SchemaNode {
    return this.#comments.refused(at, refusal)
  }

  withTags(node: SchemaNode, comments: readonly DocComment[], at: At, what: Said): SchemaNode {
    return this.#comments.applied(node, comments, at, what)
  }

  /** `Static<typeof Order>`: what the schema says, and not only what its type does. */
  #schema(value: ts.Node, at: At, said: readonly ts.Symbol[]): SchemaNode {
    const { node, patterns } = this.world.statics.schemaOf(value)
    if (node === undefined) return this.refused(at, refuse.unreadSchema(at.path, value.getText()))
    for (const pattern of patterns) this.#comments.warnOfPattern(pattern, at)
    return said.reduceRight((tagged, symbol) => this.withTags(tagged, commentsOf(symbol), at, 'all'), node)
  }

  /** A type that has a name, or leads back to itself, is defined once and referred to. Any other stands where it is used. */
  #shared(type: ts.Type, at: At): SchemaNode {
    const name = typeName(type, this.world)
    // `Page<Sku>` and `Page<string>` are one type to the compiler.
    const args = name === undefined ? [] : this.world.written.constraints.argumentsOf(at.written)
    const variant = args.map((each) => this.world.written.constraints.textOf(each)).join()
    const known = this.#defined.known(type, variant)
    if (known !== undefined) {
      known.isRecursive ||= known.node === undefined
      return { kind: 'reference', name: known.key }
    }
    const file = name?.declaration.getSourceFile() ?? at.place.file
    const entry = this.#defined.begin(type, variant, {
      baseName: name === undefined ? '' : this.#baseName(name, args),
      file: this.world.pathOf(file),
      position: name?.declaration.pos ?? at.place.start,
    })
    const node = name === undefined ? this.#structure(type, at) : this.#named(type, name, at)
    entry.node = node
    if (name === undefined && entry.isRecursive) {
      entry.definition = { ...entry.definition, baseName: identifierOf(this.world.checker.typeToString(type), 'Value') }
    }
    if (name !== undefined || entry.isRecursive) return { kind: 'reference', name: entry.key }
    this.#defined.forget(type, variant)
    return node
  }

  #named(type: ts.Type, { symbol }: TypeName, at: At): SchemaNode {
    const path = `\`${symbol.name}\``
    const body = symbol === type.aliasSymbol ? this.world.written.bodyOf(symbol, at.written) : at.written
    const alias = symbol === type.aliasSymbol ? this.world.written.follow(body) : undefined
    const here = { ...at, path, written: alias === undefined ? body : alias.written }
    const structure = this.#structure(type, here)
    const named =
      alias === undefined ? structure : this.#withSaid(structure, type, { ...here, written: body }, alias.said)
    return this.withTags(named, commentsOf(symbol), here, 'all')
  }

  #baseName(name: TypeName, args: readonly Written[]): string {
    if (args.length === 0) return name.baseName
    const words = args.map((each) => {
      const [said] = this.world.written.follow(each).said
      return identifierOf(said?.name ?? each.node.getText(), 'Value')
    })
    return `${identifierOf(name.symbol.name, 'Value')}Of${words.join('And')}`
  }

  #structure(type: ts.Type, at: At): SchemaNode {
    const { flags } = type
    const { TypeFlags } = ts
    const shown = () => this.world.checker.typeToString(type)
    if ((flags & TypeFlags.Any) !== 0) return this.#any(type, at)
    if ((flags & TypeFlags.Unknown) !== 0) return { kind: 'unknown' }
    if ((flags & TypeFlags.Never) !== 0) {
      return at.mayBeNever ? { kind: 'never' } : this.refused(at, refuse.neverType(at.path))
    }
    const members = at.written === undefined ? [] : this.world.written.membersOf(at.written)
    if ((flags & TypeFlags.Union) !== 0 && !isBoolean(type))
      return this.#union((type as ts.UnionType).types, at, members)
    const isSplit = members.length > 1 || (members.length === 1 && members[0]?.written !== at.written)
    if (isSplit && (flags & (TypeFlags.Object | TypeFlags.Intersection)) === 0) {
      return this.#member(type, at, members)
    }
    if (isBoolean(type)) return { kind: 'boolean' }
    const literal = literalOf(type, this.world.checker)
    if (literal !== undefined) return { kind: 'enum', values: [literal] }
    if ((flags & TypeFlags.String) !== 0) return this.#primitive({ kind: 'string' }, type, at)
    if ((flags & (TypeFlags.Number | TypeFlags.Enum)) !== 0) return this.#primitive({ kind: 'number' }, type, at)
    if ((flags & TypeFlags.Null) !== 0) return { kind: 'null' }
    if ((flags & (TypeFlags.Undefined | TypeFlags.Void)) !== 0) {
      // `with?: never`: the property must not be there.
      return at.mayBeUndefined ? { kind: 'never' } : this.refused(at, refuse.undefinedValue(at.path))
    }
    if ((flags & TypeFlags.TemplateLiteral) !== 0) return this.#template(type as ts.TemplateLiteralType, at)
    if ((flags & TypeFlags.StringMapping) !== 0) return this.refused(at, refuse.template(at.path, shown()))
    if ((flags & (TypeFlags.BigIntLike | TypeFlags.ESSymbolLike)) !== 0) {
      return this.refused(at, refuse.noJson(at.path, shown()))
    }
    if ((flags & TypeFlags.NonPrimitive) !== 0) return this.refused(at, refuse.anyObject(at.path))
    if ((flags & (TypeFlags.Intersection | TypeFlags.Object)) !== 0) return this.#composed(type, at, members)
    return this.refused(at, refuse.openGeneric(at.path, shown()))
  }

  #any(type: ts.Type, at: At): SchemaNode {
    // The checker's stand-in for a name that it cannot find is an `any` too.
    const isError = (type as { readonly intrinsicName?: string }).intrinsicName === 'error'
    if (!isError) return this.refused(at, refuse.anyType(at.path))
    const written = at.written?.node.getText() ?? 'a type'
    if (refuse.isBuiltIn(written)) return this.refused(at, refuse.builtIn(at.path, written, written))
    return this.refused(at, refuse.unresolved(at.path, written))
  }

  /** A homomorphic mapped type makes an array of an array, which is as long as that. */
  #asMapped(node: SchemaNode, at: At): SchemaNode {
    const source = this.world.written.mappedFrom(at.written)
    if (source === undefined) return node
    const { said, written } = this.world.written.follow(source)
    const tagged = said.reduceRight((tag, symbol) => this.withTags(tag, commentsOf(symbol), at, 'constraints'), node)
    return this.#asMapped(tagged, { ...at, written })
  }

  /** A homomorphic mapped type leaves a text or a number what it is: `DeepReadonly<Sku>` is `Sku`. */
  #primitive(node: SchemaNode, type: ts.Type, at: At): SchemaNode {
    const { written: names } = this.world
    const source = names.mappedFrom(at.written)
    if (source !== undefined) return this.derive(type, { ...at, depth: at.depth + 1, written: source })
    const isFollowed = at.written === undefined || !ts.isTypeQueryNode(at.written.node)
    if (!isFollowed || (at.written !== undefined && !isOf(type, at.written, this.world))) this.refuseLost(at, type)
    return node
  }

  #union(types: readonly ts.Type[], at: At, written: readonly WrittenMember[]): SchemaNode {
    const members = types.filter(({ flags }) => (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) === 0)
    if (members.length < types.length && !at.mayBeUndefined) {
      return this.refused(at, refuse.undefinedValue(at.path))
    }
    const named = this.#namedBesideNull(members, at)
    if (named !== undefined) {
      const sole = this.world.written.soleMember(at.written)
      return unionOf([this.derive(named, inside(at, '', { written: sole })), { kind: 'null' }])
    }
    const literals = members.map((member) => literalOf(member, this.world.checker))
    const composed = members.filter((_, index) => literals[index] === undefined)
    const nodes = composed.map((member) => this.#member(member, inside(at, '', { written: at.written }), written))
    return unionOf([...literalNodes(literals.filter((value) => value !== undefined)), ...nodes])
  }

  /** One type of a union, or of one that the compiler has made one type of: `Sku | Name` is `string`. */
  #member(type: ts.Type, at: At, written: readonly WrittenMember[]): SchemaNode {
    const names = this.world.written
    const fitting = written.filter((each) => isOf(type, each.written, this.world))
    const [first] = fitting
    if (first === undefined) this.refuseLost(at, type)
    if (first === undefined || fitting.length === 1) return this.derive(type, { ...at, written: first?.written })
    if (fitting.every((each) => names.constraints.constraintIn(each.written) === undefined)) {
      const isOne = new Set(fitting.map((each) => names.constraints.textOf(each.written))).size === 1
      return this.derive(type, { ...at, written: isOne ? first.written : undefined })
    }
    const nodes = fitting.map((each) =>
      this.derive(this.#ownType(each.written) ?? type, { ...at, written: each.written }),
    )
    const isOne = nodes.every((node) => isDeepStrictEqual(node, nodes[0]))
    if (!isOne && fitting.some(({ isSure }) => !isSure)) this.refuseLost(at, type)
    return unionOf(nodes)
  }

  #composed(type: ts.Type, at: At, written: readonly WrittenMember[]): SchemaNode {
    const structure = (here: At): SchemaNode =>
      (type.flags & ts.TypeFlags.Intersection) !== 0
        ? this.#intersection(type as ts.IntersectionType, here)
        : this.#object(type as ts.ObjectType, here)
    const names = this.world.written
    const [only, ...others] = written
    if (only === undefined || only.written === at.written) return structure(at)
    if (others.length === 0) {
      const followed = names.follow(only.written)
      const node = structure({ ...at, written: followed.written })
      return this.#withSaid(node, type, { ...at, written: only.written }, followed.said)
    }
    const fitting = written
      .filter((each) => isOf(type, each.written, this.world))
      .map((each) => names.follow(each.written))
    const says = fitting.some(({ said }) => said.some((symbol) => names.constraints.constrains(symbol)))
    // Which branch of a conditional type was taken is not known here; often they come to the same.
    const nodes = fitting.map((each) => structure({ ...at, written: each.written }))
    const [first] = nodes
    if (first !== undefined && !says && nodes.every((node) => isDeepStrictEqual(node, first))) return first
    if (!says && written.every(({ isSure }) => isSure)) return unionOf(nodes)
    this.refuseLost(at, type)
    return first ?? structure({ ...at, written: undefined })
  }

  /** The type of one written member of a union, where the compiler has made less of it: `'a'` of `'a' | Sku`. */
  #ownType(written: Written): ts.Type | undefined {
    const type = this.world.written.typeOf(written)
    return type !== undefined && literalOf(type, this.world.checker) !== undefined ? type : undefined
  }

  /** `Shape` of `Shape | null`, which the compiler takes apart. */
  #namedBesideNull(members: readonly ts.Type[], at: At): ts.Type | undefined {
    const sole = this.world.written.soleMember(at.written)
    const hasNull = members.some(({ flags }) => (flags & ts.TypeFlags.Null) !== 0)
    const named = sole === undefined || !hasNull ? undefined : this.world.written.typeOf(sole)
    if (named === undefined) return undefined
    const others = members.filter(({ flags }) => (flags & NULLISH) === 0)
    const isIt =
      named.isUnion() && named.types.length === others.length && others.every((each) => named.types.includes(each))
    return isIt ? named : undefined
  }

  #template(type: ts.TemplateLiteralType, at: At): SchemaNode {
    const placeholders: Placeholder[] = []
    for (const { flags } of type.types) {
      if ((flags & ts.TypeFlags.String) !== 0) placeholders.push('string')
      else if ((flags & ts.TypeFlags.Number) !== 0) placeholders.push('number')
      else if ((flags & ts.TypeFlags.BigInt) !== 0) placeholders.push('bigint')
      else return this.refused(at, refuse.template(at.path, this.world.checker.typeToString(type)))
    }
    return { kind: 'string', options: { pattern: templatePattern(type.texts, placeholders) } }
  }

  #intersection(type: ts.IntersectionType, at: At): SchemaNode {
    const isObject = ({ flags }: ts.Type) => (flags & ts.TypeFlags.Object) !== 0
    const others = type.types.filter((member) => !isObject(member))
    const objects = type.types.filter(isObject) as ts.ObjectType[]
    const [brand] = others
    // `string & { readonly __brand: 'OrderId' }`: the brand is for the checker only, the value is the primitive.
    if (brand !== undefined && others.length === 1) {
      const parts = this.world.written.intersected(at.written)
      if (parts === undefined) return this.#structure(brand, at)
      const said = parts.filter((each) => isOf(brand, each, this.world))
      const [first, ...more] = said
      let node = this.derive(brand, { ...at, depth: at.depth + 1, written: first })
      for (const each of more) node = this.withNames(node, brand, { ...at, written: each })
      return node
    }
    const shown = this.world.checker.typeToString(type)
    const isPlain = objects.every(
      (member) => !this.world.checker.isArrayType(member) && !this.world.checker.isTupleType(member),
    )
    if (others.length > 0 || !isPlain) return this.refused(at, refuse.mixed(at.path, shown))
    for (const member of objects) {
      const refusal = objectRefusal(member, this.world, at.path)
      if (refusal !== undefined) return this.refused(at, refusal)
    }
    return deriveObject(this, type, at)
  }

  #object(type: ts.ObjectType, at: At): SchemaNode {
    const { checker } = this.world
    if (checker.isTupleType(type)) return this.#asMapped(deriveTuple(this, type as ts.TupleTypeReference, at), at)
    if (checker.isArrayType(type)) {
      const [element] = checker.getTypeArguments(type as ts.TypeReference)
      if (element === undefined) return this.refused(at, refuse.mixed(at.path, checker.typeToString(type)))
      const written = this.world.written.elementOf(at.written)
      if (written === undefined && at.written !== undefined) this.refuseLost(at, type)
      const items = this.derive(element, inside(at, '[]', { written, mayBeNever: true }))
      return this.#asMapped({ kind: 'array', items }, at)
    }
    const refusal = objectRefusal(type, this.world, at.path)
    return refusal === undefined ? deriveObject(this, type, at) : this.refused(at, refusal)
  }

  /** The compiler takes `Status | undefined` apart and forgets `Status`; where it is written so, the name is kept. */
  #asWritten(type: ts.Type, at: At): ts.Type {
    if (!at.mayBeUndefined || (type.flags & ts.TypeFlags.Union) === 0) return type
    const sole = this.world.written.soleMember(at.written)
    const named = sole === undefined ? undefined : this.world.written.typeOf(sole)
    return named !== undefined && isSameBut(type, named, ts.TypeFlags.Undefined) ? named : type
  }

  withNames(node: SchemaNode, type: ts.Type, at: At): SchemaNode {
    return this.#withSaid(node, type, at, this.world.written.follow(at.written).said)
  }

  refuseLost(at: At, type?: ts.Type): void {
    const found = at.written === undefined ? undefined : this.world.written.constraints.constraintIn(at.written)
    if (found === undefined || (type !== undefined && !this.#takesConstraints(type))) return
    this.refused(at, refuse.lost(at.path, found.name))
  }

  #takesConstraints(type: ts.Type): boolean {
    const { flags } = type
    if ((flags & (ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike)) !== 0)
      return literalOf(type, this.world.checker) === undefined
    return (flags & (ts.TypeFlags.Object | ts.TypeFlags.UnionOrIntersection)) !== 0 && !isBoolean(type)
  }

  /** A primitive has forgotten that it was written as `Sku`, whose declaration may say more. */
  #withSaid(node: SchemaNode, type: ts.Type, at: At, said: readonly ts.Symbol[]): SchemaNode {
    if (said.length === 0) return node
    if (at.written !== undefined && !isOf(type, at.written, this.world)) {
      if (said.some((symbol) => this.world.written.constraints.constrains(symbol))) this.refuseLost(at, type)
      return node
    }
    // What a type is called where it is used does not describe what it is called where it is defined.
    const what = node.kind === 'reference' ? 'constraints' : 'all'
    return said.toReversed().reduce((tagged, symbol) => this.withTags(tagged, commentsOf(symbol), at, what), node)
  }
}
