/**
 * Bundles the user's code with esbuild: handlers and thread entries for `pyrallel dev`, over and over; the server and thread entries for
 * `pyrallel build`, once. Runs nothing of what it bundles.
 *
 *     const bundler = await openBundler({ root, outDir, naming: 'hashed', dependencies: 'external' })
 *     const bundle = await bundler.bundle([{ name: 'routes', file: 'generated/routes.ts' }])   // again after each change
 *     if (bundle.kind === 'failed') show(bundle.diagnostics)     // plain data with code frames
 *     else await import(pathToFileURL(bundle.entries.get('routes')?.output ?? '').href)
 *     await bundler.close()                                      // ends esbuild's work for it
 *
 *     const bundle = await bundleOnce({ root, outDir: 'dist', naming: 'plain', dependencies: { external: ['pino'] } }, entries)
 *
 * ESM in `.mjs` files, split into chunks that entries share, with source maps beside them (hashed: in them, which is half as many files), names kept, for Node 20.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import type { BuildContext, BuildFailure, BuildOptions, BuildResult } from 'esbuild'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { bundleDiagnostic, machineCode, missingImport } from './bundle-diagnostic.ts'
import { type BundleDone, type BundleEntry, bundleDone } from './bundle-done.ts'
import { type BundleLook, lookAt } from './bundle-look.ts'
import {
  attempts,
  definitionsOnly,
  importsBelow,
  insteadOf,
  virtual,
  virtualEntries,
  wasmInside,
} from './bundle-plugins.ts'
import type { PlaceUse } from './place-uses.ts'

export interface BundleSettings {
  /** The project's folder, absolute: its `tsconfig.json` counts, and diagnostics are relative to it. */
  readonly root: string
  /** Absolute, or relative to `root`. */
  readonly outDir: string
  /** `hashed`: a changed entry has a changed file name, so that importing it loads it anew. `plain`: `<name>.mjs`. */
  readonly naming: 'hashed' | 'plain'
  /**
   * `external`: packages stay imports, `pyrallel` among them, so that the user's code and the runtime share one copy.
   * `{ external }`: only these do, with all that is below them; everything else is bundled.
   */
  readonly dependencies: 'external' | { readonly external: readonly string[] }
  /** False: none, so that the code's sources are not beside it. Default true. */
  readonly sourceMaps?: boolean
  /** Packages that are imported from a place of our own, by specifier: `pyrallel` from the URL that the command itself has loaded. */
  readonly from?: ReadonlyMap<string, string>
  /** Modules in the place of others, both absolute: of what would not be used. */
  readonly instead?: ReadonlyMap<string, string>
  /** Packages whose modules do nothing but define: what is not used of them is left out. */
  readonly definitionsOnly?: readonly string[]
}

export interface BundleFailed {
  readonly kind: 'failed'
  /** At least one. */
  readonly diagnostics: readonly Diagnostic[]
  /** Absolute paths of relative imports that lead nowhere: when one appears, the bundle may succeed. */
  readonly missing: readonly string[]
  /** Files that import machine code. */
  readonly placeUses: readonly PlaceUse[]
}

export type { BundleDone, BundleEntry } from './bundle-done.ts'

export type Bundle = BundleDone | BundleFailed

export interface Bundler {
  /**
   * Bundles what is on the disk now; cheap when little has changed. Not to be called again before it has settled.
   * @throws PyrallelError PYR_WRITE when the output cannot be written
   */
  bundle(entries: readonly BundleEntry[]): Promise<Bundle>
  /**
   * The first half of `bundle`: nothing is written. Settles once esbuild, which is a process of its own, goes on by itself: what follows may keep
   * this one busy meanwhile.
   */
  begin(entries: readonly BundleEntry[]): Promise<BegunBundle>
  close(): Promise<void>
}

export interface BegunBundle {
  /** Before `finish`, and as often as one likes. */
  look(): Promise<BundleLook>
  /** Writes what was bundled. @throws PyrallelError PYR_WRITE */
  finish(): Promise<Bundle>
  /** Instead of `finish`: ends it where it is. Nothing is written. Settles once another one can begin at once. */
  abandon(): Promise<void>
}

/** Bundles once and leaves nothing running. @throws PyrallelError PYR_WRITE when the output cannot be written */
export async function bundleOnce(settings: BundleSettings, entries: readonly BundleEntry[]): Promise<Bundle> {
  const bundler = await openBundler(settings)
  try {
    return await bundler.bundle(entries)
  } finally {
    await bundler.close()
  }
}

/** Loads esbuild, which is why it waits; nothing is bundled yet. */
export async function openBundler(settings: BundleSettings): Promise<Bundler> {
  const esbuild = await import('esbuild')
  return new AppBundler({ ...settings, outDir: resolve(settings.root, settings.outDir) }, esbuild.context)
}

type OpenContext = (options: BuildOptions) => Promise<BuildContext>

class AppBundler implements Bundler {
  readonly #settings: BundleSettings
  readonly #openContext: OpenContext
  /** Its name carries its content, so what was written once is never written again. */
  readonly #written = new Set<string>()
  #context: BuildContext | undefined
  /** The entries of `#context`, which cannot be changed. */
  #opened = ''
  #rebuilding: Promise<unknown> = Promise.resolve()
  /** esbuild needs nothing more of this process. */
  #goesOn: Promise<void> = Promise.resolve()
  #onEntryRead: () => void = () => {}

