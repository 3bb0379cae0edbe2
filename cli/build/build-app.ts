/** Makes the folder that runs in production: bundles, package.json, container files, and what is known about the build. Prints nothing. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { PyrallelError } from '../../framework/model/errors.ts'
import {
  filesOfLastBuild,
  infoFile,
  refuseForeign,
  removeFiles,
  serverFile,
  writeText,
} from '../bundle/build-folder.ts'
import { type BegunBundle, type BundleDone, type BundleEntry, type Bundler, openBundler } from '../bundle/bundle-app.ts'
import { type InstalledPackage, nativePackages, packageFolder, packageVersion } from '../bundle/native-packages.ts'
import { isCompiled, packageRoot } from '../bundle/package-root.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { configFile, type Project, routesFile } from '../project/project.ts'
import { version } from '../project/version.ts'
import { distManifest, dockerfile, dockerIgnore } from './container-files.ts'
import { lockSubset } from './lock-subset.ts'
import { sourceCommit } from './source-commit.ts'

export interface BuildRequest {
  /** The project's folder, absolute. */
  readonly root: string
  /** Absolute. */
  readonly folder: string
  /** Packages that the user wants outside of the bundle. */
  readonly external: readonly string[]
  readonly sourceMaps: boolean
  readonly baseImage: string | undefined
}

/** What `pyrallel.json` holds. No date: the same sources give the same build. */
export interface BuildInfo {
  readonly pyrallel: string
  readonly node: string
  readonly name: string
  readonly version: string
  /** Of the project's repository; `null` outside of one. */
  readonly commit: string | null
  /** Of generated/manifest.json: two builds with one hash read the same topics in the same groups. */
  readonly manifest: string
  readonly externals: Readonly<Record<string, string>>
  /** `null`: they are installed as package-lock.json has them. Else why not. */
  readonly unlocked: string | null
  /** Every file but this one, with its bytes. */
  readonly files: Readonly<Record<string, number>>
}

export type BuildOutcome =
  | { readonly kind: 'built'; readonly info: BuildInfo }
  | { readonly kind: 'failed'; readonly diagnostics: readonly Diagnostic[] }

/** Shows what nobody catches; it runs before anything of the user's does. */
const guardName = 'guard'
const nativeClient = '@confluentinc/kafka-javascript'
/** One copy in a process is all that OpenTelemetry allows, and it is the user's. */
const tracingApi = '@opentelemetry/api'

/** Bundling needs little of this process, so it begins before the compiler is loaded: most builds find generated/ as it should be. */
export class AppBuild {
  readonly #request: BuildRequest
  readonly #bundler: Bundler
  readonly #natives: readonly InstalledPackage[]
  #begun: BegunBundle | undefined

  private constructor(request: BuildRequest, bundler: Bundler, natives: readonly InstalledPackage[]) {
    this.#request = request
    this.#bundler = bundler
    this.#natives = natives
  }

  /** Writes nothing. @throws PyrallelError PYR_USAGE for a folder that no build has made */
  static async begin(request: BuildRequest): Promise<AppBuild> {
    const { root, folder, external, sourceMaps } = request
    refuseForeign(folder, relative(root, folder))
    const natives = nativePackages(root)
    const outside = [nativeClient, tracingApi, ...natives.map(({ name }) => name), ...external]
    const settings = { root, outDir: folder, naming: 'plain', dependencies: { external: outside }, sourceMaps } as const
    const build = new AppBuild(request, await openBundler(settings), natives)
    if (existsSync(join(root, routesFile))) build.#begun = await build.#bundler.begin(entriesOf(root))
    return build
  }

