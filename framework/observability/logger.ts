/** Makes the pino logger that the config asks for. Hides secrets by name; writes no payload by itself. */
import { type DestinationStream, type Logger as Pino, pino } from 'pino'
import type { LoggingSettings } from '../config/config.ts'
import { cutText, harmlessJson, MAX_MESSAGE, MAX_STACK } from '../model/plain-text.ts'
import { withoutSecrets, withoutSecretTexts } from './hidden-secrets.ts'
import { prettyLine } from './pretty-line.ts'

/** Where lines go. `process.stdout` satisfies it. */
export interface LogDestination {
  readonly isTTY?: boolean
  /** Whether lines for people have colours: for whoever knows the environment to decide. Default false. */
  readonly isColored?: boolean
  write(text: string): unknown
}

/** JSON lines, or with `pretty` one short line for people. Facts first, then a constant sentence. */
export function createLogger(settings: LoggingSettings, destination: LogDestination): Pino {
  const pretty = settings.pretty === 'auto' ? destination.isTTY === true : settings.pretty
  const stream: DestinationStream = {
    write: (written) => {
      const line = withoutSecretTexts(written)
      destination.write(pretty ? prettyLine(line, destination.isColored === true) : harmlessJson(line))
    },
  }
  const log = pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withoutSecrets },
      // Errors are taken apart where secrets are taken out.
      serializers: { err: bounded },
    },
    stream,
  )
  // What a child carries is formatted by nobody. Children inherit this.
  const child = log.child
  log.child = function (this: Pino, bindings, options) {
    return child.call(this, withoutSecrets(bindings), options)
  } as typeof child
  return log
}

/** An error as it was taken apart: what it says may have come with a record. */
function bounded(shown: unknown): unknown {
  if (typeof shown !== 'object' || shown === null) return shown
  const { message, stack } = shown as { readonly message?: unknown; readonly stack?: unknown }
  return {
    ...shown,
    ...(typeof message === 'string' && { message: cutText(message, MAX_MESSAGE) }),
    ...(typeof stack === 'string' && { stack: cutText(stack, MAX_STACK) }),
  }
}
