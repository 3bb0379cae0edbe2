/** Imports every module of a bundle in an empty folder, with nothing but the packages that stay outside: as the image has it. Connects to nothing. */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import type { OutsidePackage } from './outside-packages.ts'
import { type VerifyMessage, verifyScript } from './verify-run.ts'

/** Imports that take longer are those of code that waits for something. */
const LIMIT_MS = 60_000

export interface VerifyRequest {
  /** What was built. */
  readonly folder: string
  /** As the user knows it: `dist`. */
  readonly shown: string
  /** Of the build, relative to the folder. */
  readonly files: readonly string[]
  readonly outside: readonly OutsidePackage[]
  readonly limitMs?: number
}

export interface Verification {
  /** What is not there: the bundle would die. */
  readonly failures: readonly Diagnostic[]
  /** What the user's code throws, in an environment without any of its variables. */
  readonly warnings: readonly Diagnostic[]
}

export async function verifyBundle(request: VerifyRequest): Promise<Verification> {
  // macOS: the temporary folder is a link, and errors name what is behind it.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel-verify-')))
  try {
    place(request, folder)
    return await run(request, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

function place({ folder, files, outside }: VerifyRequest, to: string): void {
  for (const file of files) cpSync(join(folder, file), join(to, file))
  for (const { name, folder: target } of outside) {
    if (target === undefined) continue
    const link = join(to, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(target, link, 'junction')
  }
  writeFileSync(join(to, 'pyrallel-verify.mjs'), verifyScript)
}

function run(request: VerifyRequest, folder: string): Promise<Verification> {
  const code = request.files.filter((file) => file.endsWith('.mjs') && file !== 'server.mjs').sort()
  const threads = code.filter((file) => file.startsWith('workers/'))
  // The app first: it imports the rest in the order of a start.
  const modules = ['app.mjs', ...code.filter((file) => file !== 'app.mjs' && !threads.includes(file))]
  const argument = JSON.stringify({ folder, modules, threads })
  const child = spawn(process.execPath, ['--enable-source-maps', 'pyrallel-verify.mjs', argument], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const failures: Diagnostic[] = []
  const warnings: Diagnostic[] = []
  let current = 'app.mjs'
  let isDone = false
  let isLate = false
  child.on('message', (message: VerifyMessage) => {
    if (message.kind === 'done') isDone = true
    else if (message.kind === 'begins') current = message.file
    else if (message.isMissing) failures.push(failure(request, message))
    else
      warnings.push(
        warning(
          request,
          message.file,
          `throws while it is imported: ${message.text}. What is imported after it was not tried.`,
        ),
      )
  })
  const limitMs = request.limitMs ?? LIMIT_MS
  const timer = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, limitMs)
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.once('close', (exitCode, signal) => {
      clearTimeout(timer)
      const how = isLate ? `is not imported after ${limitMs / 1_000} s` : `ended the process (${signal ?? exitCode})`
      if (!isDone) warnings.push(warning(request, current, `${how}. What comes after it was not tried.`))
      resolve({ failures: unique(failures), warnings: unique(warnings) })
    })
  })
}

/** What Node needs, and no variable that may hold a secret. */
function environment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'LANG', 'LD_LIBRARY_PATH']
  const known = Object.fromEntries(kept.map((name) => [name, process.env[name]]))
  return { ...known, NODE_ENV: 'production' }
}

function failure(
  request: VerifyRequest,
  { file, text, stack }: Extract<VerifyMessage, { kind: 'thrown' }>,
): Diagnostic {
  const [, name] = /node_modules[\\/]((?:@[^\\/\s]+[\\/])?[^\\/\s:]+)[\\/]/.exec(stack) ?? []
  const missing = /Cannot find (?:package|module) '([^'./][^']*)'/.exec(text)?.[1]
  return {
    ...placeOf(request, file),
    message: `The bundle would die at its start: ${text}${name === undefined ? '' : ` (in ${name.replace('\\', '/')})`}`,
    fix:
      name !== undefined
        ? `Leave the package outside: pyrallel build --external ${name.replace('\\', '/')}. Without this check: --no-verify.`
        : missing !== undefined
          ? `Install ${missing} in the project: npm install ${missing}. Without this check: --no-verify.`
          : 'Import the file instead of reading it, or leave the package that reads it outside (--external). Without this check: --no-verify.',
  }
}

function warning(request: VerifyRequest, file: string, what: string): Diagnostic {
  return {
    ...placeOf(request, file),
    message: `${file} ${what}`,
    fix: 'If it is for lack of a variable, of the network, or of machine code that only the image builds, all is well.',
  }
}

function placeOf({ shown }: VerifyRequest, file: string) {
  return { code: 'PYR_BUNDLE', file: `${shown}/${file}`, line: 1, column: 1, frame: '' } as const
}

/** Chunks are imported by what imports them, and by themselves. */
function unique(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...new Map(diagnostics.map((each) => [each.message.replace(/^\S+ throws/, 'throws'), each])).values()]
}
