/** Refuses a project without a handler, for the verbs that have nothing to do then. */
import { PyrallelError } from '../../framework/model/errors.ts'

/** @throws PyrallelError PYR_HANDLER_EXPORT with a handler to begin with */
export function refuseEmpty(handlers: readonly unknown[]): void {
  if (handlers.length > 0) return
  throw new PyrallelError(
    'PYR_HANDLER_EXPORT',
    "There is no handler below handlers/. Write one, handlers/hello.ts:\n  import { handler } from 'pyrallel'\n  export default handler('hello', async (record, context) => context.log.info({ value: record.value }, 'hello'))",
  )
}
