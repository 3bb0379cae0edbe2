/** Everything of `pyrallel dev` that comes before a broker: config, generated files, handlers, traffic. */

import { PyrallelError } from '../../framework/model/errors.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { createLogger } from '../../framework/observability/logger.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { ResolvedHandler } from '../../framework/runtime/runtime.ts'
import type { TrafficRecord } from '../../framework/traffic.ts'
import { generate, writeFiles } from '../codegen/generate.ts'
import { hasColor, type Io } from '../io.ts'
import { loadProject, loadRoutes, type Project } from '../project.ts'
import { reportDiagnostics } from '../report-diagnostics.ts'
import type { DevOptions } from './dev-options.ts'
import { loadTraffic, standardTrafficFile } from './load-traffic.ts'

export interface PreparedDev {
  readonly project: Project
  readonly handlers: readonly ResolvedHandler[]
  readonly traffic: { readonly file: string; readonly source: Iterator<TrafficRecord> } | undefined
  readonly log: Logger
  readonly generatedMs: number
}

/** `undefined` when handlers/ has mistakes; they have been printed. */
export async function prepareDev(options: DevOptions, io: Io): Promise<PreparedDev | undefined> {
  const project = await loadProject(io.cwd())
  const { root, config } = project
  const generatedAt = performance.now()
  const { diagnostics, stale } = await generate(root, config.group)
  if (diagnostics.length > 0) {
    reportDiagnostics(diagnostics, io)
    return undefined
  }
  writeFiles(root, stale)
  const generatedMs = performance.now() - generatedAt
  const handlers = resolveHandlers((await loadRoutes(root)) ?? [], config)
  if (handlers.length === 0) {
    throw new PyrallelError(
      'PYR_HANDLER_EXPORT',
      "There is no handler below handlers/. Write one, handlers/hello.ts:\n  import { handler } from 'pyrallel'\n  export default handler('hello', async (record, context) => context.log.info({ value: record.value }, 'hello'))",
    )
  }
  // On standard error, so that standard output carries nothing but events.
  const destination = { isTTY: hasColor(io.stderr, io.env), write: (text: string) => io.stderr.write(text) }
  const { level, pretty } = config.logging
  const log = createLogger({ level, pretty: pretty === 'auto' ? options.json !== true : pretty }, destination)
  return { project, handlers, traffic: await trafficOf(root, options), log, generatedMs }
}

async function trafficOf(root: string, { traffic, records, seed }: DevOptions): Promise<PreparedDev['traffic']> {
  if ((traffic === undefined || traffic === false) && records === undefined) return undefined
  const file = typeof traffic === 'string' ? traffic : standardTrafficFile
  return { file, source: await loadTraffic(root, file, seed) }
}
