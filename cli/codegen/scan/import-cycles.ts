/** Finds imports that lead back to the file they stand in, where that decides what runs first. Reads syntax and symbols. */
import { type SourceFile, ts } from 'ts-morph'
import type { CodeImport } from './file-imports.ts'
import type { OpenFiles } from './project-files.ts'

export interface ImportCycle {
  /** The import that closes the cycle. */
  readonly specifier: ts.Expression
  /** Absolute; the first file is not repeated at the end. */
  readonly files: readonly string[]
}

/**
 * Cycles through a handler, or through a file that declares topics. In any other file a cycle may well be harmless; in these, a `const` that
 * is needed when the handler is declared may not have been initialized yet. Each is told once, by the path that comes first.
 */
export function importCycles(
  files: OpenFiles,
  isSensitive: (source: SourceFile) => boolean,
  checker: ts.TypeChecker,
): readonly ImportCycle[] {
  const byPath = new Map(files.own.map((source) => [source.getFilePath() as string, source]))
  const imports = new Map<string, readonly CodeImport[]>()
  for (const [path, source] of byPath) {
    imports.set(
      path,
      files.importsOf(source).filter((each) => isRun(each.declaration, checker)),
    )
  }
  const cycles: ImportCycle[] = []
  const told = new Set<string>()
  for (const [path, source] of byPath) {
    if (!isSensitive(source) || told.has(path)) continue
    const cycle = shortestBack(path, imports)
    if (cycle === undefined) continue
    for (const file of cycle.files) told.add(file)
    cycles.push(cycle)
  }
  return cycles
}

/** Breadth first, so that the shortest way back is found. */
function shortestBack(start: string, imports: ReadonlyMap<string, readonly CodeImport[]>): ImportCycle | undefined {
  const seen = new Set([start])
  const queue: (readonly string[])[] = [[start]]
  for (let way = queue.shift(); way !== undefined; way = queue.shift()) {
    for (const { target, specifier } of imports.get(way.at(-1) ?? start) ?? []) {
      if (target === start) return { specifier, files: way }
      if (seen.has(target)) continue
      seen.add(target)
      queue.push([...way, target])
    }
  }
  return undefined
}

/** False for an import of types only, which is gone when the code runs. */
function isRun(declaration: CodeImport['declaration'], checker: ts.TypeChecker): boolean {
  if (ts.isImportTypeNode(declaration)) return false
  if (ts.isExportDeclaration(declaration)) {
    const clause = declaration.exportClause
    if (declaration.isTypeOnly) return false
    if (clause === undefined || !ts.isNamedExports(clause)) return true
    return clause.elements.some((each) => !each.isTypeOnly && isValue(each.name, checker))
  }
  if (ts.isImportEqualsDeclaration(declaration)) return !declaration.isTypeOnly && isValue(declaration.name, checker)
  const clause = declaration.importClause
  if (clause === undefined) return true
  if (clause.isTypeOnly) return false
  if (clause.name !== undefined && isValue(clause.name, checker)) return true
  const names = clause.namedBindings
  if (names === undefined) return false
  if (ts.isNamespaceImport(names)) return true
  return names.elements.some((each) => !each.isTypeOnly && isValue(each.name, checker))
}

function isValue(name: ts.Node, checker: ts.TypeChecker): boolean {
  const symbol = checker.getSymbolAtLocation(name)
  if (symbol === undefined) return true
  const target = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol)
  return (target.flags & ts.SymbolFlags.Value) !== 0
}
