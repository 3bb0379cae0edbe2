/** The logger that the framework writes to. pino satisfies it as it is. */

/** Facts first, then a constant sentence: `log.warn({ partitions: ['orders[3]'], waitedMs: 5000 }, 'revoke grace is over')`. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(bindings: object): Logger
  /** False: lines of this level go nowhere, and need not be put together. Without it, all are wanted. */
  isLevelEnabled?(level: string): boolean
}
