/** The part of a package-lock.json that a build's packages need, as a lock of its own, so that `npm ci` installs what was tested. Pure but for reading the lock. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'

interface LockEntry {
  /** Of an alias: the package's own. */
  readonly name?: string
  readonly version?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly [field: string]: unknown
}

type Packages = ReadonlyMap<string, LockEntry>

export interface LockRequest {
  readonly name: string
  readonly version: string
  /** By name: exact versions, or aliases of such (`npm:name@1.0.0`). */
  readonly dependencies: Readonly<Record<string, string>>
}

export type LockSubset =
  | { readonly kind: 'locked'; readonly text: string }
  /** `why` completes the sentence "what is not bundled is installed without a lock: ...". */
  | { readonly kind: 'none'; readonly why: string }
  /** What is needed comes from no registry, so that an installation would fail, or bring a stranger. */
  | { readonly kind: 'foreign'; readonly name: string; readonly from: string }

/** Flags that say how an entry was reached in the project; here they are found out anew. */
const flags = ['dev', 'devOptional', 'optional', 'peer', 'extraneous']

/** @param root the project's folder; the lock may be that of a workspace above it */
export function lockSubset(root: string, request: LockRequest): LockSubset {
  const file = lockAbove(root)
  if (file === undefined) return { kind: 'none', why: 'there is no package-lock.json' }
  const packages = readPackages(file)
  if (packages === undefined)
    return { kind: 'none', why: 'package-lock.json is of a version below 2, or cannot be read' }
  const from = relative(dirname(file), root).replaceAll(sep, '/')
  return new Subset(packages, from).of(request)
}

interface Placed {
  /** In the project's lock. */
  readonly source: string
  /** In the build's. */
  readonly place: string
  readonly isOptional: boolean
}

class Subset {
  readonly #packages: Packages
  readonly #from: string
  /** By place. */
  readonly #placed = new Map<string, Placed>()

  constructor(packages: Packages, from: string) {
    this.#packages = packages
    this.#from = from
  }

  of({ name, version, dependencies }: LockRequest): LockSubset {
    for (const [wanted, exact] of Object.entries(dependencies)) {
      // What only Pyrallel needs may be installed below it.
      const source =
        this.#resolve(this.#from, wanted) ?? this.#resolve(this.#resolve(this.#from, 'pyrallel') ?? '', wanted)
      const locked = source === undefined ? undefined : specOf(wanted, this.#packages.get(source))
      if (source === undefined || locked !== exact) {
        const why = `package-lock.json has ${locked === undefined ? 'no' : `version ${locked} of`} ${wanted}, and ${exact} is installed`
        return { kind: 'none', why }
      }
      this.#placed.set(`node_modules/${wanted}`, { source, place: `node_modules/${wanted}`, isOptional: false })
    }
    const missing = this.#placeAll()
    if (missing !== undefined) return { kind: 'none', why: `package-lock.json lacks ${missing}` }
    for (const { source, place } of this.#placed.values()) {
      const { resolved = '' } = this.#packages.get(source) ?? {}
      // An override may have put it there, whatever the range says of who asks for it.
      if (/^(?:file:|git)/.test(resolved)) {
        return { kind: 'foreign', name: place.replace(/^.*node_modules\//, ''), from: resolved }
      }
    }
    const entries = [...this.#placed.values()].sort((a, b) => (a.place < b.place ? -1 : 1))
    const packages = Object.fromEntries(entries.map((each) => [each.place, this.#entry(each)]))
    const lock = {
      name,
      version,
      lockfileVersion: 3,
      requires: true,
      packages: { '': { name, version, dependencies }, ...packages },
    }
    return { kind: 'locked', text: `${JSON.stringify(lock, null, 2)}\n` }
  }

  /** Each package's own, before those of any below it: what is placed between the two later would else stand in front of what was found. */
  #placeAll(): string | undefined {
    // A package that is met first as an optional one, and then as one that must be there, is gone through once more.
    const queue = [...this.#placed.values()]
    for (const owner of queue) {
      const entry = this.#packages.get(owner.source)
      for (const { name, isOptional } of dependenciesOf(entry ?? {})) {
        const source = this.#resolve(owner.source, name)
        if (source === undefined) {
          if (isOptional) continue
          return `${name}, which ${owner.source.replace(/^.*node_modules\//, '')} needs`
        }
        const placed = this.#place(owner.place, name, source, isOptional || owner.isOptional)
        if (placed !== undefined) queue.push(placed)
      }
    }
    return undefined
  }

  /** As high as it goes. Undefined: what is visible there already is it. */
  #place(owner: string, name: string, source: string, isOptional: boolean): Placed | undefined {
    const visible = foldersAbove(owner)
      .map((folder) => this.#placed.get(below(folder, name)))
      .find((each) => each !== undefined)
    if (visible?.source === source) {
      if (!visible.isOptional || isOptional) return undefined
      return this.#put({ ...visible, isOptional: false })
    }
    return this.#put({ source, place: below(visible === undefined ? '' : owner, name), isOptional })
  }

  #put(placed: Placed): Placed {
    this.#placed.set(placed.place, placed)
    return placed
  }

  /** Where Node finds it from there; undefined when it is not installed, or is a folder of the workspace, which no registry has. */
  #resolve(from: string, name: string): string | undefined {
    const found = foldersAbove(from)
      .map((folder) => below(folder, name))
      .find((place) => this.#packages.has(place))
    return found === undefined || this.#packages.get(found)?.link === true ? undefined : found
  }

  #entry({ source, isOptional }: Placed): Readonly<Record<string, unknown>> {
    const kept = Object.entries(this.#packages.get(source) ?? {}).filter(([field]) => !flags.includes(field))
    return { ...Object.fromEntries(kept), ...(isOptional ? { optional: true } : {}) }
  }
}

/** As package.json would have to ask for it. */
function specOf(name: string, entry: LockEntry | undefined): string | undefined {
  const { name: own = name, version } = entry ?? {}
  return version === undefined || own === name ? version : `npm:${own}@${version}`
}

function below(folder: string, name: string): string {
  return `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
}

/** `a/node_modules/b`, `a`, and the root. */
function foldersAbove(folder: string): readonly string[] {
  const folders: string[] = []
  for (let at = folder; at !== ''; at = at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : '') {
    if (!at.endsWith('node_modules')) folders.push(at)
  }
  return [...folders, '']
}

function dependenciesOf(entry: LockEntry): readonly { readonly name: string; readonly isOptional: boolean }[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = entry
  const all = new Map<string, boolean>()
  for (const name of Object.keys(peerDependencies)) all.set(name, peerDependenciesMeta[name]?.optional === true)
  for (const name of Object.keys(dependencies)) all.set(name, false)
  for (const name of Object.keys(optionalDependencies)) all.set(name, true)
  return [...all].map(([name, isOptional]) => ({ name, isOptional })).sort((a, b) => (a.name < b.name ? -1 : 1))
}

function lockAbove(root: string): string | undefined {
  for (let at = root; ; at = dirname(at)) {
    const file = join(at, 'package-lock.json')
    if (existsSync(file)) return file
    if (at === dirname(at)) return undefined
  }
}

function readPackages(file: string): Packages | undefined {
  try {
    const { packages } = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly packages?: Readonly<Record<string, LockEntry>>
    }
    return packages === undefined ? undefined : new Map(Object.entries(packages))
  } catch {
    return undefined
  }
}
