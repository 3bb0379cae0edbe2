/** Makes the pino logger that the config asks for. Hides secrets by name; writes no payload by itself. */
import { type DestinationStream, type Logger as Pino, pino } from 'pino'
import type { LoggingSettings } from '../config.ts'
import { prettyLine } from './pretty-line.ts'

/** Where lines go. `process.stdout` satisfies it. */
export interface LogDestination {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const secretNames = [
  'password',
  'secret',
  'token',
  'authorization',
  'apiKey',
  'credentials',
  'sasl.password',
  'ssl.key.password',
]

/** Each name at the top and one and two levels down; more would cost time on every line. */
const redacted = secretNames
  .map((name) => (name.includes('.') ? `["${name}"]` : name))
  .flatMap((name) => {
    const below = name.startsWith('[') ? name : `.${name}`
    return [name, `*${below}`, `*.*${below}`]
  })

/** JSON lines, or with `pretty` one short line for people. Facts first, then a constant sentence. */
export function createLogger(settings: LoggingSettings, destination: LogDestination): Pino {
  const pretty = settings.pretty === 'auto' ? destination.isTTY === true : settings.pretty
  const stream: DestinationStream = {
    write: (line) => {
      destination.write(pretty ? prettyLine(line, destination.isTTY === true) : line)
    },
  }
  return pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redacted, censor: '(hidden)' },
    },
    stream,
  )
}
