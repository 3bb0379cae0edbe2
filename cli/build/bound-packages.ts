/** Decides what becomes of code that would not find in a bundle what stands beside its file: its package stays outside, or it is told. */
import { readFileSync } from 'node:fs'
import { resolve, sep } from 'node:path'
import {
  dependenciesOf,
  type InstalledPackage,
  installedPackage,
  packageOf,
  readManifest,
} from '../bundle/installed-package.ts'
import { packageRoot } from '../bundle/package-root.ts'
import type { PlaceUse } from '../bundle/place-uses.ts'
import { codeFrame, type Diagnostic, positionOf } from '../diagnostics/diagnostic.ts'
import { foreignOrigin } from './outside-packages.ts'

export interface BoundCode {
  readonly outside: readonly InstalledPackage[]
  readonly warnings: readonly Diagnostic[]
}

/** Of what Pyrallel itself imports, the part that would look beside its file is never called. What the project asks for by name may be. */
export class BoundPackages {
  readonly #root: string
  readonly #own: ReadonlySet<string>

  constructor(root: string) {
    this.#root = root
    const { dependencies, optionalDependencies } = readManifest(root)
    const asked = Object.keys({ ...dependencies, ...optionalDependencies })
    const folders = new Set(closure(packageRoot))
    for (const name of asked) folders.delete(installedPackage(name, root)?.folder ?? '')
    this.#own = folders
  }

  /** @param inputs everything that is bundled, relative to the project */
  of(uses: readonly PlaceUse[], inputs: readonly string[]): BoundCode {
    const outside = new Map<string, InstalledPackage>()
    const warnings: Diagnostic[] = []
    for (const use of uses) {
      const file = resolve(this.#root, use.input)
      const found = packageOf(file)
      if (this.#isOurs(file, found)) continue
      const why = found === undefined ? 'own' : this.#whyInside(found, inputs)
      if (why === undefined && found !== undefined) outside.set(found.name, found)
      else warnings.push(warning(file, use, found, why ?? 'own'))
    }
    return { outside: [...outside.values()], warnings }
  }

  #isOurs(file: string, found: InstalledPackage | undefined): boolean {
    if (found !== undefined) return found.name === 'pyrallel' || this.#own.has(found.folder)
    const below = (folder: string) => file.startsWith(resolve(packageRoot, folder) + sep)
    return (
      below('framework') || below('cli') || below('dist') || file.startsWith(resolve(this.#root, 'generated') + sep)
    )
  }

  /** Outside, each importer would get the one copy that is installed at the top. */
  #whyInside(found: InstalledPackage, inputs: readonly string[]): string | undefined {
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

function closure(root: string): readonly string[] {
  const seen = new Set<string>()
  const queue = [...dependenciesOf(root)]
  for (const { folder } of queue) {
    if (seen.has(folder)) continue
    seen.add(folder)
    queue.push(...dependenciesOf(folder))
  }
  return [...seen]
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
