/** Decides what becomes of code that would not find in a bundle what stands beside its file: its package stays outside, or it is told. */
import { readFileSync, realpathSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { resolve, sep } from 'node:path'
import type { BundleLook } from '../bundle/bundle-look.ts'
import {
  type InstalledPackage,
  installedPackage,
  packageFolder,
  packageName,
  packageOf,
  readManifest,
} from '../bundle/installed-package.ts'
import type { PlaceUse } from '../bundle/place-uses.ts'
import { codeFrame, type Diagnostic, positionOf } from '../diagnostics/diagnostic.ts'
import { packageRoot } from '../folders/package-root.ts'
import { foreignOrigin } from './outside-packages.ts'

export interface BoundCode {
  /** With what they import and do not bring with them. */
  readonly outside: readonly InstalledPackage[]
  readonly warnings: readonly Diagnostic[]
}

/** Of what Pyrallel itself imports, the part that would look beside its file is never called. Where the project imports it too, it may be. */
export class BoundPackages {
  readonly #root: string
  /** The folders of what Pyrallel depends on, directly or not. */
  readonly #ours: ReadonlySet<string>

  constructor(root: string) {
    this.#root = root
    this.#ours = closure(packageRoot)
  }

  of({ uses, inputs }: Pick<BundleLook, 'uses' | 'inputs'>): BoundCode {
    const outside = new Map<string, InstalledPackage>()
    const warnings: Diagnostic[] = []
    for (const use of uses) {
      const file = resolve(this.#root, use.input)
      const found = packageOf(file)
      // Every project imports Pyrallel, whose own code knows that it may be in a bundle.
      if (found?.name === 'pyrallel') continue
      if (this.#isOurs(file, found) && !(found !== undefined && this.#isImported(found, inputs))) continue
      const why = found === undefined ? 'own' : this.#whyInside(found, inputs.keys())
      if (why === undefined && found !== undefined) outside.set(found.name, found)
      else warnings.push(warning(file, use, found, why ?? 'own'))
    }
    for (const each of companions(this.#root, [...outside.values()], inputs)) outside.set(each.name, each)
    return { outside: [...outside.values()], warnings }
  }

  #isOurs(file: string, found: InstalledPackage | undefined): boolean {
    if (found !== undefined) return found.name === 'pyrallel' || this.#ours.has(found.folder)
    const below = (folder: string) => file.startsWith(resolve(packageRoot, folder) + sep)
    return (
      below('framework') || below('cli') || below('dist') || file.startsWith(resolve(this.#root, 'generated') + sep)
    )
  }

  /** By code of the project, or by what it has installed. */
  #isImported({ name, folder }: InstalledPackage, inputs: BundleLook['inputs']): boolean {
    const isOfIt = (path: string) =>
      path.includes(`node_modules/${name}/`) && packageOf(resolve(this.#root, path))?.folder === folder
    return [...inputs].some(([input, imports]) => {
      if (!imports.some(isOfIt)) return false
      const file = resolve(this.#root, input)
      return !this.#isOurs(file, packageOf(file))
    })
  }

  /** Outside, each importer would get the one copy that is installed at the top. */
  #whyInside(found: InstalledPackage, inputs: Iterable<string>): string | undefined {
    const folders = new Set<string>()
    for (const input of inputs) {
      if (!input.includes(`node_modules/${found.name}/`)) continue
      const other = packageOf(resolve(this.#root, input))
      if (other?.name === found.name) folders.add(other.folder)
    }
    if (folders.size > 1) return 'it is there in several versions, and only one can be installed beside the bundle'
    const origin = foreignOrigin(this.#root, found)
    return origin === undefined ? undefined : `it comes from no registry (${origin})`
  }
}

/**
 * What goes outside is installed with its own dependencies, but not with what it finds because the project has it: the driver that a library for
 * databases requires, say. So that goes outside too.
 */
function companions(
  root: string,
  outside: readonly InstalledPackage[],
  inputs: BundleLook['inputs'],
): readonly InstalledPackage[] {
  if (outside.length === 0) return []
  const importsOf = packageImports(root, inputs)
  const found = new Map<string, InstalledPackage>()
  const seen = new Set<string>()
  const queue = [...outside]
  for (const each of queue) {
    if (seen.has(each.folder)) continue
    seen.add(each.folder)
    const { dependencies, optionalDependencies } = readManifest(each.folder)
    for (const name of importsOf.get(each.folder) ?? []) {
      const imported = installedPackage(name, each.folder) ?? installedPackage(name, root)
      if (imported === undefined || imported.folder === each.folder) continue
      queue.push(imported)
      if ({ ...dependencies, ...optionalDependencies }[name] === undefined) found.set(name, imported)
    }
  }
  return [...found.values()]
}

/** By a package's folder: the names of those that its files import. */
function packageImports(root: string, inputs: BundleLook['inputs']): ReadonlyMap<string, ReadonlySet<string>> {
  const known = new Map<string, ReadonlySet<string>>()
  const owners = new Map([...inputs.keys()].map((input) => [input, packageOf(resolve(root, input))]))
  for (const [input, imports] of inputs) {
    const folder = owners.get(input)?.folder
    if (folder === undefined) continue
    const names = imports
      .map((path) => (inputs.has(path) ? owners.get(path)?.name : isBuiltin(path) ? undefined : packageName(path)))
      .filter((name) => name !== undefined)
    known.set(folder, new Set([...(known.get(folder) ?? []), ...names]))
  }
  return known
}

/** The folders of what a package depends on, directly or not. Each manifest is read once: there may be hundreds. */
function closure(root: string): ReadonlySet<string> {
  const seen = new Set<string>()
  const queue = [root]
  for (const folder of queue) {
    const { dependencies, optionalDependencies } = readManifest(folder)
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = packageFolder(name, folder)
      const real = found === undefined ? folder : realpathSync(found)
      if (real === root || seen.has(real)) continue
      seen.add(real)
      queue.push(real)
    }
  }
  return seen
}

function warning(
  file: string,
  { input, what }: PlaceUse,
  found: InstalledPackage | undefined,
  why: string,
): Diagnostic {
  const source = readFileSync(file, 'utf8')
  const word = what.replace('(...)', '(')
  const start = Math.max(0, source.indexOf(word))
  const whose = found === undefined ? 'This file' : `${found.name} stays in the bundle, since ${why}, and`
  return {
    code: 'PYR_BUNDLE',
    file: input,
    ...positionOf(source, start),
    message: `${whose} uses ${what}: in the bundle, that is the place of the bundle, and what stands beside the file is not there.`,
    fix:
      found === undefined
        ? 'Import what it reads, or read it from a place that is set by a variable. If it reads nothing there, all is well.'
        : `If it reads nothing there, all is well. Else depend on one published version of it, and leave it outside: pyrallel build --external ${found.name}`,
    frame: codeFrame(source, { start, end: start + word.length }),
  }
}
