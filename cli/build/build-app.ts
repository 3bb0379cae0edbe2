/** Makes the folder that runs in production: bundles, package.json, container files, and what is known about the build. Prints nothing. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { PyrallelError } from '../../framework/model/errors.ts'
import { graceSeconds } from '../../framework/runtime/shutdown-limit.ts'
import type { BundleDone, BundleEntry } from '../bundle/bundle-app.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import {
  filesOfLastBuild,
  infoFile,
  refuseForeign,
  removeFiles,
  serverFile,
  writeText,
} from '../folders/build-folder.ts'
import { isCompiled, packageRoot } from '../folders/package-root.ts'
import { configFile, type Project, routesFile } from '../project/project.ts'
import { version } from '../project/version.ts'
import { AppBundle } from './app-bundle.ts'
import { distManifest, dockerfile, dockerIgnore } from './container-files.ts'
import { shippedClient } from './kafka-clients.ts'
import { linkPackages } from './link-packages.ts'
import { lockSubset } from './lock-subset.ts'
import { nativeClient, type OutsidePackage, outsidePackages } from './outside-packages.ts'
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

export interface FinishOptions {
  /** generated/ was written since `begin`. */
  readonly isGeneratedAnew: boolean
  /** Texts that lie in the folder, and that no image gets; by their paths in it. */
  readonly beside?: Readonly<Record<string, string>>
}

export type BuildOutcome =
  | {
      readonly kind: 'built'
      readonly info: BuildInfo
      readonly outside: readonly OutsidePackage[]
      readonly warnings: readonly Diagnostic[]
    }
  | { readonly kind: 'failed'; readonly diagnostics: readonly Diagnostic[] }

/** Shows what nobody catches, and ends on a signal; it runs before anything of the user's does. */
const guardName = 'guard'

/** Bundling needs little of this process, so it begins before the compiler is loaded: most builds find generated/ as it should be. */
export class AppBuild {
  readonly #request: BuildRequest
  readonly #bundle: AppBundle

  private constructor(request: BuildRequest, bundle: AppBundle) {
    this.#request = request
    this.#bundle = bundle
  }

  /** Writes nothing. @throws PyrallelError PYR_USAGE for a folder that no build has made */
  static async begin(request: BuildRequest): Promise<AppBuild> {
    const { root, folder } = request
    refuseForeign(folder, relative(root, folder))
    const bundle = await AppBundle.open(request)
    if (existsSync(join(root, routesFile))) await bundle.begin(entriesOf(root))
    return new AppBuild(request, bundle)
  }

  /**
   * @throws PyrallelError PYR_USAGE, PYR_WRITE
   */
  async finish({ config }: Project, { isGeneratedAnew, beside = {} }: FinishOptions): Promise<BuildOutcome> {
    const { root, folder, external, sourceMaps, baseImage } = this.#request
    const before = filesOfLastBuild(folder)
    const client = shippedClient(root, config.kafka.client, external)
    const {
      begun,
      externals: specifiers,
      natives,
      found,
      warnings,
    } = await this.#bundle.settle(entriesOf(root), {
      isStale: isGeneratedAnew,
      client,
    })
    const own = readOwn(root)
    // Refused before anything is written.
    const outside = outsidePackages(root, specifiers, found)
    const externals = Object.fromEntries(outside.map(({ name, spec }) => [name, spec]))
    const lock = lockSubset(root, { ...own, dependencies: externals })
    if (lock.kind === 'foreign') throw foreign(lock.name, lock.from)
    const bundle = await begun.finish()
    if (bundle.kind === 'failed') return { kind: 'failed', diagnostics: bundle.diagnostics }
    const built = Object.keys(externals).filter(
      (name) => name === nativeClient || natives.some((each) => each.name === name),
    )
    const hasOutside = outside.length > 0
    const isLocked = lock.kind === 'locked' && hasOutside
    const texts: Readonly<Record<string, string>> = {
      [serverFile]: bootstrap(sourceMaps),
      'package.json': distManifest({ ...own, dependencies: externals, built }),
      ...(isLocked ? { 'package-lock.json': lock.text } : {}),
      Dockerfile: dockerfile({
        http: config.http,
        baseImage,
        isLocked,
        hasOutside,
        graceSeconds: graceSeconds(config),
      }),
      '.dockerignore': dockerIgnore,
      ...beside,
    }
    const files = fileSizes(folder, bundle, texts)
    for (const [file, text] of Object.entries(texts)) writeText(folder, file, text)
    removeFiles(
      folder,
      before.filter((file) => files[file] === undefined),
    )
    const info: BuildInfo = {
      ...made(root, own),
      externals,
      unlocked: hasOutside && lock.kind === 'none' ? lock.why : null,
      files,
    }
    writeText(folder, infoFile, `${JSON.stringify(info, null, 2)}\n`)
    linkPackages(folder, outside)
    return { kind: 'built', info, outside, warnings }
  }

  async close(): Promise<void> {
    await this.#bundle.close()
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
  const terminal = (name: string) =>
    JSON.stringify(join(packageRoot, isCompiled ? `dist/cli/terminal/${name}.js` : `cli/terminal/${name}.ts`))
  const guarding = [
    `import { showTheUncaught } from ${terminal('last-resort')}`,
    `import { endOnStopSignals } from ${terminal('stop-signals')}`,
    'endOnStopSignals()',
    'showTheUncaught(process)',
  ]
  const guard = { name: guardName, file: join(root, 'pyrallel-guard.ts'), contents: guarding.join('\n') }
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

function foreign(name: string, from: string): PyrallelError {
  return new PyrallelError(
    'PYR_USAGE',
    `What is not bundled needs ${name}, which package-lock.json has from ${from}, and from no registry: the image could not install it. Publish it, and depend on its version.`,
  )
}

export function readOwn(root: string): { readonly name: string; readonly version: string } {
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
