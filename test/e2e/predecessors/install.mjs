/** Gets the two consumers whose groups can be taken over, from Maven Central and PyPI into the cache, and tells how a member of each is started. Plain JavaScript: set-up runs it. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir } from '../../../.ci/cache-dir.mjs'
import { run } from '../kafka-jars.mjs'

const parallelConsumerVersion = '0.5.3.3'
const pyrallelConsumerVersion = '1.0.0'
const oldestPython = 12

const here = (name) => fileURLToPath(new URL(`./${name}`, import.meta.url))
const sources = ['ParallelConsumerMember.java', 'ParallelConsumerVectors.java'].map(here)

// ECJ is a compiler that a Java without one can run.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pyrallel</groupId><artifactId>parallel-consumer-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>io.confluent.parallelconsumer</groupId><artifactId>parallel-consumer-core</artifactId><version>${parallelConsumerVersion}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.13</version></dependency>
    <dependency><groupId>org.eclipse.jdt</groupId><artifactId>ecj</artifactId><version>3.38.0</version></dependency>
  </dependencies>
</project>
`

/** Everything that the classes are made from is in the name: what is there is never made again. */
function parallelConsumerDir() {
  const hash = createHash('sha256').update(pom)
  for (const source of sources) hash.update(readFileSync(source))
  return join(
    cacheDir(),
    'predecessors',
    `parallel-consumer-${parallelConsumerVersion}-${hash.digest('hex').slice(0, 12)}`,
  )
}

function pyrallelConsumerDir() {
  return join(cacheDir(), 'predecessors', `pyrallel-consumer-${pyrallelConsumerVersion}`)
}

/** How a member is started, before its arguments: brokers, group, topic, the file for what is done, the prefix of keys that are never done. Undefined where it is not installed. */
export function parallelConsumerCommand(main = 'ParallelConsumerMember') {
  const directory = parallelConsumerDir()
  return existsSync(directory) ? startJava(directory, join(directory, 'classes'), main) : undefined
}

/** How a program of a user is compiled, and how it is started, in the folder of its sources. Undefined where Parallel Consumer is not installed. */
export function parallelConsumerProgram(sources, main) {
  const directory = parallelConsumerDir()
  if (!existsSync(directory)) return undefined
  const output = 'classes'
  return {
    compile: compileJava(join(directory, 'jars'), output, sources),
    command: startJava(directory, output, main),
  }
}

/** The same of Pyrallel-Consumer. */
export function pyrallelConsumerCommand(program = here('pyrallel_consumer_member.py')) {
  const python = join(pyrallelConsumerDir(), 'bin', 'python')
  return existsSync(python) ? [python, program] : undefined
}

function startJava(directory, classes, main) {
  const classpath = [classes, join(directory, 'jars', '*')].join(delimiter)
  return ['java', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx256m', '-cp', classpath, main]
}

function compileJava(jars, output, sources) {
  const compiler = 'org.eclipse.jdt.internal.compiler.batch.Main'
  return ['java', '-cp', join(jars, '*'), compiler, '-17', '-nowarn', '-cp', jarsIn(jars), '-d', output, ...sources]
}

/** @throws Error with what the tool said, when it cannot be had */
export async function installParallelConsumer() {
  await filled(parallelConsumerDir(), async (directory) => {
    const file = join(directory, 'pom.xml')
    const jars = join(directory, 'jars')
    writeFileSync(file, pom)
    const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
    await run('mvn', ['-q', '-B', '-f', file, plugin, `-DoutputDirectory=${jars}`, '-DincludeScope=runtime'])
    const [program, ...args] = compileJava(jars, join(directory, 'classes'), sources)
    await run(program, args)
  })
}

/** ECJ knows no wildcards. */
function jarsIn(directory) {
  return readdirSync(directory)
    .map((name) => join(directory, name))
    .join(delimiter)
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

/** All or nothing. @param {string} target @param {(directory: string) => Promise<void>} fill */
async function filled(target, fill) {
  if (existsSync(target)) return
  mkdirSync(dirname(target), { recursive: true })
  const scratch = mkdtempSync(`${target}.partial-`)
  try {
    await fill(scratch)
    renameSync(scratch, target)
  } catch (error) {
    // Another set-up was faster: its directory is as good as ours.
    if (!existsSync(target)) throw error
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
