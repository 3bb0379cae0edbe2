/**
 * Loads the user's app, and again whatever of it has changed: environment, config, generated files, bundles, handlers. What has not changed
 * stays the same object. Starts nothing, shows nothing; while something is wrong, what was loaded before stays valid.
 */

import { existsSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TrafficSource } from '../../../framework/api/traffic.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import { ownProperty } from '../../../framework/model/own-property.ts'
import { resolveHandlers } from '../../../framework/runtime/resolve-handlers.ts'
import type { RegisteredHandler, ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import { type Bundle, type BundleDone, type BundleEntry, type Bundler, openBundler } from '../../bundle/bundle-app.ts'
import { ownPackages } from '../../bundle/own-packages.ts'
import { readLinkedTypeScript } from '../../bundle/read-typescript.ts'
import { type Generation, Generator, withoutOffsetChanges, writeFiles } from '../../codegen/generate.ts'
import type { Diagnostic } from '../../diagnostics/diagnostic.ts'
import { isCompiled } from '../../folders/package-root.ts'
import { AppConfig } from '../../project/app-config.ts'
import { loadFailure, type Project, routesFile } from '../../project/project.ts'
import type { Io } from '../../terminal/io.ts'
import { buildFolder } from './build-folder.ts'

export interface LoadedApp {
  readonly project: Project
  /** One that has not changed is the same object as in the app before. */
  readonly handlers: readonly ResolvedHandler[]
  /** The traffic file's export; the same function until the file, or one that it imports, changes. */
  readonly traffic: TrafficSource | undefined
  /** Why nothing old is left of it: the variables of `.env` files have changed, and modules may have read them. */
  readonly isFresh: boolean
  readonly generatedMs: number
  /** What the generator has to say of it, though it is no mistake. */
  readonly warnings: readonly Diagnostic[]
}

export type AppLoad =
  | { readonly kind: 'loaded'; readonly app: LoadedApp }
  | { readonly kind: 'failed'; readonly diagnostics: readonly Diagnostic[] }

export interface AppLoaderOptions {
  /** The project's folder, absolute. */
  readonly root: string
  readonly env: Io['env']
  /** Relative to the project; `undefined`: no traffic. */
  readonly trafficFile: string | undefined
}

interface LoadedModules {
  readonly output: string
  readonly registered: readonly RegisteredHandler[]
}

const routesEntry: BundleEntry = { name: 'routes', file: routesFile }

export class AppLoader {
  readonly #options: AppLoaderOptions
  readonly #config: AppConfig
  readonly #from = ownPackages()
  #generator: Generator | undefined
  #bundler: Bundler | undefined
  /** Its modules are evaluated anew: a folder that Node has never loaded from. */
  #folder = 0
  /** Routes, handlers, threads and traffic. */
  #own: readonly BundleEntry[] = []
  /** With the modules that they import: each has a file of its own, and keeps its state when another one changes. */
  #entries: readonly BundleEntry[] = []
  #modules: LoadedModules | undefined
  /** What failed when it was evaluated. Node would only repeat the old error. */
  #failedOutput: string | undefined
  #traffic: { readonly output: string; readonly source: TrafficSource } | undefined
  #inputs: readonly string[] = []
  #missing: readonly string[] = []
  /** By handler id: what a handler was made of. */
  #known = new Map<string, { readonly madeOf: string; readonly handler: ResolvedHandler }>()

  constructor(options: AppLoaderOptions) {
    this.#options = options
    const { root, env } = options
    const outDir = `${buildFolder(process.pid)}/config`
    this.#config = new AppConfig({ root, env, mode: 'development', outDir, from: this.#from })
  }

  /** Files outside of handlers/ whose change matters, absolute; also such that are not there yet. */
  watched(): readonly string[] {
    const { root } = this.#options
    const bundled = this.#inputs.map((path) => resolve(root, path))
    // What is imported for its types only is in no bundle.
    const scanned = this.#generator?.watched() ?? []
    const own = [...bundled, ...scanned].filter((path) => !path.startsWith(join(root, 'generated', '/')))
    return [...new Set([...own, ...this.#missing, ...this.#config.watched()])]
  }

  /**
   * @param changed files that changed, came or went since the last call; absolute
   * @throws PyrallelError for a config, a file or a handler that cannot be used
   */
  async load(changed: readonly string[]): Promise<AppLoad> {
    const config = await this.#config.load(changed)
    if (config.kind === 'failed') return config
    const { project, hasNewVariables } = config
    if (hasNewVariables) await this.#startAfresh()
    const generatedAt = performance.now()
    // Both at once, as esbuild works in a process of its own; most changes leave generated/ as it is.
    const entries = this.#entries
    const begun = entries.length === 0 ? undefined : await (await this.#openBundler()).begin(entries)
    const generation = await this.#generate(project.declaredGroup, changed)
    const generatedMs = performance.now() - generatedAt
    const { root } = this.#options
    if (generation.diagnostics.length > 0) {
      const first = await begun?.finish().catch(() => undefined)
      if (first?.kind === 'failed') this.#missing = first.missing
      return { kind: 'failed', diagnostics: generation.diagnostics }
    }
    const stale = withoutOffsetChanges(generation)
    writeFiles(root, stale)
    this.#own = this.#entriesFor(generation)
    this.#entries = this.#withModules(this.#inputs)
    const isCurrent = stale.length === 0 && isSame(entries, this.#entries)
    if (!isCurrent) await begun?.abandon()
    const bundle = await this.#complete(isCurrent ? await begun?.finish() : undefined)
    if (bundle.kind === 'failed') {
      this.#missing = bundle.missing
      return bundle
    }
    this.#inputs = bundle.inputs
    this.#missing = []
    await readLinkedTypeScript(root, bundle.externals)
    const publishes = new Map(generation.handlers.map((handler) => [handler.id, handler.publishes]))
    const handlers = this.#resolve(await this.#import(bundle), bundle, project, publishes)
    const traffic = await this.#importTraffic(bundle)
    return {
      kind: 'loaded',
      app: { project, handlers, traffic, isFresh: hasNewVariables, generatedMs, warnings: generation.warnings },
    }
  }

  /** Removes what was bundled; nothing of it can be imported any more. */
  async close(): Promise<void> {
    await this.#bundler?.close()
    await this.#config.close()
    const folder = join(this.#options.root, buildFolder(process.pid))
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true })
  }

  async #generate(group: string, changed: readonly string[]): Promise<Generation> {
    this.#generator ??= await Generator.open(this.#options.root)
    return this.#generator.update(group, changed)
  }

  #entriesFor({ handlers, files }: Generation): readonly BundleEntry[] {
    const { trafficFile } = this.#options
    const own = [...handlers.map(({ file }) => file), ...files.map(({ path }) => path).filter(isThreadEntry)]
    return [
      routesEntry,
      ...own.map((file) => ({ name: nameOf(file), file })),
      ...(trafficFile === undefined ? [] : [{ name: nameOf(trafficFile), file: trafficFile }]),
    ]
  }

  /** @param bundle of `#entries`, where there is one already */
  async #complete(bundle?: Bundle): Promise<Bundle> {
    const done = bundle ?? (await this.#bundle(this.#entries))
    if (done.kind === 'failed') return done
    const entries = this.#withModules(done.inputs)
    if (isSame(entries, this.#entries)) return done
    this.#entries = entries
    return this.#bundle(entries)
  }

  #withModules(inputs: readonly string[]): readonly BundleEntry[] {
    const own = new Set(this.#own.map(({ file }) => file))
    const modules = inputs.filter(
      (path) => isModule(path) && !own.has(path) && existsSync(resolve(this.#options.root, path)),
    )
    return [...this.#own, ...modules.map((file) => ({ name: `modules/${file.replaceAll('../', '_/')}`, file }))]
  }

  async #bundle(entries: readonly BundleEntry[]): Promise<Bundle> {
    const bundler = await this.#openBundler()
    return bundler.bundle(entries)
  }

  async #openBundler(): Promise<Bundler> {
    const outDir = `${buildFolder(process.pid)}/${this.#folder}`
    const settings = { root: this.#options.root, naming: 'hashed', dependencies: 'external', from: this.#from } as const
    this.#bundler ??= await openBundler({ ...settings, outDir })
    return this.#bundler
  }

  /** From another folder, every module is loaded again, also those whose text has not changed. */
  async #startAfresh(): Promise<void> {
    await this.#bundler?.close()
    this.#bundler = undefined
    this.#modules = undefined
    this.#traffic = undefined
    this.#folder++
  }

  async #import(bundle: BundleDone): Promise<readonly RegisteredHandler[]> {
    let output = outputOf(bundle, routesEntry.name)
    if (this.#modules?.output === output) return this.#modules.registered
    if (this.#failedOutput === output) {
      await this.#startAfresh()
      const again = await this.#bundle(this.#entries)
      if (again.kind === 'done') output = outputOf(again, routesEntry.name)
    }
    const module = await this.#evaluate<{ readonly routes: readonly RegisteredHandler[] }>(output, routesFile)
    this.#modules = { output, registered: module.routes }
    return module.routes
  }

  async #importTraffic(bundle: BundleDone): Promise<TrafficSource | undefined> {
    const { trafficFile } = this.#options
    if (trafficFile === undefined) return undefined
    const output = outputOf(bundle, nameOf(trafficFile))
    if (this.#traffic?.output === output) return this.#traffic.source
    const { traffic } = await this.#evaluate<{ readonly traffic?: TrafficSource }>(output, trafficFile)
    if (typeof traffic !== 'function') {
      throw new PyrallelError(
        'PYR_USAGE',
        `${trafficFile} exports no function \`traffic\`. Write \`export const traffic: TrafficSource = function* (random) { ... }\`.`,
      )
    }
    this.#traffic = { output, source: traffic }
    return traffic
  }

  async #evaluate<M>(output: string, file: string): Promise<M> {
    try {
      return (await import(pathToFileURL(output).href)) as M
    } catch (thrown) {
      this.#failedOutput = output
      throw loadFailure(this.#options.root, file, thrown, 'PYR_HANDLER_EXPORT')
    }
  }

  #resolve(
    registered: readonly RegisteredHandler[],
    bundle: BundleDone,
    { config }: Project,
    publishes: ReadonlyMap<string, readonly string[]>,
  ): readonly ResolvedHandler[] {
    const made = registered.map((entry) => withBundledThread(entry, bundle))
    const resolved = resolveHandlers(made, config)
    const known = new Map<string, { readonly madeOf: string; readonly handler: ResolvedHandler }>()
    for (const handler of resolved) {
      const { handlerId } = handler.route
      const { topicSchemas, ...rest } = handler
      // Of the schemas of all topics, those that it publishes to: another topic's is nothing to it.
      const schemas = (publishes.get(handlerId) ?? []).map((topic) => ownProperty(topicSchemas, topic) ?? null)
      const madeOf = JSON.stringify([outputOf(bundle, nameOf(handler.file)), rest, schemas])
      const before = this.#known.get(handlerId)
      known.set(handlerId, before?.madeOf === madeOf ? before : { madeOf, handler })
    }
    this.#known = known
    return [...known.values()].map(({ handler }) => handler)
  }
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

function outputOf(bundle: BundleDone, name: string): string {
  return bundle.entries.get(name)?.output ?? ''
}

/** generated/routes.ts names the thread's entry relative to itself, which is somewhere else once it is bundled. */
function withBundledThread(entry: RegisteredHandler, bundle: BundleDone): RegisteredHandler {
  if (entry.entry === undefined) return entry
  const path = new URL(entry.entry).pathname
  const name = nameOf(`generated${decodeURIComponent(path.slice(path.lastIndexOf('/workers/')))}`)
  const { href } = pathToFileURL(outputOf(bundle, name))
  // The command's own sources are TypeScript: a thread reads such only when its entry's name says so.
  return { ...entry, entry: isCompiled ? href : `${href}?from-sources.ts` }
}
