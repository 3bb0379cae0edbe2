/** Everything of `pyrallel dev` that comes before a broker: the app is loaded once, and what is wrong with it is said. */

import { closeAfterFailure } from '../../framework/model/closers.ts'
import { reportDiagnostics, reportWarnings } from '../diagnostics/report-diagnostics.ts'
import { refuseEmpty } from '../project/refuse-empty.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { painter } from '../terminal/paint.ts'
import { AppLoader, type LoadedApp } from './app/app-loader.ts'
import { removeOldBuilds } from './app/build-folder.ts'
import type { DevOptions } from './broker/dev-options.ts'
import { trafficFileOf } from './traffic/traffic-file.ts'

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
  removeOldBuilds(root)
  const env = options.registry === undefined ? io.env : { ...io.env, PYRALLEL_REGISTRY_URL: options.registry }
  const loader = new AppLoader({ root, env, trafficFile })
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
    reportDiagnostics(load.diagnostics, io, 'Nothing was started.')
  } catch (error) {
    await closeAfterFailure(() => loader.close())
    throw error
  }
  await loader.close()
  return undefined
}
