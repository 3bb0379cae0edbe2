/** Loads environment and config of the user's app, again when one of their files has changed. Decides nothing about what that restarts. */
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Mode } from '../../framework/config/mode.ts'
import { type Bundler, openBundler } from '../bundle/bundle-app.ts'
import { readLinkedTypeScript } from '../bundle/read-typescript.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import type { Io } from '../terminal/io.ts'
import { applyEnvironment, envFilesOf, type ProjectEnvironment, readEnvironment } from './environment.ts'
import {
  type ConfigModule,
  configFile,
  loadFailure,
  type Project,
  refuseMissingConfig,
  resolveProject,
} from './project.ts'

export type ConfigLoad =
  | {
      readonly kind: 'loaded'
      readonly project: Project
      /** Since the last load that succeeded, variables that come from files have changed. */
      readonly hasNewVariables: boolean
    }
  | { readonly kind: 'failed'; readonly diagnostics: readonly Diagnostic[] }

export interface AppConfigOptions {
  /** The project's folder, absolute. */
  readonly root: string
  readonly env: Io['env']
  /** The verb's own. */
  readonly mode: Mode
  /** Where the config is bundled to; relative to the project, and below it, where its packages are found from. */
  readonly outDir: string
  /** Packages that it imports from a place of our own: see `BundleSettings`. */
  readonly from: ReadonlyMap<string, string>
}

export class AppConfig {
  readonly #root: string
  readonly #env: Io['env']
  readonly #mode: Mode
  readonly #outDir: string
  readonly #from: ReadonlyMap<string, string>
  #bundler: Bundler | undefined
  #environment: ProjectEnvironment | undefined
  #project: Project | undefined
  /** Files of the project that the config is made of; absolute. */
  #inputs: readonly string[]
  #missing: readonly string[] = []
  /** The variables of files, as the last successful load had them. */
  #variables: string | undefined
  #version = 0

  constructor({ root, env, mode, outDir, from }: AppConfigOptions) {
    this.#root = root
    this.#mode = mode
    this.#outDir = outDir
    // A copy: what is set in this process from files must not count as the process's own the next time.
    this.#env = { ...env }
    this.#from = from
    this.#inputs = [join(root, configFile)]
  }

  watched(): readonly string[] {
    return [...this.#inputs, ...this.#missing, ...this.#envFiles()]
  }

  /**
   * @param changed absolute
   * @throws PyrallelError PYR_CONFIG_LOAD, PYR_CONFIG_INVALID
   */
  async load(changed: readonly string[]): Promise<ConfigLoad> {
    const isConcerned = changed.some((path) => this.watched().includes(path))
    if (this.#project !== undefined && !isConcerned) {
      return { kind: 'loaded', project: this.#project, hasNewVariables: false }
    }
    refuseMissingConfig(this.#root)
    const environment = readEnvironment(this.#root, this.#env, this.#mode)
    this.#environment = environment
    applyEnvironment(environment)
    // A config that fails below is evaluated again by the next change, whatever that is.
    this.#project = undefined
    const bundle = await this.#bundle()
    if (bundle.kind === 'failed') {
      this.#missing = bundle.missing
      return bundle
    }
    this.#inputs = [...bundle.inputs.map((path) => resolve(this.#root, path))]
    this.#missing = []
    await readLinkedTypeScript(this.#root, bundle.externals)
    await showOwnLines(bundle.externals)
    const project = resolveProject(
      this.#root,
      await this.#evaluate(bundle.entries.get('config')?.output ?? ''),
      environment,
    )
    const variables = JSON.stringify([...environment.envFiles.keys()].map((name) => [name, environment.env[name]]))
    const hasNewVariables = this.#variables !== undefined && this.#variables !== variables
    this.#variables = variables
    this.#project = project
    return { kind: 'loaded', project, hasNewVariables }
  }

  async close(): Promise<void> {
    await this.#bundler?.close()
  }

  #envFiles(): readonly string[] {
    return envFilesOf(this.#environment?.mode ?? this.#mode).map((file) => join(this.#root, file))
  }

  async #bundle() {
    const settings = {
      root: this.#root,
      outDir: this.#outDir,
      naming: 'hashed',
      dependencies: 'external',
      from: this.#from,
    } as const
    this.#bundler ??= await openBundler(settings)
    return this.#bundler.bundle([{ name: 'config', file: configFile }])
  }

  /** One file, so that the version makes all of it new: it may have read variables. */
  async #evaluate(output: string): Promise<ConfigModule> {
    this.#version++
    try {
      return (await import(`${pathToFileURL(output).href}?v=${this.#version}`)) as ConfigModule
    } catch (thrown) {
      throw loadFailure(this.#root, configFile, thrown, 'PYR_CONFIG_LOAD')
    }
  }
}

/**
 * What throws is to be told with the user's own line. Node reads the map of each file that is loaded from then on, which doubles the time that a file takes: so
 * those of Pyrallel are loaded before.
 */
async function showOwnLines(externals: readonly string[]): Promise<void> {
  for (const url of externals) if (url.startsWith('file:')) await import(url)
  process.setSourceMapsEnabled(true)
}
