/** The environment of a project: its `.env` files below what the process was started with, and the mode that decides which of them count. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { ConfigSurroundings } from '../../framework/config/config-layers.ts'
import { type Mode, modeOf, modeVariable } from '../../framework/config/mode.ts'
import type { Environment } from '../../framework/config/option-variables.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import { quoted, writtenText } from '../../framework/model/written-text.ts'

export interface ProjectEnvironment extends ConfigSurroundings {
  /** By variable: the file it was read from. */
  readonly envFiles: ReadonlyMap<string, string>
  /** What the files say and cannot decide. */
  readonly warnings: readonly string[]
}

/**
 * The mode is `PYRALLEL_MODE` where it is set, else the verb's own.
 * @param env what the process was started with; it wins over every file
 * @throws PyrallelError PYR_CONFIG_INVALID for a mode that does not exist, PYR_CONFIG_LOAD for a file that cannot be read
 */
export function readEnvironment(root: string, env: Environment, ofVerb: Mode): ProjectEnvironment {
  const mode = modeOf(env, ofVerb)
  const values: Record<string, string | undefined> = {}
  const envFiles = new Map<string, string>()
  const warnings: string[] = []
  for (const file of envFilesOf(mode)) {
    for (const [variable, value] of Object.entries(readEnvFile(root, file))) {
      if (variable === modeVariable) {
        if (value !== mode) warnings.push(modeWarning(file, value ?? '', mode))
        continue
      }
      values[variable] = value
      envFiles.set(variable, file)
    }
  }
  for (const [variable, value] of Object.entries(env)) {
    // What an earlier call has set is of a file that may have changed since.
    if (value === undefined || (env === process.env && applied.has(variable))) continue
    values[variable] = value
    envFiles.delete(variable)
  }
  return { mode, env: values, envFiles, warnings }
}

/** Set here, it would also count for what handlers ask of the process, and for nothing else. */
function modeWarning(file: string, asked: string, mode: Mode): string {
  return `${modeVariable} in ${file} (${quoted(asked)}) does not count, as the mode decides which of these files are read: it is ${mode}. Set it in the environment: ${modeVariable}=... pyrallel ...`
}

/** Lowest first. `.env.local` is of one machine: tests, which must come out the same everywhere, do not read it. */
export function envFilesOf(mode: Mode): readonly string[] {
  return ['.env', `.env.${mode}`, ...(mode === 'test' ? [] : ['.env.local'])]
}

/** What `applyEnvironment` has set: of the process, as `process.env` is. */
const applied = new Set<string>()

/** Sets the variables of the files in this process, for the config and for handlers, and takes back those that an earlier call has set. */
export function applyEnvironment({ env, envFiles }: Pick<ProjectEnvironment, 'env' | 'envFiles'>): void {
  for (const variable of applied) delete process.env[variable]
  applied.clear()
  for (const variable of envFiles.keys()) {
    process.env[variable] = env[variable]
    applied.add(variable)
  }
}

function readEnvFile(root: string, file: string): Readonly<Record<string, string | undefined>> {
  let bytes: Buffer
  try {
    bytes = readFileSync(join(root, file))
  } catch (thrown) {
    const error: NodeJS.ErrnoException = toError(thrown)
    if (error.code === 'ENOENT') return {}
    throw new PyrallelError('PYR_CONFIG_LOAD', `${file} cannot be read: ${error.message.replaceAll(root, '.')}.`)
  }
  const read = writtenText(bytes)
  if (read.kind === 'fault') throw new PyrallelError('PYR_CONFIG_LOAD', `${file} ${read.fault}`)
  return parseEnv(read.text)
}
