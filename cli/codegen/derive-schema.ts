/** Derives schemas from TypeScript types: an allow-list over the compiler's checker. What is not on it is refused, with the place and a fix. */
import { ts } from 'ts-morph'
import { type ConstraintOwner, constraintTags, readDocTags } from './doc-tags.ts'
import type { RawDefinition } from './name-schemas.ts'
import { deriveObject, objectRefusal } from './object-schema.ts'
import * as refuse from './refusals.ts'
import type { SchemaNode, SchemaOptions } from './schema-node.ts'
import { type Placeholder, templatePattern } from './template-pattern.ts'
import { deriveTuple } from './tuple-schema.ts'
import type { At, Place, TypeDeriver } from './type-deriver.ts'
import { inside } from './type-deriver.ts'
import { aliasedType, aliasOf, commentsOf, type DocComment, writtenElement, writtenMember } from './type-docs.ts'
import { identifierOf, type TypeWorld, typeName } from './type-names.ts'
import { isBoolean, isSameBut, literalNodes, literalOf, NULLISH, unionOf } from './union-schema.ts'

/** `isUnresolved`: opening the libraries that types are imported from may help. */
export type WarnOfType = (place: Place, warning: refuse.Refusal) => void
export type RefuseType = (place: Place, refusal: refuse.Refusal, isUnresolved: boolean) => void

/** Deeper than any type that people write. */
const MAX_DEPTH = 64

interface Entry {
  readonly key: string
  definition: Omit<RawDefinition, 'key' | 'node'>
  readonly isNamed: boolean
  /** Set when the type was met again inside itself. */
  isRecursive: boolean
  node: SchemaNode | undefined
}

export class SchemaDeriver implements TypeDeriver {
  readonly world: TypeWorld
  readonly #refuse: RefuseType
  readonly #warn: WarnOfType
  readonly #entries = new Map<ts.Type, Entry>()
  readonly #anonymous: RawDefinition[] = []
  #nextKey = 0

  constructor(world: TypeWorld, refuseType: RefuseType, warnOfType: WarnOfType) {
    this.world = world
    this.#refuse = refuseType
    this.#warn = warnOfType
  }

  get definitions(): readonly RawDefinition[] {
    const named = [...this.#entries.values()].flatMap(({ key, definition, node }) =>
      node === undefined ? [] : [{ ...definition, key, node }],
    )
    return [...named, ...this.#anonymous]
  }

  /** @returns the key of the definition for a type that is written in a topic(); `name` is for one that is written without a name */
  root(written: ts.TypeNode, name: string): string {
    const file = written.getSourceFile()
    const place = { file, start: written.getStart(), end: written.getEnd() }
    const type = this.world.checker.getTypeFromTypeNode(written)
    const path = `\`${typeName(type, this.world)?.baseName ?? written.getText()}\``
    const node = this.derive(type, { place, path, depth: 0, written, mayBeUndefined: false, mayBeNever: false })
    if (node.kind === 'reference' && node.options === undefined) return node.name
    const key = this.#key()
    const baseName = identifierOf(aliasOf(written, this.world.checker)?.name ?? name, 'Value')
    this.#anonymous.push({ key, baseName, file: this.world.pathOf(file), position: place.start, node })
    return key
  }

  derive(compiled: ts.Type, at: At): SchemaNode {
    if (at.depth > MAX_DEPTH) return this.refused(at, refuse.endless(at.path))
    const type = this.#asWritten(compiled, at)
    const isComposed = (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.UnionOrIntersection)) !== 0
    const node = isComposed && !isBoolean(type) ? this.#shared(type, at) : this.#structure(type, at)
    return this.#withAliasTags(node, type, at)
  }

  refused(at: At, refusal: refuse.Refusal, isUnresolved = false): SchemaNode {
    this.#refuse(at.place, refusal, isUnresolved)
    return { kind: 'unknown' }
  }

