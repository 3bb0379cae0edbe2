/** A logger that keeps what it is told, for tests that look at it. */
import type { Logger } from '../../../framework/model/logger.ts'

export interface LoggedLine {
  readonly level: string
  readonly message: string
  readonly fields: object
}

export function recordedLog(): { readonly log: Logger; readonly lines: LoggedLine[] } {
  const lines: LoggedLine[] = []
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields })
  }
  const log: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  }
  return { log, lines }
}
