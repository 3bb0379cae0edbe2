/** The script that imports a bundle in a process of its own. A text: it runs beside the bundle, with nothing of Pyrallel around it. */

export type VerifyMessage =
  | { readonly kind: 'begins'; readonly file: string }
  | {
      readonly kind: 'thrown'
      readonly file: string
      readonly isMissing: boolean
      readonly text: string
      readonly stack: string
    }
  | { readonly kind: 'done' }

/** In every thread: a connection that is asked for fails as one that is refused. */
const noNetwork = `
const net = await import('node:net')
net.Socket.prototype.connect = function () {
  process.nextTick(() => this.destroy(Object.assign(new Error('connect ECONNREFUSED: a build connects to nothing'), { code: 'ECONNREFUSED' })))
  return this
}
globalThis[Symbol.for('pyrallel.verify')] = true
`

const describe = `
const codes = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED', 'ERR_PACKAGE_IMPORT_NOT_DEFINED',
  'ERR_UNSUPPORTED_DIR_IMPORT', 'ERR_UNKNOWN_FILE_EXTENSION', 'ERR_REQUIRE_ESM', 'ERR_DLOPEN_FAILED', 'ERR_IMPORT_ATTRIBUTE_MISSING'])
function isMissing(error, folder) {
  const message = String(error?.message)
  // Machine code that was not built on this machine is built in the image.
  const isOfPackage = (error?.requireStack ?? []).length > 0 && !error.requireStack[0].startsWith(folder)
  if (error?.code === 'ERR_DLOPEN_FAILED' || (isOfPackage && /^Cannot find module '[^']*\\.node'/.test(message))) return false
  if (codes.has(error?.code)) return true
  if (error?.code === 'ENOENT') return String(error.path).startsWith(folder)
  if (error instanceof ReferenceError) return /^(__dirname|__filename|require|module|exports) is not defined/.test(message)
  if (error instanceof SyntaxError) return /does not provide an export named|Named export .* not found/.test(message)
  return /^Module not found in bundle:|^Dynamic require of /.test(message)
}
const told = (file, error, folder) => ({ kind: 'thrown', file, isMissing: isMissing(error, folder),
  text: error instanceof Error ? error.name + ': ' + error.message.split('\\n')[0] : String(error), stack: String(error?.stack) })
`

const thread = `(async () => {
const { parentPort, workerData } = await import('node:worker_threads')
${noNetwork}
${describe}
try {
  await import(workerData.url)
  parentPort.postMessage({ verified: true })
} catch (error) {
  parentPort.postMessage({ verified: true, thrown: told(workerData.file, error, workerData.folder) })
}
})()`

/** Its argument: a JSON text with the folder, the modules, and the entries of threads, relative to it. */
export const verifyScript = `
import { pathToFileURL } from 'node:url'
import { join, sep } from 'node:path'
import { Worker } from 'node:worker_threads'
${noNetwork}
${describe}
const { folder, modules, threads } = JSON.parse(process.argv[2])
const below = folder + sep
const send = (message) => new Promise((resolve) => process.send(message, resolve))
let current = modules[0]
const later = (error) => void send(told(current, error, below))
process.on('uncaughtException', later)
process.on('unhandledRejection', later)
const urlOf = (file) => pathToFileURL(join(folder, file)).href
for (const file of modules) {
  current = file
  await send({ kind: 'begins', file })
  try {
    await import(urlOf(file))
  } catch (error) {
    await send(told(file, error, below))
  }
}
for (const file of threads) {
  await send({ kind: 'begins', file })
  const worker = new Worker(${JSON.stringify(thread)}, { eval: true, stdout: true, stderr: true, workerData: { url: urlOf(file), file, folder: below } })
  const thrown = await new Promise((resolve) => {
    worker.on('message', (message) => message?.verified === true && resolve(message.thrown))
    worker.on('error', (error) => resolve(told(file, error, below)))
    worker.on('exit', () => resolve(undefined))
  })
  await worker.terminate()
  if (thrown !== undefined) await send(thrown)
}
await send({ kind: 'done' })
process.exit(0)
`
