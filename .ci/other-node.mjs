/**
 * Brings another Node than the one that runs this, for tests, from the npm package that carries its binary; prints the folder that holds bin/node.
 * Touches nothing but the cache.
 *
 *   PATH="$(node .ci/other-node.mjs 24)/bin:$PATH" node --version
 */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from './cache-dir.mjs'
import { runLogged } from './run-logged.mjs'

/** What each major line is tested with. CI runs 24 and 26; 22 is there for whoever needs it. */
const versions = { 22: '22.23.3', 24: '24.21.0', 26: '26.12.1' }

async function otherNode(major) {
  const version = versions[major]
  if (version === undefined) {
    throw new Error(`Node ${major} is not known here; there are ${Object.keys(versions).join(', ')}`)
  }
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const prefix = join(cacheDir(), 'node', version)
  const home = join(prefix, 'node_modules', name)
  if (existsSync(join(home, 'bin', 'node'))) return home
  mkdirSync(prefix, { recursive: true })
  const options = ['--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--prefix', prefix]
  await runLogged(`getting Node ${version}`, ['npm', 'install', ...options, `${name}@${version}`], {
    log: join(cacheDir(), 'other-node.log'),
    timeoutMs: 300_000,
  })
  return home
}

otherNode(process.argv[2]).then(
  (home) => console.log(home),
  (error) => {
    console.error(`other-node: failed: ${error.message}`)
    process.exit(1)
  },
)
