/** `pyrallel build`: generates, bundles for production, and says what was made. */

import { existsSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { Closers } from '../../framework/model/closers.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import { groupedDigits } from '../../framework/model/grouped-digits.ts'
import { AppBuild, type BuildInfo } from '../build/build-app.ts'
import { type Verification, verifyBundle } from '../build/verify-bundle.ts'
import { ownPackages } from '../bundle/own-packages.ts'
import { Generator, warningsFor, writeFiles } from '../codegen/generate.ts'
import { buildFolder } from '../dev/app/build-folder.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { reportDiagnostics, reportFailures, reportWarnings } from '../diagnostics/report-diagnostics.ts'
import { AppConfig } from '../project/app-config.ts'
import { readFileConfig } from '../project/file-config.ts'
import { refuseMissingConfig } from '../project/project.ts'
import { exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { painter } from '../terminal/paint.ts'
import {
  checkManifests,
  type ManifestFlags,
  manifestRequest,
  nextSteps,
  renderedManifests,
  writeApart,
} from './build-manifests.ts'

export interface BuildCommandOptions extends ManifestFlags {
  readonly sourceMaps?: boolean
  readonly baseImage?: string
  /** Default: where CI is set. */
  readonly verify?: boolean
}

/** What stays outside of a bundle is looked for in folders `node_modules`, by the build and by Node. */
function refusePlugAndPlay(folder: string): void {
  const file = join(folder, '.pnp.cjs')
  if (existsSync(file)) {
    throw new PyrallelError(
      'PYR_USAGE',
      `Yarn has installed this project as Plug'n'Play (${file}), from which nothing can be built. Write 'nodeLinker: node-modules' into .yarnrc.yml, and run: yarn install`,
    )
  }
  const above = dirname(folder)
  if (above !== folder) refusePlugAndPlay(above)
}

export async function build(options: BuildCommandOptions, io: Io): Promise<number> {
  const startedAt = performance.now()
  const root = io.cwd()
  refuseMissingConfig(root)
  refusePlugAndPlay(root)
  const folder = resolve(root, options.out)
  if (relative(folder, root) === '' || !relative(folder, root).startsWith('..')) {
    throw new PyrallelError(
      'PYR_USAGE',
      `--out is '${options.out}', which holds the project itself. Name a folder of its own, such as dist.`,
    )
  }
  const { external = [], sourceMaps = true, baseImage, image } = options
  refuseImage('--base-image', baseImage)
  refuseImage('--image', image)
  const wanted = manifestRequest(root, options)
  if (wanted !== undefined && options.check === true) return checkManifests(wanted, options, io)
  const building = await AppBuild.begin({ root, folder, external, sourceMaps, baseImage })
  const scratch = buildFolder(process.pid)
  const from = ownPackages()
  const config = new AppConfig({ root, env: process.env, mode: 'production', outDir: `${scratch}/config`, from })
  return new Closers().around(async (closers) => {
    closers.add('what was bundled', () => rmSync(join(root, scratch), { recursive: true, force: true }))
    closers.add('the bundler', () => building.close())
    closers.add('the config', () => config.close())
    // The compiler is loaded while esbuild works. What the config has to say comes first.
    const opening = Generator.open(root)
    opening.catch(() => {})
    const alone = wanted === undefined ? undefined : readFileConfig(root)
    alone?.catch(() => {})
    const loaded = await config.load([])
    if (loaded.kind === 'failed') return refuse(loaded.diagnostics, options, io)
    const { project } = loaded
    const generator = await opening
    const generation = await generator.update(project.declaredGroup)
    const { diagnostics, stale, handlers } = generation
    const warnings = warningsFor(generation, project.config)
    if (diagnostics.length > 0) return refuse(diagnostics, options, io)
    if (options.json !== true) reportWarnings(warnings, io)
    refuseEmpty(handlers)
    writeFiles(root, stale)
    const rendered = wanted && alone && (await renderedManifests(wanted, await alone, handlers))
    const files = rendered?.files ?? []
    const within = wanted?.isApart === false ? files : []
    const beside = Object.fromEntries(within.map(({ path, content }) => [`${wanted?.target}/${path}`, content]))
    const outcome = await building.finish(project, { isGeneratedAnew: stale.length > 0, beside })
    if (outcome.kind === 'failed') return refuse(outcome.diagnostics, options, io)
    const { info, outside } = outcome
    if (wanted?.isApart === true) writeApart(wanted, files)
    const isVerified = options.verify ?? isTrue(io.env.CI)
    const made = Object.keys(info.files)
    const verified = isVerified ? await verifyBundle({ folder, shown: options.out, files: made, outside }) : notVerified
    if (verified.failures.length > 0) return die(verified.failures, options, io)
    const later = [...outcome.warnings, ...verified.warnings]
    if (options.json !== true) reportWarnings(later, io)
    const tookMs = Math.round(performance.now() - startedAt)
    if (options.json === true) {
      const manifests = wanted === undefined ? {} : { manifests: files.map(({ path }) => `${wanted.shown}/${path}`) }
      io.stdout.write(`${jsonText({ ...info, ...manifests, warnings: [...warnings, ...later], tookMs }, 2)}\n`)
      return exitCodes.fine
    }
    const image = rendered?.image ?? 'my-service'
    io.stdout.write(
      summary(info, { out: options.out, image, handlers: new Set(handlers.map(({ id }) => id)).size, tookMs }, io),
    )
    if (wanted !== undefined && rendered !== undefined) io.stdout.write(nextSteps(wanted, rendered, io))
    return exitCodes.fine
  })
}

const notVerified: Verification = { failures: [], warnings: [] }

function isTrue(variable: string | undefined): boolean {
  return variable === 'true' || variable === '1'
}

/** The folder is written, for whoever wants to look. */
function die(failures: readonly Diagnostic[], { json, out }: BuildCommandOptions, io: Io): number {
  if (json === true) io.stdout.write(`${jsonText({ diagnostics: failures }, 2)}\n`)
  else {
    reportFailures(failures, io)
    io.stderr.write(`${out}/ was written, and must not be deployed.\n`)
  }
  return exitCodes.failed
}

function refuseImage(flag: string, image: string | undefined): void {
  if (image === undefined || /^[\w.:/-]+(@sha256:[a-f\d]{64})?$/.test(image)) return
  throw new PyrallelError(
    'PYR_USAGE',
    `${flag} is '${image}', which is no reference of an image. Write a name with a tag or a digest: node:22-bookworm-slim@sha256:...`,
  )
}

function refuseEmpty(handlers: readonly unknown[]): void {
  if (handlers.length > 0) return
  throw new PyrallelError(
    'PYR_HANDLER_EXPORT',
    'There is no handler below handlers/: the build would do nothing. Write one, then build again.',
  )
}

function refuse(diagnostics: Parameters<typeof reportDiagnostics>[0], { json }: BuildCommandOptions, io: Io): number {
  if (json === true) io.stdout.write(`${jsonText({ diagnostics }, 2)}\n`)
  else reportDiagnostics(diagnostics, io, 'Nothing was built.')
  return exitCodes.failed
}

interface Built {
  readonly out: string
  readonly image: string
  readonly handlers: number
  readonly tookMs: number
}

function summary({ files, externals, unlocked }: BuildInfo, { out, image, handlers, tookMs }: Built, io: Io): string {
  const paint = painter(hasColor(io.stdout, io.env))
  const code = Object.entries(files).filter(([name]) => name.endsWith('.mjs'))
  const bytes = code.reduce((sum, [, size]) => sum + size, 0)
  const outside = Object.entries(externals).map(([name, version]) => `${name} ${version}`)
  const install =
    outside.length === 0 ? '' : `npm ${unlocked === null ? 'ci' : 'install'} --prefix ${out} --omit=dev && `
  return [
    `${paint('green', '✓')} ${out}/  ${handlers} ${handlers === 1 ? 'handler' : 'handlers'}, ${groupedDigits(Math.round(bytes / 1024))} kB of code in ${code.length} files, ${tookMs} ms`,
    `  not bundled: ${outside.length === 0 ? 'nothing' : outside.join(', ')}`,
    ...(unlocked === null ? [] : [`  ${paint('yellow', '!')} installed without a lock: ${unlocked}`]),
    '',
    `  docker build -t ${image} ${out}`,
    `  or, on this machine: ${install}npx pyrallel start ${out}`,
    '',
  ].join('\n')
}
