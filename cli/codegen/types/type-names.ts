/** Says what a type of the compiler is called, and whose it is. Reads symbols; decides nothing. */
import { ts } from 'ts-morph'
import type { StaticTypes } from './static-types.ts'
import type { WrittenTypes } from './written-type.ts'

/** The compiler, and whose declarations are whose. */
export interface TypeWorld {
  readonly checker: ts.TypeChecker
  readonly written: WrittenTypes
  readonly statics: StaticTypes
  /** Of the language's own library. */
  isLibrary(file: ts.SourceFile): boolean
  /** Of the user's project: the user can change it. */
  isOwn(file: ts.SourceFile): boolean
  /** Relative to the project. */
  pathOf(file: ts.SourceFile): string
}

export interface TypeName {
  readonly symbol: ts.Symbol
  readonly baseName: string
  readonly declaration: ts.Declaration
}

/** The name under which a type is declared; `undefined` for one that has none, or one of the language's library (`Partial<Order>`). */
export function typeName(type: ts.Type, world: TypeWorld): TypeName | undefined {
  const symbol = type.aliasSymbol ?? type.getSymbol()
  const declaration = symbol?.declarations?.[0]
  if (symbol === undefined || declaration === undefined || world.isLibrary(declaration.getSourceFile()))
    return undefined
  const isNamed =
    type.aliasSymbol !== undefined || (symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.Enum)) !== 0
  if (!isNamed) return undefined
  const args = typeArguments(type, world.checker).map((argument) => wordOf(argument, world))
  const own = identifierOf(symbol.name, 'Value')
  return { symbol, declaration, baseName: args.length === 0 ? own : `${own}Of${args.join('And')}` }
}

function typeArguments(type: ts.Type, checker: ts.TypeChecker): readonly ts.Type[] {
  if (type.aliasSymbol !== undefined) return type.aliasTypeArguments ?? []
  if ((type.flags & ts.TypeFlags.Object) === 0) return []
  if (((type as ts.ObjectType).objectFlags & ts.ObjectFlags.Reference) === 0) return []
  const reference = type as ts.TypeReference
  // The compiler keeps `this` behind the parameters that the user wrote.
  return checker.getTypeArguments(reference).slice(0, reference.target.typeParameters?.length ?? 0)
}

/** A type as part of another's name. */
function wordOf(type: ts.Type, world: TypeWorld): string {
  return typeName(type, world)?.baseName ?? identifierOf(world.checker.typeToString(type), 'Object')
}

const MAX_LENGTH = 60

/** `users.signed-up` becomes `UsersSignedUp`. Never holds a `$`, which generated names are kept apart by. */
export function identifierOf(text: string, otherwise: string): string {
  const words = text.split(/[^\p{L}\p{N}_]+/u).filter((word) => word !== '')
  const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  const name = joined === '' ? otherwise : joined.slice(0, MAX_LENGTH)
  return /^\p{N}/u.test(name) ? `_${name}` : name
}