  /**
   * @param isGeneratedAnew generated/ was written since `begin`
   * @throws PyrallelError PYR_USAGE, PYR_WRITE
   */
  async finish({ config }: Project, { isGeneratedAnew }: { readonly isGeneratedAnew: boolean }): Promise<BuildOutcome> {
    const { root, folder, sourceMaps, baseImage } = this.#request
    const before = filesOfLastBuild(folder)
    const begun = isGeneratedAnew ? undefined : this.#begun
    const bundle = await (begun === undefined ? this.#bundler.bundle(entriesOf(root)) : begun.finish())
    if (bundle.kind === 'failed') return { kind: 'failed', diagnostics: bundle.diagnostics }
    const own = readOwn(root)
    const externals = versionsOf(root, bundle.externals, this.#natives)
    const built = Object.keys(externals).filter(
      (name) => name === nativeClient || this.#natives.some((each) => each.name === name),
    )
    const lock = lockSubset(root, { ...own, dependencies: externals })
    const isLocked = lock.kind === 'locked'
    const texts: Readonly<Record<string, string>> = {
      [serverFile]: bootstrap(sourceMaps),
      'package.json': distManifest({ ...own, dependencies: externals, built }),
      ...(isLocked ? { 'package-lock.json': lock.text } : {}),
      Dockerfile: dockerfile({ http: config.http, baseImage, isLocked }),
      '.dockerignore': dockerIgnore,
    }
    const files = fileSizes(folder, bundle, texts)
    for (const [file, text] of Object.entries(texts)) writeText(folder, file, text)
    removeFiles(
      folder,
      before.filter((file) => files[file] === undefined),
    )
    const info: BuildInfo = { ...made(root, own), externals, unlocked: isLocked ? null : lock.why, files }
    writeText(folder, infoFile, `${JSON.stringify(info, null, 2)}\n`)
    return { kind: 'built', info }
  }

  async close(): Promise<void> {
    await this.#bundler.close()
  }
}

function made(root: string, own: { readonly name: string; readonly version: string }) {
  const manifest = createHash('sha256')
    .update(readFileSync(join(root, 'generated/manifest.json')))
    .digest('hex')
  return { pyrallel: version(), node: process.versions.node, ...own, commit: sourceCommit(root), manifest }
}

/** The maps must be on before the code is read, or stack traces would name the bundle. */
function bootstrap(hasSourceMaps: boolean): string {
  const start = `await import('./${guardName}.mjs')\nawait import('./app.mjs')\n`
  if (!hasSourceMaps) return `// Made by \`pyrallel build\`: starts the bundle.\n${start}`
  return `// Made by \`pyrallel build\`: starts the bundle, with stack traces that name your own files and lines.
process.setSourceMapsEnabled(true)
${start}`
}

function entriesOf(root: string): readonly BundleEntry[] {
  const serve = join(packageRoot, isCompiled ? 'dist/cli/start/serve.js' : 'cli/start/serve.ts')
  const contents = [
    `import { serve } from ${JSON.stringify(serve)}`,
    `import config from './${configFile}'`,
    `import { routes } from './${routesFile}'`,
    'await serve({ config, routes })',
  ]
  const app = { name: 'app', file: join(root, 'pyrallel-app.ts'), contents: contents.join('\n') }
  const lastResort = join(packageRoot, isCompiled ? 'dist/cli/terminal/last-resort.js' : 'cli/terminal/last-resort.ts')
  const guarding = `import { showTheUncaught } from ${JSON.stringify(lastResort)}\nshowTheUncaught(process)`
  const guard = { name: guardName, file: join(root, 'pyrallel-guard.ts'), contents: guarding }
  return [app, guard, ...workerEntries(root)]
}

/** One for each handler with `engine: 'worker'`, named as generated/ has it. */
function workerEntries(root: string): readonly BundleEntry[] {
  const folder = join(root, 'generated/workers')
  if (!existsSync(folder)) return []
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  return files.sort().map((file) => ({
    name: `workers/${file.replace(/\.ts$/, '').replaceAll(sep, '/')}`,
    file: join(folder, file),
  }))
}

/** Exact versions of the packages that the bundle imports. One that is installed nowhere is imported by nothing that runs. */
function versionsOf(
  root: string,
  specifiers: readonly string[],
  natives: readonly InstalledPackage[],
): Readonly<Record<string, string>> {
  const names = [...new Set(specifiers.map(packageName))].sort()
  const known = new Map(natives.map(({ name, version }) => [name, version]))
  return Object.fromEntries(
    names.flatMap((name) => {
      const version = known.get(name) ?? versionFrom(root, name) ?? versionFrom(packageRoot, name) ?? ownPin(name)
      return version === undefined ? [] : [[name, version] as const]
    }),
  )
}

function versionFrom(folder: string, name: string): string | undefined {
  const found = packageFolder(name, folder)
  return found === undefined ? undefined : packageVersion(found)
}

/** The native client may be missing on the machine that builds. */
function ownPin(name: string): string | undefined {
  if (name !== nativeClient) return undefined
  const { optionalDependencies } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    readonly optionalDependencies?: Readonly<Record<string, string>>
  }
  return optionalDependencies?.[name]
}

/** `@scope/name/file.js` is of `@scope/name`. */
function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function readOwn(root: string): { readonly name: string; readonly version: string } {
  const file = join(root, 'package.json')
  try {
    const own = (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) as {
      readonly name?: string
      readonly version?: string
    }
    return { name: own.name ?? 'pyrallel-service', version: own.version ?? '0.0.0' }
  } catch (thrown) {
    throw new PyrallelError(
      'PYR_USAGE',
      `package.json cannot be read: ${String(thrown)}. Correct it, then build again.`,
    )
  }
}

function fileSizes(
  folder: string,
  bundle: BundleDone,
  texts: Readonly<Record<string, string>>,
): Readonly<Record<string, number>> {
  const sizes = [
    ...bundle.outputs.map(({ path, bytes }) => [relative(folder, path).replaceAll(sep, '/'), bytes] as const),
    ...Object.entries(texts).map(([file, text]) => [file, Buffer.byteLength(text)] as const),
  ]
  return Object.fromEntries(sizes.sort(([a], [b]) => (a < b ? -1 : 1)))
}