  constructor(settings: BundleSettings, openContext: OpenContext) {
    this.#settings = settings
    this.#openContext = openContext
  }

  async bundle(entries: readonly BundleEntry[]): Promise<Bundle> {
    const begun = await this.begin(entries)
    return begun.finish()
  }

  async begin(entries: readonly BundleEntry[]): Promise<BegunBundle> {
    await this.#rebuilding
    const rebuilding = this.#rebuild(entries)
    this.#rebuilding = rebuilding
    await Promise.race([this.#goesOn, rebuilding])
    return {
      look: async () => {
        const outcome = await rebuilding
        if ('kind' in outcome) return { uses: outcome.placeUses, inputs: new Map(), externals: [] }
        return 'thrown' in outcome ? { uses: [], inputs: new Map(), externals: [] } : lookAt(outcome)
      },
      finish: async () => {
        const outcome = await rebuilding
        if ('kind' in outcome) return outcome
        if ('thrown' in outcome) throw outcome.thrown
        for (const { path, contents } of outcome.outputFiles ?? []) this.#write(path, contents)
        return bundleDone(this.#settings.root, entries, outcome)
      },
      abandon: async () => {
        await this.#context?.cancel()
        await rebuilding
      },
    }
  }

  async close(): Promise<void> {
    const context = this.#context
    this.#context = undefined
    await context?.cancel()
    await context?.dispose()
  }

  /** Never rejects: nobody may be waiting for it. */
  async #rebuild(entries: readonly BundleEntry[]): Promise<BuildResult | BundleFailed | { readonly thrown: unknown }> {
    const { root } = this.#settings
    let awaited = 1 + entries.filter(({ contents, attempt }) => contents !== undefined || attempt !== undefined).length
    let onAnswered = () => {}
    this.#goesOn = new Promise((resolve) => {
      onAnswered = () => {
        awaited--
        // esbuild gets its question, or its answer, first.
        if (awaited === 0) setImmediate(resolve)
      }
    })
    this.#onEntryRead = onAnswered
    try {
      const context = await this.#contextFor(entries)
      const rebuilding = context.rebuild()
      onAnswered()
      return await rebuilding
    } catch (thrown) {
      const { errors } = thrown as Partial<BuildFailure>
      if (errors === undefined) return { thrown }
      return {
        kind: 'failed',
        diagnostics: errors.map((error) => bundleDiagnostic(root, error)),
        missing: errors.flatMap((error) => missingImport(root, error) ?? []),
        placeUses: errors.flatMap((error) => machineCode(error) ?? []),
      }
    }
  }

  async #contextFor(entries: readonly BundleEntry[]): Promise<BuildContext> {
    const wanted = JSON.stringify(entries)
    if (this.#context !== undefined && this.#opened === wanted) return this.#context
    await this.close()
    this.#context = await this.#openContext(this.#optionsFor(entries))
    this.#opened = wanted
    return this.#context
  }

  #optionsFor(entries: readonly BundleEntry[]): BuildOptions {
    const { root, outDir, naming, dependencies, sourceMaps = true } = this.#settings
    const from = this.#settings.from ?? new Map<string, string>()
    const sources = new Map(entries.flatMap(({ file, contents }) => (contents === undefined ? [] : [[file, contents]])))
    return {
      absWorkingDir: root,
      entryPoints: entries.map(({ name, file, contents }) => ({
        in: contents === undefined ? resolve(root, file) : `${virtual}:${file}`,
        out: name,
      })),
      outdir: outDir,
      entryNames: naming === 'hashed' ? '[dir]/[name]-[hash]' : '[dir]/[name]',
      chunkNames: 'chunks/[name]-[hash]',
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: sourceMaps && (naming === 'hashed' ? 'inline' : 'linked'),
      keepNames: true,
      // Only what is shorter and says the same. Lines stay, with the files that they are of (`placeUses` needs them), and so do names.
      minifySyntax: naming === 'plain',
      charset: 'utf8',
      legalComments: 'none',
      ...(dependencies === 'external'
        ? { packages: 'external' as const }
        : { external: [...dependencies.external], banner: { js: requireBanner } }),
      alias: Object.fromEntries(from),
      metafile: true,
      write: false,
      logLevel: 'silent',
      plugins: [
        virtualEntries(root, sources, () => this.#onEntryRead()),
        attempts(root, entries, () => this.#onEntryRead()),
        importsBelow(from),
        insteadOf(this.#settings.instead ?? new Map()),
        wasmInside,
        definitionsOnly(this.#settings.definitionsOnly ?? []),
      ],
    }
  }

  /** At once: each step of an asynchronous write would wait for a turn of the event loop, which handlers share in `pyrallel dev`. */
  #write(path: string, contents: Uint8Array): void {
    const isHashed = this.#settings.naming === 'hashed'
    // Somebody may have deleted it: `git clean`.
    if (isHashed && this.#written.has(path) && existsSync(path)) return
    try {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, contents)
    } catch (thrown) {
      const message = `${relative(this.#settings.root, path)} cannot be written: ${toError(thrown).message}. Make the folder writable.`
      throw new PyrallelError('PYR_WRITE', message, { cause: thrown })
    }
    if (isHashed) this.#written.add(path)
  }
}

/** CommonJS packages that are bundled call `require` for Node's own modules; ES modules have none. */
const requireBanner =
  "import { createRequire as pyrallelCreateRequire } from 'node:module'; const require = pyrallelCreateRequire(import.meta.url);"
