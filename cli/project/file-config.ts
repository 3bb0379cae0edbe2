/** The config as its file alone has it: read in a process without the variables of this one, so that it is the same on every machine. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ResolvedConfig } from '../../framework/config/config.ts'
import { type ErrorCode, PyrallelError } from '../../framework/model/errors.ts'
import { configFile } from './project.ts'

export interface FileConfig {
  /** For production. */
  readonly config: ResolvedConfig
  /** Options that the file sets: `kafka.rack`. */
  readonly written: ReadonlySet<string>
  readonly declaredGroup: string
}

export type FileConfigAnswer =
  | { readonly kind: 'read'; readonly config: ResolvedConfig; readonly written: string[]; readonly group: string }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }

/** What Node needs to run. None of them is the app's. */
const kept = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'LANG', 'LD_LIBRARY_PATH']
const LIMIT_MS = 60_000

/** @throws PyrallelError PYR_CONFIG_LOAD, also where the file cannot do without variables; PYR_CONFIG_INVALID */
export async function readFileConfig(root: string): Promise<FileConfig> {
  const answer = await answerOf(hostIn(root))
  if (answer.kind === 'read') {
    return { config: answer.config, written: new Set(answer.written), declaredGroup: answer.group }
  }
  const why = 'Manifests are made from the file alone, so that they are the same on every machine: no variable is set.'
  const next = `Give what ${configFile} reads of process.env a default, or leave it out: every option has a variable of its own that counts at the start.`
  throw new PyrallelError(answer.code, `${answer.message}\n${why} ${next}`)
}

function hostIn(root: string): ChildProcess {
  const extension = extname(fileURLToPath(import.meta.url))
  const host = fileURLToPath(new URL(`./file-config-host${extension}`, import.meta.url))
  const env = Object.fromEntries(kept.map((name) => [name, process.env[name]]))
  return fork(host, [root], {
    cwd: root,
    env,
    execArgv: extension === '.ts' ? ['--import', import.meta.resolve('tsx')] : [],
    serialization: 'advanced',
    // What the config prints is not what the command prints.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  })
}

async function answerOf(child: ChildProcess): Promise<FileConfigAnswer> {
  const answered = once(child, 'message').then(([message]) => message as FileConfigAnswer)
  const ended = once(child, 'close').then(([code, signal]): FileConfigAnswer => {
    const message = `${configFile} could not be loaded: its process ended (${signal ?? code}).`
    return { kind: 'failed', code: 'PYR_CONFIG_LOAD', message }
  })
  const answer = await Promise.race([answered, ended])
  child.kill('SIGKILL')
  await ended
  return answer
}
