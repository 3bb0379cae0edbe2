/** Gets the two consumers whose groups can be taken over, from Maven Central and PyPI into the cache, and tells how a member of each is started. Plain JavaScript: set-up runs it. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir } from '../../../.ci/cache-dir.mjs'
import { filled, installJavaProgram, javaCommand, javaCompiler } from '../java-program.mjs'
import { run } from '../kafka-jars.mjs'

const parallelConsumerVersion = '0.5.3.3'
const pyrallelConsumerVersion = '1.0.0'
const oldestPython = 12

const here = (name) => fileURLToPath(new URL(`./${name}`, import.meta.url))
const parallelConsumer = {
  name: join('predecessors', `parallel-consumer-${parallelConsumerVersion}`),
  dependencies: [`io.confluent.parallelconsumer:parallel-consumer-core:${parallelConsumerVersion}`],
  sources: ['ParallelConsumerMember.java', 'ParallelConsumerVectors.java'].map(here),
}

function pyrallelConsumerDir() {
  return join(cacheDir(), 'predecessors', `pyrallel-consumer-${pyrallelConsumerVersion}`)
}

/** How a member is started, before its arguments: brokers, group, topic, the file for what is done, the prefix of keys that are never done. Undefined where it is not installed. */
export function parallelConsumerCommand(main = 'ParallelConsumerMember') {
  return javaCommand(parallelConsumer, main)
}

/** How a program of a user is compiled, and how it is started, in the folder of its sources. Undefined where Parallel Consumer is not installed. */
export function parallelConsumerProgram(sources, main) {
  const output = 'classes'
  const compile = javaCompiler(parallelConsumer, output, sources)
  const command = javaCommand(parallelConsumer, main, output)
  return compile === undefined || command === undefined ? undefined : { compile, command }
}

/** The same of Pyrallel-Consumer. */
export function pyrallelConsumerCommand(program = here('pyrallel_consumer_member.py')) {
  const python = join(pyrallelConsumerDir(), 'bin', 'python')
  return existsSync(python) ? [python, program] : undefined
}

/** @throws Error with what the tool said, when it cannot be had */
export async function installParallelConsumer() {
  await installJavaProgram(parallelConsumer)
}

/** @throws Error with what the tool said, when it cannot be had */
export async function installPyrallelConsumer() {
  const python = newestPython()
  await filled(pyrallelConsumerDir(), async (directory) => {
    await run(python, ['-m', 'venv', directory])
    const packages = [`pyrallel-consumer==${pyrallelConsumerVersion}`]
    await run(join(directory, 'bin', 'python'), [
      '-m',
      'pip',
      'install',
      '-q',
      '--disable-pip-version-check',
      ...packages,
    ])
  })
}

/** The default one is often too old; others stand beside it, by number or where pyenv keeps them. */
function newestPython() {
  const ofPyenv = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  const names = existsSync(ofPyenv) ? readdirSync(ofPyenv).map((name) => join(ofPyenv, name, 'bin', 'python')) : []
  const found = ['python3', 'python3.12', 'python3.13', 'python3.14', ...names].flatMap((python) => {
    const { stdout } = spawnSync(python, ['-c', 'import sys; print(*sys.version_info[:2])'], { encoding: 'utf8' })
    const [major, minor] = (stdout ?? '').trim().split(' ').map(Number)
    return major === 3 && minor >= oldestPython ? [{ python, minor }] : []
  })
  const newest = found.sort((a, b) => b.minor - a.minor)[0]
  if (newest === undefined) throw new Error(`no Python 3.${oldestPython} or later was found`)
  return newest.python
}
