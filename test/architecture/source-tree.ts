/** The sources that the architecture rules judge, and how they import one another. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import { type ModuleReference, type SourceFile, scanSource } from './source-scan.ts'

export interface Import extends ModuleReference {
  /** The path that a relative specifier means, whether the file exists or not; `undefined` for a package. */
  readonly target: string | undefined
}

export type SourceTree = ReadonlyMap<string, SourceFile>

const roots = ['framework', 'cli', 'handlers', 'generated', 'templates']
/** The page of the console, bundled: its sources are judged. */
const built = 'framework/console/built-page.ts'
const isSource = /\.[cm]?[jt]sx?$/

export function readSourceTree(checkout: string): SourceTree {
  const paths: string[] = readdirSync(checkout).filter((name) => isSource.test(name))
  for (const root of roots.filter((name) => existsSync(join(checkout, name)))) {
    for (const name of readdirSync(join(checkout, root), { recursive: true, encoding: 'utf8' })) {
      const path = `${root}/${name.split(sep).join('/')}`
      if (isSource.test(path) && path !== built && !path.includes('/node_modules/')) paths.push(path)
    }
  }
  return sourceTree(Object.fromEntries(paths.sort().map((path) => [path, readFileSync(join(checkout, path), 'utf8')])))
}

/** A tree from texts by path: the real one, or a sample. */
export function sourceTree(texts: Readonly<Record<string, string>>): SourceTree {
  return new Map(Object.entries(texts).map(([path, text]) => [path, scanSource(path, text)]))
}

export function importsOf(file: SourceFile): readonly Import[] {
  return file.references.map((reference) => ({ ...reference, target: targetOf(file.path, reference.specifier) }))
}

function targetOf(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined
}

/** True for the package itself and for a path inside it. */
export function isPackage(specifier: string, name: string): boolean {
  return specifier === name || specifier.startsWith(`${name}/`)
}

/** Every file and package that is loaded sooner or later when `start` runs, erased imports left out. */
export function loadedBy(tree: SourceTree, start: string): ReadonlyMap<string, string> {
  const reachedFrom = new Map([[start, start]])
  const queue = [start]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const file = tree.get(path)
    if (file === undefined) continue
    for (const { kind, target, specifier } of importsOf(file)) {
      const name = target ?? specifier
      if (kind === 'type' || reachedFrom.has(name)) continue
      reachedFrom.set(name, path)
      queue.push(name)
    }
  }
  return reachedFrom
}

/** The first cycle found from each file in path order, each cycle once, as `a -> b -> a`. */
export function importCycles(tree: SourceTree): readonly (readonly string[])[] {
  const done = new Set<string>()
  const cycles: string[][] = []
  const visit = (path: string, trail: readonly string[]) => {
    const seen = trail.indexOf(path)
    if (seen !== -1) {
      cycles.push([...trail.slice(seen), path])
      return
    }
    if (done.has(path)) return
    const file = tree.get(path)
    for (const { target } of file === undefined ? [] : importsOf(file)) {
      if (target !== undefined && tree.has(target)) visit(target, [...trail, path])
    }
    done.add(path)
  }
  for (const path of tree.keys()) visit(path, [])
  return cycles
}
