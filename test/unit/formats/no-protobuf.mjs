/** Loaded before a test's process: every import of the library of Protobuf fails, as it does where npm has left it out. */
import { register } from 'node:module'

const hooks = `
export async function resolve(specifier, context, next) {
  if (specifier.startsWith('@bufbuild/protobuf')) {
    throw Object.assign(new Error("Cannot find package '@bufbuild/protobuf'"), { code: 'ERR_MODULE_NOT_FOUND' })
  }
  return next(specifier, context)
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
