/** Where installed packages lie, and what their manifests say. Reads only. */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface InstalledPackage {
  /** As code imports it: its folder's name, which differs from that in its manifest where it is an alias. */
  readonly name: string
  readonly version: string
  /** In its own manifest. */
  readonly ownName: string
  /** The real one, with links followed. */
  readonly folder: string
}

export interface Manifest {
  readonly name?: string
  readonly version?: string
  /** A text, where it is one: some have `false` there. */
  readonly main?: unknown
  readonly gypfile?: boolean
  readonly binary?: unknown
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** The folder of an installed package, as Node would find it from `folder`, links not followed; `undefined` when it is not installed. */
export function packageFolder(name: string, folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return candidate
    if (at === dirname(at)) return undefined
  }
}

export function installedPackage(name: string, from: string): InstalledPackage | undefined {
  const found = packageFolder(name, from)
  return found === undefined ? undefined : describe(name, found)
}

/** What a file belongs to, by the folders above it; `undefined` when it was not installed, as a file of the project or of its workspace. */
export function packageOf(file: string): InstalledPackage | undefined {
  const [whole, name] = /^.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)(?=[\\/])/.exec(file) ?? []
  if (whole === undefined || name === undefined || !existsSync(join(whole, 'package.json'))) return undefined
  return describe(name.replace('\\', '/'), whole)
}

/** What it depends on, and is installed. */
export function dependenciesOf(folder: string): readonly InstalledPackage[] {
  const { dependencies, optionalDependencies } = readManifest(folder)
  return Object.keys({ ...dependencies, ...optionalDependencies }).flatMap(
    (name) => installedPackage(name, folder) ?? [],
  )
}

/** `@scope/name/file.js` is of `@scope/name`. */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Whether it was installed there, and not linked from elsewhere. */
export function isBelowNodeModules(folder: string): boolean {
  return /[\\/]node_modules[\\/]/.test(folder)
}

export function readManifest(folder: string): Manifest {
  const file = join(folder, 'package.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : {}
}

function describe(name: string, found: string): InstalledPackage {
  // What pnpm installs stands behind a link, beside its own dependencies.
  const folder = realpathSync(found)
  const { name: ownName = name, version = '' } = readManifest(folder)
  return { name, version, ownName, folder }
}
