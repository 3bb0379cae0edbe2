/** Loads what belongs to the user's project: the config, the routes, a traffic file. Says where it went wrong. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { PyrallelConfig, ResolvedConfig } from '../../framework/config/config.ts'
import { traceConfig } from '../../framework/config/resolve-config.ts'
import { passedOverText } from '../../framework/config/service-variables.ts'
import { type ErrorCode, PyrallelError, toError } from '../../framework/model/errors.ts'
import type { FormatTable } from '../../framework/publishing/topic-formats.ts'
import type { RegisteredHandler } from '../../framework/runtime/runtime.ts'
import { applyEnvironment, type ProjectEnvironment, readEnvironment } from './environment.ts'
import { importTypeScript } from './import-typescript.ts'

export const configFile = 'pyrallel.config.ts'
export const routesFile = 'generated/routes.ts'
const formatsFile = 'generated/formats.ts'

export interface Project {
  /** Absolute. */
  readonly root: string
  readonly config: ResolvedConfig
  /** By option, where its value was written; an option without an entry has its default. */
  readonly places: ReadonlyMap<string, string>
  /** The group that the file names for all modes: `generated/` is made with it, so that it is the same in every environment. */
  readonly declaredGroup: string
  /** What was written and does not count. */
  readonly warnings: readonly string[]
}

/**
 * Also sets the variables of the project's `.env` files in this process, for the config and for handlers.
 * @throws PyrallelError PYR_CONFIG_LOAD or PYR_CONFIG_INVALID
 */
export async function loadProject(
  root: string,
  environment: ProjectEnvironment = readEnvironment(root, process.env, 'development'),
): Promise<Project> {
  refuseMissingConfig(root)
  applyEnvironment(environment)
  const module = await load<ConfigModule>(root, configFile, 'PYR_CONFIG_LOAD')
  return resolveProject(root, module, environment)
}

/** What the config's file exports. */
export interface ConfigModule {
  readonly default?: PyrallelConfig
}

/** @throws PyrallelError PYR_CONFIG_LOAD */
export function refuseMissingConfig(root: string): void {
  if (!existsSync(join(root, configFile))) {
    throw new PyrallelError(
      'PYR_CONFIG_LOAD',
      `There is no ${configFile} in ${root}. Run the command in your project's folder, or write one:\n  import { defineConfig } from 'pyrallel'\n  export default defineConfig({ group: 'my-service' })`,
    )
  }
}

/** @throws PyrallelError PYR_CONFIG_LOAD or PYR_CONFIG_INVALID */
export function resolveProject(root: string, module: ConfigModule, environment: ProjectEnvironment): Project {
  if (module.default === undefined) {
    throw new PyrallelError(
      'PYR_CONFIG_LOAD',
      `${configFile} has no default export. Write \`export default defineConfig({ group: 'my-service' })\`.`,
    )
  }
  const { config, places, passedOver } = traceConfig(module.default, configFile, environment)
  const warnings = [...environment.warnings, ...passedOver.map(passedOverText)]
  return { root, config, places, declaredGroup: module.default.group ?? config.group, warnings }
}

/** The routes as they were generated; loads the handlers with them. `undefined` when nothing has been generated. */
export async function loadRoutes(root: string): Promise<readonly RegisteredHandler[] | undefined> {
  if (!existsSync(join(root, routesFile))) return undefined
  const { routes } = await load<{ readonly routes?: readonly RegisteredHandler[] }>(
    root,
    routesFile,
    'PYR_HANDLER_EXPORT',
  )
  if (routes === undefined) {
    throw new PyrallelError(
      'PYR_GENERATED_STALE',
      `${routesFile} exports no routes: it was not made by this generator.`,
    )
  }
  return routes
}

/** What topics are written in, as it was generated: loads no handler. Empty where no topic has a format, and before the first `generate`. */
export async function loadFormats(root: string): Promise<FormatTable> {
  if (!existsSync(join(root, formatsFile))) return {}
  const { topicFormats = {} } = await load<{ readonly topicFormats?: FormatTable }>(
    root,
    formatsFile,
    'PYR_GENERATED_STALE',
  )
  return topicFormats
}

/**
 * Imports a file of the project.
 * @throws PyrallelError with `code` when the file, or one that it imports, cannot be loaded
 */
export async function load<M>(root: string, file: string, code: ErrorCode): Promise<M> {
  try {
    return (await importTypeScript(root, file)) as M
  } catch (thrown) {
    throw loadFailure(root, file, thrown, code)
  }
}

/** What is said of a file of the project that throws when it is loaded: its first line, and the place in the project. */
export function loadFailure(root: string, file: string, thrown: unknown, code: ErrorCode): PyrallelError {
  const error = toError(thrown)
  const [first = 'unknown'] = error.message.split('\n')
  const what = `${file} could not be loaded: ${error.name}: ${first.replaceAll(root, '.')}${placeIn(root, error)}`
  const message = code === 'PYR_CONFIG_LOAD' ? `${what}. Correct the line; DEBUG=1 shows the stack.` : what
  return new PyrallelError(code, message, { cause: thrown })
}

/** ` (at handlers/pay.ts:3:1)`: the first line of the stack that is the project's own. */
export function placeIn(root: string, error: Error): string {
  for (const line of (error.stack ?? '').split('\n')) {
    const found = projectPlace(root, line)
    if (found !== undefined) return ` (at ${found})`
  }
  return ''
}

/** `handlers/pay.ts:3:1` of a line of a stack, when it is in the project and not in a library. */
export function projectPlace(root: string, line: string): string | undefined {
  const start = line.indexOf(`${root}/`)
  if (start < 0 || line.includes('/node_modules/')) return undefined
  return /^[^\s)?]+?:\d+:\d+/.exec(line.slice(start + root.length + 1).replace(/\?[^:]*/, ''))?.[0]
}
