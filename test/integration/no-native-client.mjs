/** Loaded before the command: every import of the native Kafka client fails, as it does where it was never built. */
import { register } from 'node:module'

const hooks = `
export async function resolve(specifier, context, next) {
  if (specifier === '@confluentinc/kafka-javascript') {
    throw Object.assign(new Error("Cannot find package '@confluentinc/kafka-javascript'"), { code: 'ERR_MODULE_NOT_FOUND' })
  }
  return next(specifier, context)
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
