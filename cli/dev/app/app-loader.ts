/**
 * Loads the user's app, and again whatever of it has changed: environment, config, generated files, bundles, handlers. What has not changed
 * stays the same object. Starts nothing, shows nothing; while something is wrong, what was loaded before stays valid.
 */

import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TrafficSource } from '../../../framework/api/traffic.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import { inOrder } from '../../../framework/model/in-order.ts'
import type { RegisteredHandler, ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import type { BundleDone } from '../../bundle/bundle-app.ts'
import { ownPackages } from '../../bundle/own-packages.ts'
import { readLinkedTypeScript } from '../../bundle/read-typescript.ts'
import { type Generation, Generator, warningsFor, withoutOffsetChanges, writeFiles } from '../../codegen/generate.ts'
import type { Diagnostic } from '../../diagnostics/diagnostic.ts'
import { registryFolder } from '../../folders/registry-folder.ts'
import { AppConfig } from '../../project/app-config.ts'
import { type Project, routesFile } from '../../project/project.ts'
import type { Io } from '../../terminal/io.ts'
import { buildFolder } from './build-folder.ts'
import { DevBundle } from './dev-bundle.ts'
import { KnownHandlers } from './known-handlers.ts'
import { LoadedModules } from './loaded-modules.ts'

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

export class AppLoader {
  readonly #options: AppLoaderOptions
  readonly #config: AppConfig
  readonly #bundle: DevBundle
  readonly #handlers = new KnownHandlers()
  #modules: LoadedModules
  #generator: Generator | undefined

  constructor(options: AppLoaderOptions) {
    this.#options = options
    const { root, env, trafficFile } = options
    const from = ownPackages()
    const outDir = `${buildFolder(process.pid)}/config`
    this.#config = new AppConfig({ root, env, mode: 'development', outDir, from })
    this.#bundle = new DevBundle({ root, trafficFile, from })
    this.#modules = new LoadedModules(root)
  }

  /** Files outside of handlers/ whose change matters, absolute; also such that are not there yet. */
  watched(): readonly string[] {
    const generated = join(this.#options.root, 'generated', '/')
    // Of what is generated, a load writes all but the schemas of registries.
    const pulled = join(this.#options.root, registryFolder, '/')
    // What is imported for its types only is in no bundle.
    const own = [...this.#bundle.watched(), ...(this.#generator?.watched() ?? [])]
    const others = own.filter((path) => !path.startsWith(generated) || path.startsWith(pulled))
    return [...new Set([...others, ...this.#config.watched()])]
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
    const { attempts } = this.#modules
    await this.#bundle.begin(attempts)
    const generation = await this.#generate(project.declaredGroup, changed)
    const generatedMs = performance.now() - generatedAt
    const { diagnostics } = generation
    const warnings = warningsFor(generation, project.config)
    if (diagnostics.length > 0) {
      await this.#bundle.giveUp()
      return { kind: 'failed', diagnostics }
    }
    const stale = withoutOffsetChanges(generation)
    writeFiles(this.#options.root, stale)
    const bundle = await this.#bundle.finish(generation, stale.length === 0, attempts)
    if (bundle.kind === 'failed') return bundle
    await readLinkedTypeScript(this.#options.root, bundle.externals)
    const handlers = await this.#importHandlers(bundle, project, generation)
    const traffic = await this.#importTraffic(bundle)
    return { kind: 'loaded', app: { project, handlers, traffic, isFresh: hasNewVariables, generatedMs, warnings } }
  }

  /** Removes what was bundled; nothing of it can be imported any more. */
  async close(): Promise<void> {
    await inOrder([
      () => this.#bundle.close(),
      () => this.#config.close(),
      () => {
        const folder = join(this.#options.root, buildFolder(process.pid))
        if (existsSync(folder)) rmSync(folder, { recursive: true, force: true })
      },
    ])
  }

  async #generate(group: string, changed: readonly string[]): Promise<Generation> {
    this.#generator ??= await Generator.open(this.#options.root)
    return this.#generator.update(group, changed)
  }

  async #startAfresh(): Promise<void> {
    await this.#bundle.startAfresh()
    this.#modules = new LoadedModules(this.#options.root)
  }

  async #importHandlers(
    bundle: BundleDone,
    { config }: Project,
    generation: Generation,
  ): Promise<readonly ResolvedHandler[]> {
    const { routes } = await this.#modules.import<{ readonly routes: readonly RegisteredHandler[] }>(bundle, routesFile)
    const publishes = new Map(generation.handlers.map((handler) => [handler.id, handler.publishes]))
    return this.#handlers.resolve(routes, bundle, config, publishes)
  }

  async #importTraffic(bundle: BundleDone): Promise<TrafficSource | undefined> {
    const { trafficFile } = this.#options
    if (trafficFile === undefined) return undefined
    const { traffic } = await this.#modules.import<{ readonly traffic?: TrafficSource }>(bundle, trafficFile)
    if (typeof traffic === 'function') return traffic
    throw new PyrallelError(
      'PYR_USAGE',
      `${trafficFile} exports no function \`traffic\`. Write \`export const traffic: TrafficSource = function* (random) { ... }\`.`,
    )
  }
}
