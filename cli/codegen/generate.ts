/** Scans, renders, and compares with what is in `generated/`. Loads the compiler only when it is called. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { ResolvedConfig } from '../../framework/config/config.ts'
import { isProtobufLoaded, loadProtobuf } from '../../framework/formats/protobuf/protobuf-library.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { type OffsetChange, offsetChanges, offsetChangesText } from './offset-changes.ts'
import { payloadsOf } from './render/payloads.ts'
import { formatsFile, type GeneratedFile, manifestFile, renderFiles, workersFolder } from './render/render.ts'
import type { ProjectScanner } from './scan/scan-project.ts'
import type { ScannedHandler, ScanResult } from './scan/scan-result.ts'

export interface Generation {
  /** Not empty: there are no files. */
  readonly diagnostics: readonly Diagnostic[]
  readonly warnings: readonly Diagnostic[]
  /** See {@link warningsFor}. */
  readonly outside: readonly Diagnostic[]
  readonly handlers: readonly ScannedHandler[]
  readonly files: readonly GeneratedFile[]
  readonly stale: readonly StaleFile[]
  /** Against the manifest on the disk. Not empty: `--check` fails, and the manifest is not written, until somebody accepts them. */
  readonly offsetChanges: readonly OffsetChange[]
}

export interface StaleFile extends GeneratedFile {
  /** What is on the disk; empty when there is nothing. */
  readonly current: string
  /** Nothing generates it any more: it is to be removed. */
  readonly isObsolete: boolean
}

/** Keeps the compiler and the project's files in memory, so that a change costs milliseconds. Writes nothing. */
export class Generator {
  readonly #root: string
  readonly #scanner: ProjectScanner
  /** Of the scan that they were rendered from. */
  #rendered: { readonly scan: ScanResult; readonly files: readonly GeneratedFile[] } | undefined

  private constructor(root: string, scanner: ProjectScanner) {
    this.#root = root
    this.#scanner = scanner
  }

  /** Loads the compiler, which takes some 400 ms. @param root the project's folder, absolute */
  static async open(root: string): Promise<Generator> {
    const { ProjectScanner } = await import('./scan/scan-project.ts')
    return new Generator(root, new ProjectScanner(root))
  }

  /** Files whose change, coming or going must be named to `update`; absolute. More once it has read them. */
  watched(): readonly string[] {
    return this.#scanner.watched()
  }

