/** The part of `pyrallel build` that is about manifests: what its flags mean, and what `--check` says. */
import { join, relative, resolve, sep } from 'node:path'
import { PyrallelError } from '../../framework/model/errors.ts'
import { readOwn } from '../build/build-app.ts'
import { shippedClient } from '../build/kafka-clients.ts'
import { Generator } from '../codegen/generate.ts'
import type { ScannedHandler } from '../codegen/scan/scan-result.ts'
import { lineDiff } from '../diagnostics/line-diff.ts'
import { reportDiagnostics } from '../diagnostics/report-diagnostics.ts'
import { appFacts } from '../manifests/app-facts.ts'
import { type StaleManifest, staleManifests, writeManifests } from '../manifests/disk.ts'
import type { ManifestFile } from '../manifests/manifest-file.ts'
import { manifests } from '../manifests/manifests.ts'
import type { Target } from '../manifests/targets.ts'
import { type FileConfig, readFileConfig } from '../project/file-config.ts'
import { refuseEmpty } from '../project/refuse-empty.ts'
import { exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { painter } from '../terminal/paint.ts'

/** What `build` is told of manifests, and what it needs to know beside that. */
export interface ManifestFlags {
  readonly out: string
  readonly external?: readonly string[]
  readonly target?: Target
  /** The folder of the manifests, where they are committed. */
  readonly manifests?: string
  readonly check?: boolean
  readonly namespace?: string
  readonly image?: string
  readonly json?: boolean
}

/** What the flags say, checked. */
export interface ManifestRequest {
  readonly root: string
  readonly target: Target
  /** Of the build, absolute. */
  readonly out: string
  /** Where the manifests go, absolute. */
  readonly folder: string
  /** As the user named it. */
  readonly shown: string
  /** They are committed, and no part of the build. */
  readonly isApart: boolean
  readonly namespace: string
  readonly image: string | undefined
  readonly external: readonly string[]
  /** The flags that it takes to come here again. */
  readonly again: string
}

/** `undefined`: no manifests are asked for. @throws PyrallelError PYR_USAGE */
export function manifestRequest(root: string, options: ManifestFlags): ManifestRequest | undefined {
  const { target, manifests: folder, check = false, namespace, image, external = [] } = options
  const out = resolve(root, options.out)
  if (target === undefined) {
    const flags = { '--manifests': folder, '--check': check || undefined, '--namespace': namespace, '--image': image }
    const [lonely] = Object.entries(flags).find(([, value]) => value !== undefined) ?? []
    if (lonely === undefined) return undefined
    throw usage(`${lonely} is about manifests, and no --target says which. Write: --target kubernetes, or compose.`)
  }
  if (check && folder === undefined) {
    throw usage(`--check compares what is committed, and --manifests names no folder. Write: --manifests deploy`)
  }
  if (namespace !== undefined && target !== 'kubernetes') {
    throw usage(`--namespace is of Kubernetes, and --target is '${target}'. Leave it out.`)
  }
  if (namespace !== undefined && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace)) {
    throw usage(`--namespace is '${namespace}'. A namespace has up to 63 small letters, digits and dashes.`)
  }
  const place = folder === undefined ? join(out, target) : resolve(root, folder)
  if (folder !== undefined && isBelow(place, out)) {
    throw usage(`--manifests is '${folder}', which is in the build's own folder. Name another, or leave it out.`)
  }
  return {
    ...{ root, target, out, folder: place, shown: folder ?? `${options.out}/${target}` },
    ...{ isApart: folder !== undefined, namespace: namespace ?? 'default', image, external },
    again: Object.entries({ target, manifests: folder, namespace, image })
      .flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag} ${value}`]))
      .join(' '),
  }
}

export interface RenderedManifests {
  readonly files: readonly ManifestFile[]
  /** By which the platform finds it. */
  readonly image: string
  /** What somebody still has to do. */
  readonly notes: readonly string[]
}

export async function renderedManifests(
  request: ManifestRequest,
  file: FileConfig,
  handlers: readonly ScannedHandler[],
): Promise<RenderedManifests> {
  const { root, target, out, folder, namespace, image, external } = request
  const client = shippedClient(root, file.config.kafka.client, external)
  const facts = appFacts({ ...file, handlers, client, own: readOwn(root), namespace, image })
  const loopback = `kafka.brokers is ${facts.brokers}, which no pod reaches: set PYRALLEL_KAFKA_BROKERS in an overlay, or the option.`
  return {
    files: manifests(target, facts, relative(folder, out).replaceAll(sep, '/') || '.'),
    image: facts.image,
    // Of Compose, the variable must be set in any case.
    notes: facts.hasLoopbackBrokers && target === 'kubernetes' ? [loopback] : [],
  }
}

/** Builds nothing. @returns 3 where the folder does not have what the config says */
export async function checkManifests(request: ManifestRequest, options: ManifestFlags, io: Io): Promise<number> {
  const [file, generator] = await Promise.all([readFileConfig(request.root), Generator.open(request.root)])
  const { diagnostics, handlers } = await generator.update(file.declaredGroup)
  if (diagnostics.length > 0) {
    if (options.json === true) io.stdout.write(`${jsonText({ diagnostics }, 2)}\n`)
    else reportDiagnostics(diagnostics, io, 'Nothing was compared.')
    return exitCodes.failed
  }
  refuseEmpty(handlers)
  const { files } = await renderedManifests(request, file, handlers)
  const stale = staleManifests(request.folder, files)
  if (options.json === true) io.stdout.write(`${jsonText({ stale: stale.map(({ path }) => path) }, 2)}\n`)
  else io.stdout.write(checkText(request, stale))
  return stale.length === 0 ? exitCodes.fine : exitCodes.drift
}

export function writeApart(request: ManifestRequest, files: readonly ManifestFile[]): void {
  writeManifests(request.folder, staleManifests(request.folder, files))
}

export function nextSteps({ target, shown }: ManifestRequest, { notes }: RenderedManifests, io: Io): string {
  const paint = painter(hasColor(io.stdout, io.env))
  const run =
    target === 'kubernetes'
      ? `  kubectl apply -k ${shown}/base   (rights of the principal: ${shown}/rights.sh)`
      : `  docker compose -f ${shown}/compose.yaml up --build`
  return [run, ...notes.map((note) => `  ${paint('yellow', '!')} ${note}`), ''].join('\n')
}

function checkText({ shown, again }: ManifestRequest, stale: readonly StaleManifest[]): string {
  if (stale.length === 0) return `${shown}/ is up to date\n`
  const next = `Run \`pyrallel build ${again}\` and commit ${shown}/.\n`
  if (stale.every(({ current }) => current === '')) return `${shown}/ is missing. ${next}`
  const diffs = stale.map(({ path, current, content, isObsolete }) => {
    if (isObsolete) return `${shown}/${path} is not needed any more\n`
    if (current === '') return `${shown}/${path} is missing\n`
    return `${shown}/${path} is stale (- is on the disk, + is what the config says)\n${lineDiff(current, content)}\n`
  })
  return `${diffs.join('\n')}\n${next}`
}

function isBelow(folder: string, above: string): boolean {
  const way = relative(above, folder)
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`))
}

function usage(message: string): PyrallelError {
  return new PyrallelError('PYR_USAGE', message)
}
