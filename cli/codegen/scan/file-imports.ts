/** Says where the imports of a file lead, as the user's compiler resolves them. Opens no file. */
import { dirname, resolve } from 'node:path'
import type { SourceFile, ts } from 'ts-morph'
import { type ImportSyntax, importTypesIn, isImport, specifierOf } from '../types/import-syntax.ts'
import type { Resolution } from './resolution.ts'

/** An import or re-export, and where it leads. */
export interface FileImport {
  readonly specifier: ts.StringLiteralLike
  readonly declaration: ImportSyntax
  /** Absolute. `undefined`: nowhere. */
  readonly target: string | undefined
}

/** One that leads to a file which the compiler reads: TypeScript, and declarations of it. */
export interface CodeImport extends FileImport {
  readonly target: string
}

export class FileImports {
  readonly #resolution: Resolution
  /** By file. Forgotten when files come or go. */
  readonly #known = new Map<string, readonly FileImport[]>()

  constructor(resolution: Resolution) {
    this.#resolution = resolution
  }

  /** Those of Pyrallel and of Node are left out: nothing of them is read. */
  of(file: ts.SourceFile): readonly FileImport[] {
    const known = this.#known.get(file.fileName)
    if (known !== undefined) return known
    const found = [...file.statements, ...importTypesIn(file)].flatMap((declaration) => {
      const specifier = isImport(declaration) ? specifierOf(declaration) : undefined
      if (specifier === undefined || !isImport(declaration) || isOutside(specifier.text)) return []
      return [{ specifier, declaration, target: this.#resolution.resolve(specifier.text, file.fileName) }]
    })
    this.#known.set(file.fileName, found)
    return found
  }

  codeOf(source: SourceFile): readonly CodeImport[] {
    return this.of(source.compilerNode).filter((each): each is CodeImport => isCode(each.target))
  }

  forget(path: string): void {
    this.#known.delete(path)
  }

  forgetAll(): void {
    this.#known.clear()
    this.#resolution.forgetMissing()
  }
}

/** Pyrallel's own modules, and Node's. */
export function isOutside(specifier: string): boolean {
  return specifier === 'pyrallel' || specifier.startsWith('pyrallel/') || specifier.startsWith('node:')
}

function isCode(path: string | undefined): path is string {
  return path !== undefined && /\.[mc]?tsx?$/.test(path)
}

/** `/// <reference path="order.d.ts" />`, absolute. */
export function referencedFiles(file: ts.SourceFile): readonly string[] {
  return file.referencedFiles.map(({ fileName }) => resolve(dirname(file.fileName), fileName))
}
