/** What a bundle has become: which files were written, what they are made from, and what imports what. Pure. */
import { relative, resolve, sep } from 'node:path'
import type { BuildResult, Metafile } from 'esbuild'
import { externalsOf } from './bundle-look.ts'
import { virtual } from './bundle-plugins.ts'

export interface BundleEntry {
  /** Where it goes, below the output folder and without extension: `handlers/billing/charge`. Unique. */
  readonly name: string
  /** Relative to the project, or absolute. */
  readonly file: string
  /** The source, for an entry that is not on the disk; its imports are resolved as if it stood at `file`. */
  readonly contents?: string
  /**
   * How often its code has failed when it was evaluated. Each number gives it another output, though its text is the same: Node repeats the error of
   * a module that failed, and never evaluates it again.
   */
  readonly attempt?: number
}

export interface BundledOutput {
  /** Absolute. */
  readonly path: string
  readonly bytes: number
  /** Files of the project whose code is in it; absolute. */
  readonly files: readonly string[]
  /** Other outputs that it imports, by a statement or when it runs; absolute. */
  readonly imports: readonly string[]
}

export interface BundledEntry {
  readonly name: string
  readonly file: string
  /** Absolute. */
  readonly output: string
  /** Every file of the project that it is made from, itself included; relative to the project, with `/`, sorted. */
  readonly inputs: readonly string[]
}

export interface BundleDone {
  readonly kind: 'done'
  /** By name. */
  readonly entries: ReadonlyMap<string, BundledEntry>
  /** The import graph of all entries; relative to the project, with `/`, sorted. */
  readonly inputs: readonly string[]
  /** Packages, or parts of them, that stayed imports, as they are written; sorted. Without Node's own modules. */
  readonly externals: readonly string[]
  /** Of these, what a statement imports: without it, nothing can be loaded. By its name, a file of the project that has the statement. */
  readonly needed: ReadonlyMap<string, string>
  /** Everything that belongs to the bundle, source maps included, whether it was written now or before. */
  readonly outputs: readonly BundledOutput[]
}

export function bundleDone(root: string, entries: readonly BundleEntry[], result: BuildResult): BundleDone {
  const metafile: Metafile = result.metafile ?? { inputs: {}, outputs: {} }
  const outputOf = new Map(
    Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) =>
      entryPoint === undefined ? [] : [[entryPoint, resolve(root, path)] as const],
    ),
  )
  const bundled = entries.map(({ name, file, contents }): readonly [string, BundledEntry] => {
    const id = contents === undefined ? posix(relative(root, resolve(root, file))) : `${virtual}:${file}`
    return [name, { name, file, output: outputOf.get(id) ?? '', inputs: inputsOf(metafile, id) }]
  })
  const told = new Map(Object.entries(metafile.outputs).map(([path, output]) => [resolve(root, path), output]))
  return {
    kind: 'done',
    entries: new Map(bundled),
    inputs: Object.keys(metafile.inputs).filter(isFile).sort(),
    externals: externalsOf(metafile),
    needed: neededOf(metafile),
    outputs: (result.outputFiles ?? []).map(({ path, contents }) => ({
      path,
      bytes: contents.byteLength,
      files: Object.keys(told.get(path)?.inputs ?? {})
        .filter(isFile)
        .map((file) => resolve(root, file)),
      imports: (told.get(path)?.imports ?? []).flatMap((each) =>
        each.external === true ? [] : [resolve(root, each.path)],
      ),
    })),
  }
}

/** The entry and everything that it imports, directly or not. */
function inputsOf(metafile: Metafile, entry: string): readonly string[] {
  const seen = new Set([entry])
  for (const id of seen) {
    for (const { path, external } of metafile.inputs[id]?.imports ?? []) if (external !== true) seen.add(path)
  }
  return [...seen].filter(isFile).sort()
}

/** What esbuild leaves out, as nothing of it is used, is in no output. */
function neededOf({ inputs, outputs }: Metafile): ReadonlyMap<string, string> {
  const left = Object.values(outputs).flatMap(({ imports }) =>
    imports.flatMap(({ path, kind, external }) => (external === true && kind === 'import-statement' ? [path] : [])),
  )
  const files = Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1))
  return new Map(
    left.flatMap((specifier) => {
      const [file] = files.find(([, { imports }]) => imports.some(({ path }) => path === specifier)) ?? []
      return file === undefined ? [] : [[specifier, file] as const]
    }),
  )
}

/** Not what a plugin or esbuild itself has made up. */
function isFile(input: string): boolean {
  return !input.startsWith(`${virtual}:`) && !input.startsWith('<')
}

function posix(path: string): string {
  return path.replaceAll(sep, '/')
}
