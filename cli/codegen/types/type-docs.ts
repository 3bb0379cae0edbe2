/** Finds the JSDoc comments that belong to types and properties, and the declarations behind names. Reads syntax and symbols; decides nothing. */
import { ts } from 'ts-morph'

/** A JSDoc comment: its text, and where it stands. */
export interface DocComment {
  readonly text: string
  readonly file: ts.SourceFile
  readonly position: number
}

/** The comments directly in front of a symbol's declarations. */
export function commentsOf(symbol: ts.Symbol | undefined): readonly DocComment[] {
  return (symbol?.declarations ?? []).flatMap((declaration) => {
    const file = declaration.getSourceFile()
    const start = declaration.getStart(file, false)
    const comment = rangesBefore(file.text, declaration.pos, start).at(-1)
    return comment === undefined
      ? []
      : [{ text: file.text.slice(comment.pos, comment.end), file, position: comment.pos }]
  })
}

/** The compiler leaves out `/** @minimum 0 *\/ total` when it stands in one line with the property before it: a constraint would be lost. */
function rangesBefore(text: string, from: number, start: number): readonly ts.CommentRange[] {
  const sameLine = (ts.getTrailingCommentRanges(text, from) ?? []).filter(
    ({ end }) => !text.slice(end, start).includes('\n'),
  )
  const ranges = [...sameLine, ...(ts.getLeadingCommentRanges(text, from) ?? [])]
  return ranges.filter(({ pos, end }) => end <= start && text.startsWith('/**', pos) && end - pos > '/**/'.length)
}

/** The type as it is written where a property is declared; `undefined` for one that is made by a mapped type, say. */
export function writtenType(symbol: ts.Symbol): ts.TypeNode | undefined {
  const declaration = symbol.declarations?.[0]
  if (declaration === undefined || !(ts.isPropertySignature(declaration) || ts.isPropertyDeclaration(declaration))) {
    return undefined
  }
  return declaration.type
}

/** Without parentheses and `readonly`, which say nothing about values. */
export function unwrapType(node: ts.TypeNode): ts.TypeNode {
  if (ts.isParenthesizedTypeNode(node)) return unwrapType(node.type)
  if (ts.isTypeOperatorNode(node) && node.operator === ts.SyntaxKind.ReadonlyKeyword) return unwrapType(node.type)
  return node
}

/** The one member of a written union that is neither null nor undefined. */
export function writtenMember(node: ts.TypeNode | undefined): ts.TypeNode | undefined {
  if (node === undefined) return undefined
  const plain = unwrapType(node)
  if (!ts.isUnionTypeNode(plain)) return plain
  const members = plain.types.filter(
    (member) =>
      member.kind !== ts.SyntaxKind.UndefinedKeyword &&
      !(ts.isLiteralTypeNode(member) && member.literal.kind === ts.SyntaxKind.NullKeyword),
  )
  return members.length === 1 ? members[0] : undefined
}

/** The symbol of `type Sku = ...` when a type is written as `Sku`. */
export function aliasOf(node: ts.TypeNode, checker: ts.TypeChecker): ts.Symbol | undefined {
  const plain = unwrapType(node)
  if (!ts.isTypeReferenceNode(plain)) return undefined
  const symbol = checker.getSymbolAtLocation(plain.typeName)
  if (symbol === undefined) return undefined
  const target = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol)
  return (target.flags & ts.SymbolFlags.TypeAlias) === 0 ? undefined : target
}
