/**
 * Shows an exception that nobody catches as any other error, and ends the process as Node would. Node itself prints all properties of such an error,
 * and libraries put requests with their headers there, which hold secrets.
 */
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import { errorBlock, exitCodes } from './failure.ts'
import { painter } from './paint.ts'

export function showTheUncaught({ stderr }: { readonly stderr: { write(text: string): unknown } }): void {
  process.on('uncaughtException', function lastResort(thrown: unknown) {
    // Who runs handlers listens too, and decides what becomes of it. A build that the command has started has brought a copy of this.
    if (process.listeners('uncaughtException').some(({ name }) => name !== lastResort.name)) return
    const cause = toError(thrown)
    const error = new PyrallelError('PYR_UNCAUGHT', `Nobody caught this: ${cause.name}: ${cause.message}`, { cause })
    stderr.write(errorBlock(error, painter(false), true))
    process.exit(exitCodes.failed)
  })
}
