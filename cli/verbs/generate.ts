/** `pyrallel generate`: writes generated/, or with --check says what would change. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Closers } from '../../framework/model/closers.ts'
import { ownPackages } from '../bundle/own-packages.ts'
import { Generator, refuseOffsetChanges, type StaleFile, warningsFor, writeFiles } from '../codegen/generate.ts'
import { type OffsetChange, offsetChangesText } from '../codegen/offset-changes.ts'
import { buildFolder } from '../dev/app/build-folder.ts'
import { lineDiff } from '../diagnostics/line-diff.ts'
import { reportDiagnostics, reportWarnings } from '../diagnostics/report-diagnostics.ts'
import { AppConfig, type ConfigLoad } from '../project/app-config.ts'
import { loadProject, refuseMissingConfig } from '../project/project.ts'
import { refuseEmpty } from '../project/refuse-empty.ts'
import { exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { painter } from '../terminal/paint.ts'

export interface GenerateOptions {
  readonly check?: boolean
  /** What would otherwise be refused. */
  readonly accept?: 'offsets'
  readonly json?: boolean
}

export async function generateCommand(options: GenerateOptions, io: Io): Promise<number> {
  const startedAt = performance.now()
  const root = io.cwd()
  refuseMissingConfig(root)
  // The compiler is loaded while esbuild works. What the config has to say comes first.
  const opening = Generator.open(root)
  opening.catch(() => {})
  const loaded = await loadConfig(root)
  if (loaded.kind === 'failed') {
    if (options.json === true) io.stdout.write(`${jsonText({ diagnostics: loaded.diagnostics }, 2)}\n`)
    else reportDiagnostics(loaded.diagnostics, io, 'Nothing was written.')
    return exitCodes.failed
  }
  const generation = await (await opening).update(loaded.project.declaredGroup)
  const { diagnostics, handlers, stale, offsetChanges } = generation
  const warnings = warningsFor(generation, loaded.project.config)
  if (diagnostics.length === 0) refuseEmpty(handlers)
  const tookMs = Math.round(performance.now() - startedAt)
  if (options.json === true) {
    const paths = stale.map(({ path }) => path)
    const document = { handlers, diagnostics, warnings, stale: paths, offsetChanges, tookMs }
    io.stdout.write(`${jsonText(document, 2)}\n`)
  } else reportWarnings(warnings, io)
  if (diagnostics.length > 0) {
    if (options.json !== true) reportDiagnostics(diagnostics, io, 'Nothing was written.')
    return exitCodes.failed
  }
  const paint = painter(hasColor(io.stdout, io.env))
  if (options.check === true) {
    if (options.json !== true) io.stdout.write(checkText(stale, paint) + movedText(offsetChanges, paint))
    return stale.length > 0 || offsetChanges.length > 0 ? exitCodes.drift : exitCodes.fine
  }
  if (options.accept !== 'offsets' && offsetChanges.length > 0) {
    if (options.json === true) return exitCodes.drift
    refuseOffsetChanges(generation)
  }
  writeFiles(root, stale)
  if (options.json === true) return exitCodes.fine
  for (const { path, isObsolete } of stale) {
    io.stdout.write(`${isObsolete === true ? paint('red', 'removed') : paint('green', 'wrote')} ${path}\n`)
  }
  const what = stale.length === 0 ? 'generated/ is up to date' : 'generated/ is written'
  const count = new Set(handlers.map(({ id }) => id)).size
  io.stdout.write(`${what}: ${count} ${count === 1 ? 'handler' : 'handlers'}, ${tookMs} ms\n`)
  return exitCodes.fine
}

/** Bundled, which takes less than tsx. Of a folder that cannot be written to, as CI may have for `--check`: by tsx. */
async function loadConfig(root: string): Promise<ConfigLoad> {
  const scratch = buildFolder(process.pid)
  if (!canMake(join(root, scratch))) {
    return { kind: 'loaded', project: await loadProject(root), hasNewVariables: false }
  }
  const outDir = `${scratch}/config`
  const config = new AppConfig({ root, env: process.env, mode: 'development', outDir, from: ownPackages() })
  return new Closers().around(async (closers) => {
    closers.add('what was bundled', () => rmSync(join(root, scratch), { recursive: true, force: true }))
    closers.add('the config', () => config.close())
    return config.load([])
  })
}

function canMake(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true })
    return true
  } catch {
    return false
  }
}

function movedText(changes: readonly OffsetChange[], paint: ReturnType<typeof painter>): string {
  if (changes.length === 0) return ''
  return `\n${paint('red', '✗')} ${paint('bold', 'PYR_OFFSETS')}\n${offsetChangesText(changes)}\n`
}

function checkText(stale: readonly StaleFile[], paint: ReturnType<typeof painter>): string {
  if (stale.length === 0) return 'generated/ is up to date\n'
  // All of it as a diff would be long, and say no more than that.
  if (stale.every(({ current }) => current === '')) {
    return 'generated/ is missing: nothing has been generated yet. Run `pyrallel generate` and commit generated/.\n'
  }
  const diffs = stale.map(({ path, current, content }) => {
    if (current === '') return `${paint('bold', path)} is missing\n`
    const lines = lineDiff(current, content)
      .split('\n')
      .map((line) => {
        if (line.startsWith('+')) return paint('green', line)
        return line.startsWith('-') ? paint('red', line) : line
      })
    return `${paint('bold', path)} is stale (- is on the disk, + is what handlers/ says)\n${lines.join('\n')}\n`
  })
  return `${diffs.join('\n')}\nRun \`pyrallel generate\` and commit generated/.\n`
}
