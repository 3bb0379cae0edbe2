/** Everything of `pyrallel dev` that comes before a broker: the app is loaded once, and what is wrong with it is said. */

import type { ResolvedConfig } from '../../framework/config/config.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { createLogger } from '../../framework/observability/logger.ts'
import { prettyLine } from '../../framework/observability/pretty-line.ts'
import type { Clock } from '../../framework/time/clock.ts'
import { reportDiagnostics, reportWarnings } from '../diagnostics/report-diagnostics.ts'
import { refuseEmpty } from '../project/refuse-empty.ts'
import { hasColor, type Io, type Output } from '../terminal/io.ts'
import { painter } from '../terminal/paint.ts'
import { AppLoader, type LoadedApp } from './app/app-loader.ts'
import { removeOldBuilds } from './app/build-folder.ts'
import type { DevOptions } from './broker/dev-options.ts'
import { trafficFileOf } from './traffic/traffic-file.ts'
import { LogFold } from './view/log-fold.ts'

export interface PreparedDev {
  /** The project's folder, absolute. */
  readonly root: string
  readonly loader: AppLoader
  readonly app: LoadedApp
  /** Relative to the project; `undefined`: no traffic. */
  readonly trafficFile: string | undefined
  /** Before any file was read; milliseconds since the Unix epoch. */
  readonly since: number
}

/** `undefined` when handlers/ has mistakes; they have been printed. */
export async function prepareDev(options: DevOptions, io: Io): Promise<PreparedDev | undefined> {
  const root = io.cwd()
  const trafficFile = trafficFileOf(root, options)
  process.setSourceMapsEnabled(true)
  removeOldBuilds(root)
  const loader = new AppLoader({ root, env: io.env, trafficFile })
  const since = Date.now()
  try {
    const load = await loader.load([])
    if (load.kind === 'loaded') {
      const paint = painter(hasColor(io.stderr, io.env))
      for (const warning of load.app.project.warnings) io.stderr.write(`${paint('yellow', '!')} ${warning}\n`)
      reportWarnings(load.app.warnings, io)
      refuseEmpty(load.app.handlers)
      return { root, loader, app: load.app, trafficFile, since }
    }
    reportDiagnostics(load.diagnostics, io)
  } catch (error) {
    await loader.close()
    throw error
  }
  await loader.close()
  return undefined
}

/** On standard error, so that standard output carries nothing but events. */
export function devLogger({ logging }: ResolvedConfig, options: DevOptions, { stderr, fold }: DevLogOutput): Logger {
  const { level, pretty } = logging
  const isForPeople = pretty === 'auto' ? options.json !== true : pretty
  const write = (line: string) => (isForPeople ? fold.write(line) : stderr.write(line))
  return createLogger({ level, pretty: false }, { write })
}

export interface DevLogOutput {
  /** For programs: lines of JSON. */
  readonly stderr: Output
  /** For people. */
  readonly fold: LogFold
}

/** Close it, or its last lines are missing. */
export function openLogFold(stderr: Output, { stderr: terminal, env }: Io, clock: Clock): LogFold {
  const isColored = hasColor(terminal, env)
  return new LogFold({ clock, write: (line) => stderr.write(prettyLine(line, isColored)) })
}
