/** Keeps handler files open, with the files of the project that they import. A library is opened only when a type comes from it. */
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type CallExpression, Project, type SourceFile, SyntaxKind, ts } from 'ts-morph'
import { outlineOf } from './file-outline.ts'
import { Resolution } from './resolution.ts'

/** An import or re-export that leads to a file which is open. */
export interface FileImport {
  readonly specifier: ts.Expression
  readonly declaration: ts.ImportDeclaration | ts.ExportDeclaration | ts.ImportTypeNode
  /** Absolute. */
  readonly target: string
}

export interface OpenFiles {
  /** Handler files, in the order in which they were asked for. */
  readonly handlers: readonly SourceFile[]
  /** Handler files and what they import of the project, directly or not; sorted by path. */
  readonly own: readonly SourceFile[]
  importsOf(source: SourceFile): readonly FileImport[]
}

export class ProjectFiles {
  readonly #root: string
  #resolution: Resolution
  #project: Project
  /** What was opened last; absolute. */
  #own: readonly string[] = []
  /** How imports were resolved, by file. Forgotten when files come or go. */
  readonly #imports = new Map<string, readonly FileImport[]>()
  readonly #libraries = new Set<string>()
  /** Asked for every property of every type. */
  readonly #paths = new Map<string, string>()
  /** A file has another root after it was read again. */
  readonly #calls = new WeakMap<ts.SourceFile, readonly CallExpression[]>()

  constructor(root: string) {
    this.#root = root
    this.#resolution = new Resolution(root)
    this.#project = newProject(this.#resolution)
  }

  get program(): ts.Program {
    return this.#project.getProgram().compilerObject
  }

