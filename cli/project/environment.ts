/** The environment of a project: its `.env` files below what the process was started with, and the mode that decides which of them count. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { ConfigSurroundings } from '../../framework/config/config-layers.ts'
import { type Mode, modeOf } from '../../framework/config/mode.ts'
import type { Environment } from '../../framework/config/option-variables.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'

export interface ProjectEnvironment extends ConfigSurroundings {
  /** By variable: the file it was read from. */
  readonly envFiles: ReadonlyMap<string, string>
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
  for (const file of envFilesOf(mode)) {
    for (const [variable, value] of Object.entries(readEnvFile(root, file))) {
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
  return { mode, env: values, envFiles }
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
  let text: string
  try {
    text = readFileSync(join(root, file), 'utf8')
  } catch (thrown) {
    const error: NodeJS.ErrnoException = toError(thrown)
    if (error.code === 'ENOENT') return {}
    throw new PyrallelError('PYR_CONFIG_LOAD', `${file} cannot be read: ${error.message.replaceAll(root, '.')}.`)
  }
  return parseEnv(text)
}