  withTags(node: SchemaNode, comments: readonly DocComment[], at: At, what: 'all' | 'description'): SchemaNode {
    let tagged: SchemaNode = node
    for (const comment of comments) {
      const { description, constraints, mistakes, warnings } = readDocTags(comment.text)
      const placeOf = (start: number, end: number): Place =>
        this.world.isOwn(comment.file)
          ? { file: comment.file, start: comment.position + start, end: comment.position + end }
          : at.place
      if (what === 'all') {
        for (const { start, end, ...mistake } of mistakes) this.#refuse(placeOf(start, end), mistake, false)
        for (const { start, end, ...warning } of warnings) this.#warn(placeOf(start, end), warning)
        for (const [tag, value] of Object.entries(constraints)) {
          const constrained = constrain(this.#unnamed(tagged), constraintTags[tag] ?? 'string', { [tag]: value })
          if (constrained === undefined) {
            const start = Math.max(0, comment.text.indexOf(`@${tag}`))
            const end = start + tag.length + 1
            const owner = constraintTags[tag] ?? 'string'
            this.#refuse(placeOf(start, end), refuse.misplaced(at.path, tag, owner), false)
          } else tagged = constrained
        }
      }
      if (description !== undefined) tagged = { ...tagged, options: { ...tagged.options, description } }
    }
    return tagged
  }

  /** What a name stands for: a constraint that is said of a property is not said of every other one of that type. */
  #unnamed(node: SchemaNode): SchemaNode {
    if (node.kind !== 'reference') return node
    for (const { key, node: defined } of this.#entries.values()) {
      if (key === node.name && defined !== undefined)
        return { ...defined, options: { ...defined.options, ...node.options } }
    }
    return node
  }

