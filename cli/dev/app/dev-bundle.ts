/** The bundle of a session: which entries it has by now, and in which folder it lies. Evaluates nothing of it. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BegunBundle, Bundle, BundleDone, BundleEntry, Bundler } from '../../bundle/bundle-app.ts'
import { openBundler } from '../../bundle/bundle-app.ts'
import { missingPackages } from '../../bundle/missing-packages.ts'
import type { Generation } from '../../codegen/generate.ts'
import { routesFile } from '../../project/project.ts'
import { buildFolder } from './build-folder.ts'

export interface DevBundleOptions {
  /** The project's folder, absolute. */
  readonly root: string
  /** Relative to the project; `undefined`: no traffic. */
  readonly trafficFile: string | undefined
  /** Packages that are imported from a place of our own: see `BundleSettings`. */
  readonly from: ReadonlyMap<string, string>
}

/** How often a file's code has failed when it was evaluated; `undefined`: never. By its absolute path. */
export type Attempts = ReadonlyMap<string, number>

interface Begun {
  readonly entries: readonly BundleEntry[]
  readonly bundle: BegunBundle
}

const routesEntry: BundleEntry = { name: 'routes', file: routesFile }

export class DevBundle {
  readonly #options: DevBundleOptions
  #bundler: Bundler | undefined
  /** Its modules are evaluated anew: a folder that Node has never loaded from. */
  #folder = 0
  /** Routes, handlers, threads and traffic. */
  #own: readonly BundleEntry[] = []
  /** Files of the last bundle that could be made; relative to the project. */
  #inputs: readonly string[] = []
  #missing: readonly string[] = []
  #begun: Begun | undefined

  constructor(options: DevBundleOptions) {
    this.#options = options
  }

  /** Files that it is made from, or would be; absolute. */
  watched(): readonly string[] {
    return [...this.#inputs.map((path) => resolve(this.#options.root, path)), ...this.#missing]
  }

  /** With the entries of the bundle before: esbuild works in a process of its own, and most changes leave them as they are. */
  async begin(attempts: Attempts): Promise<void> {
    if (this.#own.length === 0) return
    const entries = this.#entries(this.#inputs, attempts)
    const bundler = await this.#openBundler()
    this.#begun = { entries, bundle: await bundler.begin(entries) }
  }

  /** Instead of `finish`. What was begun tells what else is missing. */
  async giveUp(): Promise<void> {
    const done = await this.#takeBegun()
      ?.bundle.finish()
      .catch(() => undefined)
    if (done?.kind === 'failed') this.#missing = done.missing
  }

  /**
   * @param isUnchanged nothing was written below generated/ since `begin`
   * @throws PyrallelError PYR_WRITE
   */
  async finish(generation: Generation, isUnchanged: boolean, attempts: Attempts): Promise<Bundle> {
    this.#own = this.#entriesFor(generation)
    const entries = this.#entries(this.#inputs, attempts)
    const begun = this.#takeBegun()
    const isCurrent = isUnchanged && begun !== undefined && isSame(begun.entries, entries)
    if (!isCurrent) await begun?.bundle.abandon()
    const first = isCurrent ? await begun.bundle.finish() : await this.#bundle(entries)
    const bundle = first.kind === 'failed' ? first : await this.#withAllModules(first, entries, attempts)
    if (bundle.kind === 'done') this.#inputs = bundle.inputs
    const usable = bundle.kind === 'done' ? this.#unlessMissing(bundle) : bundle
    this.#missing = usable.kind === 'failed' ? usable.missing : []
    return usable
  }

  /** From another folder, every module is loaded again, also those whose text has not changed. */
  async startAfresh(): Promise<void> {
    await this.close()
    this.#folder++
  }

  async close(): Promise<void> {
    const bundler = this.#bundler
    this.#bundler = undefined
    await bundler?.close()
  }

  /** A bundle whose modules are not all entries shows which there are. */
  async #withAllModules(bundle: BundleDone, entries: readonly BundleEntry[], attempts: Attempts): Promise<Bundle> {
    const all = this.#entries(bundle.inputs, attempts)
    return isSame(entries, all) ? bundle : this.#bundle(all)
  }

  #unlessMissing(bundle: BundleDone): Bundle {
    const { diagnostics, missing } = missingPackages(this.#options.root, bundle)
    return diagnostics.length === 0 ? bundle : { kind: 'failed', diagnostics, missing, placeUses: [] }
  }

  async #bundle(entries: readonly BundleEntry[]): Promise<Bundle> {
    const bundler = await this.#openBundler()
    return bundler.bundle(entries)
  }

  async #openBundler(): Promise<Bundler> {
    const { root, from } = this.#options
    const outDir = `${buildFolder(process.pid)}/${this.#folder}`
    this.#bundler ??= await openBundler({ root, naming: 'hashed', dependencies: 'external', from, outDir })
    return this.#bundler
  }

  #takeBegun(): Begun | undefined {
    const begun = this.#begun
    this.#begun = undefined
    return begun
  }

  #entriesFor({ handlers, files }: Generation): readonly BundleEntry[] {
    const { trafficFile } = this.#options
    const own = [...new Set(handlers.map(({ file }) => file)), ...files.map(({ path }) => path).filter(isThreadEntry)]
    return [
      routesEntry,
      ...own.map((file) => ({ name: nameOf(file), file })),
      ...(trafficFile === undefined ? [] : [{ name: nameOf(trafficFile), file: trafficFile }]),
    ]
  }

  /** With the modules that they import: each has a file of its own, and keeps its state when another one changes. */
  #entries(inputs: readonly string[], attempts: Attempts): readonly BundleEntry[] {
    const { root } = this.#options
    const own = new Set(this.#own.map(({ file }) => file))
    const modules = inputs.filter((path) => isModule(path) && !own.has(path) && existsSync(resolve(root, path)))
    const entries = [
      ...this.#own,
      ...modules.map((file) => ({ name: `modules/${file.replaceAll('../', '_/')}`, file })),
    ]
    return entries.map((entry) => {
      const attempt = attempts.get(resolve(root, entry.file))
      return attempt === undefined ? entry : { ...entry, attempt }
    })
  }
}

/** Absolute; of the routes where no file is named. */
export function outputOf({ entries }: BundleDone, file = routesFile): string {
  return entries.get(file === routesFile ? routesEntry.name : nameOf(file))?.output ?? ''
}

function isSame(before: readonly BundleEntry[], after: readonly BundleEntry[]): boolean {
  return JSON.stringify(before) === JSON.stringify(after)
}

function isModule(path: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(path)
}

/** `generated/workers/...` */
function isThreadEntry(path: string): boolean {
  return path.startsWith('generated/workers/')
}

function nameOf(file: string): string {
  return file.replace(/\.[cm]?[jt]s$/, '')
}