  /** Reads files again that have changed on the disk; absolute paths. Files that are not open are no matter. */
  refresh(changed: readonly string[]): void {
    if (changed.some((path) => this.#resolution.dependsOn(path))) {
      // The compiler keeps what it has resolved for files whose text is the same, so nothing of it stays.
      this.#resolution = new Resolution(this.#root)
      this.#project = newProject(this.#resolution)
      this.#imports.clear()
      this.#libraries.clear()
      return
    }
    for (const path of changed) {
      const source = this.#project.getSourceFile(path)
      const isThere = existsSync(path)
      if (source !== undefined && isThere) source.refreshFromFileSystemSync()
      else if (source !== undefined) source.forget()
      // A file that came or went may be what an import meant.
      if (source === undefined || !isThere) this.#forgetImports()
      else this.#imports.delete(source.getFilePath())
    }
  }

  /** Every file whose change, coming or going may change what is scanned, but for new ones below handlers/; absolute. */
  watched(): readonly string[] {
    return [...this.#resolution.files(), ...this.#own]
  }

  /** What of a file counts, as it was last read; `undefined` where it is not open, or its syntax is wrong. */
  outline(path: string): string | undefined {
    const source = this.#project.getSourceFile(path)
    return source === undefined ? undefined : outlineOf(source)
  }

  /** Opens handler files (relative to the project) and everything of the project that they import. */
  open(files: readonly string[]): OpenFiles {
    const handlers = files.map((file) => this.#open(join(this.#root, file)))
    const own = new Map<string, SourceFile>()
    const queue = [...handlers]
    for (let source = queue.pop(); source !== undefined; source = queue.pop()) {
      if (own.has(source.getFilePath())) continue
      own.set(source.getFilePath(), source)
      for (const { target } of this.#importsOf(source)) if (isOwnFile(target)) queue.push(this.#open(target))
    }
    const sorted = [...own.values()].sort((a, b) => (a.getFilePath() < b.getFilePath() ? -1 : 1))
    this.#own = sorted.map((source) => source.getFilePath())
    return {
      handlers,
      own: sorted,
      importsOf: (source) => this.#importsOf(source).filter(({ target }) => own.has(target)),
    }
  }

  /** Opens the libraries that types are imported from, with everything that they import. @returns whether there was anything to open */
  openLibraries(own: readonly SourceFile[]): boolean {
    const before = this.#libraries.size
    const queue = own.flatMap((source) =>
      this.#importsOf(source).flatMap(({ target, declaration }) =>
        !isOwnFile(target) && isForTypes(declaration, namesInTypes(source)) ? [target] : [],
      ),
    )
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (this.#libraries.has(path)) continue
      this.#libraries.add(path)
      for (const { target } of this.#importsOf(this.#open(path))) queue.push(target)
    }
    return this.#libraries.size > before
  }

  isLibrary(file: ts.SourceFile): boolean {
    return this.program.isSourceFileDefaultLibrary(file)
  }

  isOwn(file: ts.SourceFile): boolean {
    return isOwnFile(file.fileName) && !this.isLibrary(file)
  }

  /** Relative to the project, with `/`. */
  pathOf(file: ts.SourceFile): string {
    const known = this.#paths.get(file.fileName)
    if (known !== undefined) return known
    const path = this.relative(file.fileName)
    this.#paths.set(file.fileName, path)
    return path
  }

  /** Relative to the project, with `/`. */
  relative(path: string): string {
    return relative(this.#root, path).replaceAll('\\', '/')
  }

  /** Every call in a file: found once, as long as the file does not change. */
  callsIn(source: SourceFile): readonly CallExpression[] {
    const known = this.#calls.get(source.compilerNode)
    if (known !== undefined) return known
    const calls = source.getDescendantsOfKind(SyntaxKind.CallExpression)
    this.#calls.set(source.compilerNode, calls)
    return calls
  }

  #forgetImports(): void {
    this.#imports.clear()
    this.#resolution.forgetMissing()
  }

  #open(path: string): SourceFile {
    return this.#project.getSourceFile(path) ?? this.#project.addSourceFileAtPath(path)
  }

  #importsOf(source: SourceFile): readonly FileImport[] {
    const path = source.getFilePath()
    const known = this.#imports.get(path)
    if (known !== undefined) return known
    const found = [...source.compilerNode.statements, ...importTypesIn(source.compilerNode)].flatMap((declaration) => {
      if (!isImport(declaration)) return []
      const specifier = specifierOf(declaration)
      if (specifier === undefined) return []
      const target = this.#resolve(specifier.text, path)
      return target === undefined ? [] : [{ specifier, declaration, target }]
    })
    this.#imports.set(path, found)
    return found
  }

  #resolve(specifier: string, from: string): string | undefined {
    if (specifier === 'pyrallel' || specifier.startsWith('pyrallel/') || specifier.startsWith('node:')) return undefined
    const path = this.#resolution.resolve(specifier, from)
    return path !== undefined && /\.[mc]?tsx?$/.test(path) ? path : undefined
  }
}

/** A workspace's package is linked into node_modules, but its files are not there. */
function isOwnFile(path: string): boolean {
  return !path.includes('/node_modules/') && !/\.d\.[mc]?ts$/.test(path)
}

function isImport(node: ts.Node): node is FileImport['declaration'] {
  return ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isImportTypeNode(node)
}

function specifierOf(declaration: FileImport['declaration']): ts.StringLiteral | undefined {
  if (!ts.isImportTypeNode(declaration)) {
    const specifier = declaration.moduleSpecifier
    return specifier !== undefined && ts.isStringLiteral(specifier) ? specifier : undefined
  }
  const { argument } = declaration
  return ts.isLiteralTypeNode(argument) && ts.isStringLiteral(argument.literal) ? argument.literal : undefined
}

/** `import('../shared/order.ts').Order`. Few files have one, so most are not walked. */
function importTypesIn(file: ts.SourceFile): readonly ts.ImportTypeNode[] {
  if (!/\bimport\s*\(/.test(file.text)) return []
  const found: ts.ImportTypeNode[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isImportTypeNode(node)) found.push(node)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/** The first name of everything that a file names in a type: `z` of `z.infer<typeof Order>`, and `Order`. */
function namesInTypes(source: SourceFile): ReadonlySet<string> {
  const names = new Set<string>()
  const visit = (node: ts.Node, isInType: boolean): void => {
    if (isInType && ts.isIdentifier(node)) names.add(node.text)
    ts.forEachChild(node, (child) => visit(child, isInType || ts.isTypeNode(child)))
  }
  visit(source.compilerNode, false)
  return names
}

/** `import type { Order } from 'library'`, or with `type` in front of a name, or a name that a type is made of: `import * as z from 'library'`. */
function isForTypes(declaration: FileImport['declaration'], inTypes: ReadonlySet<string>): boolean {
  if (ts.isImportTypeNode(declaration)) return true
  if (ts.isExportDeclaration(declaration)) return declaration.isTypeOnly
  const clause = declaration.importClause
  if (clause === undefined) return false
  if (clause.isTypeOnly || inTypes.has(clause.name?.text ?? '')) return true
  const names = clause.namedBindings
  if (names === undefined) return false
  return ts.isNamespaceImport(names)
    ? inTypes.has(names.name.text)
    : names.elements.some((each) => each.isTypeOnly || inTypes.has(each.name.text))
}

function newProject({ options }: Resolution): Project {
  return new Project({
    compilerOptions: { ...options, ...scanOptions },
    skipAddingFilesFromTsConfig: true,
    skipFileDependencyResolution: true,
  })
}

const scanOptions: ts.CompilerOptions = {
  // Enough of the language's library to tell an array from a Map. The rest would cost a quarter of a second.
  lib: ['lib.es5.d.ts', 'lib.es2015.collection.d.ts', 'lib.es2015.iterable.d.ts', 'lib.es2015.symbol.d.ts'],
  // Nothing but the files that are opened here is read: imports of libraries stay closed.
  noResolve: true,
  types: [],
  allowImportingTsExtensions: true,
  noEmit: true,
  // Otherwise every type would hold null and undefined.
  strict: true,
  exactOptionalPropertyTypes: true,
}
