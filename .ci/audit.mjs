/**
 * Asks the registry about known vulnerabilities of the production dependencies in package-lock.json. Changes nothing.
 * Ends with 1 when there are any; with 0 when there are none, and when the registry does not answer such questions, which it then says.
 */
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const timeoutMs = 60_000

/** @returns what npm said, as an object; `undefined` when it said nothing that can be read */
function report() {
  const root = dirname(dirname(fileURLToPath(import.meta.url)))
  const options = { cwd: root, encoding: 'utf8', timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 }
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--package-lock-only', '--json'], options)
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
  const found = Object.values(vulnerabilities)
  for (const { name, range, severity, via } of found) {
    // A text names the dependency that is the reason; it has an entry of its own.
    const reasons = via.map((each) => (typeof each === 'string' ? `by ${each}` : `${each.title}, ${each.url}`))
    console.error(`audit: ${severity}: ${name} ${range}: ${reasons.join('; ')}`)
  }
  console.log(`audit: ${found.length} production dependencies with known vulnerabilities`)
  return found.length === 0 ? 0 : 1
}

process.exitCode = main()
