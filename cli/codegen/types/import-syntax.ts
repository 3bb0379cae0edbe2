/** The forms in which a file imports and exports again. Reads syntax; resolves nothing. */
import { ts } from 'ts-morph'

export type ImportSyntax = ts.ImportDeclaration | ts.ExportDeclaration | ts.ImportTypeNode | ts.ImportEqualsDeclaration

export function isImport(node: ts.Node): node is ImportSyntax {
  return (
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node) ||
    ts.isImportTypeNode(node) ||
    ts.isImportEqualsDeclaration(node)
  )
}

/** What an import names, or the import that a name of it stands in. */
export function specifierOf(declaration: ImportSyntax): ts.StringLiteralLike | undefined {
  if (ts.isImportEqualsDeclaration(declaration)) {
    const { moduleReference } = declaration
    const specifier = ts.isExternalModuleReference(moduleReference) ? moduleReference.expression : undefined
    return specifier !== undefined && ts.isStringLiteralLike(specifier) ? specifier : undefined
  }
  if (!ts.isImportTypeNode(declaration)) {
    const specifier = declaration.moduleSpecifier
    return specifier !== undefined && ts.isStringLiteralLike(specifier) ? specifier : undefined
  }
  const { argument } = declaration
  return ts.isLiteralTypeNode(argument) && ts.isStringLiteralLike(argument.literal) ? argument.literal : undefined
}

/** The import or re-export that an imported name is declared in. */
export function importAround(node: ts.Node): ImportSyntax | undefined {
  for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) if (isImport(at)) return at
  return undefined
}

/** `import('../shared/order.ts').Order`. Few files have one, so most are not walked. */
export function importTypesIn(file: ts.SourceFile): readonly ts.ImportTypeNode[] {
  if (!/\bimport\s*\(/.test(file.text)) return []
  const found: ts.ImportTypeNode[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isImportTypeNode(node)) found.push(node)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}
