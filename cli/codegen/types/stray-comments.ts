/** Finds comments that say something of values where nothing reads it: behind a property, in the middle of a type, in front of another comment. */
import { ts } from 'ts-morph'
import { constraintTags, readDocTags } from '../schema/doc-tags.ts'
import { commentsOf, type DocComment } from './type-docs.ts'

export interface StrayComment extends DocComment {
  /** The first of its constraints. */
  readonly tag: string
}

const anyTag = new RegExp(`@(${Object.keys(constraintTags).join('|')})\\b`)

/** Of the declaration of a type, and all that is written in it. */
export function strayComments(declaration: ts.Node): readonly StrayComment[] {
  const file = declaration.getSourceFile()
  const end = ts.getTrailingCommentRanges(file.text, declaration.end)?.at(-1)?.end ?? declaration.end
  if (!anyTag.test(file.text.slice(declaration.pos, end))) return []
  const read = new Set<number>()
  const readIn = (node: ts.Node): void => {
    if (isRead(node)) {
      const { symbol } = node as { readonly symbol?: ts.Symbol }
      for (const { position } of commentsOf(symbol)) read.add(position)
    }
    ts.forEachChild(node, readIn)
  }
  readIn(declaration)
  // In nearly all declarations, every comment is read. The others are looked through token by token: a text may look like a comment.
  if (commentsIn(file, declaration.pos, end).every(({ position }) => read.has(position))) return []
  const found: StrayComment[] = []
  const visit = (node: ts.Node): void => {
    const children = node.getChildren(file)
    if (children.length === 0) found.push(...commentsIn(file, node.pos, node.getStart(file)))
    for (const child of children) if (!ts.isJSDoc(child)) visit(child)
  }
  visit(declaration)
  const isLast = !/\S/.test(file.text.slice(end).split('\n', 1)[0] ?? '')
  if (isLast) found.push(...commentsIn(file, declaration.end, end))
  const start = declaration.getStart(file)
  // What a blank line keeps apart from a declaration is about the file.
  const isApart = ({ position, text }: DocComment) =>
    position < start && /\n\s*\n/.test(file.text.slice(position + text.length, start))
  return found.filter((comment) => !read.has(comment.position) && !isApart(comment))
}

function isRead(node: ts.Node): boolean {
  return (
    ts.isPropertySignature(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isInterfaceDeclaration(node)
  )
}

/** Between two tokens there are comments and blanks only. */
function commentsIn(file: ts.SourceFile, from: number, to: number): readonly StrayComment[] {
  return [...file.text.slice(from, to).matchAll(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g)].flatMap(({ 0: text, index }) => {
    const [tag] = text.startsWith('/**') ? Object.keys(readDocTags(text).constraints) : []
    return tag === undefined ? [] : [{ text, file, position: from + index, tag }]
  })
}