  /**
   * @param defaultGroup the group of handlers that name none
   * @param changed files that changed, came or went since the last call; absolute, or relative to the project. Files that are new below
   * handlers/ are found in any case; any other one counts as unchanged when it is not named here.
   * @throws PyrallelError PYR_HANDLER_OPTION where a topic is of Protobuf, and its library is not installed
   */
  async update(defaultGroup: string, changed: readonly string[] = []): Promise<Generation> {
    this.#scanner.refresh(changed.map((path) => resolve(this.#root, path)))
    const scan = await this.#scan(defaultGroup)
    const { handlers, diagnostics, warnings, outside } = scan
    if (diagnostics.length > 0)
      return { diagnostics, warnings, outside, handlers, files: [], stale: [], offsetChanges: [] }
    if (this.#rendered?.scan !== scan) {
      this.#rendered = { scan, files: renderFiles(scan, defaultGroup, await payloadsOf(scan)) }
    }
    const { files } = this.#rendered
    const stale = [...files.flatMap((file) => staleFile(this.#root, file) ?? []), ...obsoleteFiles(this.#root, files)]
    const manifest = textOf(join(this.#root, manifestFile))
    return {
      diagnostics,
      warnings,
      outside,
      handlers,
      files,
      stale,
      offsetChanges: offsetChanges(manifest, handlers, defaultGroup),
    }
  }

  /** Only with a schema of Protobuf is its library loaded, and what is scanned so far does not know whether it can be used. */
  async #scan(defaultGroup: string): Promise<ScanResult> {
    const scan = this.#scanner.scan(defaultGroup)
    if (isProtobufLoaded() || !hasProtobuf(scan)) return scan
    await loadProtobuf()
    return this.#scanner.scan(defaultGroup)
  }
}

/** The schemas of its topics are read with a library. */
function hasProtobuf({ handlers, topics }: ScanResult): boolean {
  const schemas = [...handlers, ...topics].flatMap((each) => [
    'keySchema' in each ? each.keySchema : undefined,
    each.schema,
  ])
  return schemas.some((schema) => schema?.kind === 'pulled' && schema.format === 'protobuf')
}

/** Once, from nothing. Writes nothing. */
export async function generate(root: string, defaultGroup: string): Promise<Generation> {
  return (await Generator.open(root)).update(defaultGroup)
}

/** What to warn of: with `commit.exactlyOnce` also of what handlers publish past their context. */
export function warningsFor(
  { warnings, outside }: Pick<Generation, 'warnings' | 'outside'>,
  { commit }: Pick<ResolvedConfig, 'commit'>,
): readonly Diagnostic[] {
  return commit.exactlyOnce ? [...warnings, ...outside] : warnings
}

/** What can be written before anybody has accepted that offsets move: all but the manifest, so that the next check still tells it. */
export function withoutOffsetChanges({ stale, offsetChanges: changes }: Generation): readonly StaleFile[] {
  return changes.length === 0 ? stale : stale.filter(({ path }) => path !== manifestFile)
}

/** @throws PyrallelError PYR_OFFSETS when a handler has changed so that offsets would move */
export function refuseOffsetChanges({ offsetChanges: changes }: Generation): void {
  if (changes.length > 0) throw new PyrallelError('PYR_OFFSETS', offsetChangesText(changes))
}

/**
 * Brings the disk up to date.
 * @throws PyrallelError PYR_WRITE when a file cannot be written
 */
export function writeFiles(root: string, files: readonly (GeneratedFile & { readonly isObsolete?: boolean })[]): void {
  for (const { path, content, isObsolete } of files) {
    try {
      if (isObsolete === true) {
        rmSync(join(root, path), { force: true })
        continue
      }
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
    } catch (thrown) {
      throw notWritten(root, path, toError(thrown))
    }
  }
}

function notWritten(root: string, path: string, cause: Error & { readonly code?: string }): PyrallelError {
  const isForbidden = cause.code === 'EACCES' || cause.code === 'EPERM' || cause.code === 'EROFS'
  const next = isForbidden
    ? `Make it writable (\`${chmodFor(root, dirname(path))}\`). Where the disk is read-only on purpose, generate before, and commit or ship generated/.`
    : 'Look at what stands there instead of a file, or whether the disk is full.'
  return new PyrallelError('PYR_WRITE', `${path} cannot be written: ${cause.code ?? cause.message}. ${next}`, { cause })
}

/** Where the folder itself could not be made, the one above it refuses; what else is in that is left as it is. */
function chmodFor(root: string, folder: string): string {
  if (existsSync(join(root, folder))) return `chmod -R u+w ${folder}`
  let above = dirname(folder)
  while (above !== '.' && !existsSync(join(root, above))) above = dirname(above)
  return `chmod u+w ${above}`
}

function textOf(path: string): string | undefined {
  // A checkout on Windows may have turned the line ends; that is no difference.
  return existsSync(path) && statSync(path).isFile() ? readFileSync(path, 'utf8').replaceAll('\r\n', '\n') : undefined
}

function staleFile(root: string, file: GeneratedFile): StaleFile | undefined {
  const current = textOf(join(root, file.path)) ?? ''
  return current === file.content ? undefined : { ...file, current, isObsolete: false }
}

/** Thread entries of handlers that are gone, or run on the event loop now; and formats where no topic has one. */
function obsoleteFiles(root: string, files: readonly GeneratedFile[]): readonly StaleFile[] {
  const folder = join(root, workersFolder)
  const entries = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []
  const wanted = new Set(files.map(({ path }) => path))
  return [formatsFile, ...entries.map((name) => `${workersFolder}/${name.replaceAll('\\', '/')}`)]
    .filter((path) => path.endsWith('.ts') && !wanted.has(path) && existsSync(join(root, path)))
    .sort()
    .map((path) => ({
      path,
      content: '',
      current: textOf(join(root, path)) ?? '',
      isObsolete: true,
    }))
}
