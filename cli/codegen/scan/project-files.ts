/** Keeps handler files open, with the files of the project that they import. What holds no code is opened only when a type comes from it. */
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CallExpression, type Node, Project, type SourceFile, SyntaxKind, type ts } from 'ts-morph'
import { type CodeImport, FileImports, isOutside, referencedFiles } from './file-imports.ts'
import { outlineOf } from './file-outline.ts'
import { globalFiles } from './global-files.ts'
import { Resolution } from './resolution.ts'
import type { TsconfigFault } from './tsconfig-faults.ts'

/** Where an import leads: to a file that is open, or one that is not; to what is not read here; or nowhere that types could come from. */
export type Lead =
  | { readonly kind: 'open' | 'outside' }
  | { readonly kind: 'closed'; readonly path: string }
  | { readonly kind: 'nowhere'; readonly untyped: string | undefined }

/** What is to be opened before types can be derived. */
export interface Wanted {
  /** Files that imports lead to, absolute. */
  readonly files: ReadonlySet<string>
  /** Global names, and modules, that a file of the project may declare. */
  readonly names: ReadonlySet<string>
}

export interface OpenFiles {
  /** Handler files, in the order in which they were asked for. */
  readonly handlers: readonly SourceFile[]
  /** Handler files and what they import of the project, directly or not; sorted by path. */
  readonly own: readonly SourceFile[]
  importsOf(source: SourceFile): readonly CodeImport[]
}

export class ProjectFiles {
  readonly #root: string
  #resolution: Resolution
  #project: Project
  #imports: FileImports
  /** Opened because types come from them, absolute: libraries, and what of the project holds no code. */
  readonly #forTypes = new Set<string>()
  /** Asked for every property of every type. */
  readonly #paths = new Map<string, string>()
  /** A file has another root after it was read again. */
  readonly #calls = new WeakMap<ts.SourceFile, readonly CallExpression[]>()

  constructor(root: string) {
    this.#root = root
    this.#resolution = new Resolution(root)
    this.#project = newProject(this.#resolution)
    this.#imports = new FileImports(this.#resolution)
  }

  get program(): ts.Program {
    return this.#project.getProgram().compilerObject
  }

  get tsconfigFaults(): readonly TsconfigFault[] {
    return this.#resolution.faults
  }

  /** Reads files again that have changed on the disk; absolute paths. Files that are not open are no matter. */
  refresh(changed: readonly string[]): void {
    if (changed.some((path) => this.#resolution.dependsOn(path))) {
      // The compiler keeps what it has resolved for files whose text is the same, so nothing of it stays.
      this.#resolution = new Resolution(this.#root)
      this.#project = newProject(this.#resolution)
      this.#imports = new FileImports(this.#resolution)
      this.#forTypes.clear()
      return
    }
    for (const path of changed) {
      const source = this.#project.getSourceFile(path)
      const isThere = existsSync(path)
      if (source !== undefined && isThere) source.refreshFromFileSystemSync()
      else if (source !== undefined) source.forget()
      // A file that came or went may be what an import meant.
      if (source === undefined || !isThere) this.#imports.forgetAll()
      else this.#imports.forget(source.getFilePath())
      if (!isThere) this.#forTypes.delete(path)
    }
  }

  /** Every file whose change, coming or going may change what is scanned, but for new ones below handlers/; absolute. */
  watched(): readonly string[] {
    const own = this.#project.getSourceFiles().filter(({ compilerNode }) => this.isOwn(compilerNode))
    return [...this.#resolution.files(), ...own.map((source) => source.getFilePath() as string)]
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
      for (const { target } of this.#imports.codeOf(source)) if (hasCode(target)) queue.push(this.#open(target))
    }
    const sorted = [...own.values()].sort((a, b) => (a.getFilePath() < b.getFilePath() ? -1 : 1))
    return {
      handlers,
      own: sorted,
      importsOf: (source) => this.#imports.codeOf(source).filter(({ target }) => own.has(target)),
    }
  }

  /** Opens what types come from, with everything that it imports. @returns whether there was anything to open */
  openForTypes({ files, names }: Wanted): boolean {
    const before = this.#forTypes.size
    const globals = names.size === 0 ? [] : [...globalFiles(this.#root, names), ...this.#referenced()]
    const queue = [...files, ...globals.filter((path) => this.#project.getSourceFile(path) === undefined)]
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (this.#forTypes.has(path) || !existsSync(path)) continue
      this.#forTypes.add(path)
      const source = this.#open(path)
      for (const { target } of this.#imports.codeOf(source)) queue.push(target)
      queue.push(...referencedFiles(source.compilerNode))
    }
    return this.#forTypes.size > before
  }

  /** @param name what is imported, where that is one name: `Type` of Pyrallel is TypeBox's, and types are made of it */
  leadOf(specifier: ts.StringLiteralLike, name?: string): Lead {
    if (isOutside(specifier.text)) {
      const isClosed = name === 'Type' && this.#project.getSourceFile(typeBox) === undefined
      return isClosed && existsSync(typeBox) ? { kind: 'closed', path: typeBox } : { kind: 'outside' }
    }
    const found = this.#imports.of(specifier.getSourceFile()).find((each) => each.specifier.text === specifier.text)
    const path = found?.target
    const isRead = path !== undefined && /\.(?:[mc]?tsx?|json)$/.test(path)
    if (!isRead) return { kind: 'nowhere', untyped: path }
    return this.#project.getSourceFile(path) === undefined ? { kind: 'closed', path } : { kind: 'open' }
  }

  #referenced(): readonly string[] {
    return this.#project.getSourceFiles().flatMap(({ compilerNode }) => referencedFiles(compilerNode))
  }

  /** From a node of the compiler to that of ts-morph. */
  nodeOf(node: ts.Node): Node | undefined {
    return this.#project.getSourceFile(node.getSourceFile().fileName)?.getDescendantAtPos(node.getStart())
  }

  isLibrary(file: ts.SourceFile): boolean {
    return this.program.isSourceFileDefaultLibrary(file)
  }

  isOwn(file: ts.SourceFile): boolean {
    return isOwn(file.fileName) && !this.isLibrary(file)
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

  #open(path: string): SourceFile {
    return this.#project.getSourceFile(path) ?? this.#project.addSourceFileAtPath(path)
  }
}

/** A workspace's package is linked into node_modules, but its files are not there. */
function isOwn(path: string): boolean {
  return !path.includes('/node_modules/')
}

/** Handlers and topics may be in it. */
function hasCode(path: string): boolean {
  return isOwn(path) && !/\.d\.[mc]?ts$/.test(path)
}

function newProject({ options }: Resolution): Project {
  return new Project({
    compilerOptions: { ...options, ...scanOptions, paths: { ...options.paths, pyrallel: [typeBox] } },
    skipAddingFilesFromTsConfig: true,
    skipFileDependencyResolution: true,
  })
}

/** What `Type` of Pyrallel is declared in. Of Pyrallel itself, nothing else has a say in the types of values. */
const typeBox = fileURLToPath(import.meta.resolve('typebox')).replace(/\.mjs$/, '.d.mts')

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
