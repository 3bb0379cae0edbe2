/** Finds the installed packages that cannot be bundled, because they load machine code from beside their own files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface InstalledPackage {
  readonly name: string
  readonly version: string
}

interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly main?: string
  readonly gypfile?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Everything that the project depends on, directly or not; what only `pyrallel` itself needs is left out. Sorted by name. */
export function nativePackages(root: string): readonly InstalledPackage[] {
  const found = new Map<string, InstalledPackage>()
  const seen = new Set<string>()
  const queue = dependenciesOf(root)
  for (const folder of queue) {
    if (seen.has(folder)) continue
    seen.add(folder)
    const manifest = readManifest(folder)
    const { name = '', version = '' } = manifest
    // Its own native dependency is known, and the tools below it are for building.
    if (name === 'pyrallel') continue
    if (isNative(folder, manifest)) found.set(name, { name, version })
    else queue.push(...dependenciesOf(folder))
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The folder of an installed package, as Node would find it from `folder`; `undefined` when it is not installed. */
export function packageFolder(name: string, folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return candidate
    if (at === dirname(at)) return undefined
  }
}

export function packageVersion(folder: string): string | undefined {
  return readManifest(folder).version
}

function dependenciesOf(folder: string): string[] {
  const { dependencies, optionalDependencies } = readManifest(folder)
  const names = Object.keys({ ...dependencies, ...optionalDependencies })
  return names.flatMap((name) => packageFolder(name, folder) ?? [])
}

/** Built from source, or shipped with binaries; or, as newer ones do it, a package per platform of which the right one is installed. */
function isNative(folder: string, manifest: Manifest): boolean {
  if (manifest.gypfile === true || manifest.main?.endsWith('.node') === true) return true
  if (existsSync(join(folder, 'binding.gyp')) || existsSync(join(folder, 'prebuilds'))) return true
  if (readdirSync(folder).some((file) => file.endsWith('.node'))) return true
  return Object.keys(manifest.optionalDependencies ?? {}).some((name) => {
    const platform = packageFolder(name, folder)
    if (platform === undefined) return false
    const { os, cpu } = readManifest(platform)
    return os !== undefined && cpu !== undefined
  })
}

function readManifest(folder: string): Manifest {
  const file = join(folder, 'package.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : {}
}
