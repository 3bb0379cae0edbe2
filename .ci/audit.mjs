/**
 * Asks the registry about known vulnerabilities of the production dependencies in package-lock.json. Changes nothing.
 * Ends with 1 when there are any; with 0 when there are none, and when the registry does not answer such questions, which it then says.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const timeoutMs = 60_000
const root = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * Where each package lies that users get, as the lock has it. npm's own `--omit=dev` would leave out what is an optional dependency and one of
 * development, too: the lock counts that as development alone.
 */
function shippedNodes() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const shipped = new Set([''])
  for (const at of shipped) {
    const { dependencies, optionalDependencies, peerDependencies } = packages[at]
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const node = nodeOf(name, at, packages)
      if (node !== undefined) shipped.add(node)
    }
  }
  return shipped
}

/** As Node finds a package: in the nearest node_modules above. `undefined` for an optional one that is not there. */
function nodeOf(name, from, packages) {
  const parts = from === '' ? [] : from.split('/node_modules/')
  const inside = parts.map((_, index) => [...parts.slice(0, parts.length - index), name].join('/node_modules/'))
  return [...inside, `node_modules/${name}`].find((node) => node in packages)
}

/** @returns what npm said, as an object; `undefined` when it said nothing that can be read */
function report() {
  const options = { cwd: root, encoding: 'utf8', timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 }
  const { stdout } = spawnSync('npm', ['audit', '--package-lock-only', '--json'], options)
  try {
    return JSON.parse(stdout)
  } catch {
    return undefined
  }
}

function main() {
  const { vulnerabilities, message } = report() ?? {}
  if (vulnerabilities === undefined) {
    console.log(`audit: LEFT OUT: the registry does not tell vulnerabilities here (${message ?? 'npm gave no answer'})`)
    return 0
  }
  const shipped = shippedNodes()
  const found = Object.values(vulnerabilities).filter(({ nodes }) => (nodes ?? ['']).some((node) => shipped.has(node)))
  for (const { name, range, severity, via } of found) {
    // A text names the dependency that is the reason; it has an entry of its own.
    const reasons = via.map((each) => (typeof each === 'string' ? `by ${each}` : `${each.title}, ${each.url}`))
    console.error(`audit: ${severity}: ${name} ${range}: ${reasons.join('; ')}`)
  }
  console.log(`audit: ${found.length} production dependencies with known vulnerabilities`)
  return found.length === 0 ? 0 : 1
}

process.exitCode = main()
