/** Runs handlers in production: what the bundle of `pyrallel build` calls. Loads no compiler, no bundler and nothing that reads TypeScript. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { PyrallelConfig } from '../../framework/config/config.ts'
import { modeOf } from '../../framework/config/mode.ts'
import { variableOf } from '../../framework/config/option-variables.ts'
import { traceConfig } from '../../framework/config/resolve-config.ts'
import { StrayFaults } from '../../framework/execution-plane/engines/stray-faults.ts'
import { Closers } from '../../framework/model/closers.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { createLogger, type LogDestination } from '../../framework/observability/logger.ts'
import { checkTopics, openRuntime } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { RegisteredHandler, Runtime } from '../../framework/runtime/runtime.ts'
import { LAST_LINES_MS } from '../../framework/runtime/shutdown-limit.ts'
import { withLoadableEntry } from '../../framework/runtime/worker-entry.ts'
import { onReaderGone } from '../terminal/closable-output.ts'
import { errorBlock, exitCodes } from '../terminal/failure.ts'
import { hasColor } from '../terminal/io.ts'
import { logOutput } from '../terminal/log-output.ts'
import { painter } from '../terminal/paint.ts'
import { askToStop, listenToStopSignals } from '../terminal/stop-signals.ts'

const configFile = 'pyrallel.config.ts'

export interface ServerParts {
  /** The default export of pyrallel.config.ts. */
  readonly config: PyrallelConfig
  /** Of generated/routes.ts. */
  readonly routes: readonly RegisteredHandler[]
}

/** Runs until a signal comes or it cannot go on, and then ends the process: a socket that a handler left open must not keep it. */
export async function serve(parts: ServerParts): Promise<void> {
  // `build --verify` only wants to know whether everything can be imported.
  if (Reflect.get(globalThis, Symbol.for('pyrallel.verify')) === true) return
  let exitCode: number
  // Nobody is left to tell why it ends, so that is no reason to end.
  onReaderGone(process.stderr, () => {})
  try {
    exitCode = await run(parts)
  } catch (error) {
    const paint = painter(hasColor(process.stderr, process.env))
    process.stderr.write(errorBlock(error, paint, (process.env.DEBUG ?? '') !== ''))
    exitCode = exitCodes.failed
  }
  await flushed()
  process.exit(exitCode)
}

/** Where pipes are written to later (not on Linux), an exit would lose the last lines. Nobody reads them any more: they are given up. */
async function flushed(): Promise<void> {
  const written = [process.stdout, process.stderr].map(
    (stream) => new Promise<void>((resolve) => stream.write('', () => resolve())),
  )
  await Promise.race([Promise.all(written), sleep(LAST_LINES_MS)])
}

async function run({ config: input, routes }: ServerParts): Promise<number> {
  const signals = listenToStopSignals()
  try {
    // No `.env` files: in production, the environment is the platform's to set.
    const around = { mode: modeOf(process.env, 'production'), env: process.env }
    const traced = traceConfig(input, configFile, around)
    const log = createLogger(traced.config.logging, untilUnread())
    for (const { service, variables } of traced.passedOver)
      log.warn({ service, variables }, 'variables that Kubernetes sets for a Service are passed over')
    const handlers = resolveHandlers(routes.map(withLoadableEntry), traced.config)
    const uncaught = new Uncaught()
    const strayFaults = new StrayFaults({ log, onException: (error) => uncaught.add(error, log) })
    strayFaults.listen()
    const ifUnreachable = startNextStep(traced.places.get('kafka.brokers'))
    if (process.argv.includes('--check')) {
      await checkTopics(traced.config, { handlers, log, ifUnreachable })
      return exitCodes.fine
    }
    const runtime = await openRuntime(traced.config, { handlers, log, strayFaults, ifUnreachable })
    signals.onSecond = () => runtime.abort()
    // The faults are listened for until the process has ended: what is thrown while it stops must not keep it from committing.
    return await untilStopped(runtime, [signals.first, uncaught.first], log)
  } finally {
    signals.close()
  }
}

/** A reader who leaves (`node server.mjs | head -3`) asks for the same end as a signal: what is in flight is finished, and committed. */
function untilUnread(): LogDestination {
  let isRead = true
  const output = logOutput(process.stdout, process.env)
  onReaderGone(process.stdout, () => {
    isRead = false
    askToStop()
  })
  return {
    ...output,
    write: (text) => isRead && output.write(text),
  }
}

/** An exception that nobody catches, and that belongs to no record: the process stops in order, as what is in memory may be broken by now. */
class Uncaught {
  /** Rejects with the first. */
  readonly first: Promise<never>
  #reject: (error: Error) => void = () => {}

  constructor() {
    this.first = new Promise((_resolve, reject) => {
      this.#reject = reject
    })
    this.first.catch(() => {})
  }

  add(error: Error, log: Logger): void {
    log.error({ err: error }, 'an exception that nobody catches: stopping, what is done is committed first')
    const message = `Nobody caught this, and it belongs to no record: ${error.name}: ${error.message}. Catch it where its stack in the log says.`
    this.#reject(new PyrallelError('PYR_UNCAUGHT', message, { cause: error }))
  }
}

/** What is in the file was built in: correcting it there alone changes nothing. */
function startNextStep(place: string | undefined): string {
  const variable = variableOf('kafka.brokers')
  if (place === variable) return `The address is that of ${variable}: start a broker there, or correct the variable.`
  const from = place === undefined ? 'the default of kafka.brokers' : `kafka.brokers in ${place}`
  return `The address is ${from}: start a broker there, or set ${variable}=host:port. A change of ${configFile} needs another \`pyrallel build\`.`
}

async function untilStopped(runtime: Runtime, stops: readonly Promise<NodeJS.Signals>[], log: Logger): Promise<number> {
  await new Closers().around(async (closers) => {
    closers.add('the runtime', () => runtime.stop())
    const started = runtime.start().then(() => new Promise<never>(() => {}))
    const signal = await Promise.race([...stops, runtime.failed, started])
    log.info({ signal }, 'stopping: what is in flight is finished first')
  })
  return exitCodes.fine
}
