/** Finds a Python that is new enough, and gets Pyrallel-Consumer from PyPI into an environment in the cache. */
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached, type PreparedSystem, runTool } from './install.ts'

/** The last release. */
const VERSION = '1.0.0'
const OLDEST_MINOR = 12
const program = fileURLToPath(new URL('../peers/pyrallel_consumer_peer.py', import.meta.url))

export async function installPyrallelConsumer(engine: 'async' | 'process'): Promise<PreparedSystem> {
  const { python, version } = await newestPython()
  const environment = await cached(`pyrallel-consumer-${VERSION}-python-${version}`, async (directory) => {
    await runTool(python, ['-m', 'venv', directory])
    await runTool(join(directory, 'bin', 'python'), ['-m', 'pip', 'install', '-q', `pyrallel-consumer==${VERSION}`])
  })
  return { command: [join(environment, 'bin', 'python'), program, engine], version: VERSION, packages: '' }
}

/** The default one is often too old; others stand beside it, by number or where pyenv keeps them. */
async function newestPython(): Promise<{ readonly python: string; readonly version: string }> {
  const found: { readonly python: string; readonly version: string; readonly minor: number }[] = []
  for (const python of candidates()) {
    const version = await runTool(python, ['-c', 'import platform; print(platform.python_version())']).then(
      (output) => output.trim(),
      () => '',
    )
    const [major, minor] = version.split('.').map(Number)
    if (major === 3 && minor !== undefined) found.push({ python, version, minor })
  }
  const [newest] = found.sort((a, b) => b.minor - a.minor)
  if (newest !== undefined && newest.minor >= OLDEST_MINOR) return newest
  const have = newest === undefined ? 'there is no Python' : `the newest Python found is ${newest.version}`
  throw new Error(`it needs Python 3.${OLDEST_MINOR} or later, and ${have}`)
}

function candidates(): readonly string[] {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  const ofPyenv = existsSync(versions)
    ? readdirSync(versions)
        .filter((name) => /^3\.\d+\.\d+$/.test(name))
        .map((name) => join(versions, name, 'bin', 'python'))
    : []
  return ['python3', 'python3.12', 'python3.13', ...ofPyenv]
}
