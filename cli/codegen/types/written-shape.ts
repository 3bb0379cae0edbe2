/** Compares a type of the compiler with a type as it is written: which member of a written union is it? Decides nothing. */
import { ts } from 'ts-morph'
import type { TypeWorld } from './type-names.ts'
import { membersOf, NULLISH } from './union-schema.ts'
import type { Written } from './written-syntax.ts'

/** How far two types are compared by their shape. */
const MAX_SHAPE = 4

/** Whether values of the type may come from what is written. Of what has type parameters, only the shape is known. */
export function isOf(type: ts.Type, written: Written, world: TypeWorld, depth = 0): boolean {
  const { written: names, checker } = world
  const followed = names.follow(written).written
  const own = names.typeOf(written) ?? (followed === undefined ? undefined : names.typeOf(followed))
  // Everything may be assigned to it, and from it.
  if (own !== undefined && (own.flags & ts.TypeFlags.Any) !== 0) return (type.flags & ts.TypeFlags.Any) !== 0
  if (own !== undefined) {
    const known = new Set(membersOf(own))
    const some = membersOf(type).filter(({ flags }) => (flags & NULLISH) === 0)
    const members = some.length === 0 ? membersOf(type) : some
    if (members.every((member) => known.has(member))) return true
    // `Branded & {}`, which `NonNullable<Branded>` stands for, is another type to the compiler.
    if (checker.isTypeAssignableTo(type, own) && checker.isTypeAssignableTo(own, type)) return true
    // The compiler forgets `'a'` beside `string`.
    const base = checker.getBaseTypeOfLiteralType(own)
    return base !== own && base === type
  }
  if (followed === undefined || depth > MAX_SHAPE) return followed !== undefined
  const some = membersOf(type).filter(({ flags }) => (flags & NULLISH) === 0)
  return some.length > 0 && some.every((each) => hasShape(each, followed, world, depth + 1))
}

/** The same for what has type parameters in it, and so no type of its own: by its elements, or the names of its properties. */
function hasShape(type: ts.Type, followed: Written, world: TypeWorld, depth: number): boolean {
  const { written: names, checker } = world
  const members = names.splitOf(followed)
  if (members.length > 0) return members.some(({ written }) => isOf(type, written, world, depth))
  const source = names.mappedFrom(followed)
  if ((type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) === 0) {
    return source !== undefined && isOf(type, source, world, depth)
  }
  const args =
    checker.isArrayType(type) || checker.isTupleType(type)
      ? checker.getTypeArguments(type as ts.TypeReference)
      : undefined
  if (args !== undefined) {
    const tuple = checker.isTupleType(type) ? names.tupleElements(followed) : undefined
    const element = checker.isArrayType(type) ? names.elementOf(followed) : undefined
    const written = tuple ?? (element === undefined ? [] : [element])
    const fits = (each: ts.Type, index: number) => {
      const own = written[index]
      return own === undefined || isOf(each, own, world, depth)
    }
    return written.length === args.length && args.every(fits)
  }
  const isOpen = checker.getIndexInfosOfType(type).length > 0
  if (isOpen !== names.indexOf(followed).length > 0) return false
  const properties = type.getProperties()
  if (
    !names.hasProperties(
      followed,
      properties.map(({ name }) => name),
    )
  )
    return false
  return properties.every((property) => {
    const [found] = names.propertiesOf(followed, property.name)
    return found?.written === undefined || isOf(checker.getTypeOfSymbol(property), found.written, world, depth)
  })
}