  #key(): string {
    this.#nextKey++
    return `#${this.#nextKey}`
  }

  /** A type that has a name, or leads back to itself, is defined once and referred to. Any other stands where it is used. */
  #shared(type: ts.Type, at: At): SchemaNode {
    const known = this.#entries.get(type)
    if (known !== undefined) {
      known.isRecursive ||= known.node === undefined
      return { kind: 'reference', name: known.key }
    }
    const name = typeName(type, this.world)
    const file = name?.declaration.getSourceFile() ?? at.place.file
    const entry: Entry = {
      key: this.#key(),
      definition: {
        baseName: name?.baseName ?? '',
        file: this.world.pathOf(file),
        position: name?.declaration.pos ?? at.place.start,
      },
      isNamed: name !== undefined,
      isRecursive: false,
      node: undefined,
    }
    this.#entries.set(type, entry)
    const path = name === undefined ? at.path : `\`${name.symbol.name}\``
    const structure = this.#structure(type, { ...at, path })
    entry.node =
      name === undefined ? structure : this.withTags(structure, commentsOf(name.symbol), { ...at, path }, 'all')
    if (!entry.isNamed && entry.isRecursive) {
      entry.definition = { ...entry.definition, baseName: identifierOf(this.world.checker.typeToString(type), 'Value') }
    }
    if (entry.isNamed || entry.isRecursive) return { kind: 'reference', name: entry.key }
    this.#entries.delete(type)
    return entry.node
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
    if (isBoolean(type)) return { kind: 'boolean' }
    if ((flags & TypeFlags.Union) !== 0) return this.#union((type as ts.UnionType).types, at)
    const literal = literalOf(type, this.world.checker)
    if (literal !== undefined) return { kind: 'enum', values: [literal] }
    if ((flags & TypeFlags.String) !== 0) return { kind: 'string' }
    if ((flags & (TypeFlags.Number | TypeFlags.Enum)) !== 0) return { kind: 'number' }
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
    if ((flags & TypeFlags.Intersection) !== 0) return this.#intersection(type as ts.IntersectionType, at)
    if ((flags & TypeFlags.Object) !== 0) return this.#object(type as ts.ObjectType, at)
    return this.refused(at, refuse.openGeneric(at.path, shown()))
  }

  #any(type: ts.Type, at: At): SchemaNode {
    // The checker's stand-in for a name that it cannot find is an `any` too.
    const isError = (type as { readonly intrinsicName?: string }).intrinsicName === 'error'
    if (!isError) return this.refused(at, refuse.anyType(at.path))
    const written = at.written?.getText() ?? 'a type'
    if (refuse.isBuiltIn(written)) return this.refused(at, refuse.builtIn(at.path, written, written))
    return this.refused(at, refuse.unresolved(at.path, written), true)
  }

  #union(types: readonly ts.Type[], at: At): SchemaNode {
    const members = types.filter(({ flags }) => (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) === 0)
    if (members.length < types.length && !at.mayBeUndefined) {
      return this.refused(at, refuse.undefinedValue(at.path))
    }
    const named = this.#namedBesideNull(members, at)
    if (named !== undefined) return unionOf([this.derive(named, inside(at, '')), { kind: 'null' }])
    const literals = members.map((member) => literalOf(member, this.world.checker))
    const composed = members.filter((_, index) => literals[index] === undefined)
    const isOne = composed.filter(({ flags }) => (flags & ts.TypeFlags.Null) === 0).length === 1
    const written = isOne ? writtenMember(at.written) : undefined
    const nodes = composed.map((member) => this.derive(member, inside(at, '', { written })))
    return unionOf([...literalNodes(literals.filter((value) => value !== undefined)), ...nodes])
  }

  /** `Shape` of `Shape | null`, which the compiler takes apart. */
  #namedBesideNull(members: readonly ts.Type[], at: At): ts.Type | undefined {
    const written = writtenMember(at.written)
    const hasNull = members.some(({ flags }) => (flags & ts.TypeFlags.Null) !== 0)
    if (written === undefined || !hasNull) return undefined
    const named = this.world.checker.getTypeFromTypeNode(written)
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
    if (brand !== undefined && others.length === 1) return this.#structure(brand, at)
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
    if (checker.isTupleType(type)) return deriveTuple(this, type as ts.TupleTypeReference, at)
    if (checker.isArrayType(type)) {
      const [element] = checker.getTypeArguments(type as ts.TypeReference)
      if (element === undefined) return this.refused(at, refuse.mixed(at.path, checker.typeToString(type)))
      const written = writtenElement(at.written)
      return { kind: 'array', items: this.derive(element, inside(at, '[]', { written, mayBeNever: true })) }
    }
    const refusal = objectRefusal(type, this.world, at.path)
    return refusal === undefined ? deriveObject(this, type, at) : this.refused(at, refusal)
  }

  /** The compiler takes `Status | undefined` apart and forgets `Status`; where it is written so, the name is kept. */
  #asWritten(type: ts.Type, at: At): ts.Type {
    const written = writtenMember(at.written)
    if (written === undefined || (type.flags & ts.TypeFlags.Union) === 0) return type
    const named = this.world.checker.getTypeFromTypeNode(written)
    return at.mayBeUndefined && isSameBut(type, named, ts.TypeFlags.Undefined) ? named : type
  }

  /** A primitive has forgotten that it was written as `Sku`, whose declaration may say more. */
  #withAliasTags(node: SchemaNode, type: ts.Type, at: At): SchemaNode {
    if (node.kind === 'reference') return node
    let written = writtenMember(at.written)
    let tagged: SchemaNode = node
    for (let depth = 0; written !== undefined && depth < MAX_DEPTH; depth++) {
      const alias = aliasOf(written, this.world.checker)
      const named = this.world.checker.getTypeFromTypeNode(written)
      // A type that has kept its name says it where it is defined.
      if (alias === undefined || typeName(named, this.world) !== undefined) return tagged
      if (!isSameBut(type, named, NULLISH)) return tagged
      tagged = this.withTags(tagged, commentsOf(alias), at, 'all')
      written = writtenMember(aliasedType(alias))
    }
    return tagged
  }
}

/** `undefined` where the constraint fits nowhere. */
function constrain(node: SchemaNode, owner: ConstraintOwner, option: SchemaOptions): SchemaNode | undefined {
  if (node.kind === 'union') {
    const constrained = node.members.map((member) => ({ member, fitted: constrain(member, owner, option) }))
    if (constrained.every(({ fitted }) => fitted === undefined)) return undefined
    return { ...node, members: constrained.map(({ member, fitted }) => fitted ?? member) }
  }
  const fits = node.kind === owner || (owner === 'array' && node.kind === 'tuple')
  return fits ? { ...node, options: { ...node.options, ...option } } : undefined
}
