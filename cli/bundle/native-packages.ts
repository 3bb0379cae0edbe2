/** Finds the installed packages that cannot be bundled, because they load machine code from beside their own files. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  dependenciesOf,
  type InstalledPackage,
  installedPackage,
  type Manifest,
  readManifest,
} from './installed-package.ts'

/** What only a package with machine code needs: to build it, to fetch it, or to find it. */
const toolsForBinaries = ['bindings', 'node-gyp-build', 'node-pre-gyp', '@mapbox/node-pre-gyp', 'prebuild-install']
/** Where such tools put it. */
const foldersOfBinaries = ['prebuilds', 'build/Release', 'lib/binding']

/** Everything that the project depends on, directly or not; what only `pyrallel` itself needs is left out. Sorted by name. */
export function nativePackages(root: string): readonly InstalledPackage[] {
  const found = new Map<string, InstalledPackage>()
  const seen = new Set<string>()
  const queue = [...dependenciesOf(root)]
  for (const each of queue) {
    if (seen.has(each.folder)) continue
    seen.add(each.folder)
    // Its own native dependency is known, and the tools below it are for building.
    if (each.name === 'pyrallel') continue
    // The nearest to the project is the one that its own code finds.
    if (!isNative(each.folder)) queue.push(...dependenciesOf(each.folder))
    else if (!found.has(each.name)) found.set(each.name, each)
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Built from source, or shipped with binaries; or, as newer ones do it, a package per platform of which the right one is installed. */
function isNative(folder: string): boolean {
  const manifest = readManifest(folder)
  const { main, gypfile, binary } = manifest
  if (gypfile === true || (typeof main === 'string' && main.endsWith('.node')) || binary !== undefined) return true
  if (toolsForBinaries.some((tool) => manifest.dependencies?.[tool] !== undefined)) return true
  if (['binding.gyp', ...foldersOfBinaries].some((name) => existsSync(join(folder, name)))) return true
  if (readdirSync(folder).some((file) => file.endsWith('.node'))) return true
  return isSplitByPlatform(folder, manifest)
}

function isSplitByPlatform(folder: string, { optionalDependencies = {} }: Manifest): boolean {
  return Object.keys(optionalDependencies).some((name) => {
    const platform = installedPackage(name, folder)
    if (platform === undefined) return false
    const { os, cpu } = readManifest(platform.folder)
    return os !== undefined && cpu !== undefined
  })
}
